from __future__ import annotations

import os
import signal

import numpy as np
import pytest
import torch

from muslin.data import Dataset
from muslin.design import Design
from muslin.errors import DesignError, TrainingError
from muslin.network import predict
from muslin.recipe import EarlyStopping, Plateau, Recipe, load_recipe
from muslin.training.callbacks import Callback
from muslin.training.fit import fit
from muslin.training.history import Epoch
from muslin.training.loop import TrainingLoop
from muslin.training.outcome import Fitted
from muslin.training.state import Training

FAST = load_recipe("fast").with_(epochs=2, batch_size=32)
PLAIN = load_recipe("notebook").with_(epochs=2, batch_size=64)


def same_weights(first: Fitted, second: Fitted) -> bool:
    ours, theirs = first.network.state_dict(), second.network.state_dict()
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("recipe", [FAST, PLAIN], ids=lambda recipe: recipe.name)
def test_same_seed_same_bits_and_another_seed_others(small: Design, few: Dataset, recipe: Recipe) -> None:
    first, again, other = (fit(small, few, recipe, seed=seed) for seed in (1, 1, 2))
    assert same_weights(first, again)
    assert first.history.column("loss") == again.history.column("loss")
    assert not same_weights(first, other)


def test_training_leaves_the_callers_random_numbers_alone(small: Design, few: Dataset) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fit(small, few, FAST.with_(epochs=1))
    assert torch.equal(torch.rand(3), expected)


def test_it_learns(small: Design, sample: Dataset) -> None:
    fitted = fit(small, sample, FAST.with_(epochs=5), precision="float32")
    accuracy = (predict(fitted.network, sample.test.images).argmax(1) == sample.test.labels).mean()
    assert accuracy > 0.5  # chance is 0.1
    assert fitted.history.last.loss < fitted.history.epochs[0].loss


def test_bfloat16_keeps_float32_weights(small: Design, few: Dataset) -> None:
    fitted = fit(small, few, FAST.with_(epochs=1), precision="bfloat16")
    assert fitted.outcome.precision == "bfloat16"
    assert {array.dtype for array in fitted.network.state_dict().values()} == {torch.float32}


def test_the_history_says_what_happened(small: Design, few: Dataset) -> None:
    fitted = fit(small, few, PLAIN)
    assert [epoch.epoch for epoch in fitted.history] == [1, 2]
    assert fitted.outcome.end == "finished"
    assert fitted.outcome.epochs == 2
    probabilities = predict(fitted.network, few.validation.images)
    best = fitted.history.best
    assert fitted.outcome.restored_epoch == best.epoch
    assert best.validation_accuracy == (probabilities.argmax(1) == few.validation.labels).mean()
    loss = -np.log(probabilities[np.arange(len(few.validation)), few.validation.labels]).mean()
    assert best.validation_loss == pytest.approx(loss, rel=1e-5)


