"""Propagation of load, delay and failure along the calls.

Every tick is a fixed point: requests go down the calls, delays and failures come up, retries send
more requests down. A few damped rounds find it for all ticks at once; the state carried from tick to tick
(backlogs, customers' patience, open breakers) is a cheap recursion inside each round.
"""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import lfilter

from experiments.brokerage.capability import capability
from experiments.brokerage.conditions import Knob
from experiments.brokerage.estate import (
    ASSETS_PER_REQUEST,
    COMPONENTS,
    CONSUMERS,
    ENTRY,
    HIT_RATIOS,
    LINK_SHARES,
)
from experiments.brokerage.flows import Edge, Flows, Node, previous
from experiments.brokerage.queueing import carry_over, limited_wait, n_attempts, queueing_delay
from experiments.brokerage.sizing import BUFFERED_S, Size, outgoing, sizes
from experiments.brokerage.topology import callers_first

if TYPE_CHECKING:
    from collections.abc import Mapping

    from experiments.brokerage.capability import Capability
    from experiments.brokerage.conditions import Conditions
    from experiments.brokerage.estate import Call
    from experiments.brokerage.flows import Load, Values

ROUNDS = 6
ACCEPTED_S = 1.0
"""Limit on a component's backlog, in seconds of work; further requests are rejected."""

ACQUIRE_S = 0.5
"""Time limit of a request that waits for a place in the pool."""

TURNED_AWAY_S = 0.001
FAILED_FAST = 0.15
"""Work of a request that fails at once, as a share of a good one's."""

CORES_PER_INSTANCE = 2.0
BACKOFF_S = 0.02
PACKETS = 8.0
"""Packets of a request and its answer."""

RETRANSMIT_S = 0.25
BASE_FAILURE = 3e-4


