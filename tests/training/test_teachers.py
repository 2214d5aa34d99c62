"""Distillation: what a network learns from others, and that a training with teachers is as safe as one without."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from muslin.analysis import analyze
from muslin.data import Dataset, Split
from muslin.design import Design, load_design, parse_design
from muslin.engine.machine import flushes_denormals
from muslin.errors import DesignError
from muslin.network import Network, predict
from muslin.recipe import Adam, Augmentation, Constant, Distillation, EarlyStopping, Recipe, load_recipe
from muslin.training.batches import Batch, Batches
from muslin.training.callbacks import Callback
from muslin.training.checkpoint import Checkpoints
from muslin.training.fit import fit
from muslin.training.forward import log_probabilities
from muslin.training.history import Epoch
from muslin.training.loop import TrainingLoop
from muslin.training.outcome import Fitted
from muslin.training.progress import ShowProgress
from muslin.training.state import Training
from muslin.training.teachers import distilled, teacher
from muslin.trials.arm import Arm

pytestmark = pytest.mark.usefixtures("one_thread")

SETTINGS = Distillation(teachers=2, epochs=2, widen=1.5, weight=0.6, temperature=3.0)
TAUGHT = load_recipe("fast").with_(epochs=2, batch_size=20, distillation=SETTINGS)
STEPS = 10  # an epoch


class Watch(Callback):
    """Counts the steps of teachers and network, and stops at some step of one of them, as the system would."""

    def __init__(self, stop: tuple[str, int] | None = None) -> None:
        self.stop = stop
        self.steps: dict[str, int] = {}

    def for_teacher(self, number: int, of: int) -> Callback:
        assert of == SETTINGS.teachers
        return _Counter(self, f"teacher {number}")

    def on_step(self, training: Training) -> None:
        self.count("network", training)

    def count(self, who: str, training: Training) -> None:
        self.steps[who] = self.steps.get(who, 0) + 1
        if self.stop == (who, training.step):
            os.kill(os.getpid(), signal.SIGTERM)


class _Counter(Callback):
    def __init__(self, watch: Watch, who: str) -> None:
        self.watch, self.who = watch, who

    def on_step(self, training: Training) -> None:
        self.watch.count(self.who, training)


def weights(fitted: Fitted) -> dict[str, np.ndarray]:
    return {name: array.numpy().copy() for name, array in fitted.network.state_dict().items()}


def same(first: Fitted, second: Fitted) -> bool:
    ours, theirs = weights(first), weights(second)
    return all(np.array_equal(ours[name], theirs[name]) for name in ours)


@pytest.fixture(scope="module")
def unbroken(small: Design, few: Dataset) -> tuple[Fitted, Watch]:
    watch = Watch()
    return fit(small, few, TAUGHT, seed=3, callbacks=[watch]), watch


def test_a_teacher_is_the_design_with_more_of_everything_but_classes() -> None:
    design = load_design("custom_cnn")
    wide = teacher(design, Distillation(widen=2))
    assert wide.classes == design.classes
    assert analyze(wide).parameters == 10 * 64 + (64 * 9 + 1) * 128 + (128 * 9 + 1) * 256 + 257 * 10
    dense = teacher(load_design("dense_baseline"), Distillation(widen=0.5))
    assert [layer.units for layer in dense.layers if layer.kind == "dense"] == [
        layer.units if layer is load_design("dense_baseline").output_layer or layer.units == 10 else layer.units // 2
        for layer in load_design("dense_baseline").layers
        if layer.kind == "dense"
    ]


def test_a_deeper_teacher_repeats_convolutions_and_nothing_else() -> None:
    deep = teacher(load_design("custom_cnn"), Distillation(widen=1, deepen=3))
    names = [layer.name for layer in deep.layers]
    assert names[:5] == ["conv1", "conv1_2", "conv1_3", "pool1", "conv2"]
    own = {row.name: row.output_shape for row in analyze(load_design("custom_cnn")).layers}
    assert all(row.output_shape == own[row.name] for row in analyze(deep).layers if row.name in own)
    strided = parse_design("""
    name = "strided"
    input_shape = [9, 9, 1]
    layers = [
      {kind = "conv2d", name = "a", filters = 4, stride = 2, padding = "valid"},
      {kind = "conv2d", name = "a_2", filters = 5},
      {kind = "flatten", name = "flatten"},
      {kind = "dense", name = "output", units = 3, activation = "softmax"},
    ]
    """)
    rows = analyze(teacher(strided, Distillation(widen=1, deepen=2))).layers
    assert [(row.name, row.output_shape) for row in rows][:4] == [
        ("a", (4, 4, 4)),
        ("a_2_", (4, 4, 4)),
        ("a_2", (4, 4, 5)),
        ("a_2_2", (4, 4, 5)),
    ]


def test_teachers_may_be_trained_with_other_steps_and_dropout(
    small: Design, few: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    lessons: list[Recipe] = []
    plain = TrainingLoop.__init__

    def note(self: Training, *arguments: object) -> None:
        plain(self, *arguments)  # type: ignore[arg-type]
        lessons.append(self.recipe)

    monkeypatch.setattr(TrainingLoop, "__init__", note)
    settings = Distillation(teachers=1, epochs=1, widen=1, learning_rate=0.007, dropout=0.3)
    fit(small, few, TAUGHT.with_(distillation=settings, epochs=1), seed=3)
    teachers, own = lessons
    assert (teachers.optimizer.learning_rate, teachers.dropout) == (0.007, 0.3)
    assert (own.optimizer, own.dropout) == (TAUGHT.optimizer, TAUGHT.dropout)


def test_the_loss_is_that_of_hinton_vinyals_and_dean() -> None:
    rng = np.random.default_rng(0)
    logits, theirs = rng.normal(size=(4, 5)), rng.normal(size=(4, 5))
    labels = np.array([0, 1, 4, 4])

    def softmax(values: np.ndarray) -> np.ndarray:
        powers = np.exp(values)
        return powers / powers.sum(1, keepdims=True)

    soft, hard = 0.0, 0.0
    for row in range(4):
        told, said = softmax(theirs / 3)[row], softmax(logits / 3)[row]
        soft -= sum(told[k] * np.log(said[k]) for k in range(5)) / 4
        hard -= np.log(softmax(logits)[row, labels[row]]) / 4
    batch = Batch(torch.zeros(4, 1, 1, 1), torch.from_numpy(labels), torch.from_numpy(softmax(theirs / 3)))
    by_labels = torch.nn.functional.cross_entropy(torch.from_numpy(logits), batch.labels)
    found = distilled(by_labels, torch.from_numpy(logits), batch, SETTINGS).item()
    assert found == pytest.approx(0.6 * 9 * soft + 0.4 * hard, rel=1e-12)
    assert distilled(by_labels, torch.from_numpy(logits), batch, None) is by_labels


def test_each_image_comes_with_the_answers_to_it_whichever_way_it_is_shown() -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 5, 5, 1), np.uint8)
    recipe = Recipe(name="r", epochs=1, batch_size=7, augmentation=Augmentation(flip=True))
    batches = Batches(Split(images, np.arange(40) % 3), recipe, 0, torch.device("cpu"), torch.arange(40.0)[:, None])
    shown = set()
    for epoch in (1, 2):
        for batch in batches.epoch(epoch):
            assert batch.taught is not None
            for image, answer in zip(batch.images, batch.taught, strict=True):
                pixels, number = (image[0] * 255).round().numpy().astype(np.uint8), int(answer)
                mirrored = not np.array_equal(pixels, images[number, :, :, 0])
                assert not mirrored or np.array_equal(pixels, images[number, :, ::-1, 0])
                shown.add((number, mirrored))
    assert len(shown) == 80


def test_the_answers_are_those_of_networks_trained_alone(
    small: Design, few: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    taught: list[torch.Tensor] = []
    seeds: list[int] = []
    plain = TrainingLoop.__init__

    def note(self: Training, *arguments: object) -> None:
        plain(self, *arguments)  # type: ignore[arg-type]
        seeds.append(self.seed)
        if self.batches.taught is not None:
            taught.append(self.batches.taught)

    with monkeypatch.context() as patch:
        patch.setattr(TrainingLoop, "__init__", note)
        fit(small, few, TAUGHT, seed=3)
    assert len(set(seeds)) == 3
    alone = [fit(teacher(small, SETTINGS), few, TAUGHT.with_(distillation=None), seed=seed) for seed in seeds[:2]]
    sides = few.train.images, np.ascontiguousarray(few.train.images[:, :, ::-1])
    logits = [np.log(predict(fitted.network, side)) for fitted in alone for side in sides]
    expected = torch.from_numpy(np.mean(logits, axis=0) / 3).softmax(-1)
    torch.testing.assert_close(taught[0], expected, atol=1e-5, rtol=1e-4)


def test_a_teachers_accuracy_is_that_of_the_weights_it_answers_with(
    small: Design, few: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: list[float] = []
    last: dict[int, float] = {}

    def note(network: Network, images: np.ndarray) -> torch.Tensor:
        known.append(float((predict(network, few.validation.images).argmax(1) == few.validation.labels).mean()))
        return log_probabilities(network, images)

    class Lasts(Callback):
        def __init__(self, teacher: int = 0) -> None:
            self.teacher = teacher

        def for_teacher(self, number: int, of: int) -> Callback:
            return Lasts(number)

        def on_epoch(self, training: Training, epoch: Epoch) -> None:
            last[self.teacher] = epoch.validation_accuracy

    monkeypatch.setattr("muslin.training.teachers.log_probabilities", note)
    settings = SETTINGS.model_copy(update={"epochs": 12})
    hasty = Adam(learning_rate=0.03)
    recipe = TAUGHT.with_(
        distillation=settings, early_stopping=EarlyStopping(patience=2), schedule=Constant(), optimizer=hasty
    )
    outcome = fit(small, few, recipe, seed=3, callbacks=[Lasts()]).outcome
    assert outcome.teachers == pytest.approx(known[::2])
    assert outcome.teachers != pytest.approx([last[1], last[2]])  # the best epoch was not the last


def test_it_says_what_the_teachers_knew_and_counts_their_time(unbroken: tuple[Fitted, Watch]) -> None:
    fitted, watch = unbroken
    assert watch.steps == {"teacher 1": 2 * STEPS, "teacher 2": 2 * STEPS, "network": 2 * STEPS}
    assert len(fitted.outcome.teachers) == 2
    assert all(0 < accuracy <= 1 for accuracy in fitted.outcome.teachers)
    assert fitted.outcome.seconds > sum(fitted.history.column("seconds"))
    assert fitted.outcome.epochs == 2
    assert fitted.history.last.loss < 3  # by the labels: chance is 2.3


def test_teachers_change_what_is_learned(unbroken: tuple[Fitted, Watch], small: Design, few: Dataset) -> None:
    assert not same(unbroken[0], fit(small, few, TAUGHT.with_(distillation=None), seed=3))


@pytest.mark.parametrize("who", ["teacher 1", "teacher 2", "network"])
def test_stopped_anywhere_and_resumed_it_ends_with_the_same_bits(
    who: str, unbroken: tuple[Fitted, Watch], small: Design, few: Dataset, tmp_path: Path
) -> None:
    def go(stop: tuple[str, int] | None) -> tuple[Fitted, Watch]:
        watch = Watch(stop)
        return fit(small, few, TAUGHT, seed=3, callbacks=[watch], checkpoints=Checkpoints(tmp_path, resume=True)), watch

    stopped, before = go((who, STEPS + 3))
    assert stopped.outcome.end == "interrupted"
    of = f", of {who} of 2" if "teacher" in who else ""
    assert stopped.outcome.reason == f"interrupted in epoch 2 of 2{of}"
    again, after = go(None)
    assert again.outcome.end == "finished"
    assert same(again, unbroken[0])
    assert again.outcome.teachers == unbroken[0].outcome.teachers
    for name in unbroken[1].steps:  # none is made twice
        assert before.steps.get(name, 0) + after.steps.get(name, 0) == 2 * STEPS
    Checkpoints(tmp_path).drop()
    assert not tmp_path.exists()


class _SendToTeachers(Callback):
    def __init__(self, sent: Callback) -> None:
        self.sent = sent

    def for_teacher(self, number: int, of: int) -> Callback:
        return self.sent


class _StopAfterTheLastValidation(Callback):
    """Too late for the training to notice: it has no more steps."""

    def on_epoch(self, training: Training, epoch: Epoch) -> None:
        if len(training.history) == training.recipe.epochs:
            os.kill(os.getpid(), signal.SIGTERM)


def test_stopped_between_two_teachers_it_goes_on_with_the_second(
    unbroken: tuple[Fitted, Watch], small: Design, few: Dataset, tmp_path: Path
) -> None:
    stopped = fit(
        small,
        few,
        TAUGHT,
        seed=3,
        callbacks=[_SendToTeachers(_StopAfterTheLastValidation())],
        checkpoints=Checkpoints(tmp_path),
    )
    assert (stopped.outcome.end, stopped.outcome.reason) == ("interrupted", "interrupted after teacher 1 of 2")
    watch = Watch()
    again = fit(small, few, TAUGHT, seed=3, callbacks=[watch], checkpoints=Checkpoints(tmp_path, resume=True))
    assert same(again, unbroken[0])
    assert watch.steps == {"teacher 2": 2 * STEPS, "network": 2 * STEPS}


class _StopAtTheEnd(Callback):
    def on_end(self, training: Training) -> None:
        os.kill(os.getpid(), signal.SIGTERM)


def test_stopped_while_teachers_answer_again_the_network_makes_no_step_without_them(
    unbroken: tuple[Fitted, Watch], small: Design, few: Dataset, tmp_path: Path
) -> None:
    fit(small, few, TAUGHT, seed=3, callbacks=[Watch(("network", 3))], checkpoints=Checkpoints(tmp_path))
    stopped = fit(
        small,
        few,
        TAUGHT,
        seed=3,
        callbacks=[_SendToTeachers(_StopAtTheEnd())],
        checkpoints=Checkpoints(tmp_path, resume=True),
    )
    assert stopped.outcome.reason == "interrupted after teacher 1 of 2"
    watch = Watch()
    again = fit(small, few, TAUGHT, seed=3, callbacks=[watch], checkpoints=Checkpoints(tmp_path, resume=True))
    assert same(again, unbroken[0])
    assert watch.steps == {"network": 2 * STEPS - 3}


class _Denormals(Callback):
    def __init__(self) -> None:
        self.flushed: list[bool] = []

    def on_step(self, training: Training) -> None:
        self.flushed.append(flushes_denormals())


def test_numbers_too_small_count_as_zero_for_a_taught_network_and_not_after_it(small: Design, few: Dataset) -> None:
    watch = _Denormals()
    fit(small, few, TAUGHT, callbacks=[watch])
    assert watch.flushed == [True] * 2 * STEPS
    assert not flushes_denormals()


def test_a_teacher_beyond_all_limits_is_refused(few: Dataset) -> None:
    large = load_design("dense_baseline").fitted_to(few.input_shape, few.classes)
    layers = [
        {**layer.model_dump(mode="json"), **({"units": 60_000} if layer.kind == "dense" else {})}
        for layer in large.layers
    ]
    layers[-1]["units"] = few.classes
    with pytest.raises(DesignError, match=r"cannot become 'wide_teacher': units = 120000: .*65536"):
        fit(large.with_layers(layers, "wide"), few, TAUGHT.with_(distillation=Distillation(widen=2)))


def test_a_teacher_of_too_many_layers_is_refused_in_a_few_words(small: Design) -> None:
    [first, *rest] = [layer.model_dump(mode="json") for layer in small.layers]
    many = small.with_layers([first, *({**first, "name": f"again_{n}", "stride": 1} for n in range(20)), *rest], "many")
    layers = len(many.layers) + 15 * sum(layer.kind == "conv2d" for layer in many.layers)
    with pytest.raises(DesignError, match=f"cannot become 'many_teacher': it has {layers} layers; at most 256"):
        teacher(many, Distillation(deepen=16))


def test_a_teacher_that_diverges_ends_the_training(small: Design, few: Dataset) -> None:
    wild = load_recipe("notebook").with_(
        epochs=2, distillation=SETTINGS, optimizer={"kind": "adam", "learning_rate": 1e30}
    )
    outcome = fit(small, few, wild).outcome
    assert (outcome.end, outcome.epochs, outcome.teachers) == ("diverged", 0, ())
    assert outcome.reason.startswith("teacher 1 of 2: training stopped")


def test_progress_is_shown_for_teachers_too(small: Design, few: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    fit(small, few, TAUGHT, callbacks=[ShowProgress(Console(stderr=True, width=200))])
    lines = capsys.readouterr().err.splitlines()
    assert [line.strip() for line in lines if "epoch" not in line] == ["teacher 1 of 2", "teacher 2 of 2", "network"]
    assert sum("epoch" in line for line in lines) == 6


def test_trials_without_teachers_keep_the_name_they_had(small: Design) -> None:
    arm = Arm(small, load_recipe("fast"))
    assert "distillation" not in arm.content["recipe"]
    assert Arm(small, TAUGHT).content["recipe"]["distillation"]["teachers"] == 2
