"""A design to start from: fitted to the images, and commented so that it explains its own format."""

from __future__ import annotations

import re
from collections.abc import Iterator
from textwrap import wrap
from typing import Any, get_args

from pydantic import ValidationError

from muslin.design.design import Design
from muslin.design.explain import LAYER_KINDS, explain
from muslin.design.layers import (
    Activation,
    Conv2d,
    Dense,
    Dropout,
    GlobalAvgPool2d,
    Layer,
    MaxPool2d,
    Normalization,
    Padding,
    Shape,
    describe_shape,
)
from muslin.design.toml import BASELINE, FIELDS, WIDTH, format_design
from muslin.errors import DesignError

FIRST_FILTERS = 32
MOST_FILTERS = 128
SMALLEST_SIDE = 6  # pixels left by the last halving: 28 → 14 → 7 stops there, 96 → 48 → 24 → 12 → 6 as well
SMALLEST_BESIDE = 5  # pixels left where the other side is halved anyway: 12 × 10 → 6 × 5 keeps the window square
FEWEST_CONVOLUTIONS = 2  # also for images that are too small to be halved
DROPOUT = 0.5

# Begins every reason that nobody has given yet: a table or a report then shows that it is still open.
OPEN = "To be argued."


def is_open(because: str) -> bool:
    """Whether a reason has yet to be given: there is none, or one that `start_design` left open.

    >>> is_open("To be argued. Why here?"), is_open(""), is_open("Edges are thin.")
    (True, True, False)
    """
    return not because.strip() or because.lstrip().startswith(OPEN)


def start_design(name: str, input_shape: tuple[int, int, int], classes: int) -> Design:
    """A plain convolutional design for such images: convolution and pooling in turn, an average, the classes.

    Each axis is halved while at least 6 pixels remain, or 5 beside another that is halved: 28 × 28 ends at 7 × 7,
    24 × 20 at 6 × 5, 96 × 16 at 6 × 8. Filters double from 32 to 128 at most. Every reason that is open begins with
    "To be argued." and says what there is to argue about.

    Args:
        name: letters, digits, dots, hyphens and underscores.
        input_shape: height, width, channels.
        classes: how many units the last layer gets.

    Raises:
        DesignError: the name, the shape or the number of classes is out of range.
    """
    content = {"name": name, "input_shape": list(input_shape)}
    try:
        layers = _body(input_shape)
        return Design.model_validate(
            {
                **content,
                "title": f"A start for {describe_shape(input_shape)} images in {classes} classes",
                "because": f"{OPEN} What tells your classes apart: outline, texture, colour, a detail? How large is "
                "it, in pixels? How small must the network be? The layers below should follow from the answers.",
                "baseline": BASELINE,
                "layers": [*layers, *_head(layers, input_shape, classes)],
            }
        )
    except ValidationError as error:
        raise DesignError(explain(error, content, "these images")) from error


def _body(shape: Shape) -> list[Layer]:
    """Convolutions and poolings, from the image down to a few positions."""
    layers: list[Layer] = []
    filters, number = FIRST_FILTERS, 1
    while True:
        layers.append(_convolution(number, filters, shape))
        shape = layers[-1].output_shape(shape)
        kernel = _window(shape[0], shape[1])
        if kernel != (1, 1):
            layers.append(_pooling(number, kernel, shape))
            shape = layers[-1].output_shape(shape)
        elif number >= FEWEST_CONVOLUTIONS:
            return layers
        filters, number = min(2 * filters, MOST_FILTERS), number + 1


def _window(height: int, width: int) -> tuple[int, int]:
    """What each axis is divided by next: 2 or 1."""
    least = SMALLEST_BESIDE if max(height, width) >= 2 * SMALLEST_SIDE else SMALLEST_SIDE
    return 1 + (height >= 2 * least), 1 + (width >= 2 * least)


def _convolution(number: int, filters: int, shape: Shape) -> Conv2d:
    height, width, channels = shape
    because = (
        f"{OPEN} {filters} filters, each 3 × 3 × {channels}, at every position of {height} × {width}. What should "
        "they find that so many are needed? Try half as many, and twice."
    )
    return Conv2d(name=f"conv{number}", filters=filters, activation="relu", because=because)


def _pooling(number: int, kernel: tuple[int, int], shape: Shape) -> MaxPool2d:
    after = MaxPool2d(name="pool", kernel=kernel).output_shape(shape)
    alone = {
        (2, 1): f", the height alone, since a width of {shape[1]} is small already",
        (1, 2): f", the width alone, since a height of {shape[0]} is small already",
    }.get(kernel, "")
    because = (
        f"{OPEN} {shape[0]} × {shape[1]} becomes {after[0]} × {after[1]}{alone}: the next layers cost less and see "
        "further. Why the strongest response and not the mean, and why here?"
    )
    return MaxPool2d(name=f"pool{number}", kernel=kernel, because=because)


