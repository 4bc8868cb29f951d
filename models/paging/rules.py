"""The pure rules that turn scores into pages, the same in the service and in every simulation.

A series calls when its score passes its threshold (`models.paging.page_record`). The governor
(`models.paging.thresholds`) raises that threshold so that no series can use up its team's budget. Items that
call together and depend on each other form one anomaly group. A group pages once, however long it lasts; it
ends when none of its items was over a threshold for half an hour.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from models.paging.thresholds import PageState, initial_pages, page_step

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from numpy.typing import NDArray

TOGETHER_MS = 1_800_000
"""Calls of one neighbourhood this close in time join; an item may page again after it was quiet this long."""

TICKS_OVER = 1
"""Consecutive ticks that a score must be over: waiting for a second one gained nothing on labelled KPIs."""

CRITICAL_TIMES = 3.0
WARNING, CRITICAL = "warning", "critical"


@dataclass(frozen=True)
class Watched:
    """The series that may call, one entry each.

    Attributes
    ----------
    items
        Item of each series.
    teams
        Team that is paged for each series.
    thresholds
        Shape ``(n_series,)``, from the team's budget; infinite where nothing is paged.
    """

    items: tuple[str, ...]
    teams: tuple[str, ...]
    thresholds: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Call:
    """An item that is anomalous enough to report.

    Attributes
    ----------
    series
        Index of the series furthest over its threshold.
    since_ms
        Start of the tick.
    score, threshold
        Of that series.
    severity
        Largest slower score of the item's series.
    is_page
        Whether it pages; otherwise it joins an anomaly group that has already paged.
    """

    item: str
    team: str
    series: int
    since_ms: int
    score: float
    threshold: float
    severity: float
    is_page: bool


@dataclass(frozen=True, slots=True)
class AnomalyGroup:
    """Items that are anomalous together.

    Attributes
    ----------
    since_ms
        When each item called, the earliest first.
    latest_ms
        Start of the last tick at which one of the items was over its threshold.
    """

    since_ms: tuple[tuple[str, int], ...]
    latest_ms: int

    @property
    def items(self) -> frozenset[str]:
        """All items of the group."""
        return frozenset(item for item, _ in self.since_ms)


@dataclass(frozen=True)
class PagingMemory:
    """What paging carries from tick to tick.

    Attributes
    ----------
    governor
        The governor of every series.
    n_over
        Shape ``(n_series,)``, int64: consecutive ticks over the threshold.
    anomaly_groups
        Groups that have not ended.
    """

    governor: PageState
    n_over: NDArray[np.int64]
    anomaly_groups: tuple[AnomalyGroup, ...] = ()


def set_back(memory: PagingMemory, tick_ms: int) -> PagingMemory:
    """Return a memory whose last tick was no later than this one.

    When a group's items called stays: their alerts are known by it.
    """
    governor = memory.governor
    return replace(
        memory,
        governor=replace(
            governor,
            tick_ms=min(governor.tick_ms, tick_ms),
            exceeded_ms=np.minimum(governor.exceeded_ms, tick_ms),
        ),
        anomaly_groups=tuple(
            replace(each, latest_ms=min(each.latest_ms, tick_ms)) for each in memory.anomaly_groups
        ),
    )


def initial_memory(n_series: int) -> PagingMemory:
    """Return the memory before the first tick."""
    return PagingMemory(initial_pages(n_series), np.zeros(n_series, dtype=np.int64))


def paging_step(  # noqa: PLR0917  a tick and what it is judged by
    memory: PagingMemory,
    tick_ms: int,
    scores: NDArray[np.floating],
    severity: NDArray[np.floating],
    watched: Watched,
    related: Callable[[str], Collection[str]],
    *,
    muted: Collection[str] = (),
    ticks_over: int = TICKS_OVER,
) -> tuple[PagingMemory, list[Call], list[AnomalyGroup]]:
    """Find the items that call at a tick.

    Parameters
    ----------
    memory
        The memory before the tick; it is not changed.
    tick_ms
        Start of the tick, after that of the last one.
    scores, severity
        Shape ``(n_series,)``; a score of ``nan`` never calls.
    watched
        The series.
    related
        Items that depend on an item or that it depends on, itself included.
    muted
        Items under maintenance: they neither call nor count.
    ticks_over
        Consecutive ticks that a score must be over its threshold.

    Returns
    -------
    The memory after the tick; the calls, the strongest first; the anomaly groups that have ended.
    """
    if muted:
        scores = np.where(np.array([item in muted for item in watched.items], dtype=bool), np.nan, scores)
    n_over = np.where(scores > watched.thresholds, memory.n_over + 1, 0)
    lasting = np.where(n_over >= ticks_over, scores, np.nan)
    held_low = np.ones(len(scores), dtype=bool)  # people get at most about a page a week from each series
    governor, calls = page_step(
        memory.governor, tick_ms, lasting, threshold=watched.thresholds, is_sparse=held_low
    )
    over = {watched.items[column] for column in np.flatnonzero(governor.exceeded_ms == tick_ms).tolist()}
    anomaly_groups, ended = _gone_on(memory.anomaly_groups, over, tick_ms)
    found = []
    for column in _strongest_by_item(calls, scores, watched):
        item = watched.items[column]
        anomaly_groups, is_page = _joined(anomaly_groups, item, tick_ms, related)
        own = [place for place, each in enumerate(watched.items) if each == item]
        found.append(
            Call(
                item,
                watched.teams[column],
                column,
                tick_ms,
                score=float(scores[column]),
                threshold=float(watched.thresholds[column]),
                severity=float(np.max(severity[own])),
                is_page=is_page,
            )
        )
    return PagingMemory(governor, n_over, tuple(anomaly_groups)), found, ended


def severity_of(call: Call) -> str:
    """Severity of a call: its slower score against the level that three times the threshold would sustain.

    >>> severity_of(Call("a", "t", 0, 0, score=12.0, threshold=10.0, severity=5.0, is_page=True))
    'warning'
    """
    is_critical = call.severity >= 2 * np.log1p(CRITICAL_TIMES * call.threshold)
    return CRITICAL if is_critical else WARNING


def _gone_on(
    anomaly_groups: Iterable[AnomalyGroup], over: Collection[str], tick_ms: int
) -> tuple[list[AnomalyGroup], list[AnomalyGroup]]:
    """Groups that go on, updated with the items over their thresholds now, and groups that have ended."""
    lasting, ended = [], []
    for each in anomaly_groups:
        if tick_ms - each.latest_ms > TOGETHER_MS:
            ended.append(each)
        else:
            lasting.append(each if each.items.isdisjoint(over) else replace(each, latest_ms=tick_ms))
    return lasting, ended


def _strongest_by_item(calls: NDArray[np.bool_], scores: NDArray[np.floating], watched: Watched) -> list[int]:
    """Column of the strongest calling series of each item, the strongest item first."""
    columns = np.flatnonzero(calls)
    strength = scores[columns] / watched.thresholds[columns]
    strongest: dict[str, int] = {}
    for column in columns[np.argsort(-strength, kind="stable")].tolist():
        strongest.setdefault(watched.items[column], column)
    return list(strongest.values())


def _joined(
    anomaly_groups: list[AnomalyGroup], item: str, tick_ms: int, related: Callable[[str], Collection[str]]
) -> tuple[list[AnomalyGroup], bool]:
    """Let an item join the first group of its neighbourhood, or start one; also return whether that pages."""
    near = related(item)
    for place, each in enumerate(anomaly_groups):
        if not each.items.isdisjoint(near):
            since_ms = each.since_ms if item in each.items else (*each.since_ms, (item, tick_ms))
            return [
                *anomaly_groups[:place],
                AnomalyGroup(since_ms, tick_ms),
                *anomaly_groups[place + 1 :],
            ], False
    return [*anomaly_groups, AnomalyGroup(((item, tick_ms),), tick_ms)], True
