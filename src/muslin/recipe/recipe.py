"""A recipe: a training procedure as a value."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from muslin._display import line, panel, paragraph, quoted, table
from muslin._words import count
from muslin.recipe._part import Count, Part, Share
from muslin.recipe._validation import unknown_field, validated
from muslin.recipe.augmentation import Augmentation
from muslin.recipe.distillation import Distillation
from muslin.recipe.optimizers import Adam, Muon
from muslin.recipe.schedule import Constant, EarlyStopping, Linear, Plateau

FEW_STEPS = 200  # fewer steps leave a network undertrained; about a tenth of the steps of `fast` on Fashion-MNIST

Initialization: TypeAlias = Literal["glorot", "he", "pytorch"]


class Recipe(Part):
    """A training procedure. Together with a design, data and a seed, it determines the weights.

    Attributes:
        name: short name for files and tables.
        because: reason for the recipe's choices, in the author's words.
        epochs: largest number of passes over the training images.
        batch_size: number of images per step (default 128).
        drop_last: whether to skip an epoch's last batch if it is incomplete (default False).
        initialization: initial distribution of kernels and biases (default "glorot"). "glorot": kernels uniform within
            ±√(6 / (fan in + fan out)) (Glorot & Bengio 2010, eq. 16), biases zero. "he": kernels normal with variance
            2 / fan in (He et al. 2015, eq. 10), biases zero. "pytorch": kernels and biases uniform within
            ±1 / √(fan in), the output layer's biases zero.
        input_scaling: scale of the input during training (default "unit"). "unit": pixels from 0 to 1. "none": bytes
            from 0 to 255. "standardized": pixels minus the training mean, divided by the training standard deviation.
            After training, the scaling is folded into the first layer with weights, so that every saved network takes
            pixels from 0 to 1.
        label_smoothing: share of the target that is spread over all classes, 0 to <1 (default 0; Szegedy et al. 2016,
            section 7).
        class_weights: weight of each class in the loss (default "none"). "none": every image counts the same.
            "balanced": an image counts by the number of images over the number of classes times the images of its
            class, as scikit-learn's `compute_class_weight`, so that rare classes count as much as frequent ones.
        dropout: rate that replaces the rates of the design's dropout layers (default None: keep the design's rates).
        optimizer: update rule for the weights (default `Adam()`).
        schedule: learning rate over the steps (default `Constant()`).
        early_stopping: rule that ends training early (default None: train for all epochs).
        plateau: rule that reduces the learning rate (default None: no reduction).
        augmentation: random changes of the training images (default: none).
        distillation: teacher networks to learn from (default None: learn from the labels alone).
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    because: str = ""
    epochs: Count
    batch_size: Count = 128
    drop_last: bool = False
    initialization: Initialization = "glorot"
    input_scaling: Literal["unit", "none", "standardized"] = "unit"
    label_smoothing: Share = 0.0
    class_weights: Literal["none", "balanced"] = "none"
    dropout: Share | None = None
    optimizer: Annotated[Adam | Muon, Field(discriminator="kind")] = Adam()
    schedule: Annotated[Constant | Linear, Field(discriminator="kind")] = Constant()
    early_stopping: EarlyStopping | None = None
    plateau: Plateau | None = None
    augmentation: Augmentation = Augmentation()
    distillation: Distillation | None = None

    def __repr__(self) -> str:
        return line(
            "Recipe",
            quoted(self.name),
            count(self.epochs, "epoch"),
            f"batch size {self.batch_size}",
            f"{self.optimizer.kind} with learning rate {self.optimizer.learning_rate:g}",
            f"{self.schedule.kind} schedule",
        )

    def _repr_html_(self) -> str:
        rows: list[tuple[str, str]] = []
        for field, value in self.model_dump(mode="json", exclude={"name", "because"}, exclude_none=True).items():
            parts = value.items() if isinstance(value, dict) else [("", value)]
            rows += [(f"{field}.{name}" if name else field, _written(part)) for name, part in parts]
        return panel(
            self.name,
            f"recipe, {count(self.epochs, 'epoch')}",
            paragraph(self.because),
            table(("field", "value"), rows, text=(0, 1)),
        )

    def steps(self, images: int) -> int:
        """Return the number of steps per epoch.

        Args:
            images: number of training images.

        >>> from muslin.recipe import load_recipe
        >>> load_recipe("notebook").steps(300), load_recipe("fast").steps(300), load_recipe("fast").steps(81)
        (3, 2, 1)
        """
        whole, rest = divmod(images, self.batch_size)
        return whole + bool(rest and not (self.drop_last and whole))

    def plain(self) -> dict[str, Any]:
        """Return the recipe as plain values for JSON, as the version wrote it that began a run or a study.

        Fields that Muslin 0.1 did not have are left out if they have their defaults, so that its recipes stay the same.
        """
        content = self.model_dump(mode="json")
        return {name: value for name, value in content.items() if name not in _LATER or _LATER[name] != value}

    def settled(self, *, mirror: bool) -> Recipe:
        """Return the recipe with its choices that depend on the images made.

        Args:
            mirror: whether the images may be mirrored where the recipe leaves it open.

        >>> from muslin.recipe import load_recipe
        >>> load_recipe("fast").settled(mirror=False).augmentation.flip
        False
        """
        return self.with_(flip=mirror) if self.augmentation.flip == "auto" else self

    def with_(self, **changes: Any) -> Recipe:
        """Return a copy of this recipe with some fields replaced.

        Args:
            **changes: new values by field name. The name of a field inside a table includes the table, as in
                ``**{"optimizer.learning_rate": 0.02}``; `learning_rate` and `flip` are short for
                `optimizer.learning_rate` and `augmentation.flip`. None removes an optional table. Setting
                ``optimizer.kind`` or ``schedule.kind`` resets the table to the defaults of the new kind.

        Raises:
            RecipeError: if a field is unknown or its value is out of range.

        >>> from muslin.recipe import load_recipe
        >>> changed = load_recipe("fast").with_(epochs=1, learning_rate=0.02, flip=False)
        >>> changed.epochs, changed.optimizer.learning_rate, changed.augmentation.flip
        (1, 0.02, False)
        """
        origin = f"recipe '{self.name}'"
        content = self.model_dump()
        # The kind comes first, because it determines the fields of its table.
        for name, value in sorted(changes.items(), key=lambda change: not change[0].endswith(".kind")):
            _replace(content, _SHORT.get(name, name), value, origin)
        return validated(Recipe, content, origin)


_LATER = {"class_weights": "none"}  # fields that Muslin 0.1 did not have, with their defaults
_SHORT = {"learning_rate": "optimizer.learning_rate", "flip": "augmentation.flip"}


def _replace(content: dict[str, Any], name: str, value: Any, origin: str) -> None:
    """Set a field, such as "epochs" or "optimizer.learning_rate", in the plain values of a recipe."""
    part, dot, field = name.partition(".")
    if not dot:
        content[name] = value
        return
    table = content[part] if isinstance(content.get(part), dict) else {}
    if part not in Recipe.model_fields or (part in content and not isinstance(content[part], dict | None)):
        raise unknown_field(Recipe, (part,), name, origin)
    content[part] = {field: value} if field == "kind" and table.get("kind") != value else table | {field: value}


def _written(value: object) -> str:
    """A value as TOML has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
