"""A starting design: fitted to the images, with comments that explain the format."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import Any, get_args

from pydantic import ValidationError

from muslin.design.design import Design
from muslin.design.explain import LAYER_KINDS, explain
from muslin.design.layer import Shape, describe_shape
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
)
from muslin.design.toml import BASELINE, FIELDS, WIDTH, format_design
from muslin.errors import DesignError

FIRST_FILTERS = 32
MOST_FILTERS = 128
SMALLEST_SIDE = 6  # pixels left by the last halving: 28 → 14 → 7 stops there, 96 → 48 → 24 → 12 → 6 as well
SMALLEST_BESIDE = 5  # pixels left where the other side is halved anyway: 12 × 10 → 6 × 5 keeps the window square
FEWEST_CONVOLUTIONS = 2  # also for images that are too small to be halved
DROPOUT = 0.5
_COMMENT_COLUMN = 26

# First words of every reason that nobody has given yet; tables and reports show that it is still open.
OPEN = "To be argued."


def is_open(because: str) -> bool:
    """Whether a reason is still missing: empty, or left open by `start_design`.

    >>> is_open("To be argued. Why here?"), is_open(""), is_open("Edges are thin.")
    (True, True, False)
    """
    return not because.strip() or because.lstrip().startswith(OPEN)


def start_design(name: str, input_shape: tuple[int, int, int], classes: int) -> Design:
    """Return a plain convolutional design: alternating convolutions and poolings, global average pooling, dense output.

    Each axis is halved while at least 6 pixels remain, or 5 if the other axis is halved too: 28 × 28 ends at 7 × 7,
    24 × 20 at 6 × 5, 96 × 16 at 6 × 8. Filters double from 32 to at most 128. Every open reason begins with "To be
    argued." and names the question to answer.

    Args:
        name: name of the design: letters, digits, dots, hyphens and underscores.
        input_shape: height, width and channels of the images.
        classes: number of classes, which is the number of units of the last layer.

    Raises:
        DesignError: the name, the shape or the number of classes is out of range.
    """
    content = {"name": name, "input_shape": list(input_shape)}
    try:
        layers = _body(input_shape)
        return Design.model_validate(
            {
                **content,
                "title": f"A starting design for {describe_shape(input_shape)} images in {classes} classes",
                "because": f"{OPEN} What distinguishes your classes: outline, texture, color, a detail? How many "
                "pixels does it cover? How small must the network be? The layers below should follow from the answers.",
                "baseline": BASELINE,
                "layers": [*layers, *_head(layers, input_shape, classes)],
            }
        )
    except ValidationError as error:
        raise DesignError(explain(error, content, "these images")) from error


def _body(shape: Shape) -> list[Layer]:
    """Convolutions and poolings that reduce the image to a few positions."""
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
    """Factor by which the next pooling reduces each axis: 2 or 1."""
    least = SMALLEST_BESIDE if max(height, width) >= 2 * SMALLEST_SIDE else SMALLEST_SIDE
    return 1 + (height >= 2 * least), 1 + (width >= 2 * least)


def _convolution(number: int, filters: int, shape: Shape) -> Conv2d:
    height, width, channels = shape
    because = (
        f"{OPEN} {filters} filters of 3 × 3 × {channels}, applied at each of {height} × {width} positions. What should "
        "they detect that needs so many? Try half as many, and twice as many."
    )
    return Conv2d(name=f"conv{number}", filters=filters, activation="relu", because=because)


def _pooling(number: int, kernel: tuple[int, int], shape: Shape) -> MaxPool2d:
    after = MaxPool2d(name="pool", kernel=kernel).output_shape(shape)
    alone = {
        (2, 1): f" (only the height, since a width of {shape[1]} is already small)",
        (1, 2): f" (only the width, since a height of {shape[0]} is already small)",
    }.get(kernel, "")
    because = (
        f"{OPEN} Reduces {shape[0]} × {shape[1]} to {after[0]} × {after[1]}{alone}, so the next layers cost less and "
        "see a larger region. Why the maximum and not the mean, and why here?"
    )
    return MaxPool2d(name=f"pool{number}", kernel=kernel, because=because)


def _head(body: list[Layer], shape: Shape, classes: int) -> list[Layer]:
    """The layers from feature maps to classes."""
    for layer in body:
        shape = layer.output_shape(shape)
    height, width, filters = shape
    average = (
        f"{OPEN} Replaces each of the {filters} feature maps by its mean and discards positions. Does position matter "
        f"in your images? A flatten layer keeps it, at {height * width} times the weights in the dense layer."
    )
    dropout = (
        f"{OPEN} Sets half of the values to zero in every training step. Without it, is the training accuracy far "
        "above the validation accuracy? If not, remove it."
    )
    output = f"One unit for each of the {classes} classes; softmax turns their values into probabilities."
    return [
        GlobalAvgPool2d(name="global_avg_pool", because=average),
        Dropout(name="dropout", rate=DROPOUT, because=dropout),
        Dense(name="output", units=classes, activation="softmax", because=output),
    ]


def format_commented(design: Design, file: str, images: str = "") -> str:
    """Return the design as TOML, with a comment on each field at its first occurrence.

    `parse_design` reads an equal design back.

    Args:
        design: the design to write.
        file: file name, for the commands in the first lines.
        images: data options of the training command, such as " --data shirts" (default "").
    """
    import tomlkit  # noqa: PLC0415  (25 ms that only a new design needs)

    document = tomlkit.parse(format_design(design))
    explained: set[tuple[str, str]] = set()
    for kind, table in [("", document), *((layer["kind"], layer) for layer in document["layers"])]:
        for field, item in table.items():
            comment = _COMMENTS.get((kind, field))
            if comment and (kind, field) not in explained:
                explained.add((kind, field))
                item.comment(comment)
                item.trivia.comment_ws = " " * max(_COMMENT_COLUMN - len(f"{field} = {item.as_string()}"), 2)
    opening = _OPENING.format(file=file, images=images, kinds="\n".join(_kinds()))
    return f"{opening}\n{document.as_string()}{_CLOSING}"


def _kinds() -> Iterator[str]:
    """Comment lines that list every layer kind with its fields and defaults."""
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
            return "the kernel"  # the stride of a pooling layer
        case str():
            return f'"{value}"'
        case (side, _):
            return str(side)
        case _:
            return str(value)


def _choices(alternatives: Any) -> str:
    return ", ".join(get_args(alternatives))


_COMMENTS = {
    ("", "input_shape"): "height, width, channels: 1 for gray, 3 for color",
    ("", "baseline"): 'design that a run also trains, for comparison: a library name, a file, or "none"',
    ("conv2d", "name"): "any name of letters, digits and underscores",
    ("conv2d", "filters"): "number of patterns that the layer learns",
    ("conv2d", "kernel"): "side of a filter in pixels, or [height, width]",
    ("conv2d", "stride"): "pixels from one position to the next",
    ("conv2d", "dilation"): "2 skips every other pixel and so covers twice the side",
    ("conv2d", "padding"): f"{_choices(Padding)}: keep the size, or use only positions where the kernel fits",
    ("conv2d", "normalization"): f"{_choices(Normalization)}: batch normalization before the activation",
    ("conv2d", "activation"): _choices(Activation).removesuffix(", softmax"),
    ("max_pool2d", "kernel"): "factor by which the image shrinks, or [height, width]",
    ("max_pool2d", "padding"): "valid drops an incomplete last row and column; same keeps them",
    ("dropout", "rate"): "share of values that a training step sets to zero",
    ("dense", "units"): "in the last layer: the number of classes",
    ("dense", "activation"): "in the last layer: softmax, or none for logits",
}

_OPENING = """\
# A design for Muslin: the layers of a network, and the reason for each.
#
#     muslin analyze {file}
#     muslin run {file}{images}
#
# Layers are listed in the order in which an image passes through them. The layer kinds and their fields:
#
{kinds}
#
# A kernel, stride or dilation is one number, or two: [height, width]. A field that is left out has the value shown.
# Write your reason in every `because`, in your own words: reports print it beside the measurements.
"""

_CLOSING = """
# A claim states what you expect of the design. Every run tests it. Remove the # to try one:
#
# [[claims]]
# says = "The design classifies nine of ten test images correctly."
# measure = "test_accuracy"
# at_least = 90
"""
