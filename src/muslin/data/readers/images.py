"""Decoding of the picture files of a data set, all together: one size, one color, one depth and one ground."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from muslin._words import count, plural
from muslin.data.readers._reading import MOST_BYTES
from muslin.data.reading import AS_IS, Reading
from muslin.errors import DataError

if TYPE_CHECKING:
    from jaxtyping import UInt

    from muslin.pictures.decode import Encoded
    from muslin.pictures.target import Color

# Largest number of pixels in one image. Designs are for small images; 16 megapixels is the size of a photo.
MOST_PIXELS = 2**24
NAMED = 5  # files that a message names
_CHUNK = 64  # number of images per task of the thread pool
_TO_SIXTEEN_BITS = 257  # takes 255 to 65,535
_DARK = 128  # visible parts that are darker than this lie on white


@dataclass(frozen=True, eq=False)
class Pictures:
    """The picture files of one split.

    Attributes:
        encoded: content or place of each picture; at least one.
        name: function that returns the name of a picture in messages, by its index.
    """

    encoded: Sequence[Encoded]
    name: Callable[[int], str]


@dataclass(frozen=True, eq=False)
class Decoded:
    """Pictures as pixels.

    Attributes:
        images: pixels of each split, as bytes or in 16 bits.
        ground: gray value that was put behind transparent pixels and beside fitted pictures (default None: no picture
            needed one).
        notes: what was done to the pictures, one sentence each.
    """

    images: tuple[UInt[np.ndarray, "image height width channel"], ...]
    ground: int | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one picture is like."""

    name: str
    size: tuple[int, int]
    color: Color
    palette: bool
    deep: bool
    transparent: bool
    padded: bool
    visible: tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Bad:
    name: str
    reason: str


@dataclass(frozen=True)
class _Form:
    """What all pictures become."""

    size: tuple[int, int]
    color: Color
    deep: bool
    ground: int


def decode(encoded: Sequence[Encoded], name: Callable[[int], str]) -> UInt[np.ndarray, "image height width channel"]:
    """Decode the pictures of one split as they are; see `decode_all`."""
    return decode_all([Pictures(encoded, name)]).images[0]


def decode_all(splits: Sequence[Pictures], reading: Reading = AS_IS, place: str = "") -> Decoded:
    """Decode the pictures of all splits, in the way that prediction uses too (`muslin.pictures.plain`).

    Args:
        splits: pictures of each split; the first one are the training images, by which the ground is chosen.
        reading: size, color, fit and ground (default: as the pictures are, which must then be alike).
        place: name of the folder or file in messages (default: none).

    Raises:
        DataError: if pictures cannot be read or have more than `MOST_PIXELS` pixels, or they differ in size or color
            and `reading` does not say what they become; one message names all that is wrong. Or if the pixels of a
            split take more than `MOST_BYTES` bytes.
    """
    # Most data sets are what their first picture leads to expect, so that one pass is enough.
    looked = (_one(splits[0], index, reading) for index in range(len(splits[0].encoded)))
    first = next((each for each in looked if isinstance(each, _Seen)), None)
    ground = reading.ground or 0
    form = _Form(reading.size or first.size, reading.color or first.color, first.deep, ground) if first else None
    arrays = [_allocated(split, form) if form else None for split in splits]
    found = [_pass(split, reading, form, array) for split, array in zip(splits, arrays, strict=True)]
    every = [each for part in found for each in part]
    seen = [each for each in every if isinstance(each, _Seen)]
    if reasons := _wrong(every, seen, reading):
        raise DataError(f"{place}: {' '.join(reasons)}" if place else " ".join(reasons))

    chosen, notes = _ground(seen, [each for each in found[0] if isinstance(each, _Seen)], reading)
    color: Color = reading.color or ("rgb" if any(each.color == "rgb" for each in seen) else "gray")
    final = _Form(reading.size or seen[0].size, color, any(each.deep for each in seen), chosen or 0)
    images: list[np.ndarray] = []
    for split, part, array in zip(splits, found, arrays, strict=True):
        whole = array is None or form is None or (form.color, form.deep) != (final.color, final.deep)
        filled = _allocated(split, final) if whole or array is None else array
        again = None if whole else [number for number, each in enumerate(part) if _on(each, form, final)]
        if again is None or again:
            _pass(split, reading, final, filled, again)
        images.append(filled)
    return Decoded(tuple(images), chosen, (*notes, *_notes(seen, final, reading)))


def _on(each: _Seen | _Bad, form: _Form | None, final: _Form) -> bool:
    """Whether a picture has to be laid on another ground than it was at first."""
    return isinstance(each, _Seen) and (each.transparent or each.padded) and form != final


def _allocated(split: Pictures, form: _Form) -> np.ndarray:
    height, width = form.size
    shape = (len(split.encoded), height, width, 3 if form.color == "rgb" else 1)
    dtype = np.dtype(np.uint16 if form.deep else np.uint8)
    total = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if total > MOST_BYTES:
        raise DataError(
            f"{count(len(split.encoded), 'image')} of {height}×{width} pixels would take {total:,} bytes; the limit is "
            f"{MOST_BYTES:,}. Use fewer images, or pass a smaller `size=`."
        )
    return np.empty(shape, dtype)


