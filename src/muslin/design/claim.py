"""Claims: statements about a design that Muslin can check."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field, model_validator

from muslin.design.layer import LayerName, Part

# Strict: neither true nor "75000" is accepted as a number.
Number: TypeAlias = Annotated[float, Field(strict=True)]
Whole: TypeAlias = Annotated[int, Field(strict=True)]


class Claim(Part):
    """One statement about a quantity (`measure`) and its expected value.

    A claim needs at least one of `equals`, `about`, `at_least` and `at_most`.

    Attributes:
        says: statement in words.
        measure: name of the quantity; `muslin.evaluation.claims.MEASURES` lists them all.
        layer: name of the layer that the claim is about, for measures of a layer (default None).
        equals: expected number, or expected shape (default None).
        about: expected number, up to a tolerance of `within` (default None).
        within: largest deviation from `about`, in the measure's unit (default None).
        at_least: lower bound, inclusive (default None).
        at_most: upper bound, inclusive (default None).
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
            raise ValueError(
                "a claim needs an expected value: add equals, about (together with within), at_least or at_most"
            )
        if (self.about is None) != (self.within is None):
            raise ValueError("about and within are only valid together, e.g. about = 75000 and within = 1000")
        return self
