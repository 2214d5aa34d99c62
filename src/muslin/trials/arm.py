"""Arms: what is trained, seed after seed, to be compared with something else."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from muslin.design import Design, Dropout
from muslin.recipe import Recipe


@dataclass(frozen=True)
class Arm:
    """A design with the recipe that trains it.

    Names and reasons don't matter here: two arms are the same if they train the same network in the same way.
    """

    design: Design
    recipe: Recipe

    @cached_property
    def key(self) -> str:
        """A hash of all that training depends on, apart from data and seed."""
        return digest(self.content)

    @property
    def content(self) -> dict[str, Any]:
        """All that training depends on, as plain values."""
        layers = []
        for layer in self.design.layers:
            table = layer.model_dump(mode="json", exclude={"because"})
            if isinstance(layer, Dropout) and self.recipe.dropout is not None:
                table["rate"] = self.recipe.dropout  # as training does
            layers.append(table)
        recipe = self.recipe.model_dump(mode="json", exclude={"name", "because"})
        if recipe["distillation"] is None:
            del recipe["distillation"]  # so that trials from before there was such a field are known again
        return {"input_shape": self.design.input_shape, "layers": layers, "recipe": recipe}


def design_key(design: Design) -> str:
    """A hash of what a design is, whatever its name, reasons and claims: input shape and layers."""
    layers = [layer.model_dump(mode="json", exclude={"because"}) for layer in design.layers]
    return digest({"input_shape": design.input_shape, "layers": layers})


def digest(content: object) -> str:
    """A short name for plain values: equal values, equal name."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:24]
