"""The messages about pictures, in full: tests/golden/pictures.txt."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers import golden
from muslin.errors import DataError
from muslin.pictures.decode import decode, read_content
from muslin.pictures.photo import prepare_photo
from muslin.pictures.picture import read_picture
from muslin.pictures.target import Target


def png(side: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side), np.uint8)).save(buffer, "png")
    return buffer.getvalue()


CASES: dict[str, Callable[[Path], object]] = {
    "a missing file": lambda folder: read_content(folder / "shoe.png"),
    "an empty file": lambda _: read_content(b"", "shoe.png"),
    "content without a name": lambda _: read_content(b""),
    "a file that is too large": lambda _: read_content(bytes(2**26 + 1), "shoe.png"),
    "text": lambda _: decode(b"not a picture", "shoe.png"),
    "a format that is not accepted": lambda _: decode(png(2), "shoe.png", formats=("JPEG", "WEBP")),
    "a picture that is cut off": lambda _: decode(png(28)[:400], "shoe.png"),
    "too many pixels": lambda _: decode(png(4), "shoe.png", most_pixels=15),
    "a network of two channels": lambda _: read_picture(png(4), Target((4, 4, 2)), name="shoe.png"),
    "a photo for a network of two channels": lambda _: prepare_photo(png(4), (4, 4, 2)),
}


def test_the_wording_of_picture_errors(tmp_path: Path) -> None:
    messages = {}
    for case, read in CASES.items():
        with pytest.raises(DataError) as refused:
            read(tmp_path)
        messages[case] = str(refused.value).replace(f"{tmp_path}{os.sep}", "")
    golden.compare("pictures", messages)


def test_the_notes_of_the_photo_preparation() -> None:
    light, dark = (Image.new("RGB", (12, 20), (value, value, value)) for value in (250, 5))
    light.paste((20, 30, 40), (3, 2, 8, 17))
    notes = {}
    for name, photo, steps in (("light", light, None), ("dark", dark, None), ("light, no steps", light, ())):
        buffer = io.BytesIO()
        photo.save(buffer, "png")
        stages = prepare_photo(buffer.getvalue(), (8, 8, 1), **({} if steps is None else {"steps": steps}))
        notes[name] = "\n".join(f"`{stage.step}`: {stage.note}" for stage in stages)
    golden.compare("photo", notes)
