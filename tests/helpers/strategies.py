"""Random designs for property tests: any kinds, kernels, strides, dilations, paddings, activations, square or not."""

from __future__ import annotations

from math import prod
from typing import Any, get_args

from hypothesis import strategies as st

from muslin.design import (
    Activation,
    AvgPool2d,
    Claim,
    Conv2d,
    Dense,
    Design,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    GlobalMaxPool2d,
    Layer,
    MaxPool2d,
    Shape,
)
from muslin.design.layer import ShapeMismatch

INNER_ACTIVATIONS = [name for name in get_args(Activation) if name != "softmax"]
# Python keeps a few names for itself, and so does a torch module; a layer may have any of them.
TREACHEROUS_NAMES = ["forward", "training", "design", "type", "half", "float", "lambda", "None", "weight", "bias"]
MOST_FEATURES = 600  # values that a flatten may hand to a dense layer here, so that tests stay fast

texts = st.text(st.characters(codec="utf-8"), max_size=200)
layer_names = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,15}", fullmatch=True) | st.sampled_from(TREACHEROUS_NAMES)
design_names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)
paddings = st.sampled_from(["same", "valid"])


def sides(most: int) -> st.SearchStrategy[tuple[int, int]]:
    """A pair (height, width), often square."""
    side = st.integers(1, most)
    return side.map(lambda value: (value, value)) | st.tuples(side, side)


@st.composite
def image_layers(draw: st.DrawFn, shape: Shape, name: str, *, dilate_strides: bool, normalize: bool) -> Layer:
    """A layer that takes and leaves an image of `shape`, or is dropped to padding = "same" where it wouldn't fit."""
    kind = draw(st.sampled_from([Conv2d, Conv2d, MaxPool2d, AvgPool2d, Dropout]))
    if kind is Dropout:
        return Dropout(name=name, rate=draw(st.floats(0, 0.99)))
    fields: dict[str, Any] = {"name": name, "padding": draw(paddings), "kernel": draw(sides(4))}
    if kind is Conv2d:
        fields |= {"filters": draw(st.integers(1, 6)), "activation": draw(st.sampled_from(INNER_ACTIVATIONS))}
        fields["stride"] = draw(sides(3))
        if dilate_strides or fields["stride"] == (1, 1):
            fields["dilation"] = draw(sides(3))
        if normalize:
            fields["normalization"] = draw(st.sampled_from(["none", "batch"]))
    else:
        fields["stride"] = draw(st.none() | sides(3))
    layer: Conv2d | MaxPool2d | AvgPool2d = kind(**fields)
    try:
        layer.output_shape(shape)
    except ShapeMismatch:
        layer = kind(**fields | {"padding": "same"})
    return layer


@st.composite
def designs(
    draw: st.DrawFn,
    *,
    most_pixels: int = 12,
    most_image_layers: int = 4,
    dilate_strides: bool = True,
    normalize: bool = True,
) -> Design:
    """A valid design without words: an image part, a bridge, dense and dropout layers.

    Images are at most `most_pixels` high and wide. Keras refuses a convolution with both a stride and a dilation;
    without `dilate_strides` there is none. Without `normalize` no convolution is batch-normalised.
    """
    count = draw(st.integers(0, most_image_layers))
    hidden = draw(st.integers(0, 2))
    names = draw(st.lists(layer_names, min_size=count + hidden + 2, max_size=count + hidden + 2, unique=True))
    height, width = draw(sides(most_pixels))
    input_shape = (height, width, draw(st.integers(1, 3)))
    shape: Shape = input_shape
    layers: list[Layer] = []
    for _ in range(count):
        layers.append(draw(image_layers(shape, names.pop(), dilate_strides=dilate_strides, normalize=normalize)))
        shape = layers[-1].output_shape(shape)
    bridges = [GlobalAvgPool2d, GlobalMaxPool2d, *([Flatten] if prod(shape) <= MOST_FEATURES else [])]
    layers.append(draw(st.sampled_from(bridges))(name=names.pop()))
    for _ in range(hidden):
        name = st.just(names.pop())
        dense = st.builds(Dense, name=name, units=st.integers(1, 8), activation=st.sampled_from(INNER_ACTIVATIONS))
        layers.append(draw(dense | st.builds(Dropout, name=name, rate=st.floats(0, 0.99))))
    activation = draw(st.sampled_from(["none", "softmax"]))
    layers.append(Dense(name=names.pop(), units=draw(st.integers(2, 6)), activation=activation))
    return Design(name=draw(design_names), input_shape=input_shape, layers=tuple(layers))


@st.composite
def claims(draw: st.DrawFn, names: tuple[str, ...]) -> Claim:
    """A claim about one of the layers called `names`, or about the whole."""
    number = st.floats(allow_nan=False, allow_infinity=False)
    expected = draw(
        st.fixed_dictionaries({"equals": number | st.lists(st.integers(0, 9999), min_size=1, max_size=3)})
        | st.fixed_dictionaries({"about": number, "within": st.floats(1e-6, 1e6)})
        | st.fixed_dictionaries({"at_least": number}, optional={"at_most": number})
    )
    says = draw(texts.filter(bool))
    return Claim(says=says, measure="parameters", layer=draw(st.none() | st.sampled_from(names)), **expected)


@st.composite
def worded_designs(draw: st.DrawFn) -> Design:
    """A design with reasons, a title, a baseline and claims in any letters that TOML can hold."""
    design = draw(designs())
    content = design.model_dump()
    content |= {"title": draw(texts), "because": draw(texts), "baseline": draw(st.none() | texts.filter(bool))}
    for layer in content["layers"]:
        layer["because"] = draw(texts)
    content["claims"] = [claim.model_dump() for claim in draw(st.lists(claims(design.names), max_size=3))]
    return Design.model_validate(content)
