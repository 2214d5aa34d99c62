"""The settings of a study, kept with it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from muslin._display import Described
from muslin._words import listed, nearest
from muslin.ablation.plan import Match, Plan, make_plan
from muslin.ablation.statistics import looks_at
from muslin.ablation.verdict import MARGIN
from muslin.design import Design
from muslin.engine import Precision
from muslin.errors import TrainingError
from muslin.recipe import Recipe

MOST_SEEDS = 1_000


class StudySettings(Described, BaseModel):
    """The settings of a study.

    Attributes:
        decisions: decisions to measure, by name or as "decision/alternative" (default: all).
        pairs: pairs of decisions to measure together (default: none).
        seeds: number of seeds of each arm, which are 0, 1, 2, … (default 5).
        max_seeds: largest number of seeds of an undecided arm, with intervals that allow for repeated looks (default
            None: `seeds`).
        match: "parameters" or "macs" for a size-matched twin of every alternative, "none" for no twins (default None:
            twins where an alternative asks for one).
        margin: largest difference, in points, that does not matter (default 0.2).
        vary_split: whether each seed draws its own validation images (default False).
        precision: precision of matrix products, "float32" or "bfloat16" (default None: bfloat16 where the processor
            multiplies it natively).
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
    def _most_is_not_fewer(self) -> StudySettings:
        if self.max_seeds is not None and self.max_seeds < self.seeds:
            raise ValueError(f"max_seeds is {self.max_seeds}, fewer than the {self.seeds} initial seeds")
        return self

    @property
    def looks(self) -> tuple[int, ...]:
        """Numbers of seeds at which verdicts are computed."""
        return (self.seeds,) if self.max_seeds is None else looks_at(self.seeds, self.max_seeds)

    def plan(self, design: Design, recipe: Recipe) -> Plan:
        """Derive the plan of a study with these settings.

        Args:
            design: design with decisions.
            recipe: recipe that every arm is trained with.

        Raises:
            DesignError, RecipeError: the decisions do not fit the design or the recipe.
        """
        return make_plan(design, recipe, self.decisions, match=self.match, pairs=self.pairs)


def make_settings(**fields: object) -> StudySettings:
    """Validate settings given as keyword arguments.

    Args:
        **fields: fields of `StudySettings`.

    Raises:
        TrainingError: a value is out of range, or there is no such setting.
    """
    try:
        return StudySettings.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["type"] == "extra_forbidden":
            known = sorted(StudySettings.model_fields)
            near = nearest(str(first["loc"][0]), known)
            hint = f"Did you mean '{near}'?" if near else f"There are {listed(known)}."
            raise TrainingError(f"a study has no setting '{first['loc'][0]}'. {hint}") from error
        told = first["msg"].removeprefix("Value error, ")
        where = f"{first['loc'][0]} = {first['input']!s:.60}: " if first["loc"] else ""
        raise TrainingError(f"invalid study settings: {where}{told[0].lower()}{told[1:]}.") from error
