"""Growth of a training step's time with image size, network width and depth.

Steps are timed with `muslin.training.profile` on random images. The exponent b of  milliseconds = a · x^b  is fitted by
least squares on the logarithms, and compared with the exponent of the number of multiplications.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from _peers import machine, write

from muslin.design import Design, parse_design
from muslin.recipe import load_recipe
from muslin.training.cost import operations
from muslin.training.profile import profile


def design(side: int = 28, width: int = 32, depth: int = 1) -> Design:
    """Return custom_cnn with another image size, number of filters, or number of final convolutions."""
    last = ",".join(
        f'{{kind = "conv2d", name = "conv3_{number}", filters = {4 * width}, activation = "relu"}}'
        for number in range(depth)
    )
    return parse_design(f"""
name = "scaled"
input_shape = [{side}, {side}, 1]
layers = [
  {{kind = "conv2d", name = "conv1", filters = {width}, activation = "relu"}}, {{kind = "max_pool2d", name = "pool1"}},
  {{kind = "conv2d", name = "conv2", filters = {2 * width}, activation = "relu"}},
  {{kind = "max_pool2d", name = "pool2"}}, {last}, {{kind = "global_avg_pool2d", name = "pool3"}},
  {{kind = "dense", name = "output", units = 10, activation = "softmax"}},
]
""")


QUESTIONS: dict[str, tuple[str, list[int], Callable[[int], Design]]] = {
    "image side": ("pixels", [14, 20, 28, 40, 56], lambda side: design(side=side)),
    "width": ("filters of conv1", [16, 32, 48, 64, 96], lambda width: design(width=width)),
    "depth": ("convolutions on 7×7", [1, 2, 3, 4, 6], lambda depth: design(depth=depth)),
}


def exponent(sizes: list[int], values: list[float]) -> float:
    """Return the slope of a line fitted to the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("-o", "--out", type=Path)
    chosen = parser.parse_args()
    there, results, recipe = machine(), {}, load_recipe("fast")
    for question, (unit, sizes, make) in QUESTIONS.items():
        made = [make(size) for size in sizes]
        milliseconds = [profile(one, recipe, steps=chosen.steps, device=torch.device("cpu")).step for one in made]
        work = [float(sum(map(sum, operations(one).values()))) for one in made]
        results[question] = {
            "unit": unit,
            "sizes": sizes,
            "milliseconds": milliseconds,
            "operations_per_image": work,
            "exponent": exponent(sizes, milliseconds),
            "exponent_of_operations": exponent(sizes, work),
        }
        shown = ", ".join(f"{size}: {time:.1f}" for size, time in zip(sizes, milliseconds, strict=True))
        print(
            f"{question} ({unit}): {shown} ms per step of 128 images; exponent {results[question]['exponent']:.2f}, "
            f"of the multiplications {results[question]['exponent_of_operations']:.2f}"
        )
    write("scaling", {"machine": there, "questions": results}, chosen.out)


if __name__ == "__main__":
    main()
