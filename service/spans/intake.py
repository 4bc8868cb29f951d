"""Spans as they arrive: named, to disk, then to their traces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry.instants import to_ms

if TYPE_CHECKING:
    from service.batch_log import BatchLog
    from service.health import HealthRecord
    from service.signals.present import PresentTime
    from service.spans.memory import SpanMemory
    from service.spans.names import PlainNames
    from telemetry.spans import SpanBatch


@dataclass(frozen=True, slots=True)
class ReceivedSpans:
    """What became of the spans of a batch.

    Attributes
    ----------
    n_accepted
        Spans written to disk.
    n_too_old, n_too_new
        Rejected spans.
    n_late
        Accepted spans of traces that had ended: they are on disk only.
    """

    n_accepted: int = 0
    n_too_old: int = 0
    n_too_new: int = 0
    n_late: int = 0


class SpanIntake:
    """Accepts spans by their time.

    Parameters
    ----------
    history
        Every accepted span is there before it is acknowledged.
    time
        Which times are accepted; spans advance the present.
    health
        Where it is recorded whether the history can be written.
    """

    def __init__(
        self,
        history: BatchLog[SpanBatch],
        memory: SpanMemory,
        time: PresentTime,
        names: PlainNames,
        *,
        health: HealthRecord,
    ) -> None:
        self._history = history
        self._memory = memory
        self._time = time
        self._names = names
        self._health = health

    def receive(self, batch: SpanBatch) -> ReceivedSpans:
        """Accept a batch: when this returns it is on disk and with its traces."""
        earliest_ms, latest_ms = self._time.accepted_ms()
        start_ms = batch.start_us // 1000
        too_old, too_new = start_ms < earliest_ms, start_ms > latest_ms
        accepted = self._names.of(batch.where(~too_old & ~too_new))
        n_late = self._store(accepted) if len(accepted) else 0
        return ReceivedSpans(len(accepted), int(too_old.sum()), int(too_new.sum()), n_late)

    def _store(self, batch: SpanBatch) -> int:
        """Write spans to disk and add them to their traces; return how many were late."""
        memory = self._memory
        with memory.counted.appending(self._history, memory.lock):
            with self._health.watching():
                position = self._history.append(batch)
            with memory.lock:
                memory.counted.add(position)
                self._time.advance(int(batch.start_us.max()) // 1000)
                return memory.receive(batch, at_ms=to_ms(self._time.clock.now()))
