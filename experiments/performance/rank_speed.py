"""How long a ranking takes on random graphs, compared with networkx's personalised PageRank.

The ranking is timed alone, on freshly built cases; ``sunspot_new_graph`` uses a graph version never seen
before, so its walks are included. ``webhook`` is the complete service, from request to answer; it waits for
the disk and is timed by the wall clock, the others by processor time.

Graphs are preferential: each service calls a few earlier ones, so some are hubs, and some calls lead back, so
there are cycles. Every service has latency, errors, requests and CPU; one dependency of the alert's item is
slow. Seeded; one core.
"""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import networkx as nx
import numpy as np

from cmdb.graph import DependencyGraph
from cmdb.items import Edge, Item
from experiments.performance.webhook_speed import webhook_ms
from features.frame import Frame
from models.cases.case import Alert, build_case
from models.evidence.calls import calls_of
from models.rankers import RANKERS
from telemetry.batches import SeriesKey
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.cases.case import Case

T = TypeVar("T")

SIZES = (50, 1_000, 10_000, 25_000)
WEBHOOK_SIZES = (1_000,)
N_WEBHOOKS = 60
N_NORMAL_TICKS = 120
N_CALLEES = 4
CYCLE_SHARE = 0.02
"""Share of calls that lead back and close a cycle."""

ONSET = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
STEP_MS = 60_000
LEVELS = {"latency_s": 0.05, "error_ratio": 0.01, "requests": 200.0, "cpu_ratio": 0.3}


@dataclass(frozen=True)
class Timing:
    """Milliseconds of repeated runs."""

    method: str
    ms: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median of the runs."""
        return float(np.median(self.ms))


class Estate(NamedTuple):
    """Services, their signals around an alert and in normal operation, and the alert."""

    graph: DependencyGraph
    frame: Frame
    normal: Frame
    alert: Alert

    def case(self) -> Case:
        """The alert's case."""
        return build_case(
            self.alert, ONSET + timedelta(minutes=5), self.graph, self.frame, normal=self.normal
        )

    def case_on_new_graph(self) -> Case:
        """The same case on a copy of the graph that is not cached yet."""
        return self._replace(graph=self.graph.subgraph(self.graph.items)).case()


def bench_speed(
    *,
    sizes: Sequence[int] = SIZES,
    webhook_sizes: Sequence[int] = WEBHOOK_SIZES,
    n_repeats: int = 25,
    n_webhooks: int = N_WEBHOOKS,
    on_progress: Callable[[str], None] = lambda _: None,
) -> list[dict[str, float | int | str]]:
    """Time the ranking, PageRank, `build_case` and the service: one row per size of graph and method."""
    rows: list[dict[str, float | int | str]] = []
    for size in sizes:
        on_progress(f"{size} services")
        estate = _estate(size)
        timings = [
            _timed("sunspot", RANKERS["sunspot"].rank, estate.case, n_repeats),
            _timed("sunspot_new_graph", RANKERS["sunspot"].rank, estate.case_on_new_graph, n_repeats),
            _timed("personalised_pagerank", _pagerank, estate.case, n_repeats),
            _timed("random", RANKERS["random"].rank, estate.case, n_repeats),
            _timed("build_case", Estate.case, estate._replace, n_repeats),
        ]
        if size in webhook_sizes:
            timings.append(Timing("webhook", webhook_ms(*estate, n_repeats=n_webhooks)))
        rows += _rows(f"services_{size}", len(estate.case().items), timings)
    return rows


def _rows(part: str, n_items: int, timings: Sequence[Timing]) -> list[dict[str, float | int | str]]:
    pagerank = next(timing for timing in timings if timing.method == "personalised_pagerank")
    return [
        {
            "part": part,
            "method": timing.method,
            "n": len(timing.ms),
            "n_items": n_items,
            "p50_ms": timing.median,
            "p95_ms": float(np.quantile(timing.ms, 0.95)),
            "pagerank_ratio": timing.median / pagerank.median,
            "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
        for timing in timings
    ]


def _timed(method: str, run: Callable[[T], object], make: Callable[[], T], n_repeats: int) -> Timing:
    """Time a function on a fresh argument for each run; the first run is a warm-up."""
    elapsed_ms = []
    for _ in range(n_repeats + 1):
        made = make()
        began = time.process_time()
        run(made)
        elapsed_ms.append((time.process_time() - began) * 1000)
    return Timing(method, tuple(elapsed_ms[1:]))


def _estate(size: int) -> Estate:
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
    end_ms = to_ms(ONSET + timedelta(minutes=5))
    values = level * rng.lognormal(0.0, 0.05, (40, len(keys)))
    slow = min(graph.dependencies(names[0]))
    for item in (names[0], slow):
        values[-5:, keys.index(SeriesKey(item, "latency_s"))] += 0.5
    normal_values = level * rng.lognormal(0.0, 0.05, (N_NORMAL_TICKS, len(keys)))
    frame = Frame(end_ms - 40 * STEP_MS, STEP_MS, keys, values)
    normal = Frame(end_ms - (40 + N_NORMAL_TICKS) * STEP_MS, STEP_MS, keys, normal_values)
    return Estate(graph, frame, normal, Alert(names[0], "SlowRequests", ONSET + timedelta(minutes=4)))


def _pagerank(case: Case) -> dict[int, float]:
    calls = calls_of(case)
    walk: nx.DiGraph[int] = nx.DiGraph()
    walk.add_nodes_from(range(len(case.items)))
    walk.add_edges_from(zip(calls.callers.tolist(), calls.callees.tolist(), strict=True))
    visits: dict[int, float] = nx.pagerank(walk, personalization={case.items.index(case.alert.item): 1.0})
    return visits
