"""Monitoring of the brokerage: sampled, noisy, quantised and with gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from experiments.brokerage.conditions import Knob
from experiments.brokerage.estate import COMPONENTS, LINK_SHARES, PLACEMENT
from experiments.brokerage.noise import layered_noise, rough_noise
from experiments.brokerage.queueing import SPREAD
from experiments.brokerage.sizing import BUFFERED_S, sizes
from experiments.brokerage.topology import placement
from features.frame import Frame
from telemetry.batches import SeriesKey

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from experiments.brokerage.conditions import Conditions
    from experiments.brokerage.flows import Flows

    Values = NDArray[np.float64]

RESOLUTION: dict[str, float] = {
    "requests": 1.0,
    "latency_s": 1e-5,
    "error_ratio": 1e-5,
    "cpu_ratio": 1e-3,
    "memory_ratio": 1e-3,
    "saturation_ratio": 1e-3,
    "loss_ratio": 1e-4,
}
"""The smallest step of each metric."""

LOST_TICKS = 0.001
"""Share of single ticks lost by an item's exporter."""

GAPS_PER_DAY = 0.15
GAP_MINUTES = 6.0
IDLE_USE = 0.03
"""Share of its cores that an idle component uses."""


def measure(
    flows: Flows, conditions: Conditions, rng: np.random.Generator, *, start_ms: int, step_ms: int
) -> Frame:
    """The frame of a monitoring system; ``nan`` where a sample is missing or meaningless."""
    step_s = step_ms / 1000.0
    columns: dict[SeriesKey, Values] = {}
    columns.update(_of_nodes(flows, rng, step_s))
    columns.update(_of_links(flows, rng, step_s))
    columns.update(_of_content(flows, rng, step_s))
    columns.update(_of_centres(flows, conditions, rng))
    keys = tuple(sorted(columns))
    values = np.stack([_rounded(columns[key], RESOLUTION[key.metric]) for key in keys], axis=1)
    values[_gaps(keys, len(values), rng, step_s)] = np.nan
    return Frame(start_ms, step_ms, keys, values)


def _of_nodes(flows: Flows, rng: np.random.Generator, step_s: float) -> dict[SeriesKey, Values]:
    items = list(flows.nodes)
    n_ticks = len(next(iter(flows.nodes.values())).arrivals)
    shape = (len(items), n_ticks)
    flutter = rough_noise(rng, shape, spread=0.012, memory=0.3, freedom=3.0)
    cpu_noise = rough_noise(rng, shape, spread=0.025, memory=0.6)
    heap = layered_noise(rng, shape, spread=0.04)
    columns: dict[SeriesKey, Values] = {}
    for row, item in enumerate(items):
        node, kind = flows.nodes[item], COMPONENTS[item].kind
        requests = rng.poisson(np.minimum(node.arrivals * step_s, 1e12)).astype(np.float64)
        spread_of_mean = 1.0 + SPREAD * rng.standard_normal(n_ticks) / np.sqrt(np.maximum(requests, 4.0))
        seen = {
            "requests": requests,
            "latency_s": node.latency_s * np.maximum(spread_of_mean, 0.2) * flutter[row],
            "error_ratio": rng.binomial(requests.astype(np.int64), node.failure) / np.maximum(requests, 1.0),
        }
        for metric in ("latency_s", "error_ratio"):
            seen[metric] = np.where(requests > 0, seen[metric], np.nan)
        if kind in {"service", "database"}:
            seen["cpu_ratio"] = np.clip((IDLE_USE + (1 - IDLE_USE) * node.use) * cpu_noise[row], 0.0, 1.0)
            seen["saturation_ratio"] = np.clip(node.pool_use * flutter[row], 0.0, 1.0)
        if kind in {"service", "database", "cache"}:
            seen["memory_ratio"] = np.clip(node.memory * heap[row], 0.0, 1.0)
        if kind == "queue":
            seen["saturation_ratio"] = np.clip(node.backlog / (sizes()[item].peak * BUFFERED_S), 0.0, 1.0)
        columns.update({SeriesKey(item, metric): values for metric, values in seen.items()})
    return columns


