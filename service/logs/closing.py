"""Minutes of log lines that have closed: they become series and scores, and later part of the past."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from features.logs.open_traces import SILENT_MS
from features.logs.series import log_series
from features.logs.traces import vectors_of
from models.cases.case import BEFORE, LEAD
from service.logs.baseline import MINUTE_MS
from service.logs.scoring import SCORED_MINUTES, latest_scores
from telemetry.instants import MILLISECOND, from_ms, to_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from cmdb.items import ChangeEvent
    from service.incidents.records import AffectedPeriod
    from service.logs.memory import LogMemory
    from service.settings import Settings
    from service.signals.room import SignalsRoom

AGEING_MS = (LEAD + BEFORE) // MILLISECOND
"""A minute counts as past once it is so old: by then an incident that it belongs to is known."""

DAMPED = timedelta(hours=6)
"""A change so long ago leaves what is new its full weight, but for a few ten-thousandths."""


class MinuteClosing:
    """Closes minutes at their end plus the grace period.

    Parameters
    ----------
    signals
        Receives the series, and knows what the present is.
    affected
        Returns the items of incidents that were open at an instant or later: their minutes then are not
        normal.
    changes
        Returns the change events between two instants: what is new soon after a change of its service
        means little.
    """

    def __init__(
        self,
        settings: Settings,
        signals: SignalsRoom,
        memory: LogMemory,
        *,
        affected: Callable[[datetime], Sequence[AffectedPeriod]],
        changes: Callable[[datetime, datetime], Sequence[ChangeEvent]],
    ) -> None:
        self._settings = settings
        self._signals = signals
        self._memory = memory
        self._affected = affected
        self._changes = changes

    def advance(self) -> int:
        """Make the series of every minute that has closed since the last call; return how many there were."""
        memory = self._memory
        with memory.closing:
            stop_ms = self._stop_ms()
            with memory.lock:
                minutes, bundle = memory.minutes, memory.bundle
                closing = minutes.between(minutes.closed_ms, stop_ms)
                if not closing:
                    return 0
                closed_ms = int(closing[-1].counts.starts_ms[-1]) + MINUTE_MS
                reference = memory.past.reference if bundle is None else bundle.past.reference
                latest = minutes.between(closed_ms - SCORED_MINUTES * MINUTE_MS, closed_ms)
                minutes.traces.ended_before(closed_ms - SILENT_MS)
                traces = minutes.traces.unended()
            for each in closing:
                self._signals.intake.receive(log_series(each.counts, reference))
            minutes.closed_ms = closed_ms  # only now: what a full disk refuses is tried again
            if bundle is not None:
                until = from_ms(closed_ms)
                changes = self._changes(until - DAMPED, until)
                memory.scores = latest_scores(bundle, latest, changes, traces=vectors_of(traces))
            self.age()
            return len(closing)

    def age(self) -> None:
        """Add minutes that are old enough to the past, without the services with an incident then."""
        memory = self._memory
        with memory.closing:
            until_ms = self._stop_ms() - AGEING_MS
            with memory.lock:
                aged = memory.minutes.between(memory.past.until_ms, until_ms)
            if aged:
                affected = self._affected(from_ms(int(aged[0].counts.starts_ms[0])) - LEAD)
                with memory.lock:
                    memory.past.add(aged, affected, now=from_ms(until_ms))

    def bring_back(self, latest_ms: int) -> int | None:
        """Forget the minutes beyond the latest instant, and close minutes at the present again.

        Returns
        -------
        Start of the newest minute, or the end of the last that was closed; ``None`` if all were possible.
        """
        memory = self._memory
        with memory.closing, memory.lock:
            minutes, past = memory.minutes, memory.past
            stood_ms = max(max(minutes.by_start, default=0), minutes.closed_ms, past.until_ms)
            if stood_ms <= latest_ms:
                return None
            stop_ms = self._stop_ms() // MINUTE_MS * MINUTE_MS
            minutes.bring_back(latest_ms, closed_ms=stop_ms)
            past.bring_back(latest_ms, until_ms=stop_ms - AGEING_MS)
        return stood_ms

    def _stop_ms(self) -> int:
        return to_ms(self._signals.present() - self._settings.grace)
