"""What a design says about itself, in a form that can be checked."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field, model_validator

from muslin.design.layers import LayerName, Part

# Strict: neither true nor "75000" passes for a number.
Number: TypeAlias = Annotated[float, Field(strict=True)]
Whole: TypeAlias = Annotated[int, Field(strict=True)]


class Claim(Part):
    """One statement: a quantity (`measure`), and what it is said to be.

    At least one of `equals`, `about`, `at_least`, `at_most` is given; `about` comes with `within`, the half-width that
    still counts as "about".

    Attributes:
        says: the statement, in words.
        measure: which quantity decides it; `muslin.evaluation.claims.MEASURES` lists them.
        layer: the layer it speaks of, where the measure needs one.
    """

    says: Annotated[str, Field(min_length=1)]
    measure: Annotated[str, Field(min_length=1)]
    layer: LayerName | None = None
    equals: Number | Annotated[tuple[Whole, ...], Field(min_length=1)] | None = None
    about: Number | None = None
    within: Annotated[Number, Field(gt=0)] | None = None
    at_least: Number | None = None
    at_most: Number | None = None

    @model_validator(mode="after")
    def _states_something(self) -> Claim:
        if all(value is None for value in (self.equals, self.about, self.at_least, self.at_most)):
            raise ValueError("a claim states an expectation: give equals, about (with within), at_least or at_most")
        if (self.about is None) != (self.within is None):
            raise ValueError("about and within go together: about = 75000, within = 1000")
        return self
