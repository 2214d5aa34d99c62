"""What goes in and out of the API."""

from __future__ import annotations

import base64
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_IMAGES = 256  # in one request
Byte: TypeAlias = Annotated[int, Field(strict=True, ge=0, le=255)]
GreyImage: TypeAlias = list[list[Byte]]
ColourImage: TypeAlias = list[list[list[Byte]]]
Pixels: TypeAlias = GreyImage | ColourImage
RunId: TypeAlias = Annotated[str, Field(min_length=1, max_length=200)]
SplitName: TypeAlias = Literal["train", "validation", "test"]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PredictRequest(_Request):
    """Images to classify.

    Attributes:
        images: each a list of rows of pixels, 0–255 (or of [red, green, blue]), of the size that the network takes.
        run: whose network; the server's own choice if left out.
    """

    images: Annotated[list[Pixels], Field(min_length=1, max_length=MOST_IMAGES)]
    run: RunId | None = None


class Example(_Request):
    """An image of the run's data set."""

    split: SplitName
    index: Annotated[int, Field(ge=0, le=2**31)]


class ExplainRequest(_Request):
    """An image to look into: `pixels`, or an `example` of the data set.

    Attributes:
        number: the class to find evidence for; the predicted one if left out.
        occlusion: also cover each part of the image in turn (some ten times slower).
        run: whose network; the server's own choice if left out.
    """

    pixels: Pixels | None = None
    example: Example | None = None
    number: Annotated[int, Field(ge=0, le=65_536)] | None = None
    occlusion: bool = False
    run: RunId | None = None

    @model_validator(mode="after")
    def _one_image(self) -> ExplainRequest:
        if (self.pixels is None) == (self.example is None):
            raise ValueError("give either pixels or an example, not both and not neither")
        return self


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


class Guide(BaseModel):
    """What is known of the run's images, which are read in the background.

    Attributes:
        images: "here", "coming", or "missing".
        reason: why they are missing.
        likeness: "here" once neighbours can be found.
        units: "here" once the images that excite each filter are known.
        progress: of what is being worked out, 0–1.
        sizes: images per split, once they are here.
        false_alarms: see `Likeness`.
    """

    images: Literal["here", "coming", "missing"]
    reason: str = ""
    likeness: Literal["here", "coming", "missing"] = "coming"
    units: Literal["here", "coming", "missing"] = "coming"
    progress: float = 0
    sizes: dict[str, int] = {}
    false_alarms: float | None = None
    meant: float | None = None


class StrongUnit(BaseModel):
    """A place in a test image that excites a filter."""

    index: int
    value: float
    region: tuple[int, int, int, int]


class Channel(BaseModel):
    """One channel of a layer: its kernel where it has one, and what excites it most.

    Attributes:
        kernel: (input channel, height, width); None for layers without kernels, and for dense ones.
        describes: what the kernel responds to, in words; empty if there is no telling.
        units: the test images that excite it most, strongest first; empty until they are known.
    """

    layer: str
    channel: int
    kernel: Values | None
    describes: str
    units: list[StrongUnit]


class RunSummary(BaseModel):
    """A run in a row of a table. Accuracies are 0–1."""

    id: str
    design: str
    title: str
    recipe: str
    seed: int
    created: str
    sample: bool
    state: Literal["training", "unfinished", "finished", "early", "interrupted", "diverged"]
    ready: bool
    epochs: int
    planned: int
    parameters: int
    macs: int
    seconds: float | None
    validation_accuracy: float | None
    accuracy: float | None
    interval: tuple[float, float] | None
    loss: float | None
    baseline_accuracy: float | None
    history: list[dict[str, float]]


class Runs(BaseModel):
    """All runs of the folder, newest first, and the one that answers by itself."""

    chosen: str | None
    runs: list[RunSummary]


class RunDetail(BaseModel):
    """A run's design and what is known of it without the images."""

    run: RunSummary
    because: str
    input_shape: tuple[int, int, int]
    classes: list[str]
    layers: list[dict[str, Any]]
    parameters: int
    macs: int
    comparison: dict[str, Any] | None
    environment: dict[str, str]
    source: str


class ClaimAnswer(BaseModel):
    """A statement of the design, held against what was measured."""

    says: str
    expected: str
    found: str
    verdict: str


class Results(BaseModel):
    """What the test split showed; `test` is None if it was not opened."""

    run: str
    classes: list[str]
    test: dict[str, Any] | None
    splits: dict[str, Any]
    baseline: dict[str, Any] | None
    improvement: dict[str, Any] | None
    confidently_wrong: list[Tested]
    claims: list[ClaimAnswer]


class Tested(BaseModel):
    """A test image and the network's answer."""

    index: int
    label: int
    predicted: int
    probability: float


class Cell(BaseModel):
    """The test images of one class that were taken for another (or rightly for itself), surest first."""

    true: int
    predicted: int
    images: int
    tested: list[Tested]


class Health(BaseModel):
    """That the server is up."""

    status: Literal["ok"] = "ok"
