"""Numbers and counts as people write them, wherever Muslin speaks: in a terminal, a figure or the report."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from math import floor, log10

MINUS = "\N{MINUS SIGN}"
_MOST_DECIMALS = 6  # beyond that is what float32 rounds


def number(value: float, digits: int = 0) -> str:
    """A number with thousands separators and a fixed number of decimals.

    >>> number(93962), number(-0.25, 1)
    ('93,962', '−0.2')
    """
    text = f"{value:,.{digits}f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def decimals(largest: float, least: int = 1) -> int:
    """How many decimals numbers need whose largest is this: two digits' worth below 1, `least` from there on.

    >>> decimals(5.3), decimals(0.31), decimals(0.012), decimals(0)
    (1, 2, 3, 1)
    """
    return max(least, min(1 - floor(log10(largest)), _MOST_DECIMALS)) if 0 < largest < 1 else least


def count(number_of: int, one: str, many: str | None = None) -> str:
    """A count with its noun.

    >>> count(1, "epoch"), count(4, "epoch"), count(2, "class", "classes")
    ('1 epoch', '4 epochs', '2 classes')
    """
    return f"{number(number_of)} {one if number_of == 1 else many or one + 's'}"


def nearest(word: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """The known word that was probably meant; None if none is at least that much alike (`difflib`'s ratio, 0–1).

    >>> nearest("pooling2d", ["conv2d", "max_pool2d"]), nearest("x", ["dense"])
    ('max_pool2d', None)
    """
    return next(iter(get_close_matches(word.lower(), list(known), n=1, cutoff=likeness)), None)
