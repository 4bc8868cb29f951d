"""Traces that have ended become sums, and old minutes become part of what is normal."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from features.span_sums import QUANTITIES, SpanSums
from models.cases.case import LEAD
from telemetry.instants import from_ms, to_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from service.incidents.records import AffectedPeriod
    from service.settings import Settings
    from service.signals.room import SignalsRoom
    from service.spans.memory import SpanMemory

LONGEST_FREEZE = timedelta(days=1)
"""An alert that stays open keeps its service out of the past for no longer than this."""


class SpanClosing:
    """Sums up what has ended, and keeps incidents out of the past.

    Parameters
    ----------
    affected
        The items that incidents are or were about, of those open at an instant or later.
    """

    def __init__(
        self,
        settings: Settings,
        signals: SignalsRoom,
        memory: SpanMemory,
        *,
        affected: Callable[[datetime], Sequence[AffectedPeriod]],
    ) -> None:
        self._signals = signals
        self._memory = memory
        self._affected = affected
        self._held_ms = settings.window // timedelta(milliseconds=1)

    def advance(self) -> int:
        """Sum up the traces that have ended; return how many spans that were."""
        now_ms = to_ms(self._signals.time.clock.now())
        memory = self._memory
        with memory.lock:
            n_summed = memory.sum_ended(now_ms=now_ms)
        self._age()
        return n_summed

    def normal(self, sums: SpanSums) -> SpanSums:
        """Return sums without the services that were part of an incident then."""
        starts = sums.own.bucket_ms
        if not len(starts):
            return sums
        return without_affected(sums, self._affected(from_ms(int(starts.min())) - LEAD))

    def bring_back(self, latest_ms: int) -> int | None:
        """Forget what is beyond the latest possible instant; return up to when it was, or ``None``."""
        with self._memory.lock:
            return self._memory.bring_back(latest_ms)

    def _age(self) -> None:
        memory, until_ms = self._memory, to_ms(self._signals.present()) - self._held_ms
        with memory.lock:
            starts = memory.recent.starts_ms
            if not starts or starts[0] >= until_ms:
                return
            old = memory.recent.sums(until_ms=until_ms)
            memory.age(self.normal(old), until_ms=until_ms)


def without_affected(sums: SpanSums, affected: Sequence[AffectedPeriod]) -> SpanSums:
    """Return the cells of the services that were part of no incident, those of the service that measured."""
    parts = {}
    for name in QUANTITIES:
        cells = getattr(sums, name)
        services = np.array([kind[0] for kind in cells.kinds], dtype=object)
        is_affected = np.zeros(len(cells.kind), dtype=bool)
        for each in affected:
            start_ms = to_ms(each.start - LEAD)
            last = each.start + LONGEST_FREEZE
            end_ms = to_ms(last if each.end is None else min(each.end, last))
            mine = services == each.item
            if len(mine) and mine.any():
                is_then = (cells.bucket_ms >= start_ms) & (cells.bucket_ms < end_ms)
                is_affected |= mine[cells.kind] & is_then
        parts[name] = cells.where(~is_affected)
    return SpanSums(**parts)
