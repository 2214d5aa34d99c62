"""A training that is stopped and resumed ends as the one that was never stopped, bit for bit."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from muslin.data import Dataset
from muslin.design import Design
from muslin.errors import RunError
from muslin.recipe import Augmentation, EarlyStopping, Linear, Muon, Plateau, Recipe, load_recipe
from muslin.training import checkpoint
from muslin.training.batches import Batch
from muslin.training.callbacks import Callback
from muslin.training.checkpoint import Checkpoints
from muslin.training.fit import fit
from muslin.training.history import Epoch
from muslin.training.loop import TrainingLoop
from muslin.training.outcome import Fitted
from muslin.training.state import Training

pytestmark = pytest.mark.usefixtures("one_thread")

STEPS = 50  # five epochs of ten
COMMON: dict[str, Any] = {"epochs": 5, "batch_size": 20, "augmentation": Augmentation(flip=True, shift=2)}
RECIPES = {
    "muon": load_recipe("fast").with_(
        **COMMON, optimizer=Muon(), schedule=Linear(), input_scaling="standardized", dropout=0.3
    ),
    "adam": load_recipe("notebook").with_(
        **COMMON, early_stopping=EarlyStopping(patience=9), plateau=Plateau(patience=1), dropout=0.3
    ),
}


class Watch(Callback):
    """Keeps the end of a training, and stops it, as the system would, after some step."""

    def __init__(self, stop_at: int | None = None, signal_number: int = signal.SIGTERM) -> None:
        self.stop_at = stop_at
        self.signal_number = signal_number
        self.steps = 0
        self.final: dict[str, Any] = {}

    def on_step(self, training: Training) -> None:
        self.steps += 1
        if training.step == self.stop_at:
            os.kill(os.getpid(), self.signal_number)

    def on_end(self, training: Training) -> None:
        self.final = {
            f"{number}/{index}/{key}": value.clone()
            for number, optimizer in enumerate(training.optimizers)
            for index, state in enumerate(optimizer.state.values())
            for key, value in state.items()
        }
        self.final |= {name: values.clone() for name, values in training.network.state_dict().items()}
        self.final["random"] = torch.get_rng_state()
        self.final["layout"] = torch.tensor([values.stride()[0] for values in training.network.parameters()])


def without_clocks(fitted: Fitted) -> list[tuple[float, ...]]:
    names = ("epoch", "learning_rate", "loss", "accuracy", "validation_loss", "validation_accuracy")
    return [tuple(getattr(epoch, name) for name in names) for epoch in fitted.history]


def same(first: Watch, second: Watch) -> bool:
    assert first.final.keys() == second.final.keys()
    return all(torch.equal(values, second.final[name]) for name, values in first.final.items())


def run(
    design: Design, data: Dataset, recipe: Recipe, folder: Path | None = None, stop_at: int | None = None, **more: Any
) -> tuple[Fitted, Watch]:
    watch = Watch(stop_at)
    checkpoints = Checkpoints(folder, resume=True, **more) if folder else None
    return fit(design, data, recipe, seed=3, callbacks=[watch], checkpoints=checkpoints), watch


@pytest.fixture(params=RECIPES, scope="module")
def unbroken(request: pytest.FixtureRequest, small: Design, few: Dataset) -> tuple[Recipe, Fitted, Watch]:
    return RECIPES[request.param], *run(small, few, RECIPES[request.param])


def test_resumed_at_any_of_50_steps_it_ends_with_the_same_bits(
    unbroken: tuple[Recipe, Fitted, Watch],
    small: Design,
    few: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe, fitted, whole = unbroken
    assert whole.steps == STEPS
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "GENERATIONS", STEPS)
        run(small, few, recipe, tmp_path / "all", seconds=0)
    for path in Checkpoints(tmp_path / "all").generations():
        step = int(path.stem.removeprefix("step-"))
        folder = tmp_path / str(step)
        folder.mkdir()
        path.rename(folder / path.name)
        again, after = run(small, few, recipe, folder)
        assert again.outcome.end == "finished"
        assert after.steps == STEPS - step  # no image is seen twice
        assert same(after, whole), f"stopped after step {step}"
        assert without_clocks(again) == without_clocks(fitted)
        assert again.outcome.restored_epoch == fitted.outcome.restored_epoch


def test_a_chain_of_five_resumes_shows_each_image_once_an_epoch(
    unbroken: tuple[Recipe, Fitted, Watch],
    small: Design,
    few: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe, fitted, whole = unbroken
    shown: list[np.ndarray] = []
    plain = TrainingLoop.train_step

    def step(training: Training, batch: Batch) -> tuple[float, int]:
        shown.append(batch.labels.numpy().copy())
        return plain(training, batch)

    monkeypatch.setattr(TrainingLoop, "train_step", step)
    for stop_at in (3, 10, 11, 29, 44):
        stopped, _ = run(small, few, recipe, tmp_path, stop_at=stop_at)
        assert stopped.outcome.end == "interrupted"
    again, after = run(small, few, recipe, tmp_path)
    assert same(after, whole)
    assert without_clocks(again) == without_clocks(fitted)
    everything = np.sort(few.train.labels)
    for epoch in range(5):
        assert np.array_equal(np.sort(np.concatenate(shown[10 * epoch : 10 * epoch + 10])), everything)


def test_saved_within_an_epoch_it_goes_on_from_there(small: Design, few: Dataset, tmp_path: Path) -> None:
    class Crash(Callback):
        def on_step(self, training: Training) -> None:
            if training.step == 17:
                raise ZeroDivisionError

    recipe = RECIPES["muon"]
    whole = run(small, few, recipe)[1]
    with pytest.raises(ZeroDivisionError):
        fit(small, few, recipe, seed=3, callbacks=[Crash()], checkpoints=Checkpoints(tmp_path, seconds=0))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["step-0000000015.checkpoint", "step-0000000016.checkpoint"]  # the last two generations
    _, after = run(small, few, recipe, tmp_path)
    assert after.steps == STEPS - 16
    assert same(after, whole)


def test_early_stopping_and_a_lowered_rate_survive(small: Design, few: Dataset, tmp_path: Path) -> None:
    """The callbacks count on where they were: a plateau after two epochs, of which one was before the stop."""
    losses = {1: 0.5, 2: 0.6, 3: 0.7, 4: 0.8, 5: 0.9}

    def scripted() -> Iterator[pytest.MonkeyPatch]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(TrainingLoop, "_validate", lambda training: (losses[len(training.history) + 1], 0.5))
            yield patch

    recipe = RECIPES["adam"].with_(plateau=Plateau(patience=2), early_stopping=EarlyStopping(patience=4))
    for _ in scripted():
        whole, _ = run(small, few, recipe)
        run(small, few, recipe, tmp_path, stop_at=25)
        again, _ = run(small, few, recipe, tmp_path)
    assert again.history.column("learning_rate") == whole.history.column("learning_rate")
    assert again.history.column("learning_rate")[3] == pytest.approx(5e-4)
    assert (again.outcome.end, again.outcome.epochs) == (whole.outcome.end, whole.outcome.epochs) == ("early", 5)
    assert again.outcome.restored_epoch == whole.outcome.restored_epoch == 1


def test_ended_early_it_stays_ended(small: Design, few: Dataset, tmp_path: Path) -> None:
    class Enough(Callback):
        def on_epoch(self, training: Training, epoch: Epoch) -> None:
            if epoch.epoch == 2:
                training.stop("enough seen")

    first = fit(small, few, RECIPES["muon"], callbacks=[Enough()], checkpoints=Checkpoints(tmp_path))
    again = fit(small, few, RECIPES["muon"], checkpoints=Checkpoints(tmp_path, resume=True))
    assert (again.outcome.end, again.outcome.reason, again.outcome.epochs) == ("early", "enough seen", 2)
    assert without_clocks(again) == without_clocks(first)


def test_a_new_training_does_not_go_on_from_what_it_finds(small: Design, few: Dataset, tmp_path: Path) -> None:
    run(small, few, RECIPES["muon"], tmp_path, stop_at=33)
    watch = Watch()
    fit(small, few, RECIPES["muon"], callbacks=[watch], checkpoints=Checkpoints(tmp_path))
    assert watch.steps == STEPS


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("seed", "The seed was 3, but is 4 now"),
        ("recipe", "The recipe's epochs was 5, but is 6 now"),
        ("design", r"- filters = 8 \| \+ filters = 16"),
        ("data", "The images differ: fingerprint"),
        ("precision", "The precision was float32, but is bfloat16 now"),
        ("callbacks", r"but .*Counting given now\. Pass the same callbacks"),
    ],
)
def test_something_else_is_refused_and_the_difference_shown(
    small: Design, few: Dataset, tmp_path: Path, change: str, says: str
) -> None:
    class Counting(Callback):
        def state(self) -> dict[str, bool | int | float | str | None]:
            return {"count": 1}

    recipe = RECIPES["muon"]
    fit(small, few, recipe, seed=3, callbacks=[Watch(5)], checkpoints=Checkpoints(tmp_path), precision="float32")
    layers = [small.layers[0].model_copy(update={"filters": 16}), *small.layers[1:]]
    other = small.model_copy(update={"layers": tuple(layers)})
    with pytest.raises(RunError, match=says):
        fit(
            other if change == "design" else small,
            few if change != "data" else Dataset(few.validation, few.train, few.test, few.class_names, "", few.audit),
            recipe.with_(epochs=6) if change == "recipe" else recipe,
            seed=4 if change == "seed" else 3,
            precision="bfloat16" if change == "precision" else "float32",
            callbacks=[Counting()] if change == "callbacks" else [],
            checkpoints=Checkpoints(tmp_path, resume=True),
        )
