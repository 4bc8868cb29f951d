"""The sums of each of the latest minutes of log lines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from features.logs.join import joined
from features.logs.open_traces import OpenTraces
from features.logs.past import commonest_kinds, folded
from features.logs.sums import sum_logs
from features.logs.templates import TemplateMiner
from service.logs.baseline import MAX_KINDS, MINUTE_MS, bounded
from service.logs.examples import LogExamples

if TYPE_CHECKING:
    from collections.abc import Collection

    from features.logs.sums import LogSums
    from models.artifacts.log_bundle import LogBundle
    from telemetry.logs import Logs


class LogMinutes:
    """Log lines summed up by the minute, with the templates of one miner; its owner's lock guards it.

    Parameters
    ----------
    bundle
        Its miner is continued; without a bundle a new miner begins.
    n_minutes
        How many minutes are held, up to the newest line.

    Attributes
    ----------
    bundle_version
        Version of the bundle whose miner was continued: known after a restart before the bundle is.
    by_start
        The sums of each minute by its start.
    closed_ms
        End of the last minute whose series were made.
    """

    def __init__(self, bundle: LogBundle | None, *, n_minutes: int) -> None:
        self.bundle = bundle
        self.bundle_version = "" if bundle is None else bundle.version
        self.miner = TemplateMiner() if bundle is None else bundle.miner()
        self.examples, self.traces = LogExamples(), OpenTraces()
        self.by_start: dict[int, LogSums] = {}
        self.closed_ms = 0
        self.n_minutes = n_minutes

    def add(self, logs: Logs, *, latest_ms: int) -> tuple[int, int]:
        """Sum up lines; return how many were late, and how many are older than the minutes held.

        Parameters
        ----------
        latest_ms
            No minute held that begins later makes lines too old: a clock was ahead when it came.
        """
        if not len(logs):
            return 0, 0
        possible = (start for start in self.by_start if start <= latest_ms)
        newest_ms = max(int(logs.time_ms.max()), max(possible, default=0))
        oldest_ms = (newest_ms // MINUTE_MS - self.n_minutes + 1) * MINUTE_MS
        inside = logs.where(logs.time_ms >= oldest_ms)
        n_late = int((inside.time_ms < self.closed_ms).sum())
        ids = self.miner.mine(inside)
        sums = sum_logs(inside, ids, step_ms=MINUTE_MS)
        self.examples.add(sums)
        if self.bundle is not None and self.bundle.signatures:
            self.traces.add(inside, ids)
        bare = replace(sums, examples={}, traces={})
        for start in sums.counts.starts_ms.tolist():
            parts = [*([self.by_start[start]] if start in self.by_start else []), bare.at([start])]
            self.by_start[start] = bounded(joined(parts))
        for start in sorted(self.by_start)[: -self.n_minutes]:  # by number: a time may prove to be wrong
            del self.by_start[start]
        return n_late, len(logs) - len(inside)

    def bring_back(self, latest_ms: int, *, closed_ms: int) -> None:
        """Forget the minutes that begin after the latest possible instant, and close others again.

        Parameters
        ----------
        closed_ms
            End of the last minute that counts as closed from now on.
        """
        for start in [each for each in self.by_start if each > latest_ms]:
            del self.by_start[start]
        self.closed_ms = min(self.closed_ms, closed_ms)
        self.traces = OpenTraces()

    def between(self, start_ms: int, end_ms: int) -> list[LogSums]:
        """Return the sums of the minutes that lie completely between two instants, in order of time."""
        return [
            sums for start, sums in sorted(self.by_start.items()) if start_ms <= start <= end_ms - MINUTE_MS
        ]

    def window(self, services: Collection[str], *, since_ms: int) -> LogSums | None:
        """Return the sums of some services since an instant; ``None`` where no line was ever received."""
        if not self.by_start:
            return None
        chosen = [
            sums.of_services(services)
            for start, sums in sorted(self.by_start.items())
            if start + MINUTE_MS > since_ms
        ]
        if not chosen:
            return next(iter(self.by_start.values())).at(())
        kinds = commonest_kinds(chosen, MAX_KINDS)
        return self.with_examples(joined([folded(each, kinds) for each in chosen]))

    def with_examples(self, sums: LogSums) -> LogSums:
        """Return sums with the examples, trace ids and templates of their kinds."""
        return self.examples.onto(sums, self.miner)