class Scripted(Callback):
    """Replaces what validation finds by a script, so that the recipe's callbacks see a known course."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, losses: list[float]) -> None:
        script = iter(losses)
        monkeypatch.setattr(TrainingLoop, "_validate", lambda _training: (next(script), 0.5))
        self.weights: list[torch.Tensor] = []

    def on_epoch(self, training: Training, epoch: Epoch) -> None:
        self.weights.append(training.network.state_dict()["output.bias"].clone())


def test_early_stopping_restores_the_best_epochs_weights(
    small: Design, few: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Scripted(monkeypatch, [0.9, 0.5, 0.6, 0.7, 0.1])
    recipe = PLAIN.with_(epochs=5, early_stopping=EarlyStopping(patience=2))
    fitted = fit(small, few, recipe, callbacks=[script])
    assert fitted.outcome.end == "early"
    assert fitted.outcome.reason == "no better validation loss for 2 epochs"
    assert fitted.outcome.epochs == 4
    assert fitted.outcome.restored_epoch == 2
    assert torch.equal(fitted.network.state_dict()["output.bias"], script.weights[1])


def test_the_best_weights_come_back_at_the_epoch_limit_too(
    small: Design, few: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Scripted(monkeypatch, [0.5, 0.4, 0.6])
    fitted = fit(small, few, PLAIN.with_(epochs=3), callbacks=[script])
    assert fitted.outcome.end == "finished"
    assert fitted.outcome.restored_epoch == 2
    assert torch.equal(fitted.network.state_dict()["output.bias"], script.weights[1])


def test_a_plateau_halves_the_learning_rate_in_the_history(
    small: Design, few: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    Scripted(monkeypatch, [0.5, 0.5, 0.5, 0.5, 0.5])
    recipe = PLAIN.with_(epochs=5, early_stopping=None, plateau=Plateau(patience=2))
    fitted = fit(small, few, recipe)
    assert fitted.history.column("learning_rate") == pytest.approx([1e-3, 1e-3, 1e-3, 5e-4, 5e-4])
    assert fitted.outcome.restored_epoch is None


def test_the_linear_schedule_warms_up_and_ends_near_zero(small: Design, few: Dataset) -> None:
    rates = []

    class Watch(Callback):
        def on_step(self, training: Training) -> None:
            rates.append(training.optimizers[0].param_groups[0]["lr"])

    fitted = fit(small, few, FAST.with_(epochs=4), callbacks=[Watch()])
    peak = FAST.optimizer.learning_rate
    top = int(np.argmax(rates))
    assert max(rates) <= peak + 1e-12
    assert np.all(np.diff(rates[: top + 1]) > 0)
    assert np.all(np.diff(rates[top:]) < 0)
    assert 0 < rates[-1] < 0.1 * peak
    assert rates[-2] - rates[-1] == pytest.approx(rates[-1])  # zero would come one step later
    assert fitted.history.column("learning_rate") == pytest.approx(rates[len(rates) // 4 - 1 :: len(rates) // 4])


def test_a_callback_can_stop_the_training(small: Design, few: Dataset) -> None:
    class Enough(Callback):
        def on_epoch(self, training: Training, epoch: Epoch) -> None:
            if epoch.epoch == 2:
                training.stop("enough seen")

    fitted = fit(small, few, FAST.with_(epochs=9), callbacks=[Enough()])
    assert (fitted.outcome.end, fitted.outcome.reason, fitted.outcome.epochs) == ("early", "enough seen", 2)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_after_the_step_and_keeps_the_best_weights(
    small: Design, few: Dataset, number: signal.Signals
) -> None:
    class Press(Callback):
        kept: dict[str, torch.Tensor]

        def on_epoch(self, training: Training, epoch: Epoch) -> None:
            self.kept = {name: array.clone() for name, array in training.network.state_dict().items()}

        def on_step(self, training: Training) -> None:
            if training.step == training.batches.steps + 2:
                os.kill(os.getpid(), number)

    press = Press()
    before = signal.getsignal(number)
    fitted = fit(small, few, FAST.with_(epochs=5), callbacks=[press])
    assert fitted.outcome.end == "interrupted"
    assert fitted.outcome.restored_epoch == 1
    assert all(torch.equal(array, press.kept[name]) for name, array in fitted.network.state_dict().items())
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_divergence_stops_before_the_update_and_names_the_step_and_the_layer(
    small: Design, few: Dataset, where: str
) -> None:
    class Poison(Callback):
        """Breaks the network after the third step, and remembers its weights."""

        def on_step(self, training: Training) -> None:
            if training.step != 3:
                return
            kernel = training.network.layer("conv2").weight
            if where == "loss":
                kernel.data[0, 0, 0, 0] = float("inf")
            else:
                kernel.register_hook(lambda gradient: gradient * float("nan"))
            self.weights = {name: array.clone() for name, array in training.network.state_dict().items()}

    poison = Poison()
    fitted = fit(small, few, FAST.with_(epochs=3), precision="float32", callbacks=[poison])
    assert fitted.outcome.end == "diverged"
    assert "step 4 of 18" in fitted.outcome.reason
    assert "conv2" in fitted.outcome.reason
    assert all(torch.equal(array, poison.weights[name]) for name, array in fitted.network.state_dict().items())


def test_an_update_that_breaks_weights_brings_back_the_best_epochs(small: Design, few: Dataset) -> None:
    class Break(Callback):
        """Does to the weights what an overflow in the last update of the second epoch would do."""

        def on_epoch(self, training: Training, epoch: Epoch) -> None:
            self.kept = {name: array.clone() for name, array in training.network.state_dict().items()}

        def on_step(self, training: Training) -> None:
            if training.step == 2 * training.batches.steps:
                training.network.layer("conv2").weight.data[0, 0, 0, 0] = float("inf")

    broken = Break()
    fitted = fit(small, few, FAST.with_(epochs=3), callbacks=[broken])
    assert (fitted.outcome.end, fitted.outcome.restored_epoch) == ("diverged", 1)
    assert "after step 12 of 18: the update made 'conv2.weight' infinite" in fitted.outcome.reason
    assert all(torch.equal(array, broken.kept[name]) for name, array in fitted.network.state_dict().items())


def blown(rate: float) -> Recipe:
    """One step an epoch, at a rate that no weights bear."""
    return PLAIN.with_(batch_size=200, optimizer={"kind": "adam", "learning_rate": rate})


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        (blown(1e39), "after step 1 of 2: the update made 'conv1.weight' infinite or NaN"),
        (blown(1e20), "after step 1 of 2: the validation loss is not finite (nan)"),
        (
            blown(1e39).with_(batch_size=64),
            "at step 2 of 8: the output of layer 'conv1' is not finite (loss nan)",
        ),
        (
            blown(1e20).with_(batch_size=64),
            "at step 2 of 8: the output of layer 'conv2' is not finite (loss nan)",
        ),
    ],
    ids=["weights", "validation", "weights, second step", "loss, second step"],
)
def test_a_training_blown_up_in_its_first_epoch_has_no_good_weights(
    small: Design, few: Dataset, recipe: Recipe, says: str
) -> None:
    fitted = fit(small, few, recipe, precision="float32")
    assert (fitted.outcome.end, fitted.outcome.restored_epoch, len(fitted.history)) == ("diverged", None, 0)
    assert fitted.outcome.reason == f"training stopped {says}. No usable weights remain. Lower the learning rate."
    assert not fitted.usable


@pytest.mark.parametrize("when", ["at the end of the epoch", "within it"])
def test_weights_blown_up_in_a_later_epoch_give_way_to_the_best_ones(small: Design, few: Dataset, when: str) -> None:
    class BlowUp(Callback):
        """Makes weights so large that what they give overflows, though they are finite themselves."""

        def on_epoch(self, training: Training, epoch: Epoch) -> None:
            self.kept = {name: array.clone() for name, array in training.network.state_dict().items()}

        def on_step(self, training: Training) -> None:
            if training.step == 2 * training.batches.steps - (when == "within it"):
                for name in ("conv1", "conv2", "output"):
                    training.network.layer(name).weight.data.fill_(1e38)

    blow_up = BlowUp()
    fitted = fit(small, few, FAST.with_(epochs=3), precision="float32", callbacks=[blow_up])
    assert (fitted.outcome.end, fitted.outcome.restored_epoch, len(fitted.history)) == ("diverged", 1, 1)
    assert "The weights of epoch 1 were kept." in fitted.outcome.reason
    assert fitted.usable
    assert all(torch.equal(array, blow_up.kept[name]) for name, array in fitted.network.state_dict().items())


def test_an_interruption_right_after_an_update_that_breaks_weights_does_not_hide_it(
    small: Design, few: Dataset
) -> None:
    class Break(Callback):
        def on_step(self, training: Training) -> None:
            training.network.layer("conv2").weight.data[0, 0, 0, 0] = float("inf")
            os.kill(os.getpid(), signal.SIGTERM)

    fitted = fit(small, few, FAST, callbacks=[Break()])
    assert fitted.outcome.end == "diverged"
    assert "after step 1 of 12: the update made 'conv2.weight' infinite" in fitted.outcome.reason


def test_a_design_for_other_images_is_refused(small: Design, few: Dataset) -> None:
    with pytest.raises(DesignError, match="takes images of 20×20×1, but the data's are 28×28×1"):
        fit(small.fitted_to((20, 20, 1), 10), few, FAST)
    with pytest.raises(DesignError, match="has 7 output units, but the data has 10 classes"):
        fit(small.fitted_to((28, 28, 1), 7), few, FAST)


def test_an_unknown_device_or_precision_is_refused(small: Design, few: Dataset) -> None:
    with pytest.raises(TrainingError, match=r"device 'abacus' is not available .* Choose cpu, cuda or mps"):
        fit(small, few, FAST, device="abacus")
    with pytest.raises(TrainingError, match="precision 'float8' is unknown"):
        fit(small, few, FAST, precision="float8")
