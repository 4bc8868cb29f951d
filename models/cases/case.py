"""The case: everything a ranker may look at for one incident, and the one function that builds it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from heapq import nsmallest
from typing import TYPE_CHECKING

import numpy as np

from cmdb.errors import UnknownItemError
from features.calendar import AlwaysClock
from features.golden import Role
from features.trading_time import trading_days_until
from models.cases.first_change import first_changed_tick
from models.cases.normal_ticks import comparable_ticks
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from cmdb.graph import DependencyGraph
    from cmdb.items import ChangeEvent
    from features.calendar import Clock
    from features.frame import Frame
    from features.logs.sums import LogSums
    from features.span_sums import SpanSums

LEAD = timedelta(minutes=5)
"""How long before an alert starts its fault may have begun: rules fire late."""

BEFORE = timedelta(minutes=30)
"""The stretch before the incident window that gives the level just before the alert."""

MAX_WINDOW = timedelta(hours=2)
"""An incident is judged by its first two hours."""

MAX_HOPS = 6
"""Causes are looked for within so many hops of the alert."""

MAX_ITEMS = 5_000
"""At most so many items go into a case, the nearest first."""

MIN_TICKS_BEFORE = 10
"""With fewer ticks with values just before the incident, the usual level is that of normal operation."""

ENOUGH_TICKS = 60
"""So many normal ticks are enough to see the usual level and its spread."""

MINUTE_MS = 60_000
"""Spans and log lines are summed up per minute or less: the minute of the onset belongs to the incident."""

END_OF_TIME_MS = int(np.iinfo(np.int64).max)


@dataclass(frozen=True)
class Alert:
    """A statement that one configuration item needs attention.

    Attributes
    ----------
    role
        What the alert is about, where its sender states it; Sunspot's own ranker does not read it.
    """

    item: str
    name: str
    starts_at: datetime
    fingerprint: str = ""
    severity: str = ""
    role: Role | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Signals:
    """Golden signals and resources of the case's items over some ticks.

    Attributes
    ----------
    times_ms
        Shape ``(n_ticks,)``: start of each tick. Ticks need not be adjacent.
    values
        For each role seen at all, shape ``(n_ticks, n_items)`` in its canonical unit; ``nan`` = missing.
    """

    times_ms: NDArray[np.int64]
    values: Mapping[Role, NDArray[np.float64]]

    def of(self, role: Role, n_items: int) -> NDArray[np.float64]:
        """Values of a role, shape ``(n_ticks, n_items)``, all ``nan`` if it was never seen."""
        seen = self.values.get(role)
        return np.full((len(self.times_ms), n_items), np.nan) if seen is None else seen


@dataclass(frozen=True)
class Case:
    """Everything a ranker may look at for one incident.

    Attributes
    ----------
    graph
        The neighbourhood of the alert as the CMDB had it then.
    items
        The graph's items, sorted; one column of every array each.
    window, before, normal
        The incident's ticks, from its onset where the signals show one, else from the lead before the alert;
        those just before it; and earlier ticks of normal operation at the same part of the exchange day,
        each with values of some item. None overlaps another.
    window_logs, normal_logs
        What log lines sum to in the incident's window and in normal operation; ``None`` where no logs are
        collected.
    window_spans, normal_spans
        What spans sum to in the incident's window and in normal operation; ``None`` where no traces are
        collected.
    other_alerts
        Alerts that fire beside ``alert`` in the neighbourhood, by their start.
    change_ages_days
        Trading time from each change to the alert, in trading days; empty if no clock was given.
    notes
        What had to be relaxed to build the case, in sentences.
    cause
        The confirmed cause or causes, once known; never read by a ranker.
    system, fault_type
        Where it happened and what kind of fault it was, where that is known; never read by a ranker.
    """

    id: str
    alert: Alert
    at: datetime
    graph: DependencyGraph
    items: tuple[str, ...]
    step_ms: int
    window: Signals
    before: Signals
    normal: Signals
    changes: tuple[ChangeEvent, ...] = ()
    other_alerts: tuple[Alert, ...] = ()
    graph_version: str = ""
    bundle_version: str = ""
    notes: tuple[str, ...] = ()
    cause: tuple[str, ...] = ()
    window_logs: LogSums | None = None
    normal_logs: LogSums | None = None
    window_spans: SpanSums | None = None
    normal_spans: SpanSums | None = None
    system: str = ""
    fault_type: str = ""
    change_ages_days: tuple[float, ...] = ()


def build_case(
    alert: Alert,
    at: datetime,
    graph: DependencyGraph,
    frame: Frame,
    *,
    normal: Frame,
    clock: Clock | None = None,
    changes: Sequence[ChangeEvent] = (),
    other_alerts: Sequence[Alert] = (),
    bundle_version: str = "",
    cause: Sequence[str] = (),
    spans: SpanSums | None = None,
    normal_spans: SpanSums | None = None,
    logs: LogSums | None = None,
    normal_logs: LogSums | None = None,
    lead: timedelta = LEAD,
    stretch: timedelta = BEFORE,
    notes: Sequence[str] = (),
) -> Case:
    """Gather what is known of an alert at an instant.

    Parameters
    ----------
    alert
        The alert; its item is in ``graph``.
    at
        The present: later ticks of ``frame`` are not looked at.
    graph
        The complete dependency graph; the case holds its `searched_part`.
    frame
        Recent signals, the incident and half an hour before it included.
    normal
        Signals of normal operation, on the same step; ticks without any value and ticks that are not
        before the incident are left out.
    clock
        Chooses which normal ticks compare with the incident's; by default the time of the week.
    changes
        Change events; the case holds those of the neighbourhood up to ``at``.
    other_alerts
        Alerts that fire at the same time; the case holds those of the neighbourhood that began by ``at``.
    bundle_version
        Version of the bundle that ``normal`` comes from.
    cause
        The confirmed causes, if known.
    spans, normal_spans, logs, normal_logs
        What spans and log lines sum to, recently and in normal operation.
    lead, stretch
        How long before the alert its fault may have begun; and the stretch before that.
    notes
        What had to be relaxed so far, in sentences.

    Raises
    ------
    UnknownItemError
        If the alert's item is not in the graph.
    ValueError
        If the two frames do not share one step.
    """
    if alert.item not in graph:
        raise UnknownItemError(alert.item)
    if normal.n_ticks and frame.n_ticks and normal.step_ms != frame.step_ms:
        raise ValueError(f"frames on steps of {frame.step_ms} and {normal.step_ms} ms do not compare")
    clock = clock or AlwaysClock()
    part = searched_part(graph, alert.item)
    items = tuple(sorted(part.items))
    at_ms, earliest_ms = to_ms(at), to_ms(alert.starts_at - lead)
    end_ms = min(at_ms, to_ms(alert.starts_at + MAX_WINDOW))
    window = frame.between(earliest_ms, end_ms)
    before_ms = earliest_ms - int(stretch.total_seconds() * 1000)
    before = frame.between(before_ms, window.start_ms)
    before_ms = before.start_ms if frame.n_ticks else before_ms
    chosen, relaxed = comparable_ticks(normal, before_ms, window, clock, items)
    usual = _signals(normal, items, ticks=chosen)
    earlier, during = _from_onset(_signals(before, items), _signals(window, items), usual, alert, lead)
    onset_ms = int(during.times_ms[0]) if len(during.times_ms) else earliest_ms
    onset_ms = max(earliest_ms, onset_ms // MINUTE_MS * MINUTE_MS)
    near = tuple(change for change in changes if change.item in part and change.at <= at)
    return Case(
        id=case_id_of(alert),
        alert=alert,
        at=at,
        graph=part,
        items=items,
        step_ms=frame.step_ms,
        window=during,
        before=earlier,
        normal=usual,
        changes=near,
        other_alerts=_beside(alert, other_alerts, part, at),
        graph_version=graph.version,
        bundle_version=bundle_version,
        notes=(*notes, *_left_out(graph, alert.item), *relaxed),
        cause=tuple(cause),
        window_spans=spans.between(onset_ms, end_ms) if spans else None,
        normal_spans=normal_spans.outside(before_ms, END_OF_TIME_MS) if normal_spans else None,
        window_logs=logs.between(onset_ms, end_ms) if logs else None,
        normal_logs=normal_logs.outside(before_ms, END_OF_TIME_MS) if normal_logs else None,
        change_ages_days=_ages_days(near, alert, clock),
    )


def case_id_of(alert: Alert) -> str:
    """The id of an alert's case: the same however often it is built."""
    return f"{alert.fingerprint or alert.item}-{to_ms(alert.starts_at)}"


