"""How Muslin writes numbers: in the terminal, in figures and in the report.

Every function returns text with a true minus sign, and a value that rounds to zero has no sign.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from math import floor, log10

MINUS = "\N{MINUS SIGN}"
_MOST_DECIMALS = 6  # float32 rounds what lies beyond
_BYTES = ((1, "B"), (1000, "kB"), (1000**2, "MB"), (1000**3, "GB"))


def number(value: float, digits: int = 0) -> str:
    """Format a number with thousands separators.

    Args:
        value: the number.
        digits: decimals (default 0).

    >>> number(93962), number(-0.25, 1), number(-0.0001, 2)
    ('93,962', '−0.2', '0.00')
    """
    text = f"{value:,.{digits}f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def signed(value: float, digits: int = 2) -> str:
    """Format a difference, with a plus sign if it is positive.

    Args:
        value: the difference, for example in percentage points.
        digits: decimals (default 2).

    >>> signed(3.14159), signed(-0.123), signed(0.001)
    ('+3.14', '−0.12', '0.00')
    """
    text = number(value, digits)
    return f"+{text}" if value > 0 and float(text.replace(",", "")) > 0 else text


def percent(fraction: float, digits: int = 1) -> str:
    """Format a fraction as a percentage.

    Args:
        fraction: the share, 0–1.
        digits: decimals (default 1).

    >>> percent(0.923), percent(0.91537, 2), percent(1, 0)
    ('92.3%', '91.54%', '100%')
    """
    return f"{number(100 * fraction, digits)}%"


def difference(value: float, unit: str, digits: int = 2, *, more: str = "better", less: str = "worse") -> str:
    """Format a difference in words instead of with a sign.

    Args:
        value: the difference.
        unit: plural of what is counted, for example "points".
        digits: decimals (default 2).
        more: word for a positive difference (default "better").
        less: word for a negative difference (default "worse").

    >>> difference(-7.4, "points", 1), difference(0.251, "points", more="higher"), difference(0.0001, "points")
    ('7.4 points worse', '0.25 points higher', '0.00 points apart')
    """
    size = number(abs(value), digits)
    word = "apart" if float(size.replace(",", "")) == 0 else more if value > 0 else less
    return f"{size} {unit} {word}"


def between(low: float, high: float, digits: int = 1, unit: str = "") -> str:
    """Format an interval, with "to" where a dash would meet a minus sign.

    Args:
        low: lower end.
        high: upper end.
        digits: decimals (default 1).
        unit: text after the upper end (default none).

    >>> between(90.98, 92.07, 2, "%"), between(-0.1, 0.4)
    ('90.98–92.07%', '−0.1 to 0.4')
    """
    ends = number(low, digits), number(high, digits)
    return f"{' to ' if MINUS in ''.join(ends) else '–'}".join(ends) + unit


def decimals(largest: float, least: int = 1) -> int:
    """Return how many decimals show two digits of the largest value.

    Args:
        largest: absolute value of the largest number.
        least: decimals from 1 upward (default 1).

    >>> decimals(5.3), decimals(0.31), decimals(0.012), decimals(0)
    (1, 2, 3, 1)
    """
    return max(least, min(1 - floor(log10(largest)), _MOST_DECIMALS)) if 0 < largest < 1 else least


def duration(seconds: float) -> str:
    """Format a time span in at most two units.

    >>> duration(0.0042), duration(9.31), duration(61.4), duration(754), duration(7260)
    ('4.2 ms', '9.3 s', '61 s', '12 min 34 s', '2 h 1 min')
    """
    if 0 < seconds < 0.1:
        return f"{number(1000 * seconds, 1)} ms"
    if seconds < 100:
        return f"{number(seconds, 1 if seconds < 10 else 0)} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{number(hours)} h {minutes} min"


def size(amount: float) -> str:
    """Format a number of bytes in decimal units.

    >>> size(375848), size(12)
    ('375.8 kB', '12 B')
    """
    step, unit = max((step for step in _BYTES if step[0] <= amount), default=_BYTES[0])
    return f"{number(amount / step, 0 if step == 1 else 1)} {unit}"


def plural(amount: int, one: str, many: str | None = None) -> str:
    """Return the word that agrees with an amount.

    Args:
        amount: how many there are.
        one: the singular, a noun or a verb.
        many: the plural (default: the singular with an "s").

    >>> plural(1, "thread"), plural(2, "thread"), plural(1, "is", "are"), plural(0, "class", "classes")
    ('thread', 'threads', 'is', 'classes')
    """
    return one if amount == 1 else many or f"{one}s"


def count(amount: int, one: str, many: str | None = None) -> str:
    """Format a count with its noun.

    Args:
        amount: how many there are.
        one: the singular noun.
        many: the plural noun (default: the singular with an "s").

    >>> count(1, "epoch"), count(4, "epoch"), count(2, "class", "classes")
    ('1 epoch', '4 epochs', '2 classes')
    """
    return f"{number(amount)} {plural(amount, one, many)}"


def listed(words: Sequence[str]) -> str:
    """Join words into a list within a sentence.

    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def nearest(word: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """Return the known word that is most like `word`, or None if no word is similar enough.

    Args:
        word: what was written.
        known: words to choose from.
        likeness: smallest similarity, `difflib`'s ratio of 0–1 (default 0.6).

    >>> nearest("pooling2d", ["conv2d", "max_pool2d"]), nearest("x", ["dense"])
    ('max_pool2d', None)
    """
    return next(iter(get_close_matches(word.lower(), list(known), n=1, cutoff=likeness)), None)
