"""What the parts of a recipe share: their base class and the ranges of their numbers."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from muslin._display import Described

Positive: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share: TypeAlias = Annotated[float, Field(ge=0, lt=1)]
Count: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]


class Part(Described, BaseModel):
    """Base class of a recipe and its parts: frozen, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")
