"""Training on images that are not Fashion-MNIST's: nothing that suits Fashion-MNIST alone is done to them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits  # type: ignore[import-untyped]

import muslin
from muslin.data import Dataset
from muslin.recipe import load_recipe
from muslin.training.fit import prepare

SIDE = 12


def arrows(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Triangles that point left (0) or right (1), each class the mirror image of the other."""
    images = rng.integers(0, 30, (count, SIDE, SIDE), dtype=np.uint8)
    labels = np.arange(count) % 2
    for image, label in zip(images, labels, strict=True):
        top, left = rng.integers(0, 4, 2)
        for column in range(8):
            at = column if label else 7 - column
            image[top + column // 2 : top + 8 - column // 2, left + at] += 200
    return images, labels


@pytest.fixture(scope="module")
def arrow_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    (x_train, y_train), (x_test, y_test) = arrows(300, rng), arrows(80, rng)
    path = tmp_path_factory.mktemp("arrows") / "arrows.npz"
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return path


def test_left_and_right_are_told_apart_with_the_defaults(arrow_files: Path, tmp_path: Path) -> None:
    run = muslin.train(data=arrow_files, out=tmp_path, progress=False)
    assert run.record.recipe.augmentation.flip is False
    assert run.record.design == "custom_cnn_fitted"
    assert muslin.evaluate(run, progress=False).accuracy == 1.0


def test_mirroring_is_on_for_fashion_mnist_and_off_for_other_images(sample: Dataset) -> None:
    design, fast = muslin.load_design("custom_cnn"), load_recipe("fast")
    assert prepare(design, sample, fast).recipe.augmentation.flip is True
    unknown = replace(sample, audit=sample.audit.model_copy(update={"fashion_share": 0.9}))
    assert prepare(design, unknown, fast).recipe.augmentation.flip is False
    assert prepare(design, unknown, fast.with_(flip=True)).recipe.augmentation.flip is True
    assert prepare(design, sample, fast.with_(flip=False)).recipe.augmentation.flip is False


def test_a_run_folder_of_an_earlier_version_knows_fashion_mnist_by_its_release(sample: Dataset) -> None:
    content = sample.audit.model_dump()
    del content["fashion_share"]
    assert type(sample.audit).model_validate(content).is_fashion
    assert not type(sample.audit).model_validate(content | {"train_release": "unknown"}).is_fashion


def test_few_images_are_trained_on_for_more_epochs_unless_epochs_are_given(arrow_files: Path, tmp_path: Path) -> None:
    steps = muslin.load_recipe("fast").steps(270)
    few = muslin.train(data=arrow_files, epochs=1, out=tmp_path, progress=False)
    assert few.record.recipe.epochs == 1
    assert few.record.recipe.steps(270) == steps


def test_balanced_weights_find_the_rare_class(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    labels = np.repeat([0, 1], [380, 20])
    images = np.clip(rng.normal(110 + 5 * labels[:, None, None], 40, (400, SIDE, SIDE)), 0, 255).astype(np.uint8)
    order = rng.permutation(400)
    path = tmp_path / "rare.npz"
    x, y = images[order], labels[order]
    np.savez(path, x_train=x, y_train=y, x_test=x[::-1][:200] ^ 1, y_test=y[::-1][:200])
    found = {}
    for weights in ("none", "balanced"):
        run = muslin.train(
            "dense_baseline", path, overrides={"class_weights": weights}, epochs=10, out=tmp_path, progress=False
        )
        found[weights] = muslin.evaluate(run, progress=False)
    assert found["balanced"].balanced_accuracy > found["none"].balanced_accuracy


def test_pixels_of_another_range_give_the_same_network_and_are_on_record(tmp_path: Path) -> None:
    import onnx  # noqa: PLC0415

    digits = load_digits()
    kinds = {"raw": digits.images.astype(np.uint8), "scaled": np.round(digits.images * 255 / 16).astype(np.uint8)}
    runs = {}
    for kind, images in kinds.items():
        path = tmp_path / f"{kind}.npz"
        np.savez(path, x=images, y=digits.target)
        runs[kind] = muslin.train("dense_baseline", path, epochs=2, test_fraction=0.2, out=tmp_path, progress=False)
    assert str(runs["raw"].record.data.scaling) == "0–16"
    assert runs["raw"].record.data.fingerprint == runs["scaled"].record.data.fingerprint
    tests = [muslin.evaluate(run, progress=False) for run in runs.values()]
    np.testing.assert_array_equal(tests[0].probabilities, tests[1].probabilities)
    path = muslin.export(runs["raw"], "onnx", progress=False)
    metadata = {each.key: each.value for each in onnx.load(path).metadata_props}
    assert metadata["muslin.pixel_range"] == "[0.0, 16.0]"
    assert "values of 0–16, divided by 16" in metadata["muslin.input"]
