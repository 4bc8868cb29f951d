"""Numbers and times as a person reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from features.golden import Role

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

SHARES = frozenset({Role.ERRORS, Role.CPU, Role.MEMORY, Role.SATURATION, Role.LOSS})


def quantity(role: str, value: float | None) -> str:
    """Return a value in the unit of its role, short.

    >>> quantity("latency", 0.1834), quantity("latency", 2.5), quantity("errors", 0.042)
    ('183 ms', '2.5 s', '4.2 %')
    >>> quantity("saturation", 2.5), quantity("quotes_a_second", 1234.5)
    ('250 %', '1,234')
    """
    if value is None:
        return "unseen"
    if role == Role.LATENCY:
        return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"
    if role in SHARES:
        largest = value if role == Role.SATURATION else 1.0
        return f"{value * 100:.2g} %" if value < 1 else f"{largest * 100:,.0f} %"
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.2g}"  # noqa: PLR2004  digits that matter


def measured(value: float | None, unit: str) -> str:
    """Return a number with its unit, with one decimal where that matters.

    >>> measured(1234.0, "lines"), measured(0.26, "lines")
    ('1,234 lines', '0.3 lines')
    """
    if value is None:
        return "unseen"
    return f"{value:,.0f} {unit}" if value >= 10 or value == round(value) else f"{value:.1f} {unit}"  # noqa: PLR2004


def local(at: datetime, zone: ZoneInfo) -> str:
    """Return a time of day in the exchange's zone."""
    return at.astimezone(zone).strftime("%H:%M:%S")


def local_day(at: datetime, zone: ZoneInfo) -> str:
    """Return a day in the exchange's zone.

    >>> from datetime import UTC, datetime
    >>> from zoneinfo import ZoneInfo
    >>> local_day(datetime(2026, 3, 3, 23, tzinfo=UTC), ZoneInfo("Asia/Shanghai"))
    'Wed 4 Mar 2026'
    """
    there = at.astimezone(zone)
    return f"{there:%a} {there.day} {there:%b %Y}"


def short_version(version: str) -> str:
    """Return the part of a digest that a person compares.

    >>> short_version("sha256:0123456789abcdef")
    '0123456789ab'
    """
    return version.rpartition(":")[2][:12] or "none"