def _pass(
    split: Pictures,
    reading: Reading,
    form: _Form | None,
    array: np.ndarray | None,
    chosen: Sequence[int] | None = None,
) -> list[_Seen | _Bad]:
    """Decode pictures into an array, and return what each is like."""
    numbers = range(len(split.encoded)) if chosen is None else chosen

    def chunk(start: int) -> list[_Seen | _Bad]:
        return [_one(split, index, reading, form, array) for index in numbers[start : start + _CHUNK]]

    # Pillow releases the global interpreter lock while it decodes.
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return [each for part in threads.map(chunk, range(0, len(numbers), _CHUNK)) for each in part]


def _one(
    split: Pictures, index: int, reading: Reading, form: _Form | None = None, array: np.ndarray | None = None
) -> _Seen | _Bad:
    from muslin.pictures.decode import PictureError  # noqa: PLC0415  (Pillow: only Parquet and folders need it)
    from muslin.pictures.plain import padded, read_plain, to_pixels  # noqa: PLC0415  (likewise)

    name = split.name(index)
    try:
        plain = read_plain(split.encoded[index], name, most_pixels=MOST_PIXELS)
    except PictureError as error:
        return _Bad(name, error.reason)
    if form is not None and array is not None and (reading.size or plain.size == form.size):
        pixels = to_pixels(plain, form.size, form.color, fit=reading.fit, ground=(form.ground,))
        # A picture that is deeper than the first one is decoded again, once it is known that there are such pictures.
        if pixels.dtype == array.dtype or form.deep:
            array[index] = pixels if pixels.dtype == array.dtype else pixels.astype(np.uint16) * _TO_SIXTEEN_BITS
    return _Seen(
        name,
        plain.size,
        plain.color,
        plain.palette,
        plain.deep,
        plain.transparent,
        reading.size is not None and padded(plain.size, reading.size, reading.fit),
        plain.visible() if plain.transparent else (0.0, 0.0),
    )


def _wrong(every: Sequence[_Seen | _Bad], seen: Sequence[_Seen], reading: Reading) -> list[str]:
    """Return a sentence for each kind of thing that is wrong, with its remedy."""
    reasons = []
    bad = [each for each in every if isinstance(each, _Bad)]
    if bad:
        of = f"{len(bad):,} of {count(len(every), 'image')} cannot be used"
        them = plural(len(bad), "it", "them")
        reasons.append(f"{of}: {some(f'{each.name} ({each.reason})' for each in bad)}. Replace or remove {them}.")
    sizes = Counter(each.size for each in seen)
    if reading.size is None and len(sizes) > 1:
        (most, many), odd = sizes.most_common(1)[0], []
        odd = [each for each in seen if each.size != most]
        named = some(f"{each.name} ({_times(each.size)})" for each in odd)
        if many * 2 > len(seen):
            which = f"{len(odd):,} of {count(len(every), 'image')} {plural(len(odd), 'is', 'are')} not {_times(most)} "
            advice = f'Pass `size="{most[0]}x{most[1]}"` to bring all to that size.'
        else:
            which = f"the {count(len(every), 'image')} have {len(sizes):,} different sizes "
            advice = 'Pass one size for all, such as `size="64x64"`.'
        reasons.append(f"{which}(height × width in pixels): {named}. {advice}")
    strict = [each for each in seen if each.color == "rgb" or not each.palette]
    gray = [each.name for each in strict if each.color == "gray"]
    colored = [each.name for each in strict if each.color == "rgb"]
    if reading.color is None and gray and colored:
        reasons.append(
            f"{count(len(gray), 'image is', 'images are')} gray ({some(gray)}), but "
            f"{count(len(colored), 'image is', 'images are')} color ({some(colored)}). "
            'Pass `color="gray"` or `color="rgb"` to bring all to one.'
        )
    return reasons


def _ground(seen: Sequence[_Seen], train: Sequence[_Seen], reading: Reading) -> tuple[int | None, tuple[str, ...]]:
    """Choose the ground by the training pictures, and say why."""
    transparent = any(each.transparent for each in seen)
    if reading.ground is not None:
        return reading.ground, ()
    if not transparent:
        padded = any(each.padded for each in seen)
        said = "pictures of other proportions were extended with black; `ground=` sets another gray value"
        return (0, (said,)) if padded else (None, ())
    total, weight = (sum(each.visible[part] for each in train) for part in (0, 1))
    dark = weight > 0 and total / weight < _DARK
    ground, why = ("white", "dark") if dark else ("black", "light")
    because = f", chosen because the visible parts are {why}" if weight > 0 else ""
    return 255 if dark else 0, (f"transparent pixels lie on {ground}{because}; `ground=` sets another gray value",)


def _notes(seen: Sequence[_Seen], final: _Form, reading: Reading) -> tuple[str, ...]:
    notes = []
    resized = sum(each.size != final.size for each in seen)
    if resized:
        how = {"fit": "scaled to fit", "crop": "scaled to fill and cut", "stretch": "stretched"}[reading.fit]
        notes.append(f"{resized:,} of {count(len(seen), 'image')} brought to {_times(final.size)} ({how})")
    shallow = sum(not each.deep for each in seen)
    if final.deep and shallow:
        notes.append(
            f"{shallow:,} of {count(len(seen), 'image')} with 8 bits were brought to the 16 bits of the others"
        )
    return tuple(notes)


def some(names: Iterable[str]) -> str:
    """Name the first few, and say how many there are beyond them.

    >>> some("abcdefg")
    'a, b, c, d, e and 2 more'
    """
    every = list(names)
    more = f" and {len(every) - NAMED:,} more" if len(every) > NAMED else ""
    return f"{', '.join(every[:NAMED])}{more}"


def _times(size: tuple[int, int]) -> str:
    return f"{size[0]}×{size[1]}"
