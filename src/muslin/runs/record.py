"""The content of run.json: everything needed to repeat a run, beside its design."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Self, cast

from pydantic import BaseModel, ConfigDict

from muslin._display import Described
from muslin.data import Audit, Dataset, Reading, ReadingOptions, Scaling
from muslin.data.pixels import FULL
from muslin.data.reading import AS_IS
from muslin.data.source import Source
from muslin.recipe import Recipe
from muslin.training.outcome import Outcome


class _Part(Described, BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Environment(_Part):
    """Software and hardware of a run: the reasons why another machine may give other bits."""

    muslin: str
    python: str
    torch: str
    system: str
    processor: str


class DataRecord(_Part):
    """The images that a run was trained on.

    Attributes:
        source: where the images came from; a sentence in run folders of Muslin 0.1.
        sample: whether they are the sample that ships with Muslin.
        fingerprint: SHA-256 of all pixels and labels of the three splits.
        reading: how the files were read.
        scaling: range of the pixels in the files, found on the training images.
        ground: gray value that was put behind transparent pixels; None if no pixel was transparent.
        border: median value of each channel along the borders of the training images, 0–255.
        notes: what was done with the files, one sentence each.
        own_validation: whether the files set the validation images apart.
    """

    source: Source
    sample: bool
    fingerprint: str
    input_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    audit: Audit
    reading: Reading = AS_IS
    scaling: Scaling = FULL
    ground: int | None = None
    border: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    own_validation: bool = False

    @classmethod
    def of(cls, data: Dataset) -> Self:
        """Return what is kept of a data set."""
        return cls(
            source=data.source,
            sample=data.audit.train_release == "sample",
            fingerprint=data.fingerprint,
            input_shape=data.input_shape,
            class_names=data.class_names,
            audit=data.audit,
            reading=data.reading,
            scaling=data.scaling,
            ground=data.ground,
            border=data.border,
            notes=data.notes,
            own_validation=data.own_validation,
        )

    def as_read(self) -> ReadingOptions:
        """Return the options with which the same files give the same data; pixels keep the training images' range."""
        found = self.reading.model_dump() | {"pixel_range": (self.scaling.low, self.scaling.high)}
        return cast("ReadingOptions", found)


class RunRecord(_Part):
    """The content of run.json.

    Attributes:
        created: start of the run, with time zone.
        outcome: how training went; None until it has ended.
    """

    format: Literal[1] = 1
    created: datetime
    design: str
    recipe: Recipe
    seed: int
    data: DataRecord
    environment: Environment
    outcome: Outcome | None = None
