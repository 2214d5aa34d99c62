"""Recipes: training procedures as values (optimizer, schedule, early stopping, augmentation)."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from muslin._display import Described, line, panel, paragraph, quoted, table
from muslin._toml import parse_toml
from muslin._words import count, nearest
from muslin.errors import RecipeError

LARGEST_FILE = 100_000  # bytes
FEW_STEPS = 200  # fewer steps leave a network undertrained; about a tenth of the steps of `fast` on Fashion-MNIST
_WIDEST_NUMBER = 64  # bits of the largest whole number that a message repeats

Positive: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share: TypeAlias = Annotated[float, Field(ge=0, lt=1)]
Count: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Initialization: TypeAlias = Literal["glorot", "he", "pytorch"]


class _Part(Described, BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Adam(_Part):
    """Adam with bias correction (Kingma & Ba, "Adam: A Method for Stochastic Optimization", 2015, algorithm 1).

    Attributes:
        learning_rate: step size (default 0.001).
        beta1: decay rate of the first-moment estimate, 0 to <1 (default 0.9).
        beta2: decay rate of the second-moment estimate, 0 to <1 (default 0.999).
        epsilon: constant added to the denominator for numerical stability (default 1e-7, as in Keras).
        weight_decay: decoupled weight decay (Loshchilov & Hutter, "Decoupled Weight Decay Regularization", 2019;
            default 0).
    """

    kind: Literal["adam"] = "adam"
    learning_rate: Positive = 1e-3
    beta1: Share = 0.9
    beta2: Share = 0.999
    epsilon: Positive = 1e-7
    weight_decay: Annotated[float, Field(ge=0)] = 0.0


class Muon(_Part):
    """Muon for the kernels of all layers but the last; Adam for the last layer and for all biases.

    Muon updates each kernel along its orthogonalized momentum. It treats the kernel as a matrix of outputs × inputs
    (Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024).

    Attributes:
        learning_rate: Muon's step size for the kernels (default 0.08).
        momentum: Nesterov momentum of the kernels, 0 to <1 (default 0.95).
        iterations: number of Newton–Schulz iterations that orthogonalize the momentum (default 3).
        bias_learning_rate: Adam's step size for the biases before the last layer (default 0.015).
        output_learning_rate: Adam's step size for the last layer (default 0.008).
        beta1: decay rate of Adam's first-moment estimate, 0 to <1 (default 0.9).
        beta2: decay rate of Adam's second-moment estimate, 0 to <1 (default 0.99).
    """

    kind: Literal["muon"] = "muon"
    learning_rate: Positive = 0.08
    momentum: Share = 0.95
    iterations: Annotated[int, Field(strict=True, ge=1, le=20)] = 3
    bias_learning_rate: Positive = 0.015
    output_learning_rate: Positive = 0.008
    beta1: Share = 0.9
    beta2: Share = 0.99


class Constant(_Part):
    """Constant learning rate; callbacks may still lower it."""

    kind: Literal["constant"] = "constant"


class Linear(_Part):
    """Linear warm-up from zero, then linear decay to zero, updated at every step.

    Attributes:
        warmup: share of all steps spent warming up, 0 to <1 (default 0.1).
    """

    kind: Literal["linear"] = "linear"
    warmup: Share = 0.1


class EarlyStopping(_Part):
    """Stop when the validation loss has not improved for `patience` epochs, then restore the best epoch's weights.

    The best weights are also restored when the epoch limit is reached, as Keras 3 does with ``restore_best_weights``.

    Attributes:
        patience: epochs without improvement before training stops (default 10).
    """

    patience: Count = 10


class Plateau(_Part):
    """Multiply the learning rate by `factor` when the validation loss has not improved for `patience` epochs.

    Attributes:
        factor: multiplier of the learning rate, between 0 and 1 (default 0.5).
        patience: epochs without improvement before the learning rate is reduced (default 5).
        min_delta: smallest decrease of the validation loss that counts as an improvement (default 0.0001).
        floor: lower bound of the learning rate (default 0).
    """

    factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    patience: Count = 5
    min_delta: Annotated[float, Field(ge=0)] = 1e-4
    floor: Annotated[float, Field(ge=0)] = 0.0


class Augmentation(_Part):
    """Random changes of the training images that keep the class.

    Attributes:
        flip: whether to mirror each image horizontally in every other epoch (default False). A random bit per image
            decides in which, so any two consecutive epochs show both orientations (Jordan, "94% on CIFAR-10 in 3.29
            Seconds on a Single GPU", 2024).
        shift: largest random shift along each axis, in pixels (default 0). Shifts are uniform; black pixels fill the
            gap.
    """

    flip: bool = False
    shift: Annotated[int, Field(strict=True, ge=0, le=64)] = 0


class Distillation(_Part):
    """Knowledge distillation: the network learns from teacher networks as well as from the labels.

    A teacher is the design itself, optionally wider or deeper. The same run trains the teachers first, with the same
    recipe except for the fields below. The teachers' logits are averaged for each training image; if the recipe flips
    images, the average includes the mirror image. The loss is

        loss = weight · T² · H(softmax(teachers / T), softmax(logits / T)) + (1 − weight) · loss by the labels

    where H is cross-entropy (Hinton, Vinyals & Dean, "Distilling the Knowledge in a Neural Network", 2015, section 2).

    Attributes:
        teachers: number of teachers, each with its own seed (default 1).
        epochs: number of epochs to train each teacher (default 10).
        widen: factor by which a teacher has more filters and hidden units than the design (default 2).
        deepen: number of convolutions in a teacher for each convolution of the design (default 1). The added ones
            follow it, with stride 1 and the same map size.
        learning_rate: learning rate of the teachers (default: the optimizer's `learning_rate`). Deeper networks need
            smaller steps.
        dropout: dropout rate of the teachers (default: the recipe's `dropout`).
        weight: weight of the soft targets in the loss, above 0 to 1 (default 0.7).
        temperature: T, the divisor that softens the logits before they are compared (default 2).
    """

    teachers: Annotated[int, Field(strict=True, ge=1, le=16)] = 1
    epochs: Count = 10
    widen: Annotated[float, Field(gt=0, le=16)] = 2.0
    deepen: Annotated[int, Field(strict=True, ge=1, le=16)] = 1
    learning_rate: Positive | None = None
    dropout: Share | None = None
    weight: Annotated[float, Field(gt=0, le=1)] = 0.7
    temperature: Annotated[float, Field(gt=0, le=100)] = 2.0


class Recipe(_Part):
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

        >>> load_recipe("notebook").steps(300), load_recipe("fast").steps(300), load_recipe("fast").steps(81)
        (3, 2, 1)
        """
        whole, rest = divmod(images, self.batch_size)
        return whole + bool(rest and not (self.drop_last and whole))

    def with_(self, **changes: Any) -> Recipe:
        """Return a copy of this recipe with some fields replaced.

        Args:
            **changes: new values by field name. The name of a field inside a table includes the table, as in
                ``**{"optimizer.learning_rate": 0.02}``; `learning_rate` and `flip` are short for
                `optimizer.learning_rate` and `augmentation.flip`. None removes an optional table. Setting
                ``optimizer.kind`` or ``schedule.kind`` resets the table to the defaults of the new kind.

        Raises:
            RecipeError: if a field is unknown or its value is out of range.

        >>> changed = load_recipe("fast").with_(epochs=1, learning_rate=0.02, flip=False)
        >>> changed.epochs, changed.optimizer.learning_rate, changed.augmentation.flip
        (1, 0.02, False)
        """
        origin = f"recipe '{self.name}'"
        content = self.model_dump()
        # The kind comes first, because it determines the fields of its table.
        for name, value in sorted(changes.items(), key=lambda change: not change[0].endswith(".kind")):
            _replace(content, _SHORT.get(name, name), value, origin)
        return _validated(content, origin)


_SHORT = {"learning_rate": "optimizer.learning_rate", "flip": "augmentation.flip"}


def _replace(content: dict[str, Any], name: str, value: Any, origin: str) -> None:
    """Set a field, such as "epochs" or "optimizer.learning_rate", in the plain values of a recipe."""
    part, dot, field = name.partition(".")
    if not dot:
        content[name] = value
        return
    table = content[part] if isinstance(content.get(part), dict) else {}
    if part not in Recipe.model_fields or (part in content and not isinstance(content[part], dict | None)):
        raise RecipeError(f"{origin}: unknown field '{name:.100}'; {_known((part,))}")
    content[part] = {field: value} if field == "kind" and table.get("kind") != value else table | {field: value}


_PARTS: dict[str, type[BaseModel]] = {
    "adam": Adam,
    "muon": Muon,
    "constant": Constant,
    "linear": Linear,
    "early_stopping": EarlyStopping,
    "plateau": Plateau,
    "augmentation": Augmentation,
    "distillation": Distillation,
}


def recipes() -> tuple[str, ...]:
    """Return the names of the recipes that ship with Muslin, sorted.

    >>> recipes()
    ('best', 'fast', 'notebook')
    """
    folder = resources.files("muslin") / "recipes"
    return tuple(sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml")))


def load_recipe(source: str | Path) -> Recipe:
    """Read a recipe from the library or from a TOML file.

    Args:
        source: name of a library recipe, or path of a TOML file.

    Raises:
        RecipeError: if there is no such recipe, or the file is not a valid recipe.

    >>> load_recipe("notebook").epochs
    50
    """
    name = str(source)
    if name in recipes():
        return parse_recipe((resources.files("muslin") / "recipes" / f"{name}.toml").read_text(encoding="utf-8"), name)
    path = Path(source)
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise RecipeError(
                f"{path}: too large for a recipe (more than {LARGEST_FILE:,} bytes). Check that the path is right."
            )
        return parse_recipe(path.read_text(encoding="utf-8"), str(path))
    except (OSError, ValueError) as error:  # ValueError: the content is not text, or the path is invalid
        near = nearest(name, recipes())
        hint = f" Did you mean '{near}'?" if near else ""
        raise RecipeError(
            f"no recipe '{name:.200}': it is neither in the library ({', '.join(recipes())}) nor a TOML file that can "
            f"be read.{hint}"
        ) from error


def parse_recipe(text: str, origin: str = "recipe") -> Recipe:
    """Read a recipe from TOML text.

    Args:
        text: content of a recipe file.
        origin: name of the source in error messages (default "recipe").

    Raises:
        RecipeError: if the text is not TOML, or not a valid recipe.
    """
    try:
        content = parse_toml(text)
    except (ValueError, RecursionError) as error:  # ValueError: also raised for a number of more than 4,300 digits
        raise RecipeError(f"{origin}: not valid TOML: {error!s:.200}.") from error
    return _validated(content, origin)


def _validated(content: dict[str, Any], origin: str) -> Recipe:
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"] if part not in ("adam", "muon", "constant", "linear"))
        if first["type"] == "extra_forbidden":
            raise RecipeError(f"{origin}: unknown field '{field:.100}'; {_known(first['loc'])}") from error
        if first["type"] == "missing":
            raise RecipeError(f"{origin}: required field '{field:.100}' is missing.") from error
        message = first["msg"]
        raise RecipeError(
            f"{origin}: {field:.100} = {_shown(first['input'])}: {message[0].lower()}{message[1:]:.300}."
        ) from error


def _written(value: object) -> str:
    """A value as TOML has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _known(location: tuple[int | str, ...]) -> str:
    """Suggest the field that an unknown name resembles, or list the known fields."""
    *path, field = location
    part: type[BaseModel] = Recipe
    for step in path:
        part = _PARTS.get(str(step), part)
    near = nearest(str(field), part.model_fields)
    return f"did you mean '{near}'?" if near else f"known fields: {', '.join(part.model_fields)}."


def _shown(value: object) -> str:
    """Format a value for a message, shortened to a bounded length."""
    if isinstance(value, int) and value.bit_length() > _WIDEST_NUMBER:
        return "a number with too many digits"
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    return f"{value!r:.60}" if isinstance(value, str) else f"{value!s:.60}"
