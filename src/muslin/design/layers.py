"""The layers of a design: plain values that compute their own shapes, parameters and operations.

Padding follows TensorFlow and Keras: ``same`` yields ceil(size / stride) positions and puts an odd pixel of padding at
the end; ``valid`` adds none (Dumoulin & Visin, "A guide to convolution arithmetic for deep learning", 2016).
"""

from __future__ import annotations

from math import ceil, prod
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from muslin.design.layer import LayerBase, Shape, ShapeMismatch, Size, Units, Window, describe_shape, require_image

Activation: TypeAlias = Literal["none", "relu", "elu", "gelu", "tanh", "sigmoid", "silu", "softmax"]
Padding: TypeAlias = Literal["same", "valid"]
Normalization: TypeAlias = Literal["none", "batch"]

NORMALIZATION_EPSILON = 1e-5  # constant added to the variance


class _Spatial(LayerBase):
    """Base class of layers that slide a window over an image."""

    kernel: Size
    padding: Padding

    def strides(self) -> tuple[int, int]:
        raise NotImplementedError

    def dilations(self) -> tuple[int, int]:
        return (1, 1)

    def channels(self, entering: int) -> int:
        return entering

    def output_shape(self, shape: Shape) -> Shape:
        require_image(shape)
        strides, dilations = self.strides(), self.dilations()
        sides = []
        for axis, word in enumerate(("height", "width")):
            reach = dilations[axis] * (self.kernel[axis] - 1) + 1
            if self.padding == "same":
                sides.append(ceil(shape[axis] / strides[axis]))
            elif reach > shape[axis]:
                raise ShapeMismatch(
                    f"kernel = {self.kernel[axis]} covers {reach} pixels, but the {word} of its input is only "
                    f'{shape[axis]}; with padding = "valid" it must fit inside. Use a smaller kernel or '
                    'padding = "same"'
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
    """2D convolution with a bias per filter, followed by the activation.

    With ``normalization = "batch"``, the filter outputs are normalized before the bias is added: per filter, subtract
    the mean, divide by the standard deviation, and multiply by a learned scale (Ioffe & Szegedy, "Batch
    Normalization", 2015). Training uses the mean and variance of the batch; evaluation uses their running averages,
    which are saved with the weights.

    Attributes:
        filters: number of filters, which is the number of output channels.
        kernel: side lengths of the filters in pixels (default 3 × 3).
        stride: distances between neighboring windows in pixels (default 1 × 1).
        dilation: distances between neighboring cells of a filter in pixels (default 1 × 1).
        padding: "same" or "valid" (default "same").
        normalization: "none" or "batch" (default "none").
        activation: activation function (default "none").
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
        # Normalization multiplies every output value once.
        each = prod(self.kernel) * shape[2] + (self.normalization != "none")
        return prod(self.output_shape(shape)) * each


class _Pool(_Spatial):
    """Base class of pooling layers; the stride defaults to the kernel size."""

    kernel: Size = (2, 2)
    stride: Size | None = None
    padding: Padding = "valid"

    def strides(self) -> tuple[int, int]:
        return self.stride or self.kernel


class MaxPool2d(_Pool):
    """Max pooling: the largest value of each window, per channel.

    Attributes:
        kernel: side lengths of the window in pixels (default 2 × 2).
        stride: distances between neighboring windows in pixels (default None: the kernel size).
        padding: "same" or "valid" (default "valid").
    """

    kind: Literal["max_pool2d"] = "max_pool2d"


class AvgPool2d(_Pool):
    """Average pooling: the mean of each window, per channel, without padding cells.

    Attributes:
        kernel: side lengths of the window in pixels (default 2 × 2).
        stride: distances between neighboring windows in pixels (default None: the kernel size).
        padding: "same" or "valid" (default "valid").
    """

    kind: Literal["avg_pool2d"] = "avg_pool2d"


class _GlobalPool(LayerBase):
    """Base class of layers that reduce each channel to one number."""

    def output_shape(self, shape: Shape) -> Shape:
        require_image(shape)
        return (shape[2],)

    def window(self, shape: Shape) -> Window:
        return Window((shape[0], shape[1]), (1, 1), (1, 1), (0, 0), (0, 0))


class GlobalAvgPool2d(_GlobalPool):
    """Global average pooling: the mean of each feature map (Lin, Chen & Yan, "Network In Network", 2013, sec. 3.2)."""

    kind: Literal["global_avg_pool2d"] = "global_avg_pool2d"


class GlobalMaxPool2d(_GlobalPool):
    """Global max pooling: the largest value of each feature map."""

    kind: Literal["global_max_pool2d"] = "global_max_pool2d"


class Flatten(LayerBase):
    """All values of the image as one vector, in the order height, width, channel."""

    kind: Literal["flatten"] = "flatten"

    def output_shape(self, shape: Shape) -> Shape:
        require_image(shape)
        return (prod(shape),)


class Dropout(LayerBase):
    """Dropout: in training, set each value to zero with probability `rate` and scale the rest by 1 / (1 − rate).

    In evaluation the layer does nothing (Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from
    Overfitting", JMLR 2014).

    Attributes:
        rate: probability of setting a value to zero, 0 to <1 (default 0.5).
    """

    kind: Literal["dropout"] = "dropout"
    rate: Annotated[float, Field(strict=True, ge=0, lt=1)] = 0.5

    def output_shape(self, shape: Shape) -> Shape:
        return shape


class Dense(LayerBase):
    """Dense layer: each unit is a weighted sum of all inputs plus a bias, followed by the activation.

    Attributes:
        units: number of outputs.
        activation: activation function (default "none").
    """

    kind: Literal["dense"] = "dense"
    units: Units
    activation: Activation = "none"

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 1:
            raise ShapeMismatch(
                f"a dense layer needs a vector of features, but its input is an image of {describe_shape(shape)}. "
                "Add a flatten or global_avg_pool2d layer before it"
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
