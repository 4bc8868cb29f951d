"""Log lines read again from disk: after a restart, and when another bundle is adopted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.logs.baseline import MINUTE_MS
from service.logs.minutes import LogMinutes
from service.settings import Present
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Collection

    from models.artifacts.log_bundle import LogBundle
    from service.batch_log import BatchLog
    from service.logs.memory import LogMemory
    from service.masking import IncomingMasks
    from service.settings import Settings
    from service.signals.present import PresentTime
    from telemetry.logs import Logs


class LogReplay:
    """Sums up the lines of the history that are recent enough.

    Parameters
    ----------
    time
        What the present is; lines advance it.
    masks
        Lines that an earlier release stored are masked as they are read; masked ones stay as they are.
    """

    def __init__(
        self, settings: Settings, history: BatchLog[Logs], time: PresentTime, masks: IncomingMasks
    ) -> None:
        self._masks = masks
        self._settings = settings
        self._history = history
        self._time = time

    def resume(self, memory: LogMemory) -> None:
        """Add every batch that is not in a memory yet; nothing else may add to it meanwhile."""
        counted = memory.counted
        counted.replayed(self.into(memory.minutes, after=counted.until, beyond=counted.beyond))

    def into(self, minutes: LogMinutes, *, after: int, beyond: Collection[int] = ()) -> int:
        """Add the batches after a position, without some; return the last position, or ``after``."""
        earliest_ms = to_ms(self._time.now()) - minutes.n_minutes * MINUTE_MS
        latest_ms = self._time.latest_ms()
        is_replayed = self._settings.present is Present.SIGNALS
        since_s = 0.0 if is_replayed else earliest_ms / 1000 - self._settings.accepted_future.total_seconds()
        for position, logs in self._history.replay(after=after, since_s=since_s):
            after = position
            recent = logs.where((logs.time_ms >= earliest_ms) & (logs.time_ms <= latest_ms))
            if position not in beyond and len(recent):
                self._time.advance(int(recent.time_ms.max()))
                minutes.add(self._masks.logs(recent), latest_ms=latest_ms)
        return after


class LogAdoption:
    """Replaces the log bundle in use.

    Attributes
    ----------
    refused
        Why the last bundle was refused; empty if it was adopted.
    """

    def __init__(self, memory: LogMemory, replay: LogReplay) -> None:
        self.refused = ""
        self._memory = memory
        self._replay = replay

    def adopt(self, bundle: LogBundle) -> None:
        """Compare with the normal period of a bundle from now on; its miner mines the lines held again.

        Meanwhile lines are received and rankings made with the earlier bundle. A bundle whose windows are
        not minutes is refused.
        """
        if bundle.step_ms != MINUTE_MS:
            every = f"{bundle.step_ms / 1000:g} s"
            self.refused = f"log lines: the champion's windows are of {every}: train logs with --step 60"
            return
        self.refused = ""
        memory = self._memory
        if bundle.version == memory.minutes.bundle_version:
            memory.minutes.bundle = bundle
            return
        minutes = LogMinutes(bundle, n_minutes=memory.minutes.n_minutes)
        until = self._replay.into(minutes, after=0)
        with memory.closing, memory.lock:
            until = self._replay.into(minutes, after=until)  # what came meanwhile
            memory.replace(minutes, until=until)
