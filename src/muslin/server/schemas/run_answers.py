"""What comes out of the API about runs."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from muslin.server.schemas.answers import Values


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
