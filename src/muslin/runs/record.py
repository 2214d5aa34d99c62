"""What is written down of a run so that it can be repeated: the content of run.json."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from muslin.data import Audit
from muslin.recipe import Recipe
from muslin.training.outcome import Outcome


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Environment(_Part):
    """Where a run took place: enough to see why another machine may give other bits."""

    muslin: str
    python: str
    torch: str
    system: str
    processor: str


class DataRecord(_Part):
    """What a run was trained on.

    Attributes:
        source: where the images came from, in words.
        sample: whether it was the small sample that ships with Muslin.
        fingerprint: SHA-256 over all pixels and labels of the three splits.
    """

    source: str
    sample: bool
    fingerprint: str
    input_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    audit: Audit


class RunRecord(_Part):
    """The content of run.json.

    Attributes:
        created: when the run began, with the time zone.
        outcome: how training went; None while it is under way, or if it never ended.
    """

    format: Literal[1] = 1
    created: datetime
    design: str
    recipe: Recipe
    seed: int
    data: DataRecord
    environment: Environment
    outcome: Outcome | None = None
