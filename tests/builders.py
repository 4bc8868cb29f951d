"""Small values that many tests share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from cmdb.graph import DependencyGraph
from cmdb.items import Edge, Item
from features.frame import Frame
from models.cases.case import Alert, build_case
from telemetry.batches import SeriesKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.cases.case import Case

MINUTE_MS = 60_000
ONSET = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)  # a Wednesday, 10:00 in Shanghai


def a_graph(*pairs: tuple[str, str], alone: Sequence[str] = ()) -> DependencyGraph:
    """Build a graph of calls from ``(dependent, dependency)`` pairs and items without an edge."""
    ids = sorted({end for pair in pairs for end in pair} | set(alone))
    return DependencyGraph([Item(each) for each in ids], [Edge(*pair) for pair in pairs])


def a_frame(
    items: Sequence[str],
    *,
    n_ticks: int = 600,
    end: datetime = ONSET,
    seed: int = 0,
    requests: float = 100.0,
    latency_s: float = 0.1,
    step_ms: int = MINUTE_MS,
) -> Frame:
    """Build a normal frame of requests, latency and error ratio for each item, ending at ``end``."""
    rng = np.random.default_rng(seed)
    metrics = {"requests": requests, "latency_s": latency_s, "error_ratio": 0.01}
    keys = tuple(SeriesKey(item, metric) for item in items for metric in metrics)
    level = np.tile(list(metrics.values()), len(items))
    values = level * rng.lognormal(0.0, 0.05, (n_ticks, len(keys)))
    return Frame(int(end.timestamp() * 1000) - n_ticks * step_ms, step_ms, keys, values)


def with_fault(frame: Frame, changes: dict[tuple[str, str], float], *, last_ticks: int = 5) -> Frame:
    """Return the frame with a constant added to some series over its last ticks."""
    values = frame.values.copy()
    for (item, metric), added in changes.items():
        values[-last_ticks:, frame.column_of[SeriesKey(item, metric)]] += added
    return Frame(frame.start_ms, frame.step_ms, frame.keys, values)


def a_case(
    graph: DependencyGraph,
    changes: dict[tuple[str, str], float],
    *,
    alerting: str,
    items: Sequence[str] | None = None,
    seed: int = 0,
) -> Case:
    """Build a case of a five-minute fault that adds ``changes`` to ``(item, metric)`` series."""
    items = sorted(graph.items) if items is None else items
    end = ONSET + timedelta(minutes=5)
    frame = with_fault(a_frame(items, n_ticks=60, end=end, seed=seed + 1), changes)
    normal = a_frame(items, end=ONSET - timedelta(hours=2), seed=seed)
    return build_case(
        Alert(alerting, "SlowRequests", ONSET + timedelta(minutes=4)), end, graph, frame, normal=normal
    )
