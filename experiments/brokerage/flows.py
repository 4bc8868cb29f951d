"""State of the brokerage over time: every component and every kind of call."""

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

    ``latency_s`` is the mean over all its requests, including failed ones, and includes its callees.
    """

    arrivals: Values  # requests per second that reach it
    latency_s: Values
    own_s: Values  # part of the latency spent in the component itself
    failure: Values  # share of its failed requests
    use: Values  # of its cores, in [0, 1]
    pool_use: Values  # in [0, 1]
    refused: Values  # share rejected by the full backlog or pool
    throughput: Values  # requests per second it could finish
    memory: Values  # share in use
    backlog: Values  # messages, of a queue


@dataclass
class Edge:
    """One kind of call over time; each array has shape ``(n_ticks,)``."""

    call: Call
    per_request: Values  # calls per request after cache hits
    attempts: Values  # per call
    wait_s: Values  # per call, all attempts
    failure: Values  # of the call after all attempts
    late: Values  # share of attempts that time out
    passes: Values  # share that an open breaker lets through


@dataclass
class Flows:
    """The simulated flows: nodes by item, and edges by caller."""

    nodes: dict[str, Node]
    edges: dict[str, list[Edge]]
    link_s: dict[str, Values]
    link_use: dict[str, Values]
    link_loss: dict[str, Values]
    cdn_requests: Values
    cdn_missed: Values


@dataclass(frozen=True)
class Load:
    """The load from outside.

    Attributes
    ----------
    demand
        Requests per second that customers would send without faults, shape ``(n_ticks,)``.
    shares
        Share of each journey, each shape ``(n_ticks,)``.
    sources
        Requests per second that originate at other items, each shape ``(n_ticks,)``.
    """

    demand: Values
    shares: Mapping[str, Values]
    sources: Mapping[str, Values]


def previous(values: Values) -> Values:
    """The values of the previous tick, 0 for the first.

    >>> previous(np.array([3.0, 4.0]))
    array([0., 3.])
    """
    return np.concatenate([[0.0], values[:-1]])
