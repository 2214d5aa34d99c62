"""What comes out of the API about an image."""

from __future__ import annotations

import base64
from typing import Literal

import numpy as np
from pydantic import BaseModel


class Values(BaseModel):
    """An array of numbers, in bytes: value = low + (high − low) · byte / 255.

    Attributes:
        shape: e.g. (channel, height, width).
        data: base64 of the bytes, the last axis fastest.
    """

    shape: list[int]
    low: float
    high: float
    data: str

    @classmethod
    def of(cls, values: np.ndarray, low: float | None = None, high: float | None = None) -> Values:
        """Any finite array; bounds are its own unless given."""
        values = np.nan_to_num(np.asarray(values, np.float32), posinf=3e38, neginf=-3e38)
        low = float(values.min()) if low is None else low
        high = float(values.max()) if high is None else high
        scaled = (values - low) * (255 / (high - low) if high > low else 0)
        data = base64.b64encode(scaled.round().clip(0, 255).astype(np.uint8).tobytes()).decode()
        return cls(shape=list(values.shape), low=low, high=high, data=data)

    @classmethod
    def of_image(cls, pixels: np.ndarray) -> Values:
        """Bytes (height, width, channel)."""
        return cls.of(pixels, 0, 255)


class Prediction(BaseModel):
    """The network's answer for one image; probabilities in the order of the run's classes."""

    number: int
    name: str
    probability: float
    probabilities: list[float]


class Predictions(BaseModel):
    """Answers, in the order of the images."""

    run: str
    predictions: list[Prediction]


class LayerOutput(BaseModel):
    """What a layer puts out for the image: (channel, height, width), or (feature,)."""

    name: str
    values: Values


class Evidence(BaseModel):
    """What speaks for one class, position by position.

    Attributes:
        method: "exact": the values' mean, plus the class's bias, is the class's logit. "Grad-CAM": only ratios count.
        layer: whose feature maps were weighed.
    """

    method: Literal["exact", "Grad-CAM"]
    layer: str
    values: Values


class Neighbour(BaseModel):
    """A training image that the network sees as alike."""

    index: int
    number: int
    distance: float


class Likeness(BaseModel):
    """What in training is like the image.

    Attributes:
        neighbours: the nearest training images, nearest first.
        loneliness: distance to the tenth nearest.
        threshold: beyond which an image is called unlike anything in training.
        unlike: whether this one is.
        false_alarms: the share of test images that are called so though they are ordinary; None if not measured.
    """

    neighbours: list[Neighbour]
    loneliness: float
    threshold: float
    unlike: bool
    false_alarms: float | None
    test_images: int


class Explanation(BaseModel):
    """An image as the network sees it."""

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
    """A photo after one step of the recipe."""

    step: str
    done: bool
    note: str
    image: Values


class PhotoAnswer(BaseModel):
    """A photo on its way through the recipe; the last stage is what the network takes."""

    run: str
    stages: list[StageAnswer]
