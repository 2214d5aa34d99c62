"""The public names: what `muslin` lists is what can be imported and what the documentation speaks of."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import muslin
from muslin.data import Dataset
from muslin.evaluation import compare

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "python.md"


def documented() -> set[str]:
    first_cells = [line.split("|")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    return {name for cell in first_cells for name in re.findall(r"`(\w+)", cell)}


def test_the_documentation_lists_exactly_the_public_names() -> None:
    assert documented() == set(muslin.__all__)


@pytest.mark.parametrize("name", muslin.__all__)
def test_every_public_name_can_be_imported_and_says_what_it_is(name: str) -> None:
    assert getattr(muslin, name).__doc__
    assert name in dir(muslin)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="absent"):
        _ = muslin.absent


def test_reading_and_analysing_a_design_imports_no_framework() -> None:
    code = (
        "import sys, muslin; muslin.analyze(muslin.load_design('custom_cnn'));"
        "print([name for name in ('torch', 'keras', 'numpy', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_is_printed_is_a_line_not_an_array(sample: Dataset) -> None:
    answers = np.tile(np.eye(10, dtype=np.float32)[0], (len(sample.test), 1))
    evaluation = muslin.Evaluation(sample.test.labels, answers, sample.class_names)
    assert str(evaluation).startswith("accuracy 10.00% [")
    assert str(compare(evaluation, evaluation)).startswith("0.00 points [")
    assert repr(sample).startswith("Dataset(1,800 train, 200 validation, 500 test images of 28×28×1, 10 classes")
    assert repr(sample.test) == "Split(500 images of 28×28×1)"
    for value in (evaluation, sample, sample.test):
        assert "\n" not in f"{value!r}{value}"
