"""Accuracy on corrupted images: eight corruptions at five severities, for images of 8 to 64 pixels.

After Hendrycks & Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations", ICLR
2019, section 3; spatial strengths are shares of the image's side, since their images have 224 pixels.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float, Int64, UInt8

SEVERITIES = (1, 2, 3, 4, 5)
MOST_IMAGES = 500  # images that are corrupted; one standard error of their accuracy is then at most 2.2 points

# Strength of each corruption by severity.
_NOISE = (8, 16, 24, 36, 48)  # standard deviation, in gray values
_BLUR = (0.015, 0.025, 0.035, 0.045, 0.06)  # standard deviation, share of the side
_BRIGHTNESS = (20, 40, 60, 80, 100)  # gray values added
_CONTRAST = (0.75, 0.6, 0.45, 0.3, 0.2)  # factor of the distance from the image's mean
_ROTATION = (5, 10, 15, 22, 30)  # degrees, to either side
_SHIFT = (0.04, 0.07, 0.11, 0.15, 0.2)  # share of the side, in one of eight directions
_OCCLUSION = (0.15, 0.22, 0.3, 0.38, 0.46)  # side of a gray square, share of the image's side
_JPEG = (60, 40, 25, 15, 8)  # quality


def _noise(images: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    noisy: np.ndarray = images + rng.normal(0, _NOISE[severity - 1], images.shape)
    return noisy


def _blur(images: np.ndarray, severity: int, _rng: np.random.Generator) -> np.ndarray:
    from scipy.ndimage import gaussian_filter  # type: ignore[import-untyped]  # noqa: PLC0415  (slow to import)

    height, width = images.shape[1:3]
    share = _BLUR[severity - 1]
    blurred: np.ndarray = gaussian_filter(images, (0, share * height, share * width, 0))
    return blurred


def _brightness(images: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    changed: np.ndarray = images + _BRIGHTNESS[severity - 1] * rng.choice((-1, 1), (len(images), 1, 1, 1))
    return changed


def _contrast(images: np.ndarray, severity: int, _rng: np.random.Generator) -> np.ndarray:
    mean = images.mean(axis=(1, 2, 3), keepdims=True)
    flatter: np.ndarray = mean + _CONTRAST[severity - 1] * (images - mean)
    return flatter


def _rotation(images: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    from scipy.ndimage import rotate  # noqa: PLC0415  (slow to import)

    clockwise = rng.random(len(images)) < 0.5
    turned = images.copy()
    for which, sign in ((clockwise, -1), (~clockwise, 1)):
        angle = sign * _ROTATION[severity - 1]
        turned[which] = rotate(images[which], angle, axes=(2, 1), reshape=False, order=1, mode="nearest")
    return turned


def _shift(images: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    height, width = images.shape[1:3]
    down, right = (max(round(_SHIFT[severity - 1] * side), 1) for side in (height, width))
    padded = np.pad(images, ((0, 0), (down, down), (right, right), (0, 0)), mode="edge")
    ways = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1), (2, 2)]
    moved = np.empty_like(images)
    for image, (row, column) in enumerate(rng.choice(ways, len(images))):
        top, left = row * down, column * right
        moved[image] = padded[image, top : top + height, left : left + width]
    return moved


def _occlusion(images: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    height, width = images.shape[1:3]
    tall, wide = (max(round(_OCCLUSION[severity - 1] * side), 1) for side in (height, width))
    covered = images.copy()
    tops, lefts = rng.integers(0, height - tall + 1, len(images)), rng.integers(0, width - wide + 1, len(images))
    for image, top, left in zip(covered, tops, lefts, strict=True):
        image[top : top + tall, left : left + wide] = 127.5
    return covered


def _jpeg(images: np.ndarray, severity: int, _rng: np.random.Generator) -> np.ndarray:
    from PIL import Image  # noqa: PLC0415  (slow to import)

    packed = np.empty_like(images)
    for number, image in enumerate(images.astype(np.uint8)):
        content = io.BytesIO()
        Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(
            content, "JPEG", quality=_JPEG[severity - 1]
        )
        packed[number] = np.asarray(Image.open(content)).reshape(image.shape)
    return packed


CORRUPTIONS: Mapping[str, Callable[[np.ndarray, int, np.random.Generator], np.ndarray]] = {
    "noise": _noise,
    "blur": _blur,
    "brightness": _brightness,
    "contrast": _contrast,
    "rotation": _rotation,
    "shift": _shift,
    "occlusion": _occlusion,
    "JPEG": _jpeg,
}


def corrupt(
    images: UInt8[np.ndarray, "image height width channel"], corruption: str, severity: int, seed: int = 0
) -> UInt8[np.ndarray, "image height width channel"]:
    """Corrupt images.

    Args:
        images: pixels as bytes, 0–255, with 1 or 3 channels.
        corruption: "noise" (Gaussian), "blur" (Gaussian), "brightness" (lighter or darker), "contrast" (lower),
            "rotation" (to either side), "shift" (in eight directions), "occlusion" (a gray square) or "JPEG".
        severity: strength, 1 to 5.
        seed: seed of everything random (default 0).

    Raises:
        KeyError: there is no such corruption.

    >>> corrupt(np.full((1, 8, 8, 1), 100, np.uint8), "contrast", 5)[0, 0, 0].tolist()
    [100]
    """
    rng = np.random.default_rng((seed, severity, list(CORRUPTIONS).index(corruption)))
    spoilt = CORRUPTIONS[corruption](images.astype(np.float32), severity, rng)
    found: np.ndarray = np.clip(np.rint(spoilt), 0, 255).astype(np.uint8)
    return found


@dataclass(frozen=True)
class Robustness:
    """Accuracy on corrupted images.

    Attributes:
        images: number of images.
        clean: accuracy on the same images as they are, 0–1.
        accuracy: accuracy of each corruption at severities 1 to 5, 0–1.
    """

    images: int
    clean: float
    accuracy: Mapping[str, tuple[float, ...]]

    @property
    def mean(self) -> float:
        """The mean accuracy over all corruptions and severities, 0–1."""
        return float(np.mean(list(self.accuracy.values())))

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain values for JSON."""
        accuracy = {name: list(values) for name, values in self.accuracy.items()}
        return {"images": self.images, "clean": self.clean, "mean": self.mean, "accuracy": accuracy}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Robustness:
        """Read what `to_dict` returned."""
        accuracy = {name: tuple(found) for name, found in values["accuracy"].items()}
        return cls(values["images"], values["clean"], accuracy)


def measure_robustness(
    predict: Callable[[np.ndarray], Float[np.ndarray, "image class"]],
    images: UInt8[np.ndarray, "image height width channel"],
    labels: Int64[np.ndarray, " image"],
) -> Robustness | None:
    """Measure accuracy on corrupted images, at most 500 of them, drawn with seed 0.

    Args:
        predict: function that returns class probabilities for bytes.
        images: pixels as bytes, 0–255.
        labels: true class numbers.

    Returns:
        The accuracies; None for images with other than 1 or 3 channels.
    """
    if images.shape[-1] not in (1, 3):
        return None
    chosen = np.sort(np.random.default_rng(0).permutation(len(images))[:MOST_IMAGES])
    images, labels = images[chosen], labels[chosen]

    def accuracy(seen: np.ndarray) -> float:
        return float((predict(seen).argmax(axis=1) == labels).mean())

    found = {name: tuple(accuracy(corrupt(images, name, severity)) for severity in SEVERITIES) for name in CORRUPTIONS}
    return Robustness(len(images), accuracy(images), found)
