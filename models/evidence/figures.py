"""Formats of figures in evidence sentences."""

from __future__ import annotations


def figure(value: float) -> str:
    """Format a figure with three significant digits, never with an exponent: 0.0123, 4.56, 78.9, 1,230.

    >>> figure(0.012345), figure(1234.5)
    ('0.0123', '1,234')
    """
    size = abs(value)
    if size >= 100:  # noqa: PLR2004
        return f"{value:,.0f}"
    if size >= 10:  # noqa: PLR2004
        return f"{value:.1f}"
    return f"{value:.3g}" if size >= 0.001 or size == 0 else f"{value:.1g}"  # noqa: PLR2004


def percent(share: float) -> str:
    """Format a share of 1 as a percentage.

    >>> percent(0.5), percent(0.00123)
    ('50.0 %', '0.123 %')
    """
    return f"{figure(share * 100)} %"


def probability_percent(probability: float | None) -> str:
    """A probability in percent without decimals, never 0 % or 100 %.

    >>> probability_percent(0.834), probability_percent(0.9999), probability_percent(0.0004)
    ('83 %', '> 99 %', '< 1 %')
    """
    value = probability or 0.0
    if value < 0.005:  # noqa: PLR2004  what would be rounded to nothing
        return "< 1 %"
    return "> 99 %" if value >= 0.995 else whole_percent(value)  # noqa: PLR2004


def whole_percent(share: float) -> str:
    """A share of 1 as a whole percentage.

    >>> whole_percent(0.834), whole_percent(1.0)
    ('83 %', '100 %')
    """
    return f"{share * 100:.0f} %"
