"""The operator's list of closures and openings, read once in start-up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from features.calendar_overrides import NO_OVERRIDES, BadOverridesError, read_overrides
from service.errors import BadCalendarFileError

if TYPE_CHECKING:
    from pathlib import Path

    from features.calendar_overrides import CalendarOverrides


def overrides_from(path: Path | None) -> CalendarOverrides:
    """Return the days listed in a file, none without one.

    Raises
    ------
    BadCalendarFileError
        If the file cannot be read.
    """
    if path is None:
        return NO_OVERRIDES
    try:
        return read_overrides(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, BadOverridesError) as error:
        raise BadCalendarFileError(path, str(error)) from error
