"""How long a ranking takes on random graphs, beside networkx's personalised PageRank of the same items.

Graphs are preferential: each service calls a few that came before it, so that some are hubs, and some calls
lead back, so that there are cycles. Every service has latency, errors, requests and CPU; one of the alert's
dependencies is slow. Seeded; one core.
"""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np

from cmdb.graph import DependencyGraph
from cmdb.items import Edge, Item
from features.frame import Frame
from models.case import Alert, build_case
from models.evidence.calls import calls_of
from models.rankers import RANKERS
from telemetry.batches import SeriesKey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.case import Case

SIZES = (50, 1_000, 10_000, 25_000)
N_NORMAL_TICKS = 120
N_CALLEES = 4
CYCLE_SHARE = 0.02
"""Share of calls that lead back to where they came from."""

ONSET = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
STEP_MS = 60_000
LEVELS = {"latency_s": 0.05, "error_ratio": 0.01, "requests": 200.0, "cpu_ratio": 0.3}


@dataclass(frozen=True)
class Timing:
    """Milliseconds of repeated runs."""

    method: str
    ms: tuple[float, ...]


def bench_speed(
    *, sizes: Sequence[int] = SIZES, n_repeats: int = 7, on_progress: Callable[[str], None] = lambda _: None
) -> list[dict[str, float | int | str]]:
    """Time `build_case`, the ranking and PageRank on several graphs; one row per part and method."""
    rows: list[dict[str, float | int | str]] = []
    for size in sizes:
        graph, frame, normal, alert = _estate(size)
        case = _build(graph, frame, normal, alert)
        timings = [
            _timed("sunspot", partial(RANKERS["sunspot"].rank, case), n_repeats),
            _timed("personalised_pagerank", partial(_pagerank, case), n_repeats),
            _timed("random", partial(RANKERS["random"].rank, case), n_repeats),
            _timed("build_case", partial(_build, graph, frame, normal, alert), n_repeats),
        ]
        for timing in timings:
            rows.append(
                {
                    "part": f"services_{size}",
                    "method": timing.method,
                    "n": n_repeats,
                    "n_items": len(case.items),
                    "p50_ms": float(np.median(timing.ms)),
                    "p95_ms": float(np.quantile(timing.ms, 0.95)),
                    "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                }
            )
            on_progress(f"{size} services: {timing.method}")
    return rows


def _timed(method: str, run: Callable[[], object], n_repeats: int) -> Timing:
    run()
    taken = []
    for _ in range(n_repeats):
        began = time.perf_counter()
        run()
        taken.append((time.perf_counter() - began) * 1000)
    return Timing(method, tuple(taken))


def _estate(size: int) -> tuple[DependencyGraph, Frame, Frame, Alert]:
    rng = np.random.default_rng(size)
    names = [f"service-{index:05d}" for index in range(size)]
    edges: set[tuple[int, int]] = set()
    for caller in range(size - 1):
        reach = size - caller - 1
        callees = caller + 1 + np.minimum(rng.geometric(min(1.0, 8.0 / size + 0.002), N_CALLEES), reach) - 1
        edges.update((caller, int(callee)) for callee in callees if callee != caller)
    back = [(callee, caller) for caller, callee in sorted(edges) if rng.random() < CYCLE_SHARE]
    edges.update(back)
    graph = DependencyGraph(
        (Item(name) for name in names), (Edge(names[a], names[b]) for a, b in sorted(edges))
    )
    keys = tuple(SeriesKey(name, metric) for name in names for metric in LEVELS)
    level = np.tile(list(LEVELS.values()), size)
    end_ms = int((ONSET + timedelta(minutes=5)).timestamp() * 1000)
    values = level * rng.lognormal(0.0, 0.05, (40, len(keys)))
    slow = min(graph.dependencies(names[0]))
    for item in (names[0], slow):
        values[-5:, keys.index(SeriesKey(item, "latency_s"))] += 0.5
    normal_values = level * rng.lognormal(0.0, 0.05, (N_NORMAL_TICKS, len(keys)))
    frame = Frame(end_ms - 40 * STEP_MS, STEP_MS, keys, values)
    normal = Frame(end_ms - (40 + N_NORMAL_TICKS) * STEP_MS, STEP_MS, keys, normal_values)
    return graph, frame, normal, Alert(names[0], "SlowRequests", ONSET + timedelta(minutes=4))


def _build(graph: DependencyGraph, frame: Frame, normal: Frame, alert: Alert) -> Case:
    return build_case(alert, ONSET + timedelta(minutes=5), graph, frame, normal=normal)


def _pagerank(case: Case) -> dict[int, float]:
    calls = calls_of(case)
    walk: nx.DiGraph[int] = nx.DiGraph()
    walk.add_nodes_from(range(len(case.items)))
    walk.add_edges_from(zip(calls.callers.tolist(), calls.callees.tolist(), strict=True))
    visits: dict[int, float] = nx.pagerank(walk, personalization={case.items.index(case.alert.item): 1.0})
    return visits
