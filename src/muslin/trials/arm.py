"""Arms: designs with recipes that are trained with several seeds and compared."""

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
    """A design with a recipe.

    Two arms are the same if they train the same network in the same way, whatever their names and reasons.

    Attributes:
        design: design to train.
        recipe: recipe to train it with.
    """

    design: Design
    recipe: Recipe

    @cached_property
    def key(self) -> str:
        """Hash of everything that training depends on except data and seed."""
        return digest(self.content)

    @property
    def content(self) -> dict[str, Any]:
        """Everything that training depends on except data and seed, as plain values."""
        layers = []
        for layer in self.design.layers:
            table = layer.model_dump(mode="json", exclude={"because"})
            if isinstance(layer, Dropout) and self.recipe.dropout is not None:
                table["rate"] = self.recipe.dropout  # training replaces it likewise
            layers.append(table)
        recipe = {name: value for name, value in self.recipe.plain().items() if name not in ("name", "because")}
        if recipe["distillation"] is None:
            del recipe["distillation"]  # earlier versions had no such field: keep the keys of their trials
        return {"input_shape": self.design.input_shape, "layers": layers, "recipe": recipe}


def design_key(design: Design) -> str:
    """Hash the input shape and layers of a design, whatever its name, reasons and claims."""
    layers = [layer.model_dump(mode="json", exclude={"because"}) for layer in design.layers]
    return digest({"input_shape": design.input_shape, "layers": layers})


def digest(content: object) -> str:
    """Hash plain values into 24 hexadecimal digits."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:24]
