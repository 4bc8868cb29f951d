"""Log lines of the brokerage: templates with parameters, whose numbers follow load and faults."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from experiments.brokerage.capability import STRAINED_MEMORY
from experiments.brokerage.conditions import Knob
from experiments.brokerage.estate import COMPONENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from experiments.brokerage.conditions import Conditions
    from experiments.brokerage.flows import Flows, Values


class LogLine(NamedTuple):
    """One line of a log.

    Attributes
    ----------
    level
        ``INFO``, ``WARN`` or ``ERROR``.
    template
        The ground truth: the name of its template in `TEMPLATES`.
    text
        The line as written, with its parameters filled in.
    """

    time_ms: int
    item: str
    level: str
    template: str
    text: str


class Template(NamedTuple):
    """One statement in a component's code that writes lines."""

    level: str
    text: str


TEMPLATES: dict[str, Template] = {
    "request_done": Template("INFO", "request {id} from {ip} done in {ms} ms status=200"),
    "session_opened": Template("INFO", "session {id} opened for user {user} on device {device}"),
    "query_done": Template("INFO", "query {id} returned {count} rows in {ms} ms"),
    "checkpoint": Template("INFO", "checkpoint complete: wrote {count} buffers; sync took {ms} ms"),
    "cache_stats": Template("INFO", "evicted {count} keys, used_memory={size}M"),
    "message_stored": Template("INFO", "stored message offset={count} partition={small}"),
    "batch_step": Template("INFO", "settlement step {small} processed {count} accounts"),
    "heartbeat": Template("INFO", "heartbeat ok, uptime {count} s"),
    "client_gone": Template("WARN", "client {ip} closed the connection before the answer, request {id}"),
    "request_failed": Template("ERROR", "request {id} failed: internal error code={code}"),
    "call_late": Template("WARN", "call to {callee} timed out after {limit} ms, request {id}"),
    "call_failed": Template(
        "ERROR", "call to {callee} failed after {attempts} attempts: {callee} returned code={code}"
    ),
    "breaker_open": Template("WARN", "circuit breaker for {callee} is open, answering with default"),
    "turned_away": Template(
        "ERROR", "request {id} rejected: no free connection in pool, active={count} waiting={small}"
    ),
    "slow_query": Template("WARN", "slow query {id}: {ms} ms, rows examined {count}"),
    "long_pause": Template("WARN", "garbage collection paused {ms} ms, heap {percent}% used"),
    "out_of_memory": Template("ERROR", "out of memory: cannot allocate {count} bytes, restarting"),
    "cold_cache": Template("WARN", "cache warming: {percent}% of keys missing"),
    "lag_high": Template("WARN", "consumer lag {count} messages on partition {small}"),
    "node_lost": Template("ERROR", "node {ip} unreachable, removing from pool"),
    "release_started": Template("INFO", "starting version 2.{small} on {ip}"),
    "replication_lost": Template(
        "ERROR", "replication to standby {ip} broken: stream ended at position {count}"
    ),
    "replication_behind": Template("WARN", "standby {ip} is {count} bytes behind"),
}
"""Every template by its name."""

DONE_SHARE = 1.0 / 400.0
"""Share of the good requests that write a line."""

FAILURE_SHARE = 1.0 / 10.0
"""Share of the failed requests that write a line."""

MOST_PER_MINUTE = 120.0
"""Limit on the lines of one template and component, because loggers are rate-limited."""

Counts = dict[tuple[str, str, str], "Values"]


def write_log_lines(
    flows: Flows, conditions: Conditions, ticks: range, seed: int, *, start_ms: int, step_ms: int
) -> list[LogLine]:
    """Every line of some ticks, in order of time; a tick's lines do not depend on the other ticks."""
    window = slice(ticks.start, max(ticks.start, ticks.stop))
    expected = _expected(flows, conditions, window, step_s=step_ms / 1000.0)
    sources = list(expected)
    rates = np.stack([np.maximum(expected[source], 0.0) for source in sources])
    most = MOST_PER_MINUTE * step_ms / 60_000.0
    lines = []
    for offset, tick in enumerate(ticks):
        rng = np.random.default_rng([seed, 11, tick])
        counts = rng.poisson(np.minimum(rates[:, offset], most))
        for index in np.flatnonzero(counts):
            item, template, callee = sources[index]
            latency_s = _latency_s(flows, item, tick)
            for _ in range(int(counts[index])):
                at_ms = start_ms + tick * step_ms + int(rng.integers(step_ms))
                level, text = TEMPLATES[template]
                filled = text.format_map(_parameters(rng, latency_s, callee))
                lines.append(LogLine(at_ms, item, level, template, filled))
    return sorted(lines)


