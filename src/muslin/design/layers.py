"""The layers a design is made of: plain values that know their own arithmetic.

Shapes are (height, width, channels) while an image has its spatial axes and (features,) afterwards. Padding
follows TensorFlow and Keras: ``same`` keeps ceil(size / stride) positions and puts an odd pixel of padding at the end;
``valid`` adds none (Dumoulin & Visin, "A guide to convolution arithmetic for deep learning", 2016).
"""

from __future__ import annotations

from abc import abstractmethod
from math import ceil, prod
from typing import Annotated, Literal, NamedTuple, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from muslin._display import Described, line, quoted

Shape: TypeAlias = tuple[int, ...]
Activation: TypeAlias = Literal["none", "relu", "elu", "gelu", "tanh", "sigmoid", "silu", "softmax"]
Padding: TypeAlias = Literal["same", "valid"]
Normalization: TypeAlias = Literal["none", "batch"]

LARGEST_SIDE = 4096  # of an image, a kernel or a stride: beyond it a design is a slip of the keyboard
NORMALIZATION_EPSILON = 1e-5  # added to the variance
MOST_UNITS = 65_536  # filters or units of one layer


def _pair(value: object) -> object:
    return (value, value) if isinstance(value, int) and not isinstance(value, bool) else value


def _single(value: tuple[int, int]) -> int | list[int]:
    return value[0] if value[0] == value[1] else list(value)


Side: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=LARGEST_SIDE)]
# One number for both axes, or [height, width].
Size: TypeAlias = Annotated[tuple[Side, Side], BeforeValidator(_pair), PlainSerializer(_single)]
LayerName: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
Units: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=MOST_UNITS)]


class ShapeMismatch(ValueError):  # noqa: N818  (Design turns it into a DesignError that names the layer)
    """A layer can't take the shape that reaches it; the message states the rule."""


class Window(NamedTuple):
    """How a layer looks at its input along (height, width)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    before: tuple[int, int]
    after: tuple[int, int]


class Part(Described, BaseModel):
    """Base of everything written in a design file: frozen, no unknown fields, no nan or inf."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class LayerBase(Part):
    """What all layers share.

    Attributes:
        name: unique within the design; also names the layer's weights and its row in every table.
        because: why the layer is there and is as it is, in the designer's words.
    """

    name: LayerName
    because: str = ""

    def __repr__(self) -> str:
        return line(type(self).__name__, quoted(self.name), self.settings)

    @property
    def settings(self) -> str:
        """The layer's kernel and whatever else differs from the defaults, as text."""
        parts = []
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if name in ("kind", "name", "because") or (value == field.default and name != "kernel"):
                continue
            parts.append(f"{name}={'×'.join(map(str, value)) if isinstance(value, tuple) else value}")
        return ", ".join(parts)

    @abstractmethod
    def output_shape(self, shape: Shape) -> Shape:
        """The shape that leaves, given the shape that enters.

        Raises:
            ShapeMismatch: the layer can't take that shape.
        """

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        """Shapes of the trained arrays, in PyTorch's order of axes (output first)."""
        return {}

    def statistics(self) -> tuple[str, ...]:
        """Which of those arrays training fills with what it sees, and no gradient changes."""
        return ()

    def parameters(self, shape: Shape) -> int:
        """How many numbers the layer keeps, statistics included."""
        return sum(prod(array) for array in self.parameter_shapes(shape).values())

    def trainable(self, shape: Shape) -> int:
        """How many numbers the layer learns by gradients."""
        arrays = self.parameter_shapes(shape)
        return sum(prod(arrays[name]) for name in arrays if name not in self.statistics())

    def macs(self, shape: Shape) -> int:
        """Multiply-accumulate operations for one image; 0 for layers that only compare, add or move."""
        return 0

    def window(self, shape: Shape) -> Window | None:
        """The window slid over the image, or None where positions are left alone."""
        return None


