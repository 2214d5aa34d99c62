"""Scaled inputs are part of training alone: what is kept takes pixels on the 0–1 scale and gives the same answers."""

from __future__ import annotations

import pytest
import torch

from muslin.data import Dataset
from muslin.design import Design, parse_design
from muslin.errors import RecipeError
from muslin.network import Network, predict, prepare
from muslin.recipe import load_recipe
from muslin.training.callbacks import Callback
from muslin.training.fit import fit
from muslin.training.history import Epoch
from muslin.training.initialization import initialize
from muslin.training.scaling import InputScaling
from muslin.training.state import Training

HEAD = '{kind = "global_avg_pool2d", name = "average"}, {kind = "dense", name = "output", units = 10}]'
START = 'name = "tried"\ninput_shape = [28, 28, 1]\nlayers = ['
DESIGNS = {
    "same": START + '{kind = "conv2d", name = "conv", filters = 4, kernel = [2, 3], activation = "relu"},' + HEAD,
    "strided": START + '{kind = "conv2d", name = "conv", filters = 4, kernel = 4, stride = 3},' + HEAD,
    "normalized": START + '{kind = "conv2d", name = "conv", filters = 4, normalization = "batch"},' + HEAD,
    "pooled": START + '{kind = "max_pool2d", name = "p"}, {kind = "conv2d", name = "conv", filters = 4},' + HEAD,
    "dense": START + '{kind = "flatten", name = "f"}, {kind = "dense", name = "output", units = 10}]',
}


@pytest.mark.parametrize("scaling", ["none", "standardized"])
@pytest.mark.parametrize("name", DESIGNS)
def test_folding_leaves_the_answers_as_they_were(name: str, scaling: str, few: Dataset) -> None:
    network = Network(parse_design(DESIGNS[name])).eval()
    recipe = load_recipe("notebook").with_(input_scaling=scaling)
    initialize(network, recipe, seed=0)
    if name == "normalized":
        network.state_dict()["conv.mean"].uniform_(-1, 1)
    images = prepare(few.validation.images[:20])
    plain = network(images)
    scaled = InputScaling(network, recipe, torch.from_numpy(few.train.images))
    before = network(images)
    scaled.fold()
    after = network(images)
    assert not torch.allclose(plain, before, atol=1e-3)
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(network(images), after)


class LastValidation(Callback):
    def on_epoch(self, training: Training, epoch: Epoch) -> None:
        self.accuracy = epoch.validation_accuracy


@pytest.mark.parametrize("scaling", ["none", "standardized"])
def test_the_kept_network_answers_as_it_did_in_training(small: Design, few: Dataset, scaling: str) -> None:
    recipe = load_recipe("fast").with_(epochs=1, batch_size=32, input_scaling=scaling)
    watch = LastValidation()
    fitted = fit(small, few, recipe, callbacks=[watch], precision="float32")
    right = predict(fitted.network, few.validation.images).argmax(1) == few.validation.labels
    assert right.mean() == pytest.approx(watch.accuracy, abs=0.011)  # one image may sit on the fence


def test_dropout_before_the_first_weights_is_refused(few: Dataset) -> None:
    design = parse_design(START + '{kind = "dropout", name = "d"}, {kind = "conv2d", name = "c", filters = 2},' + HEAD)
    with pytest.raises(RecipeError, match=r"layer 'd' drops pixels .* Move the dropout layer"):
        fit(design, few, load_recipe("fast").with_(input_scaling="standardized"))


def test_equal_layers_start_equal_whatever_stands_around_them() -> None:
    recipe = load_recipe("fast")
    first, second = (Network(parse_design(DESIGNS[name])) for name in ("same", "pooled"))
    for network in (first, second):
        initialize(network, recipe, seed=3)
    assert torch.equal(first.layer("output").weight, second.layer("output").weight)
    initialize(second, recipe, seed=4)
    assert not torch.equal(first.layer("output").weight, second.layer("output").weight)


def test_training_itself_sees_the_scaled_pixels(small: Design, few: Dataset) -> None:
    recipe = load_recipe("notebook").with_(epochs=1, batch_size=50)
    losses = {
        scaling: fit(small, few, recipe.with_(input_scaling=scaling)).history.last.loss
        for scaling in ("unit", "none", "standardized")
    }
    assert len(set(losses.values())) == 3
    assert losses["none"] > 2 * losses["unit"]  # bytes up to 255 into weights made for 0–1
