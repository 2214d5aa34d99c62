"""Whatever bytes a file holds, a reader answers with its content or with an error that Muslin explains.

The same inputs each time, so that a failure is one of the change at hand, and a minute of others; `make torture`
goes on for a million.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.hostile.mutate import mutated
from helpers.hostile.readers import READERS
from muslin.errors import MuslinError

FUZZ = Path(__file__).parents[2] / "fuzz" / "fuzz.py"
MOST_SECONDS = 1.0
LONGEST_MESSAGE = 2000  # characters
# Polars says on standard error what its own threads panicked at, and raises what the reader then explains.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


def answer(name: str, content: bytes, folder: Path) -> str:
    """The explanation, or nothing where the file could be read."""
    try:
        READERS[name](content, folder)
    except MuslinError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", READERS)
def test_whole_files_are_read(name: str, tmp_path: Path) -> None:
    for content in READERS[name].whole:
        READERS[name](content, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("name", READERS)
def test_damaged_files_are_read_or_explained(name: str, tmp_path: Path) -> None:
    @settings(max_examples=60, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
    @given(chance=st.randoms(use_true_random=False))
    def fuzz(chance: random.Random) -> None:
        content = mutated(READERS[name].whole, chance)
        started = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata
            assert len(answer(name, content, tmp_path)) < LONGEST_MESSAGE
        assert time.process_time() - started < MOST_SECONDS

    fuzz()


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=15, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
@given(content=st.binary(max_size=300))
def test_rubbish_is_explained(name: str, content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("rubbish")
    assert len(answer(name, content, folder)) < LONGEST_MESSAGE
    shutil.rmtree(folder)


@pytest.mark.long
def test_a_minute_of_damaged_files_breaks_no_reader() -> None:
    done = subprocess.run([sys.executable, FUZZ, "--seconds", "60"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert ": 0 crashes, hangs or other exceptions" in done.stdout