class Brokerage:
    """The components at work under given conditions.

    Parameters
    ----------
    load
        The load from outside.
    conditions
        Deviations from a normal day.
    roughness
        Factor on each component's work, each shape ``(n_ticks,)``.
    step_s
        Seconds of a tick.
    """

    def __init__(
        self, load: Load, conditions: Conditions, roughness: Mapping[str, Values], *, step_s: float
    ) -> None:
        self.load, self.conditions, self.step_s = load, conditions, step_s
        n_ticks = len(load.demand)
        self.sizes: dict[str, Size] = sizes()
        self.order = callers_first()
        self.consumers = frozenset(CONSUMERS.values())
        self.zero, self.one = np.zeros(n_ticks), np.ones(n_ticks)
        self.given = {
            item: capability(item, conditions, roughness[item], step_s=step_s) for item in self.order
        }
        self.nodes = {item: self._idle(item) for item in self.order}
        self.edges = {item: [self._idle_edge(call) for call in calls] for item, calls in outgoing().items()}
        self.links: dict[str, tuple[Values, Values, Values]] = {}
        self.cdn_requests, self.cdn_missed = self.zero, self.zero

    def run(self) -> Flows:
        """Compute the flows."""
        for number in range(ROUNDS):
            self._send_requests()
            self._use_links()
            for item in reversed(self.order):
                self._handle(item, damping=0.0 if number == 0 else 0.5)
        times, uses, losses = ({link: each[i] for link, each in self.links.items()} for i in range(3))
        return Flows(self.nodes, self.edges, times, uses, losses, self.cdn_requests, self.cdn_missed)

    def _idle(self, item: str) -> Node:
        given = self.given[item]
        return Node(
            arrivals=self.zero, latency_s=given.work_s + given.wait_s, own_s=given.work_s + given.wait_s,
            failure=self.zero, use=self.zero, pool_use=self.zero, refused=self.zero,
            throughput=np.full_like(self.zero, np.inf), memory=given.memory, backlog=self.zero,
        )  # fmt: skip

    def _idle_edge(self, call: Call) -> Edge:
        per_request = (
            self.load.shares[call.callee] if isnan(call.per_request) else call.per_request * self.one
        )
        return Edge(call, per_request, self.one, self.zero, self.zero, self.zero, self.one)

    # Down the calls.

    def _send_requests(self) -> None:
        arrivals = {item: self.load.sources.get(item, self.zero) for item in self.order}
        arrivals[ENTRY] = self._customers()
        for item in self.order:
            node = self.nodes[item]
            node.arrivals = arrivals[item]
            if item in CONSUMERS:
                arrivals[CONSUMERS[item]] = self._drain(item)
                continue
            reach = (1.0 - self.given[item].fail) * (1.0 - node.refused)
            missed = self._missed(item)
            stage, next_reach = 0, reach
            for edge in self.edges[item]:
                if edge.call.stage != stage:
                    stage, reach = edge.call.stage, next_reach
                if edge.call.behind:
                    edge.per_request = edge.call.per_request * missed[edge.call.behind]
                calls = node.arrivals * reach * edge.per_request
                arrivals[edge.call.callee] = arrivals[edge.call.callee] + calls * edge.passes * edge.attempts
                if edge.call.is_essential:
                    next_reach = next_reach * (1.0 - np.minimum(edge.per_request, 1.0) * edge.failure)

    def _customers(self) -> Values:
        """Requests per second at the gateway: from patient and impatient customers, and misses of the CDN."""
        gateway = self.nodes[ENTRY]
        bad = np.clip(gateway.failure + 0.5 * np.clip(gateway.latency_s / 3.0, 0.0, 1.0) ** 2, 0.0, 1.0)
        weary = lfilter([0.3], [1.0, -0.7], previous(bad))  # people leave after some minutes of failures
        demanded = self.load.demand * self.conditions.of(Knob.DEMAND, ENTRY)
        sent = demanded * (1.0 - 0.7 * weary) * (1.0 + 0.5 * previous(gateway.failure))  # and retry at once
        if self.links:
            sent = sent * sum(
                share * (1.0 - np.minimum(2.0 * self.links[link][2], 0.7))
                for link, share in LINK_SHARES.items()
            )
        self.cdn_requests = ASSETS_PER_REQUEST * sent
        self.cdn_missed = 1.0 - HIT_RATIOS["cdn"] * (1.0 - self.conditions.of(Knob.COLD, "cdn")) * self.one
        arriving: Values = sent + self.cdn_requests * self.cdn_missed
        return arriving

    def _missed(self, item: str) -> dict[str, Values]:
        """Share of an item's look-ups that miss each cache."""
        return {
            cache.call.callee: 1.0
            - HIT_RATIOS[cache.call.callee]
            * (1.0 - self.conditions.of(Knob.COLD, cache.call.callee))
            * (1.0 - cache.failure)
            for cache in self.edges[item]
            if cache.call.callee in HIT_RATIOS
        }

    def _drain(self, queue: str) -> Values:
        """Messages per second that the consumer drains from its queue; the rest waits."""
        node, consumer = self.nodes[queue], self.nodes[CONSUMERS[queue]]
        limit = self.sizes[queue].peak * BUFFERED_S
        accepted = (node.arrivals * (1.0 - self.given[queue].fail)) * self.step_s
        growth = np.maximum(accepted - consumer.throughput * self.step_s, -1e15)
        node.backlog = carry_over(growth, limit)
        spilt = np.maximum(previous(node.backlog) + growth - limit, 0.0)
        node.refused = np.clip(spilt / np.maximum(accepted, 1e-9), 0.0, 1.0)
        drained = accepted - spilt - (node.backlog - previous(node.backlog))
        drained_per_s: Values = np.maximum(drained, 0.0) / self.step_s
        return drained_per_s

    # Up the calls.

    def _use_links(self) -> None:
        for link, share in LINK_SHARES.items():
            component = COMPONENTS[link]
            sent = self.nodes[ENTRY].arrivals * share
            use = sent / (self.sizes[ENTRY].peak * share / component.peak_use)
            congestion = np.clip((use - 0.9) * 0.2, 0.0, 0.1)
            loss = np.clip(self.conditions.of(Knob.LOSS, link) + congestion, 0.0, 0.95)
            trip = component.wait_ms / 1000.0 * (1.0 + queueing_delay(use, 20.0))
            self.links[link] = (trip + PACKETS * loss * RETRANSMIT_S, use, loss)

    def _handle(self, item: str, *, damping: float) -> None:
        node, given = self.nodes[item], self.given[item]
        busy = node.arrivals * (1.0 - (1.0 - FAILED_FAST) * given.fail) / given.capacity
        is_fed = item in self.consumers or item in CONSUMERS
        turned_away, waiting = (self.zero, self.zero) if is_fed else self._backlog_wait(node, given)
        own_s = given.work_s * (1.0 + queueing_delay(busy, CORES_PER_INSTANCE)) + given.wait_s + waiting
        calls_s, reach = self._call(item, damping)
        held_s = own_s + calls_s
        if item == ENTRY:
            held_s = held_s + sum(share * self.links[link][0] for link, share in LINK_SHARES.items())
        wanted = node.arrivals * (1.0 - given.fail) * (1.0 - turned_away) * held_s / given.pool
        if is_fed:
            pool_wait, given_up = self.zero, self.zero
        else:
            pool_wait = held_s * queueing_delay(wanted, 32.0) + ACQUIRE_S * np.clip(
                (wanted - 1.0) * 2.0, 0.0, 1.0
            )
            given_up = np.clip(1.0 - 1.0 / np.maximum(wanted, 1.0), 0.0, 1.0)
        refused = 1.0 - (1.0 - turned_away) * (1.0 - given_up)
        if item not in CONSUMERS:
            node.refused = damping * node.refused + (1.0 - damping) * refused
        good = (1.0 - given.fail) * (1.0 - turned_away)
        latency_s = (
            given.fail * FAILED_FAST * own_s
            + (1.0 - given.fail) * turned_away * TURNED_AWAY_S
            + good * (given_up * ACQUIRE_S + (1.0 - given_up) * (held_s + pool_wait))
        )
        node.latency_s = damping * node.latency_s + (1.0 - damping) * latency_s
        node.own_s = own_s + pool_wait
        node.failure = np.clip(
            1.0 - (1.0 - given.fail) * (1.0 - node.refused) * reach * (1.0 - BASE_FAILURE), 0.0, 1.0
        )
        node.use = np.clip(np.minimum(busy, 1.0) * (1.0 - given.hog) + given.hog, 0.0, 1.0)
        node.pool_use = np.clip(wanted, 0.0, 1.0)
        node.throughput = np.minimum(given.capacity, given.pool / held_s)

    def _backlog_wait(self, node: Node, given: Capability) -> tuple[Values, Values]:
        """Share of the requests rejected by a full backlog, and the seconds the others wait behind it."""
        growth = (node.arrivals - given.capacity) * self.step_s
        if not (growth > 0).any():
            return self.zero, self.zero
        limit = given.capacity * ACCEPTED_S
        backlog = carry_over(growth, limit)
        spilt = np.maximum(previous(backlog) + growth - limit, 0.0)
        share = np.clip(spilt / np.maximum(node.arrivals * self.step_s, 1e-9), 0.0, 1.0)
        return share, 0.5 * (previous(backlog) + backlog) / given.capacity

    def _call(self, item: str, damping: float) -> tuple[Values, Values]:
        """Seconds that a request spends in its calls, and the share without a failed essential call."""
        total, reach = self.zero, self.one
        stage, slowest, next_reach = 0, self.zero, self.one
        for edge in self.edges[item]:
            call = edge.call
            if call.stage != stage:
                total, reach = total + reach * slowest, next_reach
                stage, slowest = call.stage, self.zero
            self._attempt(edge, damping)
            time = edge.per_request * edge.wait_s
            slowest = slowest + time if isnan(call.per_request) else np.maximum(slowest, time)
            if call.is_essential:
                exposed = 1.0 - np.minimum(edge.per_request, 1.0) * edge.failure
                next_reach = next_reach * exposed ** np.maximum(edge.per_request, 1.0)
        return total + reach * slowest, next_reach

    def _attempt(self, edge: Edge, damping: float) -> None:
        callee, call = self.nodes[edge.call.callee], edge.call
        once = limited_wait(callee.latency_s, call.timeout_s)
        failure = 1.0 - (1.0 - callee.failure) * (1.0 - once.too_late)
        attempts = n_attempts(failure, call.retries)
        edge.attempts = damping * edge.attempts + (1.0 - damping) * attempts
        edge.late = once.too_late
        failed = failure ** (call.retries + 1)
        wait_s = edge.attempts * once.mean_s + (edge.attempts - 1.0) * BACKOFF_S
        if call.has_breaker:
            edge.passes = 1.0 - 0.9 * np.clip((previous(failure) - 0.4) / 0.3, 0.0, 1.0)
            wait_s, failed = wait_s * edge.passes, 1.0 - edge.passes * (1.0 - failed)
        edge.wait_s, edge.failure = wait_s, failed
