"""Descriptions of filters: the pattern that a filter responds to, computed from its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import atan2, degrees
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float

    Kernel: TypeAlias = Float[np.ndarray, "height width channel"]

Part: TypeAlias = Literal["flat", "edge", "line", "spot", "texture"]
PARTS: tuple[Part, ...] = ("flat", "edge", "line", "spot", "texture")
DOMINANT = 0.5  # share of the energy from which a filter is named after one part; below it, the filter is "mixed"
DRAWS = 200_000  # number of random filters that estimate the expected shares

_WINDS = ("right", "upper right", "top", "upper left", "left", "lower left", "bottom", "lower right")
_SLANTS = ("horizontal", "rising diagonal", "vertical", "falling diagonal")


@dataclass(frozen=True)
class FilterDescription:
    """The pattern that one filter responds to.

    Attributes:
        shares: share of the filter's energy (its sum of squared weights) that each kind of pattern explains, 0–1. The
            shares sum to 1, or to 0 for a filter of zeros.
        strength: square root of the energy.
        direction: direction of the edge part toward its bright side, in degrees counterclockwise from the right,
            0–360; None if there is no edge part.
        slant: orientation of the bright line of the line part, in degrees counterclockwise from horizontal, 0–180;
            None if there is no line part.
        bright: whether the flat part (or the center of a spot) has a positive weight.
    """

    shares: Mapping[Part, float]
    strength: float
    direction: float | None
    slant: float | None
    bright: bool

    @property
    def kind(self) -> Part | Literal["mixed", "zero"]:
        """The part with at least half of the energy; "mixed" if there is none, "zero" if all weights are zero."""
        if self.strength == 0:
            return "zero"
        part = max(PARTS, key=lambda name: self.shares[name])
        return part if self.shares[part] >= DOMINANT else "mixed"

    def __str__(self) -> str:
        match self.kind:
            case "edge" if self.direction is not None:
                return f"edge, bright {_WINDS[round(self.direction / 45) % 8]}"
            case "line" if self.slant is not None:
                return f"line, {_SLANTS[round(self.slant / 45) % 4]}"
            case "spot":
                return f"{'bright' if self.bright else 'dark'} spot"
            case "flat":
                return "brightness" if self.bright else "darkness"
            case "mixed":
                first, second = sorted(PARTS, key=lambda name: -self.shares[name])[:2]
                return f"{first} and {second}"
            case kind:
                return kind


def describe_filter(kernel: Kernel) -> FilterDescription:
    """Decompose a filter into flat, edge, line, spot and texture.

    The weights of a kernel form an image of the pattern that activates it most. This image is projected onto
    orthonormal patterns, so that energies add up. The patterns are discrete polynomials of the position (x, y) relative
    to the kernel's center (for 3×3 kernels see Frei & Chen, "Fast Boundary Detection: A Generalization and a New
    Algorithm", IEEE Transactions on Computers 1977; for any size see Haralick's facet model, PAMI 1984):

    - **flat**: 1, the mean. It responds to brightness and blurs.
    - **edge**: x and y, a ramp whose direction follows from the two coefficients. It responds to the gradient.
    - **line** and **spot**: two-fold patterns x² − y² and xy, with total length l, and round patterns r² and r⁴
      (r² = x² + y², without their means), with total length s. A ridge contains both in equal parts, a saddle only the
      two-fold ones, a center with its surround only the round ones. Therefore the energy of the spot is
      max(s − l, 0)², and the line has the rest of l² + s².
    - **texture**: the remaining energy, in finer patterns.

    Over several input channels the energies add up; direction and slant are those of the channels' principal axis.

    Args:
        kernel: weights of one filter.

    >>> describe_filter(np.array([[-1.0, 0, 1], [-1, 0, 1], [-1, 0, 1]])[..., None]).shares["edge"]
    1.0
    >>> print(describe_filter(np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])[..., None]))
    edge, bright right
    """
    kernel = kernel.astype(np.float64)
    flat, edge, fold, round_ = (np.tensordot(pattern, kernel, 2) for pattern in _patterns(*kernel.shape[:2]))
    energy = float((kernel**2).sum())
    spot, line = _spot_and_line(float((round_**2).sum()), float((fold**2).sum()))
    energies = {"flat": float((flat**2).sum()), "edge": float((edge**2).sum()), "line": line, "spot": spot}
    energies["texture"] = max(energy - sum(energies.values()), 0.0)
    shares = {part: round(energies[part] / energy, 12) if energy else 0.0 for part in PARTS}
    slant = _angle(fold)
    # The round patterns are bright in the middle.
    middle = round_.sum() if shares["spot"] > shares["flat"] else flat.sum()
    return FilterDescription(
        shares=shares,
        strength=energy**0.5,
        direction=_angle(edge),
        slant=None if slant is None else slant / 2,
        bright=bool(middle > 0),
    )


def describe_filters(filters: Float[np.ndarray, "filter height width channel"]) -> tuple[FilterDescription, ...]:
    """Describe every filter of a layer."""
    return tuple(describe_filter(kernel) for kernel in filters)


def chance(height: int, width: int, channels: int) -> dict[Part, float]:
    """Compute the mean shares of a filter with independent random weights, as a reference for trained filters.

    Args:
        height: height of the filter in pixels.
        width: width of the filter in pixels.
        channels: number of input channels.

    >>> {part: round(share, 2) for part, share in chance(3, 3, 1).items()}
    {'flat': 0.11, 'edge': 0.22, 'line': 0.4, 'spot': 0.05, 'texture': 0.22}
    """
    flat, edge, fold, round_ = (channels * int(pattern.any(axis=(1, 2)).sum()) for pattern in _patterns(height, width))
    total = channels * height * width
    # The split between line and spot has no closed form; it is estimated with a fixed seed, to about ±0.001.
    draw = np.random.default_rng(0)
    rounds = draw.chisquare(round_, DRAWS) if round_ else np.zeros(DRAWS)
    folds = draw.chisquare(fold, DRAWS) if fold else np.zeros(DRAWS)
    spot = float((np.maximum(np.sqrt(rounds) - np.sqrt(folds), 0) ** 2).mean())
    sizes: dict[Part, float] = {"flat": flat, "edge": edge, "line": fold + round_ - spot, "spot": spot}
    sizes["texture"] = total - flat - edge - fold - round_
    return {part: sizes[part] / total for part in PARTS}


def _spot_and_line(round_energy: float, fold_energy: float) -> tuple[float, float]:
    spot = max(round_energy**0.5 - fold_energy**0.5, 0.0) ** 2
    return spot, round_energy + fold_energy - spot


@cache
def _patterns(height: int, width: int) -> tuple[Float[np.ndarray, "pattern height width"], ...]:
    """Compute orthonormal patterns in four groups: flat, edge, two-fold and round.

    A pattern is zero if the kernel is too small for it. The edges are bright on the right and at the top. The two-fold
    patterns are bright along the horizontal and along the rising diagonal. The round patterns are bright in the middle.
    """
    y, x = np.mgrid[:height, :width].astype(np.float64)
    y, x = (height - 1) / 2 - y, x - (width - 1) / 2
    square = x**2 + y**2
    groups = ([np.ones_like(x)], [x, y], [x**2 - y**2, x * y], [-square, square**2])
    known: list[np.ndarray] = []
    result = []
    for group in groups:
        patterns = []
        for pattern in group:
            # Gram–Schmidt, applied twice to reduce rounding errors.
            rest = pattern
            for _ in range(2):
                rest = rest - sum(((rest * other).sum() * other for other in known), np.zeros_like(rest))
            length = float(np.linalg.norm(rest))
            new = length > 1e-9 * max(float(np.linalg.norm(pattern)), 1)
            patterns.append(rest / length if new else np.zeros_like(rest))
            if new:
                known.append(patterns[-1])
        result.append(np.stack(patterns))
    return tuple(result)


def _angle(coefficients: Float[np.ndarray, "2 channel"]) -> float | None:
    """Compute the direction of the vectors' principal axis in degrees, 0–360, or None if all vectors are zero.

    The axis points to the side with most of the vectors' length.
    """
    if np.allclose(coefficients, 0, atol=1e-12):
        return None
    axis = np.linalg.svd(coefficients)[0][:, 0]
    axis = axis * (1 if (axis @ coefficients).sum() >= 0 else -1)
    return degrees(atan2(axis[1], axis[0])) % 360
