"""Checks of a design's layers and claims, and the words of the messages about them."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from muslin.design.claim import Claim
from muslin.design.layers import Dense, Layer

FEWEST_CLASSES = 2


def check_names(layers: Sequence[Layer], claims: Sequence[Claim]) -> None:
    """Raise ValueError if two layers share a name, or a claim names a layer that does not exist."""
    seen: dict[str, int] = {}
    for number, layer in enumerate(layers, start=1):
        if layer.name in seen:
            raise ValueError(
                f"{called(number, layer)}: layer {seen[layer.name]} already has this name; "
                "every layer needs a different name"
            )
        seen[layer.name] = number
    for number, claim in enumerate(claims, start=1):
        if claim.layer is not None and claim.layer not in seen:
            raise ValueError(
                f'claim {number}: layer = "{claim.layer}" is not a layer of this design; '
                f"its layers are {', '.join(seen)}"
            )


def check_output(layers: Sequence[Layer]) -> None:
    """Raise ValueError if the last layer does not fit an output, or another layer has an output's activation."""
    last = layers[-1]
    where = called(len(layers), last)
    if not isinstance(last, Dense):
        raise ValueError(
            f"{where}: the last layer must be dense, with one unit per class; add a [[layers]] with "
            'kind = "dense" at the end'
        )
    if last.activation not in ("none", "softmax"):
        raise ValueError(
            f'{where}: activation = "{last.activation}" is not valid for the output layer; use "softmax" '
            '(probabilities) or "none" (logits)'
        )
    if last.units < FEWEST_CLASSES:
        raise ValueError(
            f"{where}: units = {last.units} is too small; the output layer needs one unit per class, and at least "
            f"{FEWEST_CLASSES} classes"
        )
    for number, layer in enumerate(layers[:-1], start=1):
        if getattr(layer, "activation", "none") == "softmax":
            raise ValueError(
                f'{called(number, layer)}: activation = "softmax" is valid on the output layer only; '
                '"relu" is the usual choice for other layers'
            )


def reason(problem: ValueError) -> str:
    """Return a validator's message without pydantic's frame."""
    if isinstance(problem, ValidationError):
        first = problem.errors(include_url=False)[0]
        told = first["msg"].removeprefix("Value error, ")
        match first["type"]:
            case "value_error":
                return told
            case "too_long":
                most, found = first["ctx"]["max_length"], first["ctx"]["actual_length"]
                return f"it has {found} {first['loc'][-1]}; at most {most} are allowed"
            case "missing":
                return f"required field {first['loc'][-1]} is missing"
            case _:
                return f"{first['loc'][-1]} = {first['input']!s:.40}: {told[0].lower()}{told[1:]}"
    return str(problem)


def called(number: int, layer: Layer) -> str:
    """Return how messages name a layer."""
    return f"layer {number} '{layer.name}' ({layer.kind})"