def _expected(flows: Flows, conditions: Conditions, window: slice, *, step_s: float) -> Counts:
    """Expected lines per tick by item, template and callee, each shape ``(n_window,)``."""
    minutes = step_s / 60.0
    counts: Counts = {}
    for item, node in flows.nodes.items():
        requests = node.arrivals[window] * step_s
        good = requests * (1.0 - node.failure[window])
        for template, rate in _routine(item).items():
            counts[item, template, ""] = DONE_SHARE * good * rate
        counts[item, "heartbeat", ""] = np.full_like(requests, minutes / 5.0)
        own = node.failure[window] - 3e-4
        for edge in flows.edges[item]:
            calls = requests * edge.per_request[window]
            counts[item, "call_late", edge.call.callee] = FAILURE_SHARE * calls * edge.late[window]
            counts[item, "call_failed", edge.call.callee] = FAILURE_SHARE * calls * edge.failure[window]
            counts[item, "breaker_open", edge.call.callee] = (
                FAILURE_SHARE * calls * (1.0 - edge.passes[window])
            )
            if edge.call.is_essential:
                own = own - np.minimum(edge.per_request[window], 1.0) * edge.failure[window]
        counts[item, "turned_away", ""] = FAILURE_SHARE * requests * node.refused[window]
        counts[item, "request_failed", ""] = FAILURE_SHARE * requests * (own - node.refused[window])
        counts[item, "client_gone", ""] = 2e-5 * requests
        counts.update(_of_condition(item, flows, conditions, window, minutes))
    for chatter in conditions.chatter:
        key = (chatter.item, chatter.template, "")
        counts[key] = counts.get(key, 0.0) + chatter.per_minute[window] * minutes
    return counts


def _of_condition(item: str, flows: Flows, conditions: Conditions, window: slice, minutes: float) -> Counts:
    """Lines about the state of a component."""
    node, kind = flows.nodes[item], COMPONENTS[item].kind
    memory = node.memory[window]
    counts: Counts = {}
    none = np.zeros_like(memory)
    if kind == "service":
        counts[item, "long_pause", ""] = np.clip(memory - STRAINED_MEMORY, 0.0, 1.0) * 20.0 * minutes
        counts[item, "out_of_memory", ""] = np.where(memory > 0.95, 3.0 * minutes, 0.0)
    if kind == "database":
        late = np.clip(node.own_s[window] / (10.0 * COMPONENTS[item].work_ms / 1000.0) - 0.3, 0.0, 1.0)
        counts[item, "slow_query", ""] = none + (0.05 + 40.0 * late) * minutes
    if kind == "queue":
        counts[item, "lag_high", ""] = np.where(node.backlog[window] > 60.0, 6.0 * minutes, 0.0)
    if conditions.is_turned(Knob.COLD, item):
        counts[item, "cold_cache", ""] = (
            12.0 * minutes * (none + np.asarray(conditions.of(Knob.COLD, item))[window])
        )
    return counts


def _routine(item: str) -> Mapping[str, float]:
    """Templates of everyday work, and the relative frequency of each."""
    if item == "login":
        return {"request_done": 1.0, "session_opened": 4.0}
    if item == "settlement":
        return {"batch_step": 40.0}
    return {
        "service": {"request_done": 1.0},
        "database": {"query_done": 0.3, "checkpoint": 0.02},
        "cache": {"cache_stats": 0.05},
        "queue": {"message_stored": 0.2},
    }[COMPONENTS[item].kind]


def _latency_s(flows: Flows, item: str, tick: int) -> float:
    return float(flows.nodes[item].latency_s[tick]) if item in flows.nodes else 0.01


def _parameters(rng: np.random.Generator, latency_s: float, callee: str) -> dict[str, object]:
    """A value for every possible parameter of a template."""
    draws = rng.integers(0, 2**31, size=6).tolist()
    return {
        "id": f"{draws[0]:08x}{draws[1] % 65536:04x}",
        "ip": f"10.{draws[2] % 32}.{draws[2] // 32 % 256}.{1 + draws[3] % 250}",
        "ms": max(1, round(1000.0 * latency_s * float(rng.lognormal(0.0, 0.5)))),
        "user": 100_000 + draws[4] % 9_000_000,
        "device": f"{draws[5]:08x}",
        "count": draws[3] % 100_000,
        "size": 200 + draws[4] % 3_000,
        "small": draws[5] % 24,
        "percent": 50 + draws[2] % 50,
        "code": (500, 502, 503, 504)[draws[1] % 4],
        "limit": 100 * (1 + draws[0] % 20),
        "attempts": 1 + draws[5] % 3,
        "callee": callee,
    }


def n_lines_by_template(lines: Iterable[LogLine]) -> dict[str, int]:
    """Number of lines of each template."""
    counts: dict[str, int] = {}
    for line in lines:
        counts[line.template] = counts.get(line.template, 0) + 1
    return counts
