"""Spans of the brokerage: a few traces per minute, in which some components report nothing."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from experiments.brokerage.estate import COMPONENTS, ENTRY
from experiments.brokerage.queueing import SPREAD

if TYPE_CHECKING:
    from experiments.brokerage.flows import Edge, Flows

TRACES_PER_MINUTE = 20.0
LOST_SPANS = 0.03
"""Share of spans that are lost."""

SILENT_KINDS: dict[str, float] = {"database": 0.4, "cache": 0.7, "queue": 0.5}
"""Share of spans that these kinds of item do not report."""


class Span(NamedTuple):
    """One span of a trace.

    Attributes
    ----------
    parent_id
        Empty at the entry; may be the id of an unreported span.
    start_ms
        Milliseconds since the epoch, with a fraction.
    duration_s
        Seconds, including the callees'.
    trace_start_ms
        Start of its trace.
    """

    trace_id: str
    span_id: str
    parent_id: str
    item: str
    operation: str
    start_ms: float
    duration_s: float
    is_error: bool
    trace_start_ms: float


def sample_spans(flows: Flows, ticks: range, seed: int, *, start_ms: int, step_ms: int) -> list[Span]:
    """The spans of the traces that start in some ticks; a tick's spans do not depend on the others."""
    spans: list[Span] = []
    for tick in ticks:
        rng = np.random.default_rng([seed, 13, tick])
        expected = min(
            TRACES_PER_MINUTE * step_ms / 60_000.0, flows.nodes[ENTRY].arrivals[tick] * step_ms / 1000.0
        )
        for _ in range(int(rng.poisson(expected))):
            begins_ms = start_ms + (tick + float(rng.random())) * step_ms
            trace = _Trace(flows, tick, rng, f"{rng.integers(2**63):032x}", begins_ms, [])
            trace.visit(ENTRY, "", begins_ms, "request")
            spans += trace.spans
    return sorted(spans, key=lambda span: (span.trace_start_ms, span.trace_id, span.start_ms))


@dataclass
class _Trace:
    flows: Flows
    tick: int
    rng: np.random.Generator
    id: str
    start_ms: float
    spans: list[Span]

    def visit(self, item: str, parent: str, at_ms: float, operation: str) -> tuple[float, bool]:
        """Handle a request at an item; return its duration in seconds, and whether it fails."""
        node, rng, tick = self.flows.nodes[item], self.rng, self.tick
        span_id = f"{rng.integers(2**63):016x}"
        own_s = float(node.own_s[tick]) * float(rng.lognormal(-(SPREAD**2) / 2.0, SPREAD))
        fails = bool(rng.random() < self._own_failure(item))
        took_s = 0.1 * own_s if fails else own_s
        stages: dict[int, list[Edge]] = {}
        for edge in self._chosen(item):
            stages.setdefault(edge.call.stage, []).append(edge)
        for stage in sorted(stages):
            if fails:
                break
            begins_ms = at_ms + 1000.0 * took_s
            answers = [self._call(edge, span_id, begins_ms) for edge in stages[stage]]
            took_s += max((seconds for seconds, _ in answers), default=0.0)
            fails = any(failed for _, failed in answers)
        silent = LOST_SPANS + SILENT_KINDS.get(COMPONENTS[item].kind, 0.0)
        if rng.random() >= silent:
            self.spans.append(
                Span(self.id, span_id, parent, item, operation, at_ms, took_s, fails, self.start_ms)
            )
        return took_s, fails

    def _chosen(self, item: str) -> list[Edge]:
        """The calls of this request: one journey, and a random number of the others."""
        edges = self.flows.edges[item]
        journeys = [edge for edge in edges if isnan(edge.call.per_request)]
        chosen: list[Edge] = []
        if journeys:
            shares = np.array([edge.per_request[self.tick] for edge in journeys])
            chosen.append(journeys[int(self.rng.choice(len(journeys), p=shares / shares.sum()))])
        for edge in edges:
            if not isnan(edge.call.per_request):
                n_certain, rest = divmod(float(edge.per_request[self.tick] * edge.passes[self.tick]), 1.0)
                chosen += [edge] * (int(n_certain) + int(self.rng.random() < rest))
        return chosen

    def _call(self, edge: Edge, parent: str, at_ms: float) -> tuple[float, bool]:
        """Call with a time limit and retries; return the duration, and whether the caller fails."""
        waited_s, failed = 0.0, True
        for _ in range(1 + edge.call.retries):
            took_s, failed = self.visit(
                edge.call.callee,
                parent,
                at_ms + 1000.0 * waited_s,
                f"{edge.call.caller} → {edge.call.callee}",
            )
            failed = failed or took_s > edge.call.timeout_s
            waited_s += min(took_s, edge.call.timeout_s)
            if not failed:
                break
        return waited_s, failed and edge.call.is_essential

    def _own_failure(self, item: str) -> float:
        """Probability that a request fails in the item itself."""
        exposed = 1.0
        for edge in self.flows.edges[item]:
            if edge.call.is_essential:
                exposed *= 1.0 - min(float(edge.per_request[self.tick]), 1.0) * float(edge.failure[self.tick])
        return float(
            np.clip(
                1.0 - (1.0 - float(self.flows.nodes[item].failure[self.tick])) / max(exposed, 1e-9), 0.0, 1.0
            )
        )
