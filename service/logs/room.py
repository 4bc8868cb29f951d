"""The log lines of a running service: how they are received, summed up, scored and saved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from service.health import HealthRegistry, damage_problems
from service.logs.adoption import LogAdoption, LogReplay
from service.logs.closing import MinuteClosing
from service.logs.evidence import LogEvidence
from service.logs.intake import LogIntake
from service.logs.memory import LogMemory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from cmdb.items import ChangeEvent
    from service.batch_log import BatchLog
    from service.incidents.records import AffectedPeriod
    from service.logs.checkpoint import LogCheckpoints
    from service.logs.scoring import LogScores
    from service.masking import IncomingMasks
    from service.settings import Settings
    from service.signals.room import SignalsRoom
    from telemetry.logs import Logs


LINES_PART = "log lines"
"""Name of the part whose health says whether log lines can be written."""


@dataclass(frozen=True)
class LogsRoom:
    """Log lines in; series, scores and evidence out."""

    history: BatchLog[Logs]
    memory: LogMemory
    intake: LogIntake
    closing: MinuteClosing
    evidence: LogEvidence
    adoption: LogAdoption
    checkpoints: LogCheckpoints

    @property
    def bundle_version(self) -> str:
        """Version of the log bundle in use; empty without one."""
        bundle = self.memory.bundle
        return "" if bundle is None else bundle.version

    @property
    def scores(self) -> LogScores | None:
        """Scores of the minute that closed last; ``None`` before there is one, and without a bundle."""
        return self.memory.scores

    def health_problems(self) -> list[str]:
        """Return problems with the lines on disk, the bundle and the traces, usually none."""
        refused = self.adoption.refused
        return [
            *damage_problems("log lines", self.history.damage),
            *([f"log lines: {self.checkpoints.lost}"] if self.checkpoints.lost else []),
            *([refused] if refused else []),
            *self.memory.minutes.traces.health_problems(),
        ]

    def checkpoint(self) -> None:
        """Save the memory to disk if anything was received since it was saved last."""
        self.memory.checkpoint(self.checkpoints)


def logs_room(
    settings: Settings,
    history: BatchLog[Logs],
    signals: SignalsRoom,
    checkpoints: LogCheckpoints,
    masks: IncomingMasks,
    *,
    affected: Callable[[datetime], Sequence[AffectedPeriod]],
    changes: Callable[[datetime, datetime], Sequence[ChangeEvent]],
    health: HealthRegistry | None = None,
) -> LogsRoom:
    """Make the room; it continues where the checkpoint was when this returns.

    Parameters
    ----------
    affected, changes
        As `MinuteClosing` has them.
    health
        Where it is recorded whether the lines can be written.
    """
    record = (health or HealthRegistry(signals.time.clock)).record(LINES_PART, is_vital=True)
    memory = LogMemory(
        n_minutes=max(1, settings.window // timedelta(minutes=1)),
        checkpoint=checkpoints.read(position=history.position),
    )
    replay = LogReplay(settings, history, signals.time, masks)
    closing = MinuteClosing(settings, signals, memory, affected=affected, changes=changes)
    closing.bring_back(signals.time.latest_ms())  # first: lines at the present would be too old
    replay.resume(memory)
    return LogsRoom(
        history=history,
        memory=memory,
        intake=LogIntake(history, memory, signals.time, masks, health=record),
        closing=closing,
        evidence=LogEvidence(memory, closing),
        adoption=LogAdoption(memory, replay),
        checkpoints=checkpoints,
    )
