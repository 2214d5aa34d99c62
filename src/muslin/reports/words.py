"""Numbers as they are set in the report: thousands separated, the unit a thin space away, a true minus sign."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import floor, log10

from markupsafe import Markup

from muslin._words import MINUS, number
from muslin.evaluation import Interval

THIN = "\N{NARROW NO-BREAK SPACE}"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_STEPS = ((1, "B"), (1000, "kB"), (1000**2, "MB"), (1000**3, "GB"))


def percent(share: float, digits: int = 1) -> str:
    r"""A share (0–1) in per cent.

    >>> percent(0.91537, 2)
    '91.54\u202f%'
    """
    return f"{number(100 * share, digits)}{THIN}%"


def signed(value: float, digits: int = 1) -> str:
    """A difference, with its sign.

    >>> signed(3.14159, 2), signed(-0.5)
    ('+3.14', '−0.5')
    """
    text = number(value, digits)
    return f"+{text}" if value > 0 and float(text.replace(",", "")) > 0 else text


def between(interval: Interval, digits: int = 1, scale: float = 1) -> str:
    """An interval; "to" where a minus sign would meet the dash.

    >>> between(Interval(0.9098, 0.9207), 2, scale=100), between(Interval(-0.1, 0.4))
    ('90.98–92.07', '−0.1 to 0.4')
    """
    low, high = (number(scale * end, digits) for end in interval)
    return f"{low} to {high}" if MINUS in low + high else f"{low}–{high}"


def duration(seconds: float) -> str:
    r"""A time span, as exact as anyone would ask.

    >>> duration(9.31), duration(61.4), duration(754)
    ('9.3\u202fs', '61\u202fs', '12\u202fmin 34\u202fs')
    """
    if seconds < 100:
        return f"{number(seconds, 1 if seconds < 10 else 0)}{THIN}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{THIN}min {rest}{THIN}s"
    hours, minutes = divmod(minutes, 60)
    return f"{number(hours)}{THIN}h {minutes}{THIN}min"


def size(amount: float) -> str:
    r"""Bytes in decimal units.

    >>> size(375848), size(12)
    ('375.8\u202fkB', '12\u202fB')
    """
    step, unit = max((step for step in _STEPS if step[0] <= amount), default=_STEPS[0])
    return f"{number(amount / step, 0 if step == 1 else 1)}{THIN}{unit}"


def millions(amount: float) -> str:
    """A large count to three figures.

    >>> millions(8355072), millions(101632)
    ('8.36 million', '101,632')
    """
    return f"{amount / 1e6:.3g} million" if amount >= 1e6 else number(amount)


def probability(value: float) -> str:
    r"""A p-value.

    >>> probability(0.0321), probability(1e-9)
    ('p\xa0=\xa00.032', 'p\xa0<\xa00.001')
    """
    if value < 0.001:
        return "p\N{NO-BREAK SPACE}<\N{NO-BREAK SPACE}0.001"
    return f"p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{value:.{3 if value < 0.1 else 2}f}"


def setting(value: float) -> str:
    """A recipe's value, without needless digits.

    >>> setting(128), setting(1e-7), setting(0.9), setting(2.5e-05)
    ('128', '10⁻⁷', '0.9', '2.5 × 10⁻⁵')
    """
    if value == 0 or abs(value) >= 0.0005:
        return f"{value:,.12g}".replace("-", MINUS)
    exponent = floor(log10(abs(value)))
    mantissa = f"{value / 10**exponent:.4g}".replace("-", MINUS)
    power = f"10{str(exponent).translate(_SUPERSCRIPTS)}"
    return power if mantissa == "1" else f"{mantissa} × {power}"


def listed(words: Sequence[str]) -> str:
    """Words as a sentence lists them.

    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def on_point(text: str) -> Markup:
    """A number for a column whose numbers have different decimals: what follows the point gets a box of its own.

    The style sheet gives all boxes of a column one width, so that the points stand below one another.

    >>> on_point("8.36 million")
    Markup('8<span class="rest">.36 million</span>')
    """
    whole = re.match(rf"[×+{MINUS} ]*[\d,]*", text)
    end = whole.end() if whole else 0
    return Markup('{}<span class="rest">{}</span>').format(text[:end], text[end:])
