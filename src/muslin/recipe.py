"""How a design is trained, as a value: optimizer, schedule, stopping, augmentation."""

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
FEW_STEPS = 200  # fewer leave a network half trained; a tenth of what recipe fast has on Fashion-MNIST
_WIDEST_NUMBER = 64  # bits of a whole number that a message repeats

Positive: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share: TypeAlias = Annotated[float, Field(ge=0, lt=1)]
Count: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Initialization: TypeAlias = Literal["glorot", "he", "pytorch"]


class _Part(Described, BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Adam(_Part):
    """Adam with bias correction (Kingma & Ba, "Adam: A Method for Stochastic Optimization", 2015, algorithm 1)."""

    kind: Literal["adam"] = "adam"
    learning_rate: Positive = 1e-3
    beta1: Share = 0.9
    beta2: Share = 0.999
    epsilon: Positive = 1e-7
    weight_decay: Annotated[float, Field(ge=0)] = 0.0


class Muon(_Part):
    """Muon on the kernels of all layers but the last, Adam on the last layer and on all biases.

    Muon steps along the orthogonalized momentum of each kernel, seen as a matrix of outputs × inputs (Jordan et al.,
    "Muon: An optimizer for hidden layers in neural networks", 2024).

    Attributes:
        learning_rate: Muon's, for the kernels.
        momentum: Nesterov momentum of the kernels.
        iterations: steps of the iteration that orthogonalizes.
        bias_learning_rate: Adam's, for the biases in front of the last layer.
        output_learning_rate: Adam's, for the last layer.
        beta1: Adam's.
        beta2: Adam's.
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
    """The learning rate stays as it is (callbacks may still lower it)."""

    kind: Literal["constant"] = "constant"


class Linear(_Part):
    """Linear warm-up from zero, then linear decay to zero, step by step.

    Attributes:
        warmup: share of all steps spent warming up.
    """

    kind: Literal["linear"] = "linear"
    warmup: Share = 0.1


class EarlyStopping(_Part):
    """Stop when the validation loss has not improved for `patience` epochs, and go back to the best epoch's weights.

    The best weights are restored also when the epoch limit is reached, as Keras 3 does with ``restore_best_weights``.
    """

    patience: Count = 10


class Plateau(_Part):
    """Multiply the learning rate by `factor` when the validation loss has not improved for `patience` epochs.

    Attributes:
        min_delta: a smaller improvement does not count.
        floor: the learning rate is never set below this.
    """

    factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    patience: Count = 5
    min_delta: Annotated[float, Field(ge=0)] = 1e-4
    floor: Annotated[float, Field(ge=0)] = 0.0


class Augmentation(_Part):
    """Random changes that keep the class.

    Attributes:
        flip: mirror each image, left and right, in every other epoch; a coin per image decides in which (Jordan, "94%
            on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024). Two epochs in a row show both sides of every image.
        shift: move by up to that many pixels along each axis, uniformly; what leaves is lost and black comes in.
    """

    flip: bool = False
    shift: Annotated[int, Field(strict=True, ge=0, le=64)] = 0


class Distillation(_Part):
    """Learn from other networks as well as from the labels.

    The teachers are the design, wider, deeper or as it is, trained in the same run before it, by the same recipe but
    for what is said here. Their logits for a training image are averaged, and those for its mirror image with them
    where the recipe mirrors. Then

        loss = weight · T² · H(softmax(teachers / T), softmax(logits / T)) + (1 − weight) · loss by the labels

    where H is cross-entropy (Hinton, Vinyals & Dean, "Distilling the Knowledge in a Neural Network", 2015, section 2).

    Attributes:
        teachers: how many, each of its own seed.
        epochs: of a teacher's training.
        widen: how many times the design's filters, or hidden units, a teacher has.
        deepen: how many convolutions a teacher has for each of the design's: the others follow it, of stride 1, and
            keep the size of its maps.
        learning_rate: a teacher's, in place of the optimizer's own `learning_rate`, which is the default; deeper
            networks need smaller steps.
        dropout: a teacher's; the recipe's by default.
        weight: the share of the teachers' answers in the loss.
        temperature: T, which flattens answers before they are compared.
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
    """A training procedure: with a design, data and a seed it determines the weights.

    Attributes:
        name: for files and tables.
        because: the thinking behind it.
        epochs: at most this many passes over the training images.
        batch_size: images a step.
        drop_last: leave out an epoch's last, smaller batch.
        initialization: of kernels and biases. "glorot": kernels uniform within ±√(6 / (fan in + fan out)) (Glorot &
            Bengio 2010, eq. 16), biases zero. "he": kernels normal with variance 2 / fan in (He et al. 2015, eq. 10),
            biases zero. "pytorch": kernels and biases uniform within ±1 / √(fan in), the output layer's biases zero.
        input_scaling: what the first layer with weights sees while training. "unit": pixels on the 0–1 scale; "none":
            bytes 0–255; "standardized": the training images' mean taken off, over their deviation. Afterwards the
            scaling is folded into that layer, so the network that is kept takes 0–1 like every other.
        label_smoothing: share of the target spread over all classes (Szegedy et al. 2016, section 7).
        dropout: replaces the rates of the design's dropout layers while training; None keeps them.
        distillation: learn from other networks, too; None learns from the labels alone.
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
        """Steps an epoch over so many training images.

        >>> load_recipe("notebook").steps(300), load_recipe("fast").steps(300), load_recipe("fast").steps(81)
        (3, 2, 1)
        """
        whole, rest = divmod(images, self.batch_size)
        return whole + bool(rest and not (self.drop_last and whole))

    def with_(self, **changes: Any) -> Recipe:
        """Return this recipe with some fields replaced.

        Args:
            **changes: new values by field. A field of a part is named with its part, as in
                ``**{"optimizer.learning_rate": 0.02}``; `learning_rate` and `flip` need none. None removes a part
                that may be absent. A new ``optimizer.kind`` or ``schedule.kind`` starts from that kind's defaults.

        Raises:
            RecipeError: a field is unknown or its value out of range.

        >>> changed = load_recipe("fast").with_(epochs=1, learning_rate=0.02, flip=False)
        >>> changed.epochs, changed.optimizer.learning_rate, changed.augmentation.flip
        (1, 0.02, False)
        """
        origin = f"recipe '{self.name}'"
        content = self.model_dump()
        # A kind comes first: it decides which fields its part has.
        for name, value in sorted(changes.items(), key=lambda change: not change[0].endswith(".kind")):
            _replace(content, _SHORT.get(name, name), value, origin)
        return _validated(content, origin)


_SHORT = {"learning_rate": "optimizer.learning_rate", "flip": "augmentation.flip"}


def _replace(content: dict[str, Any], name: str, value: Any, origin: str) -> None:
    """Set a field, or the field of a part as in "optimizer.learning_rate", in a recipe's plain values."""
    part, dot, field = name.partition(".")
    if not dot:
        content[name] = value
        return
    table = content[part] if isinstance(content.get(part), dict) else {}
    if part not in Recipe.model_fields or (part in content and not isinstance(content[part], dict | None)):
        raise RecipeError(f"{origin}: unknown field '{name:.100}'; {_known((part,))}.")
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
    """Names of the recipes that ship with Muslin.

    >>> recipes()
    ('best', 'fast', 'notebook')
    """
    folder = resources.files("muslin") / "recipes"
    return tuple(sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml")))


def load_recipe(source: str | Path) -> Recipe:
    """Read a recipe: a name from the library, or the path of a TOML file.

    Raises:
        RecipeError: there is no such recipe, or the file is not a valid one.

    >>> load_recipe("notebook").epochs
    50
    """
    name = str(source)
    if name in recipes():
        return parse_recipe((resources.files("muslin") / "recipes" / f"{name}.toml").read_text(encoding="utf-8"), name)
    path = Path(source)
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise RecipeError(f"{path}: too long for a recipe: over {LARGEST_FILE:,} bytes.")
        return parse_recipe(path.read_text(encoding="utf-8"), str(path))
    except (OSError, ValueError) as error:  # ValueError: no text, or no file system takes such a name
        near = nearest(name, recipes())
        hint = f" Did you mean '{near}'?" if near else ""
        raise RecipeError(
            f"there is no recipe '{name:.200}': the library has {', '.join(recipes())}, and no such TOML file can be "
            f"read.{hint}"
        ) from error


def parse_recipe(text: str, origin: str = "recipe") -> Recipe:
    """Read a recipe from TOML text.

    Raises:
        RecipeError: the text is not TOML, or not a valid recipe.
    """
    try:
        content = parse_toml(text)
    except (ValueError, RecursionError) as error:  # ValueError: also a number of more than 4,300 digits
        raise RecipeError(f"{origin}: not valid TOML: {error!s:.200}.") from error
    return _validated(content, origin)


def _validated(content: dict[str, Any], origin: str) -> Recipe:
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"] if part not in ("adam", "muon", "constant", "linear"))
        if first["type"] == "extra_forbidden":
            raise RecipeError(f"{origin}: unknown field '{field:.100}'; {_known(first['loc'])}.") from error
        if first["type"] == "missing":
            raise RecipeError(f"{origin}: the field '{field:.100}' is missing.") from error
        message = first["msg"]
        raise RecipeError(
            f"{origin}: {field:.100} = {_shown(first['input'])}: {message[0].lower()}{message[1:]:.300}."
        ) from error


def _written(value: object) -> str:
    """A value as TOML has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _known(location: tuple[int | str, ...]) -> str:
    """What an unknown field may have meant, or else the fields that there are."""
    *path, field = location
    part: type[BaseModel] = Recipe
    for step in path:
        part = _PARTS.get(str(step), part)
    near = nearest(str(field), part.model_fields)
    return f"did you mean {near}" if near else f"known here: {', '.join(part.model_fields)}"


def _shown(value: object) -> str:
    """A value as a message repeats it: short, whatever a file holds."""
    if isinstance(value, int) and value.bit_length() > _WIDEST_NUMBER:
        return "a number with too many digits"
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    return f"{value!r:.60}" if isinstance(value, str) else f"{value!s:.60}"
