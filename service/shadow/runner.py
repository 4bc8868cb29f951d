"""The challenger in shadow: it scores what the champion scores, by the same rules, and pages nobody."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from features.calendar import overridden
from models.artifacts.mlflow_names import CHALLENGER, CHAMPION
from models.detectors.first_stage import Scores, Status
from models.detectors.three_scores import ThreeScores, initial_memory, moved_to, step
from service.paging.pager import Paging
from service.paging.state import write_paging
from service.scoring.checkpoint import Checkpoints, Scored
from service.scoring.tick import ScoredTick
from service.shadow.comparison import Side, compared
from service.shadow.record import RECORD, ShadowRecord, read_record, write_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from cmdb.graph import DependencyGraph
    from features.calendar import Clock
    from models.artifacts.bundle import Bundle
    from models.paging.maintenance import Maintenance
    from service.paging.notifications import Notice
    from service.paging.state import PagingState
    from service.settings import Settings
    from service.signals.room import SignalsRoom

logger = logging.getLogger(__name__)

CHECKPOINT, PAGING_CHECKPOINT = "first-stage.state", "paging.state"


@dataclass(frozen=True)
class _Running:
    """A challenger at work beside one champion, after some tick."""

    bundle: Bundle
    clock: Clock
    paging: Paging
    scored: Scored
    paged: PagingState | None
    record: ShadowRecord


class Shadow:
    """Scores with the challenger what the champion scores, and compares the pages.

    The challenger begins with the champion's memory, as it would on becoming champion: levels, season,
    governor and the anomaly groups that last. A change of either bundle begins anew.

    Parameters
    ----------
    champion
        The paging whose pages are sent.
    graph, maintenance
        As for `Paging`.
    directory
        Directory in which the memory and the record outlive the process.
    """

    def __init__(
        self,
        settings: Settings,
        signals: SignalsRoom,
        champion: Paging,
        *,
        graph: Callable[[], DependencyGraph],
        maintenance: Callable[[int], Iterable[Maintenance]],
        directory: Path,
    ) -> None:
        self._settings = settings
        self._signals = signals
        self._champion = champion
        self._graph = graph
        self._maintenance = maintenance
        self._directory = directory
        self._checkpoints = Checkpoints(directory / CHECKPOINT)
        self._stored = read_record(directory / RECORD)
        self._challenger: Bundle | None = None
        self._failure = ""
        self._running: _Running | None = None
        self._written: _Running | None = None
        self._writing = Lock()

    @property
    def challenger_version(self) -> str:
        """Version of the challenger's bundle; empty without one."""
        challenger = self._challenger
        return "" if challenger is None else challenger.version

    @property
    def record(self) -> ShadowRecord | None:
        """The comparison so far; ``None`` while nothing is compared."""
        running = self._running
        return None if running is None or self.reason else running.record

    @property
    def reason(self) -> str:
        """Why nothing is compared; empty if something is."""
        challenger, champion = self._challenger, self._signals.in_use.bundle
        if challenger is None:
            return "no version is challenger: sunspot models challenge names one"
        if champion is None:
            return "no champion was found yet"
        waiting = "" if self._running else "the challenger begins with the next tick"
        return self._failure or self._obstacle(champion, challenger) or waiting

    def adopt(self, bundle: Bundle) -> None:
        """Use another challenger from the next tick on."""
        self._failure = ""
        self._challenger = bundle

    def withdraw(self) -> None:
        """Drop the challenger and its record."""
        self._failure = ""
        with self._writing:
            self._challenger = self._running = self._stored = None
            (self._directory / RECORD).unlink(missing_ok=True)

    def process(self, tick: ScoredTick) -> None:
        """Score a tick that the champion's paging has processed, and compare; a failure ends the shadow."""
        challenger = self._challenger
        if challenger is None or self._failure or self._obstacle(tick.bundle, challenger):
            self._running = None
            return
        try:
            running = self._running
            if (
                running is None
                or running.bundle is not challenger
                or running.record.champion != tick.bundle.version
            ):
                running = self._begun(tick, challenger)
            self._running = self._stepped(running, tick)
        except Exception:  # the champion scores on, whatever is wrong with a challenger
            logger.exception("challenger left out", extra={"version": challenger.version})
            self._running, self._failure = None, "the challenger could not score: see the service's log"

    def bring_back(self, latest_ms: int) -> int | None:
        """Begin anew with the champion's memory if the last tick compared is beyond the latest instant.

        Returns
        -------
        Start of that tick, or ``None`` if it was possible.
        """
        running = self._running
        if running is None or running.scored.memory.state.tick_ms <= latest_ms:
            return None
        self._running = self._stored = None
        return running.scored.memory.state.tick_ms

    def checkpoint(self) -> None:
        """Write memory and record to disk, if they changed since they were written last."""
        with self._writing:
            running = self._running
            if running is None or running is self._written:
                return
            self._directory.mkdir(parents=True, exist_ok=True)
            self._checkpoints.write(running.scored, position=self._signals.history.position)
            if running.paged is not None:
                write_paging(running.paged, self._directory / PAGING_CHECKPOINT)
            write_record(running.record, self._directory / RECORD)
            self._written = running

    def _obstacle(self, champion: Bundle, challenger: Bundle) -> str:
        """Return why two bundles cannot be compared; empty if they can."""
        if challenger.version == champion.version:
            return "the challenger is the champion"
        if challenger.step_ms != champion.step_ms:
            own, its = challenger.step_ms / 1000, champion.step_ms / 1000
            return f"the challenger has a tick every {own:g} s, the champion every {its:g} s"
        if champion.pages is None or challenger.pages is None:
            return "a bundle has no counts of false pages: train again"
        if len(challenger.baseline.keys) > self._settings.max_series:
            return f"the challenger has {len(challenger.baseline.keys)} series, more than are held in memory"
        return ""

    def _begun(self, tick: ScoredTick, challenger: Bundle) -> _Running:
        """Continue where a restart interrupted, or begin with the champion's memory."""
        clock = overridden(challenger.clock_used, self._signals.in_use.overrides)
        record, self._stored = self._stored, None
        if record is not None and (record.champion, record.challenger) == (
            tick.bundle.version,
            challenger.version,
        ):
            scored = self._checkpoints.read(position=self._signals.history.position)
            if scored is not None and scored.bundle_version == challenger.version:
                paging = self._paging(None)
                return _Running(challenger, clock, paging, scored, paging.state, record)
        memory = moved_to(tick.memory, initial_memory(challenger.baseline, clock))
        scored = Scored(challenger.version, challenger.step_ms, memory, _no_scores(len(memory.state.keys)))
        paging = self._paging(self._champion.state)
        since_ms = tick.tick_ms + challenger.step_ms
        record = ShadowRecord(tick.bundle.version, challenger.version, since_ms, since_ms)
        return _Running(challenger, clock, paging, scored, paging.state, record)

    def _paging(self, state: PagingState | None) -> Paging:
        return Paging(
            self._settings,
            self._signals,
            graph=self._graph,
            maintenance=self._maintenance,
            notify=_notify_nobody,
            path=self._directory / PAGING_CHECKPOINT,
            state=state,
        )

    def _stepped(self, running: _Running, tick: ScoredTick) -> _Running:
        """Score and compare one tick; one that was processed before is ignored."""
        bundle = running.bundle
        if tick.tick_ms <= running.scored.memory.state.tick_ms:
            return running
        values = tick.window.row(tick.tick_ms // tick.window.step_ms, bundle.baseline.keys)
        memory, scores = step(running.scored.memory, tick.tick_ms, values, bundle.baseline, running.clock)
        own = ScoredTick(bundle, running.clock, tick.window, tick.tick_ms, values, memory, scores)
        running.paging.process(own)
        champion, challenger = _side(CHAMPION, self._champion, tick), _side(CHALLENGER, running.paging, own)
        record = running.record
        if champion is not None and challenger is not None:
            related = self._champion.context_of(tick.bundle, tick.clock).related
            record = compared(record, tick.tick_ms, champion, challenger, related)
            record = replace(record, until_ms=tick.tick_ms + bundle.step_ms)
        return replace(
            running,
            scored=Scored(bundle.version, bundle.step_ms, memory, scores),
            paged=running.paging.state,
            record=record,
        )


def _side(name: str, paging: Paging, tick: ScoredTick) -> Side | None:
    """Return one side at a tick; ``None`` if its paging has not processed it."""
    state, teams = paging.state, paging.context_of(tick.bundle, tick.clock).teams
    if state is None or teams is None or state.tick_ms != tick.tick_ms:
        return None
    return Side(name, tick.bundle.baseline.keys, teams.watched, tick.scores.onset.values, state.memory)


def _notify_nobody(notices: Iterable[Notice]) -> None:
    """Page nobody: a challenger's pages are only counted."""


def _no_scores(n_series: int) -> ThreeScores:
    """Return the scores before the first tick."""
    nothing = np.full(n_series, np.nan, dtype=np.float32)
    status = np.full(n_series, Status.WARMING_UP, dtype=np.int8)
    return ThreeScores(Scores(nothing, status), np.zeros_like(nothing), nothing)
