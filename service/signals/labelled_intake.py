"""Labelled metrics as they arrive: what they say about their items goes the way of every sample."""

from __future__ import annotations

from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING

from service.signals.histogram_memory import HistogramMemory
from service.signals.histogram_pieces import HistogramPieces
from service.signals.intake import OWN
from service.signals.running_totals import CounterStarts, RunningTotals
from telemetry.batches import Samples

if TYPE_CHECKING:
    from service.signals.histogram_memory import Row
    from service.signals.in_use import InUseHolder
    from service.signals.intake import Received, SignalIntake
    from service.signals.present import PresentTime
    from telemetry.decoders.labelled import Labelled

MAX_UNSENT = 100_000
"""Samples that wait while the disk refuses; newer ones follow soon, and say more."""


class LabelledIntake:
    """Accepts what decoders of labelled metrics found; safe to use from many threads.

    Parameters
    ----------
    intake
        Accepts ordinary samples.
    present
        Says which times are accepted: no sender's wrong clock may outlast it in what is remembered.
    """

    def __init__(self, intake: SignalIntake, holder: InUseHolder, present: PresentTime) -> None:
        self._intake = intake
        self._holder = holder
        self._present = present
        self._pieces = HistogramPieces()
        self._memory = HistogramMemory()
        self._totals = RunningTotals()
        self._starts = CounterStarts()
        self._unsent: list[Row] = []
        self._lock = Lock()

    @property
    def n_over_limit(self) -> int:
        """Histograms and pieces of them for which there was no room, since the service started."""
        return self._pieces.n_over_limit + self._memory.n_over_limit

    def receive(self, labelled: Labelled, *, sender: str = OWN) -> Received:
        """Accept a body: when this returns, its samples and what follows from it are on disk.

        What follows from histograms is not lost if the disk refuses: it is stored with the next body, because
        the sender's second attempt would bring nothing new.

        Parameters
        ----------
        sender
            Whose share of the series in memory it counts to.
        """
        timely, n_too_old, n_too_new = labelled.within(*self._present.accepted_ms())
        rows = self._described(timely)
        samples = labelled.samples
        if rows:
            samples = Samples.concatenated([Samples.from_rows(rows), samples])
        try:
            received = self._intake.receive(samples, sender=sender)
        except BaseException:
            with self._lock:
                self._unsent = (rows + self._unsent)[:MAX_UNSENT]
            raise
        return replace(
            received,
            n_too_old=received.n_too_old + n_too_old,
            n_too_new=received.n_too_new + n_too_new,
        )

    def _described(self, labelled: Labelled) -> list[Row]:
        """Means, quantiles and running totals that are known now."""
        if not (
            len(labelled.parts) or labelled.histograms or labelled.deltas or labelled.starts or self._unsent
        ):
            return []
        step_ms = self._holder.in_use.window.step_ms
        with self._lock:
            rows, self._unsent = self._unsent, []
            for key, start_ms in labelled.starts:
                rows += self._starts.add(key, start_ms)
            for delta in labelled.deltas:
                rows += self._totals.add(delta)
            for point in self._pieces.complete(labelled.parts):
                rows += self._memory.observe(point, step_ms=step_ms, has_count=True)
            for point in labelled.histograms:
                rows += self._memory.observe(point, step_ms=step_ms, has_count=False)
        return rows
