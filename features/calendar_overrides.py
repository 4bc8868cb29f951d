"""Days on which an exchange departs from its published calendar, as listed by an operator."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, datetime

DAY_LISTS = ("closures", "openings")
KNOWN_UNTIL = "known_until"


class BadOverridesError(ValueError):
    """A list of days that cannot be read."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"not a list of closures and openings: {reason}")
        self.reason = reason


@dataclass(frozen=True)
class CalendarOverrides:
    """Days that take precedence over the published calendar.

    Attributes
    ----------
    closures, openings
        Extra closures, and make-up days or drills that trade.
    known_until
        Last day up to which the closures are listed in full; ``None`` to rely on the published calendar.
    """

    closures: frozenset[date] = frozenset()
    openings: frozenset[date] = frozenset()
    known_until: date | None = None


NO_OVERRIDES = CalendarOverrides()


def read_overrides(text: str) -> CalendarOverrides:
    """Return the days listed in a TOML document.

    Raises
    ------
    BadOverridesError
        If it is not TOML, or has an unknown key, a value that is not a day, or a day in both lists.

    Examples
    --------
    >>> found = read_overrides("closures = [2027-01-01]")
    >>> found.closures
    frozenset({datetime.date(2027, 1, 1)})
    """
    try:
        document = tomllib.loads(text)
    except RecursionError as error:
        raise BadOverridesError("it is nested too deeply") from error
    except ValueError as error:  # tomllib's own error, and that of a number with too many digits
        raise BadOverridesError(str(error)) from error
    foreign = document.keys() - {*DAY_LISTS, KNOWN_UNTIL}
    if foreign:
        raise BadOverridesError(f"unknown keys: {', '.join(sorted(foreign))}")
    closures, openings = (_days(document.get(name, []), name) for name in DAY_LISTS)
    both = closures & openings
    if both:
        raise BadOverridesError(f"{min(both)} both opens and closes")
    until = document.get(KNOWN_UNTIL)
    return CalendarOverrides(closures, openings, None if until is None else _day(until, KNOWN_UNTIL))


def _days(value: object, name: str) -> frozenset[date]:
    if not isinstance(value, list):
        raise BadOverridesError(f"{name} must be a list of days")
    return frozenset(_day(each, name) for each in value)


def _day(value: object, name: str) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise BadOverridesError(f"{name}: {value} is not a day such as 2027-01-01")
    return value
