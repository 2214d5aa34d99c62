"""Texts of errors for golden files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from muslin.errors import MuslinError


def text_of(call: Callable[[], object], folder: Path) -> str:
    """Return the message of the error that a call raises, with `folder` written as FOLDER.

    Args:
        call: function that raises a MuslinError.
        folder: path of the test's own folder, which differs from run to run.
    """
    with pytest.raises(MuslinError) as raised:
        call()
    return str(raised.value).replace(str(folder), "FOLDER")