def _head(body: list[Layer], shape: Shape, classes: int) -> list[Layer]:
    """From feature maps to classes."""
    for layer in body:
        shape = layer.output_shape(shape)
    height, width, filters = shape
    average = (
        f"{OPEN} Each of the {filters} feature maps becomes one number, its mean, and where something was is "
        f"forgotten. Does the place matter in your images? A flatten keeps it, at {height * width} times the weights "
        "in the dense layer."
    )
    dropout = (
        f"{OPEN} Hides half of the values in every training step. Is the training accuracy far above the validation "
        "accuracy without it? If not, leave it out."
    )
    output = f"One unit for each of the {classes} classes; softmax makes their values probabilities."
    return [
        GlobalAvgPool2d(name="global_avg_pool", because=average),
        Dropout(name="dropout", rate=DROPOUT, because=dropout),
        Dense(name="output", units=classes, activation="softmax", because=output),
    ]


def format_commented(design: Design, file: str, images: str = "") -> str:
    """The design as TOML, with comments that explain each field where it first occurs and list the choices.

    `parse_design` gives an equal design back.

    Args:
        design: what to write.
        file: the file's name, for the commands in the first lines.
        images: what follows it where the network is trained, e.g. " --data shirts"; by default nothing.
    """
    opening = _OPENING.format(file=file, images=images, kinds="\n".join(_kinds()))
    return "\n".join([*opening.splitlines(), "", *_commented(format_design(design)), *_CLOSING.splitlines()]) + "\n"


def _kinds() -> Iterator[str]:
    """Every kind of layer with its fields and their defaults, as comments."""
    for kind, model in LAYER_KINDS.items():
        fields = [
            name if field.is_required() else f"{name} = {_default(field.default)}"
            for name, field in sorted(model.model_fields.items(), key=lambda item: FIELDS.index(item[0]))
            if name not in ("kind", "name", "because")
        ]
        lead = f"#     {kind:<17}"
        yield from wrap(f"{lead}  {', '.join(fields)}", WIDTH, subsequent_indent=f"#{' ' * (len(lead) + 1)}") or [lead]


def _default(value: object) -> str:
    match value:
        case None:
            return "the kernel"  # only a pooling layer's stride
        case str():
            return f'"{value}"'
        case (side, _):
            return str(side)
        case _:
            return str(value)


def _commented(text: str) -> Iterator[str]:
    explained: set[tuple[str, str]] = set()
    kind, wrapped = "", False
    for line in text.rstrip("\n").split("\n"):  # not splitlines: in a text, other characters may end a line for it
        found = None if wrapped else re.match(r'(\w+) = (?:"(\w+)")?', line)
        wrapped = line.endswith("\\")
        field, value = (found[1], found[2]) if found else ("", "")
        kind = value if field == "kind" else kind
        comment = _COMMENTS.get((kind, field)) or _COMMENTS.get(("", field))
        if comment and not wrapped and (kind, field) not in explained:
            explained.add((kind, field))
            yield f"{line:<24}  # {comment}"
        else:
            yield line


def _choices(alternatives: Any) -> str:
    return ", ".join(get_args(alternatives))


_COMMENTS = {
    ("", "input_shape"): "height, width, channels: 1 for grey, 3 for colour",
    ("", "baseline"): 'what a run trains beside it, for comparison: a library name, a file, or "none"',
    ("conv2d", "name"): "yours to choose: letters, digits, underscores",
    ("conv2d", "filters"): "how many patterns it learns",
    ("conv2d", "kernel"): "pixels that a filter looks at, or [height, width]",
    ("conv2d", "stride"): "step from one position to the next",
    ("conv2d", "dilation"): "2 looks at every other pixel, and so twice as far",
    ("conv2d", "padding"): f"{_choices(Padding)}: keep the size, or only go where the kernel fits",
    ("conv2d", "normalization"): f"{_choices(Normalization)}: batch normalisation before the activation",
    ("conv2d", "activation"): _choices(Activation).removesuffix(", softmax"),
    ("max_pool2d", "kernel"): "the image shrinks by this, or [height, width]",
    ("max_pool2d", "padding"): "valid drops the row and column left over; same keeps them",
    ("dropout", "rate"): "the share of values that a training step hides",
    ("dense", "units"): "on the last layer: the number of classes",
    ("dense", "activation"): "on the last layer: softmax, or none for logits",
}

_OPENING = """\
# A design for Muslin: what a network consists of, and why.
#
#     muslin analyze {file}
#     muslin run {file}{images}
#
# Layers stand in the order in which an image passes them. The kinds of layer and their fields:
#
{kinds}
#
# A kernel, stride or dilation is one number, or two: [height, width]. What is left out has the value shown here.
# Every `because` is for your reason, in your words: reports print it beside what was measured.
"""

_CLOSING = """
# What you expect of it. Every run measures it and says whether it holds; take the # away to try:
#
# [[claims]]
# says = "It is right for nine test images of ten."
# measure = "test_accuracy"
# at_least = 90
"""