class _Spatial(LayerBase):
    """A layer that slides a window over an image."""

    kernel: Size
    padding: Padding

    def strides(self) -> tuple[int, int]:
        raise NotImplementedError

    def dilations(self) -> tuple[int, int]:
        return (1, 1)

    def channels(self, entering: int) -> int:
        return entering

    def output_shape(self, shape: Shape) -> Shape:
        _require_image(shape)
        strides, dilations = self.strides(), self.dilations()
        sides = []
        for axis, word in enumerate(("height", "width")):
            reach = dilations[axis] * (self.kernel[axis] - 1) + 1
            if self.padding == "same":
                sides.append(ceil(shape[axis] / strides[axis]))
            elif reach > shape[axis]:
                raise ShapeMismatch(
                    f"kernel = {self.kernel[axis]} reaches over {reach} pixels but the input is only {shape[axis]} in "
                    f'{word}; under padding = "valid" it must fit inside. Use a smaller kernel or padding = "same"'
                )
            else:
                sides.append((shape[axis] - reach) // strides[axis] + 1)
        return (*sides, self.channels(shape[2]))

    def window(self, shape: Shape) -> Window:
        strides, dilations = self.strides(), self.dilations()
        before, after = [], []
        for axis, leaving in enumerate(self.output_shape(shape)[:2]):
            reach = dilations[axis] * (self.kernel[axis] - 1) + 1
            total = max((leaving - 1) * strides[axis] + reach - shape[axis], 0) if self.padding == "same" else 0
            before.append(total // 2)
            after.append(total - total // 2)
        return Window(self.kernel, strides, dilations, (before[0], before[1]), (after[0], after[1]))


class Conv2d(_Spatial):
    """Learned filters slid over the image, a bias per filter, then the activation.

    With ``normalization = "batch"``, what the filters give is normalised before the bias is added: per filter, minus
    the mean, over the deviation, times a learned scale (Ioffe & Szegedy, "Batch Normalization", 2015). In training,
    mean and variance are the batch's; afterwards running means of both, which are kept with the weights.
    """

    kind: Literal["conv2d"] = "conv2d"
    filters: Units
    kernel: Size = (3, 3)
    stride: Size = (1, 1)
    dilation: Size = (1, 1)
    padding: Padding = "same"
    normalization: Normalization = "none"
    activation: Activation = "none"

    def strides(self) -> tuple[int, int]:
        return self.stride

    def dilations(self) -> tuple[int, int]:
        return self.dilation

    def channels(self, entering: int) -> int:
        return self.filters

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        names = ("bias",) if self.normalization == "none" else ("bias", "scale", "mean", "variance")
        return {"weight": (self.filters, shape[2], *self.kernel), **dict.fromkeys(names, (self.filters,))}

    def statistics(self) -> tuple[str, ...]:
        return () if self.normalization == "none" else ("mean", "variance")

    def macs(self, shape: Shape) -> int:
        # Normalisation multiplies every value of the output once.
        each = prod(self.kernel) * shape[2] + (self.normalization != "none")
        return prod(self.output_shape(shape)) * each


class _Pool(_Spatial):
    """A fixed summary of each window; steps by its own size unless told otherwise."""

    kernel: Size = (2, 2)
    stride: Size | None = None
    padding: Padding = "valid"

    def strides(self) -> tuple[int, int]:
        return self.stride or self.kernel


class MaxPool2d(_Pool):
    """The largest value of each window, per channel."""

    kind: Literal["max_pool2d"] = "max_pool2d"


class AvgPool2d(_Pool):
    """The mean of each window, per channel; cells of padding don't count."""

    kind: Literal["avg_pool2d"] = "avg_pool2d"


class _GlobalPool(LayerBase):
    """One number per channel for the whole image."""

    def output_shape(self, shape: Shape) -> Shape:
        _require_image(shape)
        return (shape[2],)

    def window(self, shape: Shape) -> Window:
        return Window((shape[0], shape[1]), (1, 1), (1, 1), (0, 0), (0, 0))


class GlobalAvgPool2d(_GlobalPool):
    """The mean of each feature map (Lin, Chen & Yan, "Network In Network", 2013, section 3.2)."""

    kind: Literal["global_avg_pool2d"] = "global_avg_pool2d"


class GlobalMaxPool2d(_GlobalPool):
    """The largest value of each feature map."""

    kind: Literal["global_max_pool2d"] = "global_max_pool2d"


class Flatten(LayerBase):
    """All values of the image in one row, in the order height, width, channel."""

    kind: Literal["flatten"] = "flatten"

    def output_shape(self, shape: Shape) -> Shape:
        _require_image(shape)
        return (prod(shape),)


class Dropout(LayerBase):
    """In training, zeroes each value with probability `rate` and scales up the rest; otherwise does nothing.

    Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 2014.
    """

    kind: Literal["dropout"] = "dropout"
    rate: Annotated[float, Field(strict=True, ge=0, lt=1)] = 0.5

    def output_shape(self, shape: Shape) -> Shape:
        return shape


class Dense(LayerBase):
    """Every unit a weighted sum of all values that enter, plus a bias, then the activation."""

    kind: Literal["dense"] = "dense"
    units: Units
    activation: Activation = "none"

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 1:
            raise ShapeMismatch(
                f"a dense layer takes a row of features, but an image of {describe_shape(shape)} reaches it. "
                "Put a flatten or a global_avg_pool2d before it"
            )
        return (self.units,)

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        return {"weight": (self.units, shape[0]), "bias": (self.units,)}

    def macs(self, shape: Shape) -> int:
        return self.units * shape[0]


Layer: TypeAlias = Annotated[
    Conv2d | MaxPool2d | AvgPool2d | GlobalAvgPool2d | GlobalMaxPool2d | Flatten | Dropout | Dense,
    Field(discriminator="kind"),
]


def describe_shape(shape: Shape) -> str:
    """A shape as people write it.

    >>> describe_shape((28, 28, 1))
    '28×28×1'
    """
    return "×".join(str(side) for side in shape)


def _require_image(shape: Shape) -> None:
    if len(shape) != 3:
        raise ShapeMismatch(
            f"the layer needs an image (height × width × channels), but only a row of {shape[0]} features reaches it. "
            "Move it before the flatten or global pooling layer"
        )
