"""Capacity planning: everything is sized once for the busiest minutes of an ordinary day."""

from __future__ import annotations

from functools import lru_cache
from math import isnan
from typing import NamedTuple

from experiments.brokerage.estate import (
    ASSETS_PER_REQUEST,
    CALLS,
    COMPONENTS,
    CONSUMERS,
    ENTRY,
    HIT_RATIOS,
    MESSAGES,
    Call,
)
from experiments.brokerage.topology import callers_first
from experiments.brokerage.traffic import CUSTOMERS, MARKET_MESSAGES, MIX, SETTLEMENT_PEAK, TRADING_DAY

POOL_USE = 0.15
"""Share of a pool in use at the busiest minute."""

ENTRY_POOL_USE = 0.06
"""The same for the gateway, which holds many connections at little cost."""

SMALLEST_POOL = 16.0
HOP_S = 5e-4
"""Network time inside a data centre, added to every request."""

BUFFERED_S = 600.0
"""Capacity of a queue, in seconds of the busiest minute's messages."""


class Size(NamedTuple):
    """Size of one component.

    Attributes
    ----------
    cores
        Cores, disks or wires, over all instances.
    pool
        Requests it can process at a time.
    peak
        Requests per second in the busiest minute of an ordinary day.
    """

    cores: float
    pool: float
    peak: float


def outgoing() -> dict[str, list[Call]]:
    """The calls and publications of each component, by stage."""
    calls: dict[str, list[Call]] = {item: [] for item in callers_first()}
    for call in sorted((*CALLS, *MESSAGES), key=lambda each: each.stage):
        calls[call.caller].append(call)
    return calls


@lru_cache(maxsize=1)
def sizes() -> dict[str, Size]:
    """Size of everything that handles requests."""
    busiest = CUSTOMERS * max(rate for _, rate in TRADING_DAY)
    evening = CUSTOMERS * 120.0
    situations = [
        _arrivals(busiest, 0, settlement=0.0, messages=MARKET_MESSAGES),
        _arrivals(CUSTOMERS * 135.0, 1, settlement=0.0, messages=MARKET_MESSAGES),
        _arrivals(evening, 2, settlement=SETTLEMENT_PEAK, messages=0.0),
    ]
    peaks = {item: max(each[item] for each in situations) for item in callers_first()}
    held = _held_s()
    return {
        item: Size(
            cores=peak * COMPONENTS[item].work_ms / 1000.0 / COMPONENTS[item].peak_use,
            pool=max(SMALLEST_POOL, peak * held[item] / (ENTRY_POOL_USE if item == ENTRY else POOL_USE)),
            peak=peak,
        )
        for item, peak in peaks.items()
    }


def _per_request(call: Call, mix: int) -> float:
    if isnan(call.per_request):
        return MIX[call.callee][mix]
    return call.per_request * (1.0 - HIT_RATIOS[call.behind] if call.behind else 1.0)


def _arrivals(demand: float, mix: int, *, settlement: float, messages: float) -> dict[str, float]:
    arrivals = dict.fromkeys(callers_first(), 0.0)
    arrivals[ENTRY] = demand * (1.0 + ASSETS_PER_REQUEST * (1.0 - HIT_RATIOS["cdn"]))
    arrivals["settlement"] = settlement
    arrivals["exchange-feed"] = messages
    for item, calls in outgoing().items():
        for call in calls:
            arrivals[call.callee] += arrivals[item] * _per_request(call, mix)
        if item in CONSUMERS:
            arrivals[CONSUMERS[item]] += arrivals[item]
    return arrivals


def _held_s() -> dict[str, float]:
    """Seconds that a request occupies its place in the pool, without faults."""
    held: dict[str, float] = {}
    calls_of = outgoing()
    for item in reversed(callers_first()):
        component = COMPONENTS[item]
        stages: dict[int, float] = {}
        for call in calls_of[item]:
            time = _per_request(call, 0) * held[call.callee]
            if isnan(call.per_request):  # one journey at a time: their times add up to the mean
                stages[call.stage] = stages.get(call.stage, 0.0) + time
            else:
                stages[call.stage] = max(stages.get(call.stage, 0.0), time)
        held[item] = HOP_S + (1.3 * component.work_ms + component.wait_ms) / 1000.0 + sum(stages.values())
    return held
