"""How a study is done, as a value that is kept with it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from muslin.ablation.plan import Match, Plan, make_plan
from muslin.ablation.statistics import looks_at
from muslin.ablation.verdict import MARGIN
from muslin.design import Design
from muslin.engine import Precision
from muslin.errors import TrainingError
from muslin.recipe import Recipe

MOST_SEEDS = 1_000


class StudySettings(BaseModel):
    """How a study is done.

    Attributes:
        decisions: which of the design's decisions, by name or as "decision/alternative"; all if empty.
        pairs: decisions to measure together.
        seeds: for each arm, 0, 1, 2, …
        max_seeds: go on with undecided alternatives up to so many seeds, with intervals that allow for looking again
            and again; None to stop after `seeds`.
        match: twins of equal size for every alternative ("parameters", "macs"), for none ("none"), or for those that
            ask for one (None).
        margin: a difference below it doesn't matter, in points.
        vary_split: draw the validation images anew with each seed.
        precision: of matrix products; None for bfloat16 where the processor multiplies it natively.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    decisions: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    seeds: Annotated[int, Field(ge=1, le=MOST_SEEDS)] = 5
    max_seeds: Annotated[int, Field(ge=2, le=MOST_SEEDS)] | None = None
    match: Match | None = None
    margin: Annotated[float, Field(gt=0, le=100)] = MARGIN
    vary_split: bool = False
    precision: Precision | None = None

    @model_validator(mode="after")
    def _goes_on_from_there(self) -> StudySettings:
        if self.max_seeds is not None and self.max_seeds < self.seeds:
            raise ValueError(f"max_seeds is {self.max_seeds}, fewer than the {self.seeds} seeds to begin with")
        return self

    @property
    def looks(self) -> tuple[int, ...]:
        """After how many seeds verdicts are looked at."""
        return (self.seeds,) if self.max_seeds is None else looks_at(self.seeds, self.max_seeds)

    def plan(self, design: Design, recipe: Recipe) -> Plan:
        """What a study of `design` trains.

        Raises:
            DesignError, RecipeError: the decisions don't fit the design or the recipe.
        """
        return make_plan(design, recipe, self.decisions, match=self.match, pairs=self.pairs)


def make_settings(**fields: object) -> StudySettings:
    """StudySettings from keyword arguments.

    Raises:
        TrainingError: a value is out of range, or there is no such setting.
    """
    try:
        return StudySettings.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        told = first["msg"].removeprefix("Value error, ")
        where = f"{first['loc'][0]} = {first['input']!s:.60}: " if first["loc"] else ""
        raise TrainingError(f"this study can't be done: {where}{told[0].lower()}{told[1:]}.") from error
