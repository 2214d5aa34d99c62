"""How the report writes quantities: as `muslin._words` does, with units that a line break cannot separate."""

from __future__ import annotations

import re
from math import floor, log10

from markupsafe import Markup

from muslin import _words
from muslin._words import MINUS, number
from muslin.evaluation import Interval

THIN = "\N{NARROW NO-BREAK SPACE}"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def between(interval: Interval, digits: int = 1) -> str:
    """Format an interval.

    >>> between(Interval(-0.1, 0.4))
    '−0.1 to 0.4'
    """
    return _words.between(*interval, digits)


def percents(interval: Interval, digits: int = 1) -> str:
    """Format an interval of fractions as percentages.

    >>> percents(Interval(0.9098, 0.9207), 2)
    '90.98–92.07%'
    """
    low, high = interval
    return _words.between(100 * low, 100 * high, digits, "%")


def duration(seconds: float) -> str:
    r"""Format a time span.

    >>> duration(61.4)
    '61\u202fs'
    """
    return _words.duration(seconds).replace(" ", THIN)


def size(amount: float) -> str:
    r"""Format a number of bytes.

    >>> size(375848)
    '375.8\u202fkB'
    """
    return _words.size(amount).replace(" ", THIN)


def millions(amount: float) -> str:
    """Format a large count with three significant digits.

    >>> millions(8355072), millions(101632)
    ('8.36 million', '101,632')
    """
    return f"{amount / 1e6:.3g} million" if amount >= 1e6 else number(amount)


def probability(value: float) -> str:
    r"""Format a p-value.

    >>> probability(0.0321), probability(1e-9)
    ('p\xa0=\xa00.032', 'p\xa0<\xa00.001')
    """
    if value < 0.001:
        return "p\N{NO-BREAK SPACE}<\N{NO-BREAK SPACE}0.001"
    return f"p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{value:.{3 if value < 0.1 else 2}f}"


def setting(value: float) -> str:
    """Format a recipe's value without trailing zeros.

    >>> setting(128), setting(1e-7), setting(0.9), setting(2.5e-05)
    ('128', '10⁻⁷', '0.9', '2.5 × 10⁻⁵')
    """
    if value == 0 or abs(value) >= 0.0005:
        return f"{value:,.12g}".replace("-", MINUS)
    exponent = floor(log10(abs(value)))
    mantissa = f"{value / 10**exponent:.4g}".replace("-", MINUS)
    power = f"10{str(exponent).translate(_SUPERSCRIPTS)}"
    return power if mantissa == "1" else f"{mantissa} × {power}"


def closed_up(text: str) -> str:
    """Remove the space before percent signs, which studies of earlier versions contain.

    >>> closed_up("−40 %")
    '−40%'
    """
    return re.sub(r"(?<=\d)\s%", "%", text)


def on_point(text: str) -> Markup:
    """Split a number at its decimal point, for a column whose numbers have different decimals.

    The style sheet gives all parts behind the point one width, which aligns the points.

    >>> on_point("8.36 million")
    Markup('8<span class="rest">.36 million</span>')
    """
    whole = re.match(rf"[×+{MINUS} ]*[\d,]*", text)
    end = whole.end() if whole else 0
    return Markup('{}<span class="rest">{}</span>').format(text[:end], text[end:])
