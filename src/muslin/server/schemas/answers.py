"""Schemas of answers about an image."""

from __future__ import annotations

import base64
from typing import Literal

import numpy as np
from pydantic import BaseModel


class Values(BaseModel):
    """An array of numbers, quantized to bytes: value = low + (high − low) · byte / 255.

    Attributes:
        shape: shape, such as (channel, height, width).
        low: value of byte 0.
        high: value of byte 255.
        data: bytes in base64; the last axis varies fastest.
    """

    shape: list[int]
    low: float
    high: float
    data: str

    @classmethod
    def of(cls, values: np.ndarray, low: float | None = None, high: float | None = None) -> Values:
        """Quantize a finite array; the bounds default to its minimum and maximum."""
        values = np.nan_to_num(np.asarray(values, np.float32), posinf=3e38, neginf=-3e38)
        low = float(values.min()) if low is None else low
        high = float(values.max()) if high is None else high
        scaled = (values - low) * (255 / (high - low) if high > low else 0)
        data = base64.b64encode(scaled.round().clip(0, 255).astype(np.uint8).tobytes()).decode()
        return cls(shape=list(values.shape), low=low, high=high, data=data)

    @classmethod
    def of_image(cls, pixels: np.ndarray) -> Values:
        """Return the values of an image: bytes (height, width, channel)."""
        return cls.of(pixels, 0, 255)


class Prediction(BaseModel):
    """Prediction for one image; probabilities are in the order of the run's classes."""

    number: int
    name: str
    probability: float
    probabilities: list[float]


class Predictions(BaseModel):
    """Predictions, in the order of the images."""

    run: str
    predictions: list[Prediction]


class LayerOutput(BaseModel):
    """Output of a layer for the image: (channel, height, width), or (feature,)."""

    name: str
    values: Values


class Evidence(BaseModel):
    """Class activation map: the evidence for one class at each position.

    Attributes:
        method: "exact": the class's logit is the mean of the values plus the class's bias. "Grad-CAM": only ratios of
            the values are meaningful.
        layer: name of the layer whose feature maps are weighted.
        values: class activation map, (height, width).
    """

    method: Literal["exact", "Grad-CAM"]
    layer: str
    values: Values


class Neighbour(BaseModel):
    """A training image that is similar in the network's feature space."""

    index: int
    number: int
    distance: float


class Likeness(BaseModel):
    """Similarity of the image to the training images.

    Attributes:
        neighbours: nearest training images, nearest first.
        loneliness: distance to the tenth nearest training image.
        threshold: distance above which an image is called unlike the training images.
        unlike: whether this image is called so.
        false_alarms: share of ordinary test images that are called so, 0–1; None if not measured.
        test_images: number of test images on which that share was measured.
    """

    neighbours: list[Neighbour]
    loneliness: float
    threshold: float
    unlike: bool
    false_alarms: float | None
    test_images: int


class Explanation(BaseModel):
    """An image, its prediction, and what the network computed for it."""

    run: str
    image: Values
    label: int | None
    prediction: Prediction
    number: int
    layers: list[LayerOutput]
    evidence: Evidence | None
    occlusion: Values | None
    likeness: Likeness | None


class StageAnswer(BaseModel):
    """A photo after one step of the preparation."""

    step: str
    done: bool
    note: str
    image: Values


class PhotoAnswer(BaseModel):
    """A photo after each step of the preparation; the last stage is the network's input."""

    run: str
    stages: list[StageAnswer]
