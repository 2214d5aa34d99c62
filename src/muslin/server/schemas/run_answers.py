"""Schemas of answers about runs."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from muslin.server.schemas.answers import Values


class Guide(BaseModel):
    """State of the run's images, which are analyzed in the background.

    Attributes:
        images: "here", "coming" or "missing".
        reason: reason why they are missing.
        likeness: "here" once nearest training images are available.
        units: "here" once the strongest activations of every filter are available.
        progress: progress of the analysis, 0–1.
        sizes: number of images per split, once available.
        false_alarms: see `Likeness`.
        meant: share of false alarms for which the threshold was set, 0–1.
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
    """A region of a test image with a strong activation of a channel."""

    index: int
    value: float
    region: tuple[int, int, int, int]


class Channel(BaseModel):
    """One channel of a layer: its kernel, if it has one, and its strongest activations.

    Attributes:
        kernel: kernel, (input channel, height, width); None for layers without kernels, and for dense layers.
        describes: pattern that the kernel responds to, in words; empty if it has no simple description.
        units: test images with the strongest activations, strongest first; empty until available.
    """

    layer: str
    channel: int
    kernel: Values | None
    describes: str
    units: list[StrongUnit]


class RunSummary(BaseModel):
    """Summary of a run. Accuracies are 0–1."""

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
    """All runs of the folder, newest first, and the name of the default run."""

    chosen: str | None
    runs: list[RunSummary]


class RunDetail(BaseModel):
    """A run's design and its static analysis."""

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
    """A claim of the design, checked against measurements."""

    says: str
    expected: str
    found: str
    verdict: str


class Results(BaseModel):
    """Results on the test split; `test` is null if the run was not evaluated on it."""

    run: str
    classes: list[str]
    test: dict[str, Any] | None
    splits: dict[str, Any]
    baseline: dict[str, Any] | None
    improvement: dict[str, Any] | None
    confidently_wrong: list[Tested]
    claims: list[ClaimAnswer]


class Tested(BaseModel):
    """A test image and its prediction."""

    index: int
    label: int
    predicted: int
    probability: float


class Cell(BaseModel):
    """Test images of one class predicted as a given class, the most confident first."""

    true: int
    predicted: int
    images: int
    tested: list[Tested]


class Health(BaseModel):
    """State of the server."""

    status: Literal["ok"] = "ok"
