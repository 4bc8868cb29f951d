"""The instants of alerts, in the forms that senders write them."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from service.clock import EARLIEST

DIGITS = re.compile(r"\d{9,19}(\.\d+)?")
GO = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(\.\d+)? ([+-]\d{4})( [A-Za-z]+)?( m=.*)?")
"""How Go prints a time, such as 2026-03-04 10:04:00 +0800 CST."""
ZABBIX = re.compile(r"(\d{4})[./](\d\d)[./](\d\d)[ T](\d\d:\d\d:\d\d)(.*)")
UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3), (0.0, 1.0))
"""From which number on an epoch counts nanoseconds, microseconds or milliseconds."""


def instant_of(value: object) -> datetime | None:
    """Return the instant that a value names, or ``None``: an unresolved end is the year 1.

    A number counts from the epoch, in the unit that its size tells; a text without a zone is UTC.

    Examples
    --------
    >>> instant_of("1772589840000") == instant_of(1772589840) == instant_of("2026-03-04T10:04:00+0800")
    True
    """
    at: datetime | None = None
    with suppress(ValueError, OverflowError, OSError, TypeError):
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            at = _of_epoch(float(value))
        elif isinstance(value, str):
            at = _of_text(value.strip())
    return at if at is not None and at >= EARLIEST else None


def _of_epoch(number: float) -> datetime | None:
    per_second = next((per_second for least, per_second in UNITS if number >= least), None)
    return None if per_second is None else datetime.fromtimestamp(number / per_second, UTC)


def _of_text(text: str) -> datetime | None:
    if DIGITS.fullmatch(text):
        return _of_epoch(float(text))
    if found := GO.fullmatch(text):
        text = f"{found[1]}{found[2] or ''}{found[3]}"
    elif found := ZABBIX.fullmatch(text):
        text = f"{found[1]}-{found[2]}-{found[3]}T{found[4]}{found[5]}"
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = parsedate_to_datetime(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
