"""Log lines as they arrive: to disk first, then summed up by the minute for series and for cases."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from datetime import timedelta
from threading import RLock
from typing import TYPE_CHECKING, Protocol

import numpy as np

from features.logs.join import joined
from features.logs.open_traces import SILENT_MS, OpenTraces
from features.logs.past import commonest_kinds, folded
from features.logs.series import log_series
from features.logs.sums import sum_logs
from features.logs.templates import TemplateMiner
from features.logs.traces import vectors_of
from models.cases.case import BEFORE, LEAD
from service.logs.baseline import MAX_KINDS, MINUTE_MS, LogBaseline, bounded
from service.logs.checkpoint import LogMemory
from service.logs.counted import CountedBatches
from service.logs.examples import LogExamples
from service.logs.scoring import SCORED_MINUTES, latest_scores
from service.settings import Present
from telemetry.instants import MILLISECOND, from_ms, to_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import datetime

    from cmdb.items import ChangeEvent
    from features.logs.sums import LogSums
    from features.logs.windows import LogReference
    from models.artifacts.log_bundle import LogBundle
    from service.incidents.records import AffectedPeriod
    from service.logs.checkpoint import LogCheckpoints
    from service.logs.scoring import LogScores
    from service.settings import Settings
    from service.signals.room import SignalsRoom
    from telemetry.damage import Damage
    from telemetry.logs import Logs

AGEING_MS = (LEAD + BEFORE) // MILLISECOND
"""A minute counts as past once it is so old: by then an incident that it belongs to is known."""

DAMPED = timedelta(hours=6)
"""A change so long ago leaves what is new its full weight, but for a few ten-thousandths."""


class LineLog(Protocol):
    """Where log lines rest on disk."""

    @property
    def position(self) -> int:
        """Position of the last batch that is safe."""
        ...

    @property
    def damage(self) -> Sequence[Damage]:
        """What was found damaged since it was opened."""
        ...

    def append(self, logs: Logs) -> int:
        """Write a batch; it is safe when this returns."""
        ...

    def replay(self, *, after: int = 0, since_s: float = 0.0) -> Iterator[tuple[int, Logs]]:
        """Read the batches after a position again, in the order they came."""
        ...

    def retain(self, days: float) -> int:
        """Remove what is older; return how many files that were."""
        ...


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
        Accepted lines of minutes whose series were made: rankings see them, scores do not.
    n_outside
        Accepted lines older than the minutes held: they are on disk only.
    """

    n_accepted: int = 0
    n_too_old: int = 0
    n_too_new: int = 0
    n_without_service: int = 0
    n_late: int = 0
    n_outside: int = 0


