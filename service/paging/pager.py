"""Sunspot's own pages: the rules of `models.paging.rules`, applied to every scored tick."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from features.calendar import Phase
from models.detectors.first_stage import STALE_MS
from models.paging.maintenance import muted_items
from models.paging.rules import TOGETHER_MS, paging_step, set_back
from models.paging.silence import sending_phases, silent_items
from models.state import NEVER_MS
from service.paging.notifications import (
    ANOMALY,
    SILENT_SOURCE,
    anomaly_notice,
    over_notice,
    silence_notice,
)
from service.paging.related_items import RelatedItems
from service.paging.state import initial_paging, read_paging, write_paging
from service.paging.teams import budget_of, owner, teams_of
from service.settings import Present
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from pathlib import Path

    from cmdb.graph import DependencyGraph
    from features.calendar import Clock
    from models.artifacts.bundle import Bundle
    from models.paging.maintenance import Maintenance
    from service.paging.notifications import Notice
    from service.paging.state import PagingState
    from service.paging.teams import Teams
    from service.scoring.tick import ScoredTick
    from service.settings import Settings
    from service.signals.room import SignalsRoom

TOO_LATE = timedelta(minutes=30)
"""Older ticks, as after a long standstill, do not page; what is still wrong pages at the first newer one."""


@dataclass(frozen=True)
class PagingContext:
    """What follows from a bundle, its clock and a graph; cached while these stay the same.

    Attributes
    ----------
    items
        Item of each of the bundle's series.
    teams
        ``None`` if the bundle has no counts of false pages.
    sending
        Session phases in which each item usually sends.
    related
        Returns the items that an item depends on or that depend on it, itself included.
    """

    bundle: Bundle
    clock: Clock
    graph: DependencyGraph
    items: tuple[str, ...]
    teams: Teams | None
    sending: Mapping[str, frozenset[int]]
    related: Callable[[str], frozenset[str]]


class Paging:
    """Decides, tick by tick, which items to page for.

    Parameters
    ----------
    graph
        Returns the current dependency graph.
    maintenance
        Returns the windows of maintenance that count at an instant.
    notify
        Receives notices, in the order they were made.
    path
        File in which the memory outlives the process.
    state
        The memory to begin with; by default that of the last checkpoint.
    """

    def __init__(
        self,
        settings: Settings,
        signals: SignalsRoom,
        *,
        graph: Callable[[], DependencyGraph],
        maintenance: Callable[[int], Iterable[Maintenance]],
        notify: Callable[[Iterable[Notice]], None],
        path: Path,
        state: PagingState | None = None,
    ) -> None:
        self._settings = settings
        self._signals = signals
        self._graph = graph
        self._maintenance = maintenance
        self._notify = notify
        self._path = path
        self._state = self._written = state or read_paging(path)
        self._writing = Lock()
        self._context: PagingContext | None = None

    @property
    def state(self) -> PagingState | None:
        """The memory after the last tick; ``None`` before the first."""
        return self._state

    @property
    def since_ms(self) -> int | None:
        """Start of the first tick ever watched; ``None`` before it."""
        state = self._state
        return None if state is None or state.since_ms == NEVER_MS else state.since_ms

    def teams(self) -> Teams | None:
        """Teams under the bundle and graph in use; ``None`` while nothing can be paged."""
        in_use = self._signals.in_use
        return None if in_use.bundle is None else self.context_of(in_use.bundle, in_use.clock).teams

    def context_of(self, bundle: Bundle, clock: Clock) -> PagingContext:
        """Return what follows from a bundle, its clock and the current graph."""
        graph, known = self._graph(), self._context
        if known is not None and known.bundle is bundle and known.graph is graph and known.clock == clock:
            return known
        related = RelatedItems(graph)
        items = tuple(key.item for key in bundle.baseline.keys)
        teams = teams_of(bundle, graph, self._settings, related)
        sending = sending_phases(bundle.normal, clock)
        self._context = made = PagingContext(bundle, clock, graph, items, teams, sending, related)
        return made

    def process(self, tick: ScoredTick) -> None:
        """Apply the rules to a tick and send the notices that follow; a tick processed before is ignored."""
        bundle, context = tick.bundle, self.context_of(tick.bundle, tick.clock)
        teams = context.teams
        state = self._state or initial_paging(bundle.baseline.keys)
        state = state.moved_to(bundle.baseline.keys)
        if teams is None or tick.tick_ms <= state.tick_ms:
            return
        phase = Phase(int(tick.clock.phases(np.array([tick.tick_ms]))[0]))
        muted = self._muted(tick, teams, phase)
        memory, calls, ended = paging_step(
            state.memory,
            tick.tick_ms,
            tick.scores.onset.values,
            tick.scores.severity,
            teams.watched,
            context.related,
            muted=muted,
        )
        keys = bundle.baseline.keys
        notices = [
            anomaly_notice(
                call,
                metric=keys[call.series].metric,
                value=float(tick.values[call.series]),
                usual=float(tick.memory.state.expected[call.series]),
                novelty=float(tick.scores.novelty[call.series]),
                tail=teams.tail(call.team, bundle.step_ms),
                budget_per_week=teams.budgets[call.team].budget_per_week,
                service_score=tick.services.get(call.item),
            )
            for call in calls
        ]
        notices += [
            over_notice(ANOMALY, item, since_ms, each.latest_ms + bundle.step_ms)
            for each in ended
            for item, since_ms in each.since_ms
        ]
        silent, about_silence = self._silence(state, tick, phase, muted, context)
        since_ms = tick.tick_ms if state.since_ms == NEVER_MS else state.since_ms
        self._notify([*notices, *about_silence])  # first: who reads the state can deliver its notices
        self._state = replace(state, memory=memory, silent=silent, since_ms=since_ms)

    def bring_back(self, latest_ms: int) -> int | None:
        """Watch from the present on if the last tick watched is beyond the latest instant.

        Returns
        -------
        Start of that tick, or ``None`` if it was possible.
        """
        state = self._state
        if state is None or state.tick_ms <= latest_ms:
            return None
        step_ms = self._signals.in_use.window.step_ms
        closed_ms = (to_ms(self._signals.present() - self._settings.grace) // step_ms - 1) * step_ms
        self._state = replace(
            state, memory=set_back(state.memory, closed_ms), since_ms=min(state.since_ms, closed_ms)
        )
        return state.tick_ms

    def checkpoint(self, state: PagingState | None = None) -> None:
        """Write the memory to disk, if it changed since it was written last.

        Parameters
        ----------
        state
            The memory to write; by default that after the last tick.
        """
        with self._writing:
            state = state or self._state
            if state is not None and state is not self._written:
                write_paging(state, self._path)
                self._written = state

    def _silence(
        self,
        state: PagingState,
        tick: ScoredTick,
        phase: Phase,
        muted: Collection[str],
        context: PagingContext,
    ) -> tuple[dict[str, int], list[Notice]]:
        """Items that are silent now, and the notices about them; one whose samples come late is not."""
        unscored = silent_items(context.items, tick.memory.state.seen_ms, tick.tick_ms)
        stale = {each for each in unscored if not _arrives(each, tick)}
        missed = {item for item in stale - set(muted) if phase in context.sending.get(item, ())}
        notices = [
            over_notice(SILENT_SOURCE, item, state.silent[item], tick.tick_ms)
            for item in sorted(state.silent.keys() - stale)
        ]
        silent = {item: at_ms for item, at_ms in state.silent.items() if item in stale}
        for item in sorted(missed - silent.keys()):
            team = owner(item, context.graph, self._settings)
            is_page = not any(
                owner(other, context.graph, self._settings) == team
                and abs(tick.tick_ms - at_ms) <= TOGETHER_MS
                for other, at_ms in silent.items()
            )
            silent[item] = tick.tick_ms
            budget = budget_of(team, self._settings)
            notices.append(
                silence_notice(item, tick.tick_ms, team=team, budget_per_week=budget, is_page=is_page)
            )
        return silent, notices

    def _muted(self, tick: ScoredTick, teams: Teams, phase: Phase) -> frozenset[str]:
        """Return the items that do not page at a tick: those under maintenance; all if it is long past."""
        is_replay = self._settings.present is Present.SIGNALS
        if not is_replay and tick.tick_ms < to_ms(self._signals.present() - TOO_LATE):
            return frozenset(teams.of_item)
        windows = self._maintenance(tick.tick_ms)
        return muted_items(windows, teams.of_item, at_ms=tick.tick_ms, phase=phase)


def _arrives(item: str, tick: ScoredTick) -> bool:
    """Whether samples of an item arrived lately, if only after their ticks had closed."""
    arrived_ms = tick.window.last_arrival_ms(item)
    return arrived_ms is not None and tick.tick_ms - arrived_ms <= STALE_MS
