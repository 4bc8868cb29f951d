"""Instants as senders write them: numbers in four units, and texts with a zone."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_LENGTH: Final = 64

UNITS_MS: Final = ((1e11, 1e3), (1e14, 1.0), (1e17, 1e-3), (math.inf, 1e-6))
"""Numbers below each bound are seconds, milliseconds, microseconds, nanoseconds: all of 1974 to 5138."""

_ZONE = re.compile(r"[ ]?(Z|UTC|GMT|[+-]\d\d:?\d\d)$")
_COMMON_LOG = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d{4})$")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SECONDS: Final = ("seconds", "epochSecond", "epoch_second", "sec")
_NANOSECONDS: Final = ("nanos", "nanoOfSecond", "nano_of_second", "nsec")


class UnreadableTimeError(ValueError):
    """A value that gives no instant; the text says why."""


def instant_ms(value: object) -> int:
    """Milliseconds since the epoch of an instant in any of the common forms, rounded down.

    A number, also in quotes, is seconds, milliseconds, microseconds or nanoseconds, by its size. A text is
    ISO 8601 with a zone, with any of the usual separators, or the form of web servers or of mail. An object
    is MongoDB's ``$date``, or seconds and nanoseconds.

    Raises
    ------
    UnreadableTimeError
        If it is none of these, or names no zone.

    Examples
    --------
    >>> {instant_ms(each) for each in (1772589600, "1772589600.0", "2026-03-04 10:00:00,000 +0800")}
    {1772589600000}
    """
    if isinstance(value, str):
        return _of_text(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _of_number(value)
    if isinstance(value, dict):
        return _of_object(value)
    raise UnreadableTimeError("it has no time that can be read")


def _of_number(number: float) -> int:
    size = abs(number)
    if isinstance(number, int) and size >= UNITS_MS[2][0]:
        return number // 1_000_000
    for bound, factor in UNITS_MS:
        if size < bound:
            return math.floor(number * factor)
    raise UnreadableTimeError("it has no time that can be read")  # not a number, or infinite


def _of_text(text: str) -> int:
    if len(text) > MAX_LENGTH:
        raise UnreadableTimeError("it has no time that can be read")
    try:
        if text.replace(".", "", 1).isdecimal():
            return _of_number(float(text) if "." in text else int(text))
        at = _datetime_of(text)
        if at.tzinfo is not None:
            return to_ms(at.astimezone(UTC))
    except (ValueError, OverflowError, TypeError, IndexError) as error:  # the last two are of the mail form
        raise UnreadableTimeError("it has no time that can be read") from error
    raise UnreadableTimeError("its time has no time zone")


def _datetime_of(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        text = text.strip()
    if zone := _ZONE.search(text):
        offset = zone[1] if zone[1][0] in "+-" else "+00:00"
        if text[4:5] in {"-", "/"}:
            return datetime.fromisoformat(text[: zone.start()].replace("/", "-") + offset)
    if (found := _COMMON_LOG.match(text)) and found[2] in _MONTHS:
        month = _MONTHS.index(found[2]) + 1
        return datetime.fromisoformat(f"{found[3]}-{month:02}-{found[1]}T{found[4]}{found[5]}")
    return parsedate_to_datetime(text)


def _of_object(document: Mapping[str, Any]) -> int:
    if "$date" in document:
        date = document["$date"]
        return instant_ms(date.get("$numberLong") if isinstance(date, dict) else date)
    seconds, nanoseconds = (
        next((document[key] for key in keys if isinstance(document.get(key), int)), None)
        for keys in (_SECONDS, _NANOSECONDS)
    )
    if seconds is None:
        raise UnreadableTimeError("it has no time that can be read")
    return int(seconds) * 1000 + int(nanoseconds or 0) // 1_000_000