@lru_cache(maxsize=16)  # asked for twice per alert, and alerts on one item come again
def searched_part(graph: DependencyGraph, item: str) -> DependencyGraph:
    """Part of a graph in which the causes of an alert on an item are looked for: its neighbourhood.

    Its dependencies within `MAX_HOPS`, nearest first, and who else calls them; at most `MAX_ITEMS`. In a
    graph without any edge every item is a candidate: all of it or, if it is larger, the first by name.
    """
    if graph.has_edges:
        return graph.neighbourhood(item, max_hops=MAX_HOPS, max_items=MAX_ITEMS)
    if len(graph) <= MAX_ITEMS:
        return graph
    return graph.subgraph({item, *nsmallest(MAX_ITEMS - 1, graph.items.keys() - {item})})


@lru_cache(maxsize=16)
def _left_out(graph: DependencyGraph, item: str) -> tuple[str, ...]:
    """Report how much of a graph that may hold the cause is left out of an alert's case, if any."""
    part = searched_part(graph, item)
    if not graph.has_edges:
        n_left, whose = len(graph) - len(part), "in a graph without edges"
        searched = f"the first {MAX_ITEMS:,} by name"
    else:
        n_left = len(set().union(*(graph.needs[each] for each in part.hops(item))) - part.items.keys())
        whose, searched = "that others depend on", f"the nearest {MAX_ITEMS:,} within {MAX_HOPS} hops"
    return (f"{n_left:,} items {whose} were left out: only {searched} are looked at.",) if n_left else ()


