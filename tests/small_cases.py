"""Cases small enough to work out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from builders import MINUTE_MS, ONSET, a_graph

from features.span_sums import Cells, SpanSums
from models.cases.case import Alert, Case, Signals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cmdb.graph import DependencyGraph
    from features.golden import Role

    Rows = Sequence[Sequence[float]]
    Part = Mapping[Role, Rows]

NO_INTS, NO_FLOATS = np.empty(0, dtype=np.int64), np.empty(0)
NO_CELLS = Cells((), NO_INTS, NO_INTS, NO_FLOATS, NO_FLOATS, NO_FLOATS)
NO_SPANS = SpanSums(NO_CELLS, NO_CELLS, NO_CELLS, NO_CELLS)
START_MS = int(ONSET.timestamp() * 1000)


def a_small_case(
    graph: DependencyGraph | None = None,
    *,
    window: Part | None = None,
    before: Part | None = None,
    normal: Part | None = None,
    alerting: str = "app",
) -> Case:
    """Build a case from rows of values, a row for each tick and a value for each item by name.

    The incident's ticks start at `ONSET`, which is when the alert starts, too.
    """
    graph = graph or a_graph(("app", "db"))
    parts = {"window": (window or {}, 0), "before": (before or {}, -1), "normal": (normal or {}, -10_000)}
    signals = {}
    for name, (rows, side) in parts.items():
        n_ticks = max((len(each) for each in rows.values()), default=0)
        first = -n_ticks if side == -1 else side
        times_ms = START_MS + MINUTE_MS * (first + np.arange(n_ticks, dtype=np.int64))
        values = {
            role: np.array(each, dtype=np.float64).reshape(n_ticks, len(graph)) for role, each in rows.items()
        }
        signals[name] = Signals(times_ms, values)
    return Case(
        id="small",
        alert=Alert(alerting, "SlowRequests", ONSET),
        at=ONSET,
        graph=graph,
        items=tuple(sorted(graph.items)),
        step_ms=MINUTE_MS,
        window=signals["window"],
        before=signals["before"],
        normal=signals["normal"],
    )


def cells_of(*rows: tuple[tuple[str, ...], Sequence[tuple[float, float, float]]]) -> Cells:
    """Make cells of kinds with ``(n, total, squares)`` for each bucket of ten seconds."""
    kinds = tuple(kind for kind, _ in rows)
    kind = np.array([place for place, (_, sums) in enumerate(rows) for _ in sums], dtype=np.int64)
    bucket = np.array([10_000 * tick for _, sums in rows for tick in range(len(sums))], dtype=np.int64)
    sums = np.array([each for _, found in rows for each in found], dtype=np.float64).reshape(-1, 3)
    return Cells(kinds, kind, bucket, *sums.T)


def with_spans(case: Case, now: Mapping[str, Cells], then: Mapping[str, Cells]) -> Case:
    """Give a case sums of spans by their name."""
    return replace(case, window_spans=replace(NO_SPANS, **now), normal_spans=replace(NO_SPANS, **then))


def position_of(case: Case) -> dict[str, int]:
    return {item: index for index, item in enumerate(case.items)}
