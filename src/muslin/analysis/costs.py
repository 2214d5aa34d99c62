"""Static analysis of a design: shapes, parameters, operations and memory."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import prod
from typing import Any

from muslin._display import line, panel, paragraph, quoted, table
from muslin._words import count, number, size
from muslin.analysis.fields import ReceptiveField, describe_field, receptive_fields
from muslin.design import Design, Shape, describe_shape

FLOAT32_BYTES = 4
INT8_BYTES = 1
_HEADS = ("layer", "output", "parameters", "share", "MACs", "receptive field")
_TEXT = (0, 1, 5)  # columns of text; the others are numbers


@dataclass(frozen=True)
class LayerAnalysis:
    """One row of the layer table.

    Attributes:
        name: name of the layer.
        kind: kind of layer, e.g. "conv2d".
        because: reason for the layer, in the designer's words.
        input_shape: shape of the input, without the batch axis.
        output_shape: shape of the output, without the batch axis.
        parameters: number of values that the layer stores, including running statistics of normalization.
        share: share of all parameters of the design, 0–1.
        macs: multiply-accumulate operations for one image.
        activation_bytes: size of the output for one image in float32, in bytes.
        receptive_field: receptive field of the layer's units.
    """

    name: str
    kind: str
    because: str
    input_shape: Shape
    output_shape: Shape
    parameters: int
    share: float
    macs: int
    activation_bytes: int
    receptive_field: ReceptiveField

    def __repr__(self) -> str:
        output, sees = describe_shape(self.output_shape), describe_field(self.receptive_field)
        parameters = count(self.parameters, "parameter")
        return line("LayerAnalysis", quoted(self.name), output, parameters, f"receptive field {sees}")


@dataclass(frozen=True)
class Comparison:
    """Number of parameters compared with that of another design.

    Attributes:
        baseline: name of the other design.
        parameters: number of parameters of the other design.
        saved: reduction in parameters compared with the other design, in percent; negative if there are more.
    """

    baseline: str
    parameters: int
    saved: float


@dataclass(frozen=True)
class Analysis:
    """Static analysis of a design.

    Attributes:
        design: name of the design.
        title: title of the design.
        input_shape: shape of the images, (height, width, channels) in pixels.
        layers: analysis of each layer, in forward order.
        parameters: number of parameters, including running statistics of normalization.
        trainable: number of parameters that are updated by gradients.
        macs: multiply-accumulate operations for one image.
        activation_bytes: total size of all layer outputs for one image in float32, in bytes.
        peak_activation_bytes: largest size of a layer's input and output together in float32, in bytes. This is the
            memory needed to run the layers one after another.
        float32_bytes: size of the weights in float32, in bytes.
        int8_bytes: size of the weights in int8, in bytes.
        comparison: comparison with the baseline (default None: no baseline).
    """

    design: str
    title: str
    input_shape: Shape
    layers: tuple[LayerAnalysis, ...]
    parameters: int
    trainable: int
    macs: int
    activation_bytes: int
    peak_activation_bytes: int
    float32_bytes: int
    int8_bytes: int
    comparison: Comparison | None = None

    def layer(self, name: str) -> LayerAnalysis:
        """Return the row of the layer named `name`.

        Raises:
            KeyError: if there is no such layer.
        """
        for row in self.layers:
            if row.name == name:
                return row
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain values for JSON."""
        return asdict(self)

    def __repr__(self) -> str:
        return line(
            "Analysis",
            quoted(self.design),
            count(len(self.layers), "layer"),
            count(self.parameters, "parameter"),
            f"{self.macs:,} MACs",
            f"weights {size(self.float32_bytes)}",
        )

    def __str__(self) -> str:
        lines = [_HEADS, *self._rows, self._total]
        widths = [max(len(row[column]) for row in lines) for column in range(len(_HEADS))]
        return "\n".join(
            "  ".join(
                cell.ljust(width) if column in _TEXT else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in lines
        )

    def _repr_html_(self) -> str:
        against = ""
        if self.comparison is not None:
            saved = self.comparison.saved
            word = "fewer" if saved >= 0 else "more"
            baseline = f"{self.comparison.baseline} ({self.comparison.parameters:,})"
            against = f" {number(abs(saved), 1)}% {word} parameters than {baseline}."
        return panel(
            self.design,
            self.title,
            table(_HEADS, self._rows, text=_TEXT, total=self._total),
            paragraph(
                f"Weights: {size(self.float32_bytes)} as float32, {size(self.int8_bytes)} as int8. "
                f"Peak activations: {size(self.peak_activation_bytes)}.{against}"
            ),
        )

    @property
    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                row.name,
                describe_shape(row.output_shape),
                f"{row.parameters:,}",
                f"{row.share:.1%}",
                f"{row.macs:,}",
                describe_field(row.receptive_field),
            )
            for row in self.layers
        ]

    @property
    def _total(self) -> tuple[str, ...]:
        return ("total", "", f"{self.parameters:,}", "", f"{self.macs:,}", "")


def analyze(design: Design, baseline: Design | None = None) -> Analysis:
    """Analyze a design without training it.

    Args:
        design: design to analyze.
        baseline: design to compare the number of parameters with (default None).

    >>> from muslin.design import load_design
    >>> cnn, dense = load_design("custom_cnn"), load_design("dense_baseline")
    >>> analysis = analyze(cnn, baseline=dense)
    >>> f"{analysis.parameters:,} parameters, {analysis.comparison.saved:.1f}% fewer"
    '93,962 parameters, 7.7% fewer'
    """
    total = _parameters(design)
    rows = tuple(
        LayerAnalysis(
            name=layer.name,
            kind=layer.kind,
            because=layer.because,
            input_shape=entering,
            output_shape=leaving,
            parameters=layer.parameters(entering),
            share=layer.parameters(entering) / total,
            macs=layer.macs(entering),
            activation_bytes=prod(leaving) * FLOAT32_BYTES,
            receptive_field=field,
        )
        for (layer, entering, leaving), field in zip(design.placed, receptive_fields(design), strict=True)
    )
    return Analysis(
        design=design.name,
        title=design.title,
        input_shape=design.input_shape,
        layers=rows,
        parameters=total,
        trainable=sum(layer.trainable(entering) for layer, entering, _ in design.placed),
        macs=sum(row.macs for row in rows),
        activation_bytes=sum(row.activation_bytes for row in rows),
        peak_activation_bytes=max((prod(row.input_shape) + prod(row.output_shape)) * FLOAT32_BYTES for row in rows),
        float32_bytes=total * FLOAT32_BYTES,
        int8_bytes=total * INT8_BYTES,
        comparison=_compare(total, baseline) if baseline else None,
    )


def _parameters(design: Design) -> int:
    return sum(layer.parameters(entering) for layer, entering, _ in design.placed)


def _compare(parameters: int, baseline: Design) -> Comparison:
    theirs = _parameters(baseline)
    return Comparison(baseline.name, theirs, 100 * (theirs - parameters) / theirs)
