"""The notebook recipe does what Keras does with the same arguments."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

os.environ.setdefault("KERAS_BACKEND", "torch")

from muslin.design import load_design
from muslin.network import Network
from muslin.recipe import EarlyStopping, Plateau, load_recipe
from muslin.training.callbacks import LowerOnPlateau, StopEarly
from muslin.training.history import Epoch
from muslin.training.initialization import initialize
from muslin.training.optimizers import build_optimizers

keras = pytest.importorskip("keras")

# Keras' torch backend asks NumPy for arrays in the way of NumPy 1.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

losses = st.lists(st.floats(0.01, 2, allow_nan=False).map(lambda value: round(value, 4)), min_size=1, max_size=40)


class FakeTraining:
    """As much of a training as the two callbacks touch."""

    def __init__(self) -> None:
        self.learning_rate = 1e-3
        self.reason: str | None = None

    def stop(self, reason: str) -> None:
        self.reason = reason


def epoch(number: int, loss: float) -> Epoch:
    return Epoch(number, 1e-3, loss, 0.5, loss, 0.5, 1.0, 1.0)


@settings(deadline=None, max_examples=50)
@given(losses, st.integers(1, 6))
def test_early_stopping_ends_at_the_epoch_where_keras_does(values: list[float], patience: int) -> None:
    theirs = keras.callbacks.EarlyStopping(monitor="val_loss", patience=patience)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(loss="mse", optimizer="sgd")
    theirs.set_model(model)
    theirs.on_train_begin()
    ours, training = StopEarly(EarlyStopping(patience=patience)), FakeTraining()
    for number, value in enumerate(values):
        theirs.on_epoch_end(number, {"val_loss": value})
        ours.on_epoch(training, epoch(number + 1, value))  # type: ignore[arg-type]
        assert model.stop_training == (training.reason is not None)
        if training.reason:
            break


@settings(deadline=None, max_examples=50)
@given(losses, st.integers(1, 6))
def test_the_learning_rate_falls_where_keras_lowers_it(values: list[float], patience: int) -> None:
    theirs = keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=patience, min_lr=2e-4)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(loss="mse", optimizer=keras.optimizers.Adam(1e-3))
    theirs.set_model(model)
    theirs.on_train_begin()
    settings_ = Plateau(factor=0.5, patience=patience, min_delta=1e-4, floor=2e-4)
    ours, training = LowerOnPlateau(settings_), FakeTraining()
    for number, value in enumerate(values):
        theirs.on_epoch_end(number, {"val_loss": value})
        ours.on_epoch(training, epoch(number + 1, value))  # type: ignore[arg-type]
        assert training.learning_rate == pytest.approx(float(model.optimizer.learning_rate), rel=1e-6)


def test_twenty_steps_of_adam_end_where_keras_ends() -> None:
    generator = np.random.default_rng(0)
    start = generator.normal(size=(5, 3)).astype(np.float32)
    gradients = generator.normal(size=(20, 5, 3)).astype(np.float32)

    network = Network(load_design("dense_baseline").fitted_to((1, 3, 1), 2))
    weight = network.get_parameter("hidden.weight")
    weight.data = torch.from_numpy(start.copy())
    (ours,) = build_optimizers(network, load_recipe("notebook"))
    variable = keras.Variable(start)
    theirs = keras.optimizers.Adam(learning_rate=1e-3)  # β 0.9 and 0.999, ε 1e-7 by default
    theirs.build([variable])
    for gradient in gradients:
        weight.grad = torch.from_numpy(gradient)
        ours.step()
        theirs.apply([keras.ops.convert_to_tensor(gradient)], [variable])
    np.testing.assert_allclose(weight.detach().numpy(), keras.ops.convert_to_numpy(variable), rtol=0, atol=1e-6)


def test_initial_kernels_have_the_spread_of_keras_glorot_uniform() -> None:
    network = Network(load_design("custom_cnn"))
    initialize(network, load_recipe("notebook"), seed=0)
    for name, fan_in, fan_out in (("conv1", 9, 9 * 32), ("conv2", 9 * 32, 9 * 64), ("output", 128, 10)):
        kernel = network.state_dict()[f"{name}.weight"]
        limit = (6 / (fan_in + fan_out)) ** 0.5
        assert kernel.abs().max() <= limit
        assert kernel.std() == pytest.approx(limit / 3**0.5, rel=0.06)
        assert not network.state_dict()[f"{name}.bias"].any()
