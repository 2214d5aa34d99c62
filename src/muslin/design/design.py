"""The design of a network: an input shape, a sequence of layers, and the reasons for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from math import prod
from typing import Annotated, Any, NamedTuple

from pydantic import Field, ValidationError, model_validator

from muslin._display import first_sentence, line, panel, paragraph, quoted, table
from muslin._words import count, listed
from muslin.design._checks import called, check_names, check_output, reason
from muslin.design.claim import Claim
from muslin.design.decision import Alternative, Decision, Edit
from muslin.design.edits import check_recipe_edits, edit_layers
from muslin.design.layer import Part, Shape, ShapeMismatch, Side, describe_shape
from muslin.design.layers import Dense, Layer
from muslin.errors import DesignError

Channels = Annotated[int, Field(strict=True, ge=1, le=4)]
MOST_LAYERS = 256
MOST_VALUES = 2**31  # largest number of values in one layer's output or weights; more would exhaust memory


class Placed(NamedTuple):
    """A layer with its input and output shapes."""

    layer: Layer
    input_shape: Shape
    output_shape: Shape


class Design(Part):
    """A small network as a value: its input, its layers, the reasons for them, and its claims.

    Attributes:
        name: short name for files and tables.
        title: description in one line.
        because: reason for the design as a whole, in the designer's words.
        input_shape: shape of the images, (height, width, channels) in pixels.
        layers: layers in forward order; the last is a dense layer with one unit per class.
        baseline: name or path of the design to compare this one with (default None).
        claims: statements that `muslin run` checks.
        decisions: choices that `muslin ablate` compares with their alternatives.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    title: str = ""
    because: str = ""
    input_shape: tuple[Side, Side, Channels]
    baseline: Annotated[str, Field(min_length=1)] | None = None
    layers: Annotated[tuple[Layer, ...], Field(min_length=1, max_length=MOST_LAYERS)]
    claims: tuple[Claim, ...] = ()
    decisions: Annotated[tuple[Decision, ...], Field(max_length=64)] = ()

    def __repr__(self) -> str:
        shapes = f"{describe_shape(self.input_shape)} → {count(self.classes, 'class', 'classes')}"
        return line(
            "Design",
            quoted(self.name),
            shapes,
            count(len(self.layers), "layer"),
            count(self._parameters(), "parameter"),
        )

    def _repr_html_(self) -> str:
        rows = [
            (
                layer.name,
                layer.kind,
                layer.settings,
                describe_shape(leaving),
                f"{layer.parameters(entering):,}",
                first_sentence(layer.because),
            )
            for layer, entering, leaving in self.placed
        ]
        total = self._parameters()
        heads = ("layer", "kind", "settings", "output", "parameters", "because")
        kept = [count(len(self.claims), "claim"), count(len(self.decisions), "decision")]
        if self.baseline:
            kept.append(f"the baseline {self.baseline}")
        return panel(
            self.name,
            self.title,
            paragraph(self.because),
            table(heads, rows, text=(0, 1, 2, 3, 5), total=("total", "", "", "", f"{total:,}", "")),
            paragraph(f"Input: images of {describe_shape(self.input_shape)}. With {listed(kept)}."),
        )

    def _parameters(self) -> int:
        return sum(layer.parameters(entering) for layer, entering, _ in self.placed)

    @model_validator(mode="after")
    def _fits_together(self) -> Design:
        check_names(self.layers, self.claims)
        shape: Shape = self.input_shape
        for number, layer in enumerate(self.layers, start=1):
            try:
                shape = layer.output_shape(shape)
            except ShapeMismatch as problem:
                raise ValueError(f"{called(number, layer)}: {problem}") from problem
        check_output(self.layers)
        self._check_sizes()
        self._check_decisions()
        return self

    def _check_sizes(self) -> None:
        for number, (layer, entering, leaving) in enumerate(self.placed, start=1):
            for what, values in (("output", prod(leaving)), ("parameters", layer.parameters(entering))):
                if values > MOST_VALUES:
                    raise ValueError(
                        f"{called(number, layer)}: {what} with {values:,} values; at most {MOST_VALUES:,} are "
                        "allowed. Make the layer or its input smaller"
                    )

    def _check_decisions(self) -> None:
        seen: set[str] = set()
        for number, decision in enumerate(self.decisions, start=1):
            where = f"decision {number} '{decision.name}'"
            if decision.name in seen:
                raise ValueError(f"{where}: another decision already has this name; every decision needs its own name")
            seen.add(decision.name)
            for which, alternative in enumerate(decision.alternatives, start=1):
                try:
                    self._check_alternative(decision, alternative)
                except ValueError as problem:  # includes pydantic's errors
                    raise ValueError(f"{where}: alternative {which} '{alternative.name}': {reason(problem)}") from None

    def _check_alternative(self, decision: Decision, alternative: Alternative) -> None:
        given, edits = decision.given, (*decision.given, *alternative.edits)
        edited = self._edited(edits)
        if edited.classes != self.classes:
            raise ValueError(f"its last layer has {edited.classes} units, but the design has {self.classes} classes")
        if all(not edit.on_recipe for edit in alternative.edits) and edited == self._edited(given):
            raise ValueError("its edits change nothing; use values that differ from the design's")
        check_recipe_edits(edits)

    def edited(self, edits: Iterable[Edit]) -> Design:
        """Return a copy of this design with the edits on layers applied, without claims, decisions and baseline.

        Raises:
            DesignError: if an edit selects no layer, or the result is not a valid design.
        """
        try:
            return self._edited(edits)
        except ValueError as error:
            raise DesignError(f"design '{self.name}' cannot be edited: {reason(error)}.") from error

    def with_layers(self, layers: Iterable[Mapping[str, Any]], name: str) -> Design:
        """Return a copy of this design with other layers, without claims and decisions.

        Args:
            layers: new layers, as tables.
            name: name of the copy.

        Raises:
            DesignError: if the layers do not form a valid design.
        """
        content = {**self.model_dump(exclude={"claims", "decisions"}), "name": name, "layers": list(layers)}
        try:
            return Design.model_validate(content)
        except ValidationError as error:
            raise DesignError(f"design '{self.name}' cannot become '{name}': {reason(error)}.") from error

    def _edited(self, edits: Iterable[Edit]) -> Design:
        content = self.model_dump(exclude={"claims", "decisions", "baseline"})
        content["layers"] = edit_layers(content["layers"], edits)
        return Design.model_validate(content)

    @cached_property
    def placed(self) -> tuple[Placed, ...]:
        """The layers with their input and output shapes, in forward order."""
        result, shape = [], tuple(self.input_shape)
        for layer in self.layers:
            leaving = layer.output_shape(shape)
            result.append(Placed(layer, shape, leaving))
            shape = leaving
        return tuple(result)

    @property
    def classes(self) -> int:
        """The number of classes: the units of the last layer."""
        return self.placed[-1].output_shape[0]

    @property
    def output_layer(self) -> Dense:
        """The last layer."""
        last = self.layers[-1]
        assert isinstance(last, Dense)  # noqa: S101  (validated; narrows the type)
        return last

    def layer(self, name: str) -> Layer:
        """Return the layer named `name`.

        Raises:
            KeyError: if there is no such layer.
        """
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(name)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the layers, in forward order."""
        return tuple(layer.name for layer in self.layers)

    def fitted_to(self, input_shape: tuple[int, int, int], classes: int) -> Design:
        """Adapt this design to other images: replace the input shape and the units of the last layer.

        Alternatives of decisions that do not fit the new shape are dropped.

        Args:
            input_shape: shape of the images, (height, width, channels) in pixels.
            classes: number of classes.

        Raises:
            DesignError: if a layer does not fit the new shape.

        >>> from muslin.design import load_design
        >>> load_design("dense_baseline").fitted_to((32, 32, 3), 5).classes
        5
        """
        content = self.model_dump()
        content["input_shape"] = input_shape
        content["layers"][-1]["units"] = classes
        content["decisions"] = ()
        try:
            fitted = Design.model_validate(content)
        except ValidationError as error:
            raise DesignError(
                f"design '{self.name}' does not fit images of {describe_shape(input_shape)} in {classes} "
                f"classes: {reason(error)}."
            ) from error
        decisions = tuple(kept for decision in self.decisions if (kept := fitted._fitting(decision)))
        return fitted.model_copy(update={"decisions": decisions})

    def _fitting(self, decision: Decision) -> Decision | None:
        """Return the decision with the alternatives that fit this design, or None if none fits."""
        kept = []
        for alternative in decision.alternatives:
            with suppress(ValueError):
                self._check_alternative(decision, alternative)
                kept.append(alternative)
        return decision.model_copy(update={"alternatives": tuple(kept)}) if kept else None