def _beside(alert: Alert, others: Sequence[Alert], part: DependencyGraph, at: datetime) -> tuple[Alert, ...]:
    """Other alerts of the neighbourhood, by start, item and name, whatever order they come in."""
    nearby = [each for each in others if each.item in part and each.starts_at <= at and each != alert]
    return tuple(sorted(nearby, key=lambda each: (each.starts_at, each.item, each.name, each.fingerprint)))


def _ages_days(changes: Sequence[ChangeEvent], alert: Alert, clock: Clock) -> tuple[float, ...]:
    """Trading time from each change to the alert; 0 for those that came later."""
    ages = trading_days_until(to_ms(alert.starts_at), [to_ms(change.at) for change in changes], clock)
    return tuple(ages.tolist())


def trading_days_since(case: Case) -> tuple[float, ...]:
    """Trading time from each change of a case to its alert; calendar time if no clock was given."""
    if len(case.change_ages_days) == len(case.changes):
        return case.change_ages_days
    return _ages_days(case.changes, case.alert, AlwaysClock())


def _from_onset(
    before: Signals, window: Signals, normal: Signals, alert: Alert, lead: timedelta
) -> tuple[Signals, Signals]:
    """The ticks before the onset and those from it; as they are where no signal shows one by the alert."""
    n_before = len(before.times_ms)
    by_alert, by_then = (to_ms(alert.starts_at + later) for later in (timedelta(0), lead))
    n_candidates = int((window.times_ms <= by_alert).sum())
    if n_candidates <= 1:
        return before, window
    around = _joined(before, window)
    end = n_before + int((window.times_ms <= by_then).sum())
    usual = before.values if _n_seen(before) >= MIN_TICKS_BEFORE else _some_ticks(normal)
    first = first_changed_tick(around.values, usual, range(n_before, n_before + n_candidates), end)
    if first is None or first == n_before:
        return before, window
    return _rows(around, slice(first)), _rows(around, slice(first, None))


def _n_seen(signals: Signals) -> int:
    """Return the number of ticks that hold a value."""
    seen = np.zeros(len(signals.times_ms), dtype=bool)
    for values in signals.values.values():
        seen |= np.isfinite(values).any(axis=1)
    return int(seen.sum())


def _joined(before: Signals, window: Signals) -> Signals:
    """Adjacent stretches as one; a role that is missing in one of them is ``nan`` there."""
    n_items = next((each.shape[1] for part in (before, window) for each in part.values.values()), 0)
    roles = [role for role in Role if role in before.values or role in window.values]
    values = {role: np.concatenate([before.of(role, n_items), window.of(role, n_items)]) for role in roles}
    return Signals(np.concatenate([before.times_ms, window.times_ms]), values)


def _some_ticks(signals: Signals) -> Mapping[Role, NDArray[np.float64]]:
    """A part of the ticks, evenly spread: enough for a level and its spread."""
    every = max(1, len(signals.times_ms) // ENOUGH_TICKS)
    return {role: values[::every] for role, values in signals.values.items()}


def _rows(signals: Signals, rows: slice) -> Signals:
    """Some ticks; roles that are never seen in them are left out."""
    chosen = {role: values[rows] for role, values in signals.values.items()}
    seen = {role: values for role, values in chosen.items() if np.isfinite(values).any()}
    return Signals(signals.times_ms[rows], seen)


def _signals(frame: Frame, items: Sequence[str], *, ticks: NDArray[np.int64] | None = None) -> Signals:
    roles = frame.roles(items, ticks=ticks)
    seen = {role: values for role, values in roles.items() if np.isfinite(values).any()}
    return Signals(frame.times_ms if ticks is None else frame.times_ms[ticks], seen)
