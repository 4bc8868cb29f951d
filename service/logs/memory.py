"""All about log lines that is in memory: one object, guarded by one lock, saved as one checkpoint."""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING

from features.logs.templates import TemplateMiner
from service.batch_log import CountedBatches
from service.logs.baseline import LogBaseline
from service.logs.checkpoint import LogCheckpoint
from service.logs.examples import LogExamples
from service.logs.minutes import LogMinutes

if TYPE_CHECKING:
    from models.artifacts.log_bundle import LogBundle
    from service.logs.checkpoint import LogCheckpoints
    from service.logs.scoring import LogScores

Saved = tuple[LogMinutes, int, frozenset[int]]


class LogMemory:
    """The latest minutes, the past before them, and the batches that are counted in both.

    Parameters
    ----------
    n_minutes
        How many minutes are held.
    checkpoint
        What an earlier process saved; ``None`` to begin with nothing.

    Attributes
    ----------
    lock
        Guards everything here but `scores`.
    closing
        Held while minutes are closed, and before `lock` where both are.
    scores
        Scores of the minute that closed last; ``None`` before there is one, and without a bundle.
    """

    def __init__(self, *, n_minutes: int, checkpoint: LogCheckpoint | None = None) -> None:
        self.lock, self.closing = RLock(), RLock()
        self.minutes = LogMinutes(None, n_minutes=n_minutes)
        self.past = LogBaseline()
        self.counted = CountedBatches()
        self.scores: LogScores | None = None
        if checkpoint is not None:
            self.minutes.miner = TemplateMiner.from_state(checkpoint.miner)
            self.minutes.examples = LogExamples.from_state(checkpoint.notes)
            self.minutes.by_start = dict(checkpoint.minutes)
            self.minutes.bundle_version = checkpoint.bundle_version
            self.minutes.closed_ms = checkpoint.closed_ms
            self.past = LogBaseline(checkpoint.past, until_ms=checkpoint.aged_ms)
            self.counted = CountedBatches(checkpoint.position, checkpoint.beyond)
        self._saved = self._state()

    @property
    def bundle(self) -> LogBundle | None:
        """The log bundle in use; ``None`` without one."""
        return self.minutes.bundle

    def replace(self, minutes: LogMinutes, *, until: int) -> None:
        """Use minutes that were made from every batch up to a position; the past begins anew."""
        with self.closing, self.lock:
            minutes.closed_ms = self.minutes.closed_ms
            self.minutes, self.past, self.scores = minutes, LogBaseline(), None
            self.counted.replayed(until)

    def checkpoint(self, checkpoints: LogCheckpoints) -> None:
        """Save everything to disk if anything was received since it was saved last."""
        with self.lock:
            state = self._state()
            if state == self._saved or not any(state[1:]):
                return
            minutes = self.minutes
            checkpoint = LogCheckpoint(
                position=self.counted.until,
                beyond=self.counted.beyond,
                bundle_version=minutes.bundle_version,
                closed_ms=minutes.closed_ms,
                aged_ms=self.past.until_ms,
                miner=minutes.miner.state(),
                notes=minutes.examples.state(),
                minutes=dict(minutes.by_start),
                past=self.past.sums,
            )
        checkpoints.write(checkpoint)
        self._saved = state

    def _state(self) -> Saved:
        return self.minutes, self.counted.until, self.counted.beyond
