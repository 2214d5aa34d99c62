"""Results to draw: small, made up, and of awkward sizes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from muslin import figures, interpret
from muslin.data import Split
from muslin.design import load_design, parse_design
from muslin.evaluation import Evaluation, compare
from muslin.network import Network, prepare
from muslin.training.history import Epoch, History

NAMES = ("T-shirt/top", "$5 & <b>up</b>", "A class whose name goes on and on and on", "Bag")
COLOR_DESIGN = (
    'name = "color"\ninput_shape = [20, 12, 3]\n'
    + "".join(
        f'[[layers]]\nkind = "conv2d"\nname = "convolution_number_{n}_of_many"\nfilters = 6\nactivation = "tanh"\n'
        for n in range(10)
    )
    + '[[layers]]\nkind = "flatten"\nname = "flatten"\n'
    '[[layers]]\nkind = "dense"\nname = "out"\nunits = 4\nactivation = "softmax"\n'
)


def an_evaluation(seed: int = 0, images: int = 80) -> Evaluation:
    rng = np.random.default_rng(seed)
    labels = np.random.default_rng(99).integers(0, len(NAMES), images)
    logits = rng.normal(size=(images, len(NAMES))) + 2 * np.eye(len(NAMES))[labels]
    return Evaluation(labels, torch.softmax(torch.tensor(logits), dim=1).float().numpy(), NAMES)


def a_history(epochs: int) -> History:
    return History(
        Epoch(n, 0.001 / n, 2 / n, 1 - 0.7 / n, 1.8 / n, 1 - 0.6 / n, 3.0, 1000.0) for n in range(1, epochs + 1)
    )


def all_figures() -> dict[str, Callable[[], Figure]]:
    """A way to each figure, each drawn from a small network and a large one."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    evaluation, other = an_evaluation(), an_evaluation(1)
    gray, color = Network(load_design("custom_cnn")), Network(parse_design(COLOR_DESIGN, "color"))
    small = rng.integers(0, 256, (80, 28, 28, 1), dtype=np.uint8)
    tall = rng.integers(0, 256, (80, 20, 12, 3), dtype=np.uint8)
    gray_names = tuple(f"class {number}" for number in range(10))

    def responses(network: Network) -> Figure:
        kernels = interpret.filters(network)
        chance = interpret.chance(*kernels.shape[1:])
        return figures.filter_responses(kernels, interpret.describe_filters(kernels), chance)

    def evidence(network: Network, images: np.ndarray, names: tuple[str, ...]) -> Figure:
        labels = np.zeros(len(images), np.int64)
        return figures.class_activation_maps(images, interpret.class_activation_maps(network, images), labels, names)

    def patches(network: Network, images: np.ndarray, layers: tuple[str, ...]) -> Figure:
        def activations(some: np.ndarray) -> dict[str, np.ndarray]:
            with torch.no_grad():
                return {name: values.numpy() for name, values in network.activations(prepare(some)).items()}

        units = interpret.strongest_units(activations, images, layers)
        return figures.strongest_patches(images, units, interpret.unit_regions(network.design))

    def fields(network: Network) -> Figure:
        regions = interpret.unit_regions(network.design)
        middles = {
            placed.layer.name: (placed.output_shape[0] // 2, placed.output_shape[1] // 2)
            for placed in network.design.placed
            if len(placed.output_shape) == 3
        }
        return figures.receptive_fields(
            {name: interpret.measured_receptive_field(network.design, name, at) for name, at in middles.items()},
            {name: regions[name].of(*at) for name, at in middles.items()},
        )

    return {
        "occlusion_maps": lambda: figures.occlusion_maps(
            small[0], rng.uniform(-0.2, 0.9, (3, 14, 14)), np.array([0.7, 0.2, 0.1]), NAMES[:3]
        ),
        "occlusion_maps_of_a_tall_image": lambda: figures.occlusion_maps(
            tall[0], np.zeros((1, 14, 12)), np.array([1.0]), NAMES[2:3]
        ),
        "strongest_patches": lambda: patches(gray, small, ("conv1", "conv3")),
        "strongest_patches_in_color": lambda: patches(color, tall, color.design.names[:2]),
        "receptive_fields": lambda: fields(gray),
        "receptive_fields_of_ten_layers": lambda: fields(color),
        "training_curves": lambda: figures.training_curves(
            a_history(30), baseline_accuracy=0.88, baseline_history=a_history(25), restored_epoch=20
        ),
        "training_curves_of_one_epoch": lambda: figures.training_curves(a_history(1), restored_epoch=1),
        "confusion_matrix": lambda: figures.confusion_matrix(evaluation),
        "confusion_matrix_in_percent": lambda: figures.confusion_matrix(evaluation, normalize=True),
        "per_class": lambda: figures.per_class(evaluation),
        "reliability": lambda: figures.reliability(evaluation),
        "accuracy": lambda: figures.accuracy_comparison({"cnn": evaluation}),
        "accuracy_with_baseline": lambda: figures.accuracy_comparison(
            {"cnn": evaluation, "dense": other}, compare(evaluation, other)
        ),
        "sample_grid": lambda: figures.sample_grid(Split(small, evaluation.labels), NAMES),
        "confidently_wrong": lambda: figures.confidently_wrong(tall, evaluation),
        "filters": lambda: figures.filters(interpret.filters(gray)),
        "filters_in_color": lambda: figures.filters(interpret.filters(color)),
        "filters_of_six_channels": lambda: figures.filters(interpret.filters(color, color.design.names[1])),
        "many_filters": lambda: figures.filters(rng.normal(size=(150, 1, 7, 1)).astype(np.float32)),
        "filter_responses": lambda: responses(gray),
        "filter_responses_in_color": lambda: responses(color),
        "feature_maps": lambda: figures.feature_maps(small[0], interpret.feature_maps(gray, small[0]), gray_names),
        "feature_maps_of_many_layers": lambda: figures.feature_maps(
            tall[0], interpret.feature_maps(color, tall[0]), NAMES
        ),
        "class_activation_maps": lambda: evidence(gray, small[:7], gray_names),
        "class_activation_maps_in_color": lambda: evidence(color, tall[:2], NAMES),
    }


@pytest.fixture(scope="session")
def drawn() -> dict[str, Figure]:
    """Every figure, drawn once."""
    return {name: draw() for name, draw in all_figures().items()}