def _of_links(flows: Flows, rng: np.random.Generator, step_s: float) -> dict[SeriesKey, Values]:
    columns: dict[SeriesKey, Values] = {}
    for link, share in LINK_SHARES.items():
        requests = rng.poisson(flows.nodes["mobile-gateway"].arrivals * share * step_s).astype(np.float64)
        n_ticks = len(requests)
        jitter = rough_noise(rng, (2, n_ticks), spread=0.08, memory=0.5, freedom=3.0)
        stray = 2e-4 * rough_noise(rng, (1, n_ticks), spread=0.8, memory=0.4)[0]
        columns[SeriesKey(link, "requests")] = requests
        columns[SeriesKey(link, "latency_s")] = flows.link_s[link] * jitter[0]
        columns[SeriesKey(link, "loss_ratio")] = np.clip(flows.link_loss[link] * jitter[1] + stray, 0.0, 1.0)
        columns[SeriesKey(link, "saturation_ratio")] = np.clip(flows.link_use[link] * jitter[1], 0.0, 1.0)
    return columns


def _of_content(flows: Flows, rng: np.random.Generator, step_s: float) -> dict[SeriesKey, Values]:
    requests = rng.poisson(flows.cdn_requests * step_s).astype(np.float64)
    component = COMPONENTS["cdn"]
    flutter = rough_noise(rng, (1, len(requests)), spread=0.06, memory=0.5, freedom=3.0)[0]
    near_s = (component.work_ms + component.wait_ms) / 1000.0
    latency_s = near_s + flows.cdn_missed * flows.nodes["mobile-gateway"].latency_s
    failure = flows.cdn_missed * flows.nodes["mobile-gateway"].failure
    errors = rng.binomial(requests.astype(np.int64), np.clip(failure, 0.0, 1.0)) / np.maximum(requests, 1.0)
    return {
        SeriesKey("cdn", "requests"): requests,
        SeriesKey("cdn", "latency_s"): np.where(requests > 0, latency_s * flutter, np.nan),
        SeriesKey("cdn", "error_ratio"): np.where(requests > 0, errors, np.nan),
    }


def _of_centres(flows: Flows, conditions: Conditions, rng: np.random.Generator) -> dict[SeriesKey, Values]:
    columns: dict[SeriesKey, Values] = {}
    for centre in PLACEMENT:
        uses = [node.use for item, node in flows.nodes.items() if centre in placement(item)]
        mean = np.mean(uses, axis=0)
        noise = rough_noise(rng, (2, len(mean)), spread=0.03, memory=0.6)
        lost = np.asarray(conditions.of(Knob.LOST, centre)) * np.ones(len(mean))
        columns[SeriesKey(centre, "cpu_ratio")] = np.clip(
            (IDLE_USE + mean * (1.0 - lost)) * noise[0], 0.0, 1.0
        )
        columns[SeriesKey(centre, "loss_ratio")] = np.clip(lost * noise[1] + 1e-4 * noise[1] ** 20, 0.0, 1.0)
    return columns


def _rounded(values: Values, resolution: float) -> Values:
    return np.round(values / resolution) * resolution


def _gaps(
    keys: tuple[SeriesKey, ...], n_ticks: int, rng: np.random.Generator, step_s: float
) -> NDArray[np.bool_]:
    """Which samples are missing, shape ``(n_ticks, n_series)``: an exporter loses a complete item at once."""
    items = sorted({key.item for key in keys})
    silent = rng.random((len(items), n_ticks)) < LOST_TICKS
    begins = rng.random((len(items), n_ticks)) < GAPS_PER_DAY * step_s / 86_400.0
    for row, tick in zip(*np.nonzero(begins), strict=True):
        silent[row, tick : tick + 1 + int(rng.exponential(GAP_MINUTES * 60.0 / step_s))] = True
    row_of = {item: row for row, item in enumerate(items)}
    return silent[[row_of[key.item] for key in keys]].T