class LogIntake:
    """What services say, minute by minute, and what they usually say.

    Parameters
    ----------
    history
        Every accepted line is there before it is acknowledged.
    live
        Takes the series, and knows what the present is.
    checkpoints
        Where the memory outlives the process.
    affected
        The items of incidents that were open at an instant or later: their minutes then are not normal.
    changes
        The change events between two instants: what is new soon after one of its service means little.
    """

    def __init__(
        self,
        settings: Settings,
        history: LineLog,
        live: SignalsRoom,
        checkpoints: LogCheckpoints,
        *,
        affected: Callable[[datetime], Sequence[AffectedPeriod]],
        changes: Callable[[datetime, datetime], Sequence[ChangeEvent]],
    ) -> None:
        self._settings = settings
        self._history = history
        self._live = live
        self._checkpoints = checkpoints
        self._affected = affected
        self._changes = changes
        self._n_minutes = max(1, settings.window // timedelta(minutes=1))
        self._lock, self._advancing = RLock(), RLock()
        self._bundle: LogBundle | None = None
        self._refused = ""
        self._miner, self._notes, self._traces = TemplateMiner(), LogExamples(), OpenTraces()
        self._minutes: dict[int, LogSums] = {}
        self._past = LogBaseline()
        self._scores: LogScores | None = None
        self._closed_ms = 0
        self._counted = CountedBatches()
        self._checkpointed: tuple[int, frozenset[int]] = (0, frozenset())
        self._begin(None)
        self._restore(checkpoints.read(position=history.position))

    @property
    def n_damaged(self) -> int:
        """Pieces of the history found damaged since the service started."""
        return len(self._history.damage)

    def health_problems(self) -> list[str]:
        """Say what is wrong with the lines on disk; nothing is, as a rule."""
        found = self._history.damage
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        damaged = [f"log lines: damage was found in {found[0]}{more}"] if found else []
        refused = [self._refused] if self._refused else []
        return [*damaged, *refused, *self._traces.health_problems()]

    @property
    def bundle_version(self) -> str:
        """Version of the log bundle in use; empty without one."""
        bundle = self._bundle
        return "" if bundle is None else bundle.version

    @property
    def scores(self) -> LogScores | None:
        """Scores of the minute that closed last; ``None`` before there is one, and without a bundle."""
        return self._scores

    def receive(self, logs: Logs) -> ReceivedLogs:
        """Keep a batch: when this returns it is on disk, and the minutes know it."""
        earliest_ms, latest_ms = self._live.time.accepted_ms()
        has_service = np.array([bool(stream.service) for stream in logs.streams], dtype=bool)
        is_named = has_service[logs.stream]
        too_old, too_new = logs.time_ms < earliest_ms, logs.time_ms > latest_ms
        accepted = logs.where(is_named & ~too_old & ~too_new)
        n_late = n_outside = 0
        if len(accepted):
            with self._lock:
                before = self._history.position
                self._counted.begin(before)
            try:
                position = self._history.append(accepted)
                with self._lock:
                    is_new = self._counted.add(position)  # not if a bundle was adopted, and replayed it
                    if is_new:
                        n_late, n_outside = self._take(accepted)
            finally:
                with self._lock:
                    self._counted.end(before)
        return ReceivedLogs(
            n_accepted=len(accepted),
            n_too_old=int(too_old.sum()),
            n_too_new=int(too_new.sum()),
            n_without_service=int((~is_named & ~too_old & ~too_new).sum()),
            n_late=n_late,
            n_outside=n_outside,
        )

    def advance(self) -> int:
        """Make the series of every minute that has closed since the last call; return how many there were."""
        with self._advancing:
            stop_ms = to_ms(self._live.present() - self._settings.grace)
            with self._lock:
                closing = [
                    sums
                    for start, sums in sorted(self._minutes.items())
                    if self._closed_ms <= start <= stop_ms - MINUTE_MS
                ]
                if not closing:
                    return 0
                closed_ms = int(closing[-1].counts.starts_ms[-1]) + MINUTE_MS
                reference, bundle = self._reference(), self._bundle
                since_ms = closed_ms - SCORED_MINUTES * MINUTE_MS
                held = sorted(self._minutes.items())
                latest = [sums for start, sums in held if since_ms <= start < closed_ms]
                self._traces.ended_before(closed_ms - SILENT_MS)
                traces = self._traces.unended()
            for each in closing:
                self._live.intake.receive(log_series(each.counts, reference))
            self._closed_ms = closed_ms  # not before: what a full disk refuses is tried again
            if bundle is not None:
                until = from_ms(closed_ms)
                changes = self._changes(until - DAMPED, until)
                self._scores = latest_scores(bundle, latest, changes, traces=vectors_of(traces))
            self._age()
            return len(closing)

    def window(self, services: Collection[str], *, since_ms: int) -> LogSums | None:
        """What some services said from an instant on; ``None`` where no line was ever received."""
        with self._lock:
            if not self._minutes:
                return None
            chosen = [
                sums.of_services(services)
                for start, sums in sorted(self._minutes.items())
                if start + MINUTE_MS > since_ms
            ]
            if not chosen:
                return next(iter(self._minutes.values())).at(())
            kept = commonest_kinds(chosen, MAX_KINDS)
            return self._notes.onto(joined([folded(each, kept) for each in chosen]), self._miner)

    def normal(self, services: Collection[str]) -> LogSums | None:
        """What some services usually say, by the bundle or by their own past; ``None`` without either."""
        self._age()  # a ranking does not depend on when this was last done
        with self._lock:
            normal = self._past.sums if self._bundle is None else self._bundle.normal
            return None if normal is None else self._notes.onto(normal.of_services(services), self._miner)

    def adopt(self, bundle: LogBundle) -> None:
        """Compare with what a bundle calls normal from now on; the minutes held are mined again by it.

        Lines are received and rankings made meanwhile, by the bundle before. A bundle whose windows are not
        minutes is left alone, and `reports` says so.
        """
        if bundle.step_ms != MINUTE_MS:
            every = f"{bundle.step_ms / 1000:g} s"
            self._refused = f"log lines: the champion's windows are of {every}: train logs with --step 60"
            return
        self._refused = ""
        if bundle.version == self._bundle_version:
            self._bundle = bundle
            return
        self._mine_again(bundle, copy(self))

    def _mine_again(self, bundle: LogBundle, other: LogIntake) -> None:
        """Let a copy read the lines again beside this one, and take over what it holds."""
        other._begin(bundle)
        until = other._replay(after=0)
        with self._advancing, self._lock:
            until = other._replay(after=until)  # what came meanwhile
            closed_ms = self._closed_ms
            self._begin(bundle)
            self._miner, self._notes, self._minutes = other._miner, other._notes, other._minutes
            self._traces = other._traces
            self._counted.replayed(until)
            self._closed_ms = closed_ms

    def checkpoint(self) -> None:
        """Bring the memory to disk, if anything was received since it was kept."""
        with self._lock:
            counted = (self._counted.until, self._counted.beyond)
            if counted == self._checkpointed:
                return
            memory = LogMemory(
                position=self._counted.until,
                beyond=self._counted.beyond,
                bundle_version=self._bundle_version,
                closed_ms=self._closed_ms,
                aged_ms=self._past.until_ms,
                miner=self._miner.state(),
                notes=self._notes.state(),
                minutes=dict(self._minutes),
                past=self._past.sums,
            )
        self._checkpoints.write(memory)
        self._checkpointed = counted

    def retain(self) -> int:
        """Remove the lines that are older than the settings keep; return how many files that were."""
        return self._history.retain(self._settings.log_retention / timedelta(days=1))

    def _restore(self, memory: LogMemory | None) -> None:
        """Go on where a checkpoint was, and read again what came after it."""
        if memory is not None:
            self._miner = TemplateMiner.from_state(memory.miner)
            self._notes = LogExamples.from_state(memory.notes)
            self._minutes = dict(memory.minutes)
            self._past = LogBaseline(memory.past, until_ms=memory.aged_ms)
            self._bundle_version = memory.bundle_version
            self._closed_ms = memory.closed_ms
            self._counted = CountedBatches(memory.position, memory.beyond)
            self._checkpointed = (memory.position, memory.beyond)
        until = self._replay(after=self._counted.until, beyond=self._counted.beyond)
        self._counted.replayed(until)

    def _begin(self, bundle: LogBundle | None) -> None:
        """Forget everything but what a bundle knows."""
        self._bundle = bundle
        self._bundle_version = "" if bundle is None else bundle.version
        self._miner = TemplateMiner() if bundle is None else bundle.miner()
        self._notes, self._traces = LogExamples(), OpenTraces()
        self._minutes, self._past = {}, LogBaseline()
        self._scores = None
        self._closed_ms = 0
        self._checkpointed = (0, frozenset())

    def _replay(self, *, after: int, beyond: Collection[int] = ()) -> int:
        """Count the batches after a position again, without some; return the last position, or the first."""
        earliest_ms = to_ms(self._live.present()) - self._n_minutes * MINUTE_MS
        is_replayed = self._settings.present is Present.SIGNALS
        since_s = 0.0 if is_replayed else earliest_ms / 1000 - self._settings.accepted_future.total_seconds()
        for position, logs in self._history.replay(after=after, since_s=since_s):
            after = position
            if position not in beyond:
                self._take(logs.where(logs.time_ms >= earliest_ms))
        return after

    def _take(self, logs: Logs) -> tuple[int, int]:
        """Sum up lines; return how many were late, and how many are older than the minutes held."""
        if not len(logs):
            return 0, 0
        newest_ms = max(int(logs.time_ms.max()), max(self._minutes, default=0))
        self._live.time.advance(int(logs.time_ms.max()))
        oldest_ms = (newest_ms // MINUTE_MS - self._n_minutes + 1) * MINUTE_MS
        inside = logs.where(logs.time_ms >= oldest_ms)
        n_late = int((inside.time_ms < self._closed_ms).sum())
        ids = self._miner.mine(inside)
        sums = sum_logs(inside, ids, step_ms=MINUTE_MS)
        self._notes.add(sums)
        if self._bundle is not None and self._bundle.signatures:
            self._traces.add(inside, ids)
        bare = replace(sums, examples={}, traces={})
        for start in sums.counts.starts_ms.tolist():
            parts = [*([self._minutes[start]] if start in self._minutes else []), bare.at([start])]
            self._minutes[start] = bounded(joined(parts))
        for start in [each for each in self._minutes if each < oldest_ms]:
            del self._minutes[start]
        return n_late, len(logs) - len(inside)

    def _reference(self) -> LogReference | None:
        return self._past.reference if self._bundle is None else self._bundle.past.reference

    def _age(self) -> None:
        """Let minutes that are old enough become past, without the services that were in trouble then."""
        with self._advancing:
            until_ms = to_ms(self._live.present() - self._settings.grace) - AGEING_MS
            with self._lock:
                aged = [
                    each
                    for start, each in sorted(self._minutes.items())
                    if self._past.until_ms <= start <= until_ms - MINUTE_MS
                ]
            if aged:
                affected = self._affected(from_ms(int(aged[0].counts.starts_ms[0])) - LEAD)
                with self._lock:
                    self._past.add(aged, affected, now=from_ms(until_ms))
