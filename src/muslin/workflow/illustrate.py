"""Drawing of all figures of a run into its folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from muslin import figures
from muslin._disk.files import write_text
from muslin.data import Dataset, Split
from muslin.design import Conv2d, Design
from muslin.evaluation import compare
from muslin.exports.predictor import Predictor
from muslin.figures.patches import PATCHES
from muslin.figures.style import alone
from muslin.interpret import (
    chance,
    class_activation_maps,
    describe_filters,
    feature_maps,
    filters,
    measured_receptive_field,
    occlusion_map,
    strongest_units,
    unit_regions,
)
from muslin.network import Network, predict
from muslin.runs.folder import RunFolder

if TYPE_CHECKING:
    from jaxtyping import Int64, UInt8
    from matplotlib.figure import Figure

MOST_EXPLAINED = 12  # images in the figure of class activation maps
EXPLAINED = 3  # number of classes of one image whose maps are drawn, most likely first


def illustrate(folder: RunFolder, network: Network, data: Dataset) -> tuple[Path, ...]:
    """Draw every figure that the run has the data for, and return the paths of the files.

    Args:
        folder: folder of a trained run; figures of test results are drawn if it was evaluated.
        network: network of the run.
        data: data set that it was trained on.

    Raises:
        MuslinError: a file cannot be written.
    """
    paths = [
        *_save(folder, "sample_grid", figures.sample_grid(data.train, data.class_names)),
        *illustrate_results(folder, data),
    ]
    if any(isinstance(layer, Conv2d) for layer in folder.design.layers):
        paths += illustrate_network(folder.figures_path, network, data.test.images[0], data.class_names)
        chosen = _one_of_each(data.test, data.classes)
        paths += _maps(folder, network, data.test.subset(chosen), data.class_names)
    return tuple(paths)


def illustrate_results(folder: RunFolder, data: Dataset) -> list[Path]:
    """Draw the results of training and of the test split: curves, confusion, classes, calibration, comparison."""
    diagram = folder.figures_path / "architecture.svg"
    write_text(diagram, alone(figures.architecture_svg(folder.design)))
    baseline, outcome, test = folder.baseline, folder.record.outcome, folder.evaluation
    theirs = baseline.evaluation if baseline else None
    paths = [diagram]
    if len(folder.history):
        curves = figures.training_curves(
            folder.history,
            baseline_accuracy=theirs.accuracy if theirs else None,
            baseline_history=baseline.history if baseline else None,
            restored_epoch=outcome.restored_epoch if outcome else None,
        )
        paths += _save(folder, "training_curves", curves)
    if test is None:
        return paths
    for name, figure in {
        "confusion_matrix": figures.confusion_matrix(test),
        "per_class": figures.per_class(test),
        "reliability": figures.reliability(test),
        "confidently_wrong": figures.confidently_wrong(data.test.images, test),
    }.items():
        paths += _save(folder, name, figure)
    if baseline is not None and theirs is not None:
        accuracies = {folder.design.name: test, baseline.design.name: theirs}
        paths += _save(folder, "accuracy", figures.accuracy_comparison(accuracies, compare(test, theirs)))
    return paths


def illustrate_network(
    folder: Path, network: Network, image: UInt8[np.ndarray, "height width channel"], class_names: tuple[str, ...]
) -> list[Path]:
    """Draw the filters of the first convolution, their responses, and the feature maps of `image`.

    Raises:
        DesignError: the design has no convolution.
    """
    kernels = filters(network)
    _, height, width, channels = kernels.shape
    responses = figures.filter_responses(kernels, describe_filters(kernels), chance(height, width, channels))
    drawn = {
        "filters": figures.filters(kernels),
        "filter_responses": responses,
        "feature_maps": figures.feature_maps(image, feature_maps(network, image), class_names),
    }
    return [path for name, figure in drawn.items() for path in figures.save(figure, folder / name)]


def illustrate_fields(folder: Path, design: Design) -> tuple[Path, ...]:
    """Draw the receptive fields of the layers with spatial axes, by gradient and by arithmetic."""
    regions = unit_regions(design)
    middles = {
        placed.layer.name: (placed.output_shape[0] // 2, placed.output_shape[1] // 2)
        for placed in design.placed
        if len(placed.output_shape) == 3
    }
    drawn = figures.receptive_fields(
        {layer: measured_receptive_field(design, layer, middle) for layer, middle in middles.items()},
        {layer: regions[layer].of(*middle) for layer, middle in middles.items()},
    )
    return figures.save(drawn, folder / "receptive_fields")


def illustrate_patches(
    folder: Path, predictor: Predictor, images: UInt8[np.ndarray, "image height width channel"]
) -> tuple[Path, ...]:
    """Draw the patches of `images` that activate the filters of each convolution most.

    Args:
        folder: folder of the figure.
        predictor: predictor that returns the outputs of every layer.
        images: images to search.
    """
    layers = [layer.name for layer in predictor.design.layers if isinstance(layer, Conv2d)]
    units = strongest_units(predictor.activations, images, layers, PATCHES)
    return figures.save(
        figures.strongest_patches(images, units, unit_regions(predictor.design)), folder / "strongest_patches"
    )


def illustrate_cams(
    folder: Path, network: Network, image: UInt8[np.ndarray, "height width channel"], class_names: tuple[str, ...]
) -> tuple[Path, ...]:
    """Draw class activation maps and occlusion maps of the most likely classes of `image`.

    Raises:
        DesignError: the design has no convolution.
    """
    probabilities = predict(network, image[None])[0]
    likeliest = np.argsort(-probabilities, kind="stable")[:EXPLAINED]
    images = np.repeat(image[None], len(likeliest), axis=0)
    maps = class_activation_maps(network, images, likeliest)
    losses = np.stack([occlusion_map(lambda covered: predict(network, covered), image, each) for each in likeliest])
    names = [class_names[each] for each in likeliest]
    return (
        *figures.save(figures.class_activation_maps(images, maps, None, class_names), folder / "evidence"),
        *figures.save(figures.occlusion_maps(image, losses, probabilities[likeliest], names), folder / "occlusion"),
    )


def _maps(folder: RunFolder, network: Network, chosen: Split, class_names: tuple[str, ...]) -> tuple[Path, ...]:
    maps = class_activation_maps(network, chosen.images)
    drawn = figures.class_activation_maps(chosen.images, maps, chosen.labels, class_names)
    return _save(folder, "class_activation_maps", drawn)


def _one_of_each(split: Split, classes: int) -> Int64[np.ndarray, " chosen"]:
    """Return the index of the first image of each class, for at most as many classes as the figure has room for."""
    firsts = (np.flatnonzero(split.labels == number)[:1] for number in range(min(classes, MOST_EXPLAINED)))
    return np.concatenate(list(firsts))


def _save(folder: RunFolder, name: str, figure: Figure) -> tuple[Path, ...]:
    return figures.save(figure, folder.figures_path / name)
