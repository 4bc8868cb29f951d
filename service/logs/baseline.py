"""What services usually log by their own earlier minutes, where there is no bundle."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from features.logs.join import joined
from features.logs.past import commonest_kinds, folded, with_fewer_waits, without_old
from features.logs.windows import log_reference
from models.cases.case import LEAD
from telemetry.instants import from_ms

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from features.logs.sums import LogSums
    from features.logs.windows import LogReference
    from service.incidents.records import AffectedPeriod

MINUTE_MS = 60_000

MAX_KINDS = 20_000
"""Kinds of line counted separately in a minute, and in the past; the rest count as a service's ``other``."""

MAX_WAITS = 20_000
"""Kinds of wait stored for a minute, and for the past."""

PAST_MINUTES = 24 * 60
MAX_PAST_COUNTS = 8_000_000
"""The past is a day of minutes, or less if there are so many kinds of line that it would exceed 64 MB."""

LONGEST_FREEZE = timedelta(days=1)
"""An alert that stays open freezes the past of its service for no longer than this."""


class LogBaseline:
    """A day of normal minutes.

    Parameters
    ----------
    sums
        Their sums; ``None`` before the first.
    until_ms
        End of the last minute that was added, or left out for an incident.
    """

    def __init__(self, sums: LogSums | None = None, *, until_ms: int = 0) -> None:
        self.sums = sums
        self.until_ms = until_ms
        self._reference: LogReference | None = None

    @property
    def reference(self) -> LogReference | None:
        """What services usually log; ``None`` before the first minute."""
        if self._reference is None and self.sums is not None:
            self._reference = log_reference(self.sums.counts)
        return self._reference

    def add(self, minutes: Sequence[LogSums], affected: Sequence[AffectedPeriod], *, now: datetime) -> None:
        """Add minutes, in order of time, without the services that were part of an incident in them.

        Nothing is forgotten of a service while it has an open incident.
        """
        frozen = {each.item for each in affected if each.end is None and now - each.start < LONGEST_FREEZE}
        normal = [_without(each, affected) for each in minutes]
        parts = [*([] if self.sums is None else [self.sums]), *normal]
        kinds = commonest_kinds(parts, MAX_KINDS)
        past = joined([folded(each, kinds) for each in parts])
        n_windows = max(1, min(PAST_MINUTES, MAX_PAST_COUNTS // max(1, len(past.counts.kinds))))
        past = without_old(past, n_windows=n_windows, frozen=frozen)
        self.sums = replace(past, gaps=with_fewer_waits(past.gaps, n_kinds=MAX_WAITS))
        self.until_ms = int(minutes[-1].counts.starts_ms[-1]) + MINUTE_MS
        self._reference = None

    def bring_back(self, latest_ms: int, *, until_ms: int) -> None:
        """Forget the minutes that begin after the latest possible instant, and continue at an earlier one."""
        self.until_ms = min(self.until_ms, until_ms)
        if self.sums is not None:
            possible = [each for each in self.sums.counts.starts_ms.tolist() if each <= latest_ms]
            self.sums = self.sums.at(possible) if possible else None
            self._reference = None


def bounded(minute: LogSums, *, max_kinds: int = MAX_KINDS) -> LogSums:
    """Return a minute with its rarest kinds of line folded together, and without its rarest waits."""
    left = folded(minute, commonest_kinds([minute], max_kinds))
    return replace(left, gaps=with_fewer_waits(left.gaps, n_kinds=MAX_WAITS))


def _without(minute: LogSums, affected: Sequence[AffectedPeriod]) -> LogSums:
    """Return a minute without the services that were part of an incident in it."""
    start = from_ms(int(minute.counts.starts_ms[0]))
    end = start + timedelta(milliseconds=MINUTE_MS)
    affected_since = {
        each.item
        for each in affected
        if each.start - LEAD < end and start < min(each.end or end, each.start + LONGEST_FREEZE)
    }
    if not affected_since:
        return minute
    return minute.of_services({kind.service for kind in minute.counts.kinds} - affected_since)
