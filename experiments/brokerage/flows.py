"""What happens in the brokerage: every component and every kind of call over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from experiments.brokerage.estate import Call

    Values = NDArray[np.float64]


@dataclass
class Node:
    """One component over time; each array has shape ``(n_ticks,)``.

    ``latency_s`` is the mean over all its requests, failed ones too, and includes its callees.
    """

    arrivals: Values  # requests per second that reach it
    latency_s: Values
    own_s: Values  # of it, spent in the component itself
    failure: Values  # share of its requests
    use: Values  # of its cores, in [0, 1]
    pool_use: Values  # in [0, 1]
    refused: Values  # share turned away at the door or at the pool
    throughput: Values  # requests per second it could finish
    memory: Values  # share in use
    backlog: Values  # messages, of a queue


@dataclass
class Edge:
    """One kind of call over time; each array has shape ``(n_ticks,)``."""

    call: Call
    per_request: Values  # look-ups per request that go past the cache
    attempts: Values  # per call
    wait_s: Values  # per call, all attempts
    failure: Values  # of the call after all attempts
    late: Values  # share of attempts given up for time
    passes: Values  # share that an open breaker lets through


@dataclass
class Flows:
    """What happens in the brokerage: nodes by item, and edges by caller."""

    nodes: dict[str, Node]
    edges: dict[str, list[Edge]]
    link_s: dict[str, Values]
    link_use: dict[str, Values]
    link_loss: dict[str, Values]
    cdn_requests: Values
    cdn_missed: Values


@dataclass(frozen=True)
class Load:
    """What comes from outside.

    Attributes
    ----------
    demand
        Shape ``(n_ticks,)``: requests per second customers would send if all were well.
    shares
        Share of each journey, each shape ``(n_ticks,)``.
    sources
        Requests per second that arise at other items, each shape ``(n_ticks,)``.
    """

    demand: Values
    shares: Mapping[str, Values]
    sources: Mapping[str, Values]


def before(values: Values) -> Values:
    """The values one tick earlier, 0 before the first.

    >>> before(np.array([3.0, 4.0]))
    array([0., 3.])
    """
    return np.concatenate([[0.0], values[:-1]])
