"""The design of a network: an input shape, layers in a row, and the reasons for them."""

from __future__ import annotations

from functools import cached_property
from math import prod
from typing import Annotated, NamedTuple

from pydantic import Field, ValidationError, model_validator

from muslin.design.claim import Claim
from muslin.design.layers import Dense, Layer, Part, Shape, ShapeMismatch, Side, describe_shape
from muslin.errors import DesignError

Channels = Annotated[int, Field(strict=True, ge=1, le=4)]
MOST_LAYERS = 256
FEWEST_CLASSES = 2
MOST_VALUES = 2**31  # in one layer's output or weights: more can't be a small network and would exhaust memory


class Placed(NamedTuple):
    """A layer together with the shapes around it."""

    layer: Layer
    input_shape: Shape
    output_shape: Shape


class Design(Part):
    """A small network as a value: what it takes, its layers, why, and what it claims.

    Attributes:
        name: a short name for files and tables.
        title: one line for people.
        because: the thinking behind the whole, in the designer's words.
        input_shape: (height, width, channels) of the images.
        layers: in the order the image passes them; the last is a dense layer with one unit per class.
        baseline: name or path of the design that this one is compared with, if any.
        claims: statements that `muslin run` checks.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    title: str = ""
    because: str = ""
    input_shape: tuple[Side, Side, Channels]
    baseline: Annotated[str, Field(min_length=1)] | None = None
    layers: Annotated[tuple[Layer, ...], Field(min_length=1, max_length=MOST_LAYERS)]
    claims: tuple[Claim, ...] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> Design:
        self._check_names()
        shape: Shape = self.input_shape
        for number, layer in enumerate(self.layers, start=1):
            try:
                shape = layer.output_shape(shape)
            except ShapeMismatch as problem:
                raise ValueError(f"{_called(number, layer)}: {problem}") from problem
        self._check_output()
        self._check_sizes()
        return self

    def _check_names(self) -> None:
        seen: dict[str, int] = {}
        for number, layer in enumerate(self.layers, start=1):
            if layer.name in seen:
                raise ValueError(
                    f"{_called(number, layer)}: layer {seen[layer.name]} has that name already; each needs its own"
                )
            seen[layer.name] = number
        for number, claim in enumerate(self.claims, start=1):
            if claim.layer is not None and claim.layer not in seen:
                raise ValueError(
                    f'claim {number}: layer = "{claim.layer}" is not a layer of this design; it has {", ".join(seen)}'
                )

    def _check_output(self) -> None:
        last = self.layers[-1]
        called = _called(len(self.layers), last)
        if not isinstance(last, Dense):
            raise ValueError(
                f"{called}: the last layer must be dense, with one unit per class; add a [[layers]] with "
                'kind = "dense" at the end'
            )
        if last.activation not in ("none", "softmax"):
            raise ValueError(
                f'{called}: activation = "{last.activation}"; the output layer takes "softmax" (probabilities) or '
                '"none" (logits)'
            )
        if last.units < FEWEST_CLASSES:
            raise ValueError(
                f"{called}: units = {last.units}; the output layer has one unit per class, and there must be at least "
                f"{FEWEST_CLASSES} to choose from"
            )
        for number, layer in enumerate(self.layers[:-1], start=1):
            if getattr(layer, "activation", "none") == "softmax":
                raise ValueError(
                    f'{_called(number, layer)}: activation = "softmax" belongs on the output layer only; inside, '
                    '"relu" is the usual choice'
                )

    def _check_sizes(self) -> None:
        for number, (layer, entering, leaving) in enumerate(self.placed, start=1):
            for what, values in (("output", prod(leaving)), ("parameters", layer.parameters(entering))):
                if values > MOST_VALUES:
                    raise ValueError(
                        f"{_called(number, layer)}: its {what} would hold {values:,} values; at most {MOST_VALUES:,} "
                        "are allowed. Make the layer or its input smaller"
                    )

    @cached_property
    def placed(self) -> tuple[Placed, ...]:
        """Every layer with the shape that enters and the shape that leaves it."""
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
        """The layer called `name`.

        Raises:
            KeyError: there is none.
        """
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(name)

    @property
    def names(self) -> tuple[str, ...]:
        """The layers' names, in order."""
        return tuple(layer.name for layer in self.layers)

    def fitted_to(self, input_shape: tuple[int, int, int], classes: int) -> Design:
        """This design for other images: the input shape and the units of the last layer are replaced.

        Raises:
            DesignError: a layer doesn't fit the new shape.

        >>> from muslin.design import load_design
        >>> load_design("dense_baseline").fitted_to((32, 32, 3), 5).classes
        5
        """
        content = self.model_dump()
        content["input_shape"] = input_shape
        content["layers"][-1]["units"] = classes
        try:
            return Design.model_validate(content)
        except ValidationError as error:
            reason = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
            raise DesignError(
                f"design '{self.name}' can't be fitted to images of {describe_shape(input_shape)} in {classes} "
                f"classes: {reason}."
            ) from error


def _called(number: int, layer: Layer) -> str:
    return f"layer {number} '{layer.name}' ({layer.kind})"
