"""Log lines as they arrive: masked, to disk, then to the sums of their minutes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from service.batch_log import BatchLog
    from service.health import HealthRecord
    from service.logs.memory import LogMemory
    from service.masking import IncomingMasks
    from service.signals.present import PresentTime
    from telemetry.logs import Logs


@dataclass(frozen=True, slots=True)
class ReceivedLogs:
    """What became of the log lines of a batch.

    Attributes
    ----------
    n_accepted
        Lines written to disk.
    n_too_old, n_too_new, n_without_service
        Lines rejected, each for the first of these reasons.
    n_late
        Accepted lines of minutes whose series were made: rankings use them, scores do not.
    n_outside
        Accepted lines older than the minutes held: they are on disk only.
    refused
        The rejected lines by their places in the batch, each with ``too_old``, ``too_new`` or
        ``without_service``.
    """

    n_accepted: int = 0
    n_too_old: int = 0
    n_too_new: int = 0
    n_without_service: int = 0
    n_late: int = 0
    n_outside: int = 0
    refused: tuple[tuple[int, str], ...] = ()


class LogIntake:
    """Accepts log lines that name a service, by their time.

    Parameters
    ----------
    history
        Every accepted line is there before it is acknowledged.
    time
        Which times are accepted; lines advance the present.
    masks
        What is masked before a line is written, mined or counted.
    health
        Where it is recorded whether the history can be written.
    """

    def __init__(
        self,
        history: BatchLog[Logs],
        memory: LogMemory,
        time: PresentTime,
        masks: IncomingMasks,
        *,
        health: HealthRecord,
    ) -> None:
        self._masks = masks
        self._history = history
        self._memory = memory
        self._time = time
        self._health = health

    def receive(self, logs: Logs) -> ReceivedLogs:
        """Accept a batch: when this returns it is on disk and in its minutes."""
        earliest_ms, latest_ms = self._time.accepted_ms()
        has_service = np.array([bool(stream.service) for stream in logs.streams], dtype=bool)
        is_named = has_service[logs.stream]
        too_old, too_new = logs.time_ms < earliest_ms, logs.time_ms > latest_ms
        nameless = ~is_named & ~too_old & ~too_new
        accepted = self._masks.logs(logs.where(is_named & ~too_old & ~too_new))
        n_late, n_outside = self._store(accepted) if len(accepted) else (0, 0)
        return ReceivedLogs(
            n_accepted=len(accepted),
            n_too_old=int(too_old.sum()),
            n_too_new=int(too_new.sum()),
            n_without_service=int(nameless.sum()),
            n_late=n_late,
            n_outside=n_outside,
            refused=tuple(
                (line, why)
                for why, lines in (("too_old", too_old), ("too_new", too_new), ("without_service", nameless))
                for line in np.flatnonzero(lines).tolist()
            ),
        )

    def _store(self, logs: Logs) -> tuple[int, int]:
        """Write lines to disk and add them to their minutes; return how many were late, and outside."""
        memory = self._memory
        with memory.counted.appending(self._history, memory.lock):
            with self._health.watching():
                position = self._history.append(logs)
            with memory.lock:
                if not memory.counted.add(position):  # a bundle was adopted meanwhile, and it was replayed
                    return 0, 0
                self._time.advance(int(logs.time_ms.max()))
                return memory.minutes.add(logs, latest_ms=self._time.latest_ms())
