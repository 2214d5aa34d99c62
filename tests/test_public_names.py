"""The public names: what `muslin` lists is what can be imported and what the documentation speaks of."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import muslin

PAGE = Path(__file__).parents[1] / "docs" / "python.md"


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
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        _ = muslin.absent


def test_reading_and_analysing_a_design_imports_no_framework() -> None:
    code = (
        "import sys, muslin; muslin.analyze(muslin.load_design('custom_cnn'));"
        "print([name for name in ('torch', 'keras', 'numpy', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
