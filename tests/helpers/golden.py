"""Golden files: the full text of messages, one file for each family, in tests/golden/.

Other tests assert on names, values and remedies; a golden file shows a whole family to a reader at once. After a change
of wording, MUSLIN_UPDATE_GOLDEN=1 rewrites the files of the tests that run; review the difference before committing it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "golden"


def compare(family: str, texts: Mapping[str, str]) -> None:
    """Compare texts with those in tests/golden/FAMILY.txt.

    Args:
        family: name of the file without suffix.
        texts: texts by the heading under which the file shows them, in order.

    Raises:
        AssertionError: the texts differ, or the file is missing.
    """
    path = FOLDER / f"{family}.txt"
    found = "\n".join(f"[{heading}]\n{text.strip()}\n" for heading, text in texts.items())
    if os.environ.get("MUSLIN_UPDATE_GOLDEN") == "1":
        FOLDER.mkdir(exist_ok=True)
        path.write_text(found, encoding="utf-8")
    expected = path.read_text(encoding="utf-8") if path.exists() else ""
    assert found == expected, f"{path.name} differs: review the new texts, then rerun with MUSLIN_UPDATE_GOLDEN=1"
