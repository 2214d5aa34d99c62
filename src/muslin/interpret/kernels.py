"""What a filter responds to, measured from its weights rather than guessed from its picture."""

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
DOMINANT = 0.5  # a filter is called after a part that holds at least half of its energy; otherwise it is mixed
DRAWS = 200_000

_WINDS = ("right", "upper right", "top", "upper left", "left", "lower left", "bottom", "lower right")
_SLANTS = ("horizontal", "rising diagonal", "vertical", "falling diagonal")


@dataclass(frozen=True)
class FilterDescription:
    """What one filter responds to.

    Attributes:
        shares: the part of the filter's energy (its sum of squared weights) that each kind of pattern explains; sums
            to 1, or to 0 for a filter of zeros.
        strength: square root of the energy.
        direction: degrees, counter-clockwise from the right. For the edge part: towards the bright side, 0–360.
            None when there is no edge part.
        slant: of the line part: how the bright line runs, in degrees counter-clockwise from horizontal, 0–180.
            None when there is no line part.
        bright: whether the flat part (for a spot: the spot's centre) weighs brightness up; False when it weighs it
            down.
    """

    shares: Mapping[Part, float]
    strength: float
    direction: float | None
    slant: float | None
    bright: bool

    @property
    def kind(self) -> Part | Literal["mixed", "zero"]:
        """The part that holds at least half of the energy; "mixed" when none does, "zero" when there is no energy."""
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
    """Split a filter into flat, edge, line, spot and texture.

    A kernel's weights are a small picture of the pattern that excites it most. That picture is projected on orthonormal
    patterns, discrete polynomials of the position (x, y) from the kernel's centre, so that energies add up (for 3×3 the
    idea of Frei & Chen, "Fast Boundary Detection: A Generalization and a New Algorithm", IEEE Transactions on Computers
    1977; for any size Haralick's facet model, PAMI 1984):

    - **flat** 1: the mean. Responds to brightness; blurs.
    - **edge** x and y: a ramp, in the direction that the two coefficients give. Responds to the gradient.
    - two-fold x² − y² and xy, of length l, and round r² and r⁴ (r² = x² + y², without their means), of length s.
      A ridge is both in equal parts, a saddle is only two-fold, a centre against its surround only round. So **spot**
      is what the round part has left over, max(s − l, 0)², and **line** the rest of l² + s².
    - **texture**: all that remains, finer than these.

    Over several input channels the energies add, and direction and slant are those of the channels' principal axis.

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
    """The shares that a filter of random, independent weights has on average: what training must move away from.

    >>> {part: round(share, 2) for part, share in chance(3, 3, 1).items()}
    {'flat': 0.11, 'edge': 0.22, 'line': 0.4, 'spot': 0.05, 'texture': 0.22}
    """
    flat, edge, fold, round_ = (channels * int(pattern.any(axis=(1, 2)).sum()) for pattern in _patterns(height, width))
    total = channels * height * width
    # How line and spot share what is theirs has no closed form: drawn, always the same, to about ±0.001.
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
    """Orthonormal patterns, flat, edge, two-fold and round; zeros where the kernel is too small for one.

    Edges: bright right, bright top. Two-fold: bright along the horizontal, bright along the rising diagonal. Round:
    bright in the middle.
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
            # Gram–Schmidt, twice for the sake of rounding.
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
    """Degrees 0–360 of the vectors' common axis, pointing where most of their length points; None without length."""
    if np.allclose(coefficients, 0, atol=1e-12):
        return None
    axis = np.linalg.svd(coefficients)[0][:, 0]
    axis = axis * (1 if (axis @ coefficients).sum() >= 0 else -1)
    return degrees(atan2(axis[1], axis[0])) % 360
