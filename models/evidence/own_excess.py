"""Own excess: a service is blamed for the excess it adds, after what its dependencies explain.

Per service and tick, excess seconds are ``(latency − reference) × requests`` and excess failures
``(error ratio − reference) × requests``. What a service's callees explain, its share of each callee's
requests times the callee's positive excess, is taken away; the rest is its own. Own excess is turned
into surprise against the same service's own past, and counts only with its share of the whole: a
loud trifle is not a cause.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from cmdb.items import EdgeKind
from features.golden import Role
from models.case import MIN_NORMAL_TICKS
from models.tails import surprise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.case import Case, Signals

INHERITED = frozenset({EdgeKind.CALLS, EdgeKind.CONNECTS})
"""The edges along which latency and failures are passed on. A slow consumer does not slow its producer."""

SCALE_FLOOR = 0.02
"""Smallest scale of a tail, as a share of the usual total: 2 % of the median."""

RIDGE = 1.0
"""Penalty of the regression on the callees, in units of the callees' variance."""


@dataclass(frozen=True)
class OwnExcess:
    """Own excess of every item of a case, for one role.

    Attributes
    ----------
    own, total
        Shape ``(n_items,)``: excess per tick that an item adds, and that it shows, callees included;
        in seconds (or failures) per tick, or per request where no requests are counted.
    level, usual, reference
        Shape ``(n_items,)``, in the role's unit: mean of the incident window, median of normal operation, and
        what the level is compared with: the worse of that median and the level just before.
    surprise
        Shape ``(n_items,)``: −ln of the probability of so much own excess in a normal window; 0 where
        there is nothing to compare.
    is_known
        Shape ``(n_items,)``: seen in the window and with enough history, and its requests with it where they
        are counted at all. Any other item is not blamed and explains nothing.
    lacks_requests
        Shape ``(n_items,)``: would be known, but its requests are neither counted nor told by its callers'.
    whole
        What all items together have to explain: the alerting item's excess or, if larger, the largest own.
    n_normal
        Number of normal windows each surprise is measured against.
    n_as_large
        Shape ``(n_items,)``: how many of them saw as much own excess.
    counts_requests
        Whether the excess is weighted by requests; else it is the residual of a regression on the callees.
    """

    role: Role
    own: NDArray[np.float64]
    total: NDArray[np.float64]
    level: NDArray[np.float64]
    usual: NDArray[np.float64]
    reference: NDArray[np.float64]
    surprise: NDArray[np.float64]
    is_known: NDArray[np.bool_]
    lacks_requests: NDArray[np.bool_]
    whole: float
    n_normal: int
    n_as_large: NDArray[np.int64]
    counts_requests: bool

    @property
    def share(self) -> NDArray[np.float64]:
        """Own excess as a share of the whole, shape ``(n_items,)``, 0 to 1."""
        positive = _positive(self.own) * self.is_known
        return positive / self.whole if self.whole > 0 else positive


def own_excess(case: Case, role: Role) -> OwnExcess:
    """Measure what each item adds to latency or failures.

    Parameters
    ----------
    case
        The incident; its window, the level before it and its normal ticks are compared.
    role
        `Role.LATENCY` or `Role.ERRORS`.
    """
    n_items = len(case.items)
    calls = calls_of(case)
    window, normal = case.window.of(role, n_items), case.normal.of(role, n_items)
    median = column_median(normal)
    is_seen = (np.isfinite(normal).sum(axis=0) >= MIN_NORMAL_TICKS) & np.isfinite(window).any(axis=0)
    reference = np.nan_to_num(np.fmax(median, column_median(case.before.of(role, n_items))))
    requests_now, requests_then = requests_of(case.window, calls), requests_of(case.normal, calls)
    counts = bool(np.isfinite(requests_now).any() and np.isfinite(requests_then).any())
    if counts:
        is_known = is_seen & np.isfinite(requests_now).any(axis=0) & np.isfinite(requests_then).any(axis=0)
        total = np.nan_to_num((window - reference) * requests_now)
        total_then = np.nan_to_num((normal - median) * requests_then)
        own_now = total - _explained(total * is_known, column_mean(requests_now), calls)
        own_then = total_then - _explained(total_then * is_known, column_mean(requests_then), calls)
        scale = np.nan_to_num(median * column_mean(requests_then))
    else:
        is_known = is_seen
        total = np.nan_to_num(window - reference)
        total_then = np.nan_to_num(normal - median)
        own_now, own_then = _residuals(total, total_then, calls, is_known)
        scale = np.nan_to_num(median)
    past = moving_mean(own_then, max(1, len(window)))
    own = column_mean(own_now)
    surprised = np.where(is_known & (own > 0), surprise(own, past, floor=SCALE_FLOOR * scale), 0.0)
    shown = column_mean(total)
    alerting = case.items.index(case.alert.item)
    return OwnExcess(
        role=role,
        own=own,
        total=shown,
        level=column_mean(window),
        usual=median,
        reference=reference,
        surprise=surprised,
        is_known=is_known,
        lacks_requests=is_seen & ~is_known,
        whole=float(max((_positive(own) * is_known).max(initial=0.0), _positive(shown)[alerting])),
        n_normal=len(past),
        n_as_large=(past >= own).sum(axis=0),
        counts_requests=counts,
    )


@dataclass(frozen=True)
class Calls:
    """Who calls whom, as index arrays.

    Attributes
    ----------
    callers, callees
        Shape ``(n_edges,)``: columns of the case, sorted by caller.
    starts
        Shape ``(n_items + 1,)``: the edges of caller ``i`` are ``starts[i] : starts[i + 1]``.
    """

    callers: NDArray[np.int64]
    callees: NDArray[np.int64]
    starts: NDArray[np.int64]

    @property
    def n_items(self) -> int:
        """Number of items, callers or not."""
        return len(self.starts) - 1

    def matrix(self, weights: NDArray[np.float64]) -> sparse.csr_array:
        """The graph as an ``(n_items, n_items)`` matrix with one weight per edge, row = caller."""
        return sparse.csr_array((weights, self.callees, self.starts), shape=(self.n_items, self.n_items))


def calls_of(case: Case) -> Calls:
    """The calls among the items of a case, without those that lead back in a cycle.

    In a cycle each item would be explained by the others, and nobody blamed. Of its calls only those count
    that lead away from the alert.
    """
    position = {item: index for index, item in enumerate(case.items)}
    pairs = {
        (position[edge.dependent], position[edge.dependency])
        for edge in case.graph.edges
        if edge.kind in INHERITED
    }
    edges = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
    edges = edges[~_leads_back(edges, case)]
    starts = np.searchsorted(edges[:, 0], np.arange(len(case.items) + 1))
    return Calls(edges[:, 0], edges[:, 1], starts)


def _leads_back(edges: NDArray[np.int64], case: Case) -> NDArray[np.bool_]:
    """Which edges lie in a cycle and do not lead away from the alert, shape ``(n_edges,)``."""
    n_items = len(case.items)
    graph = sparse.csr_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(n_items, n_items))
    n_components, component = connected_components(graph, connection="strong")
    if n_components == n_items:
        return np.zeros(len(edges), dtype=bool)
    hops = case.graph.hops(case.alert.item)
    distance = np.array([hops.get(item, n_items) for item in case.items])
    in_cycle = component[edges[:, 0]] == component[edges[:, 1]]
    leads_back: NDArray[np.bool_] = in_cycle & (distance[edges[:, 1]] <= distance[edges[:, 0]])
    return leads_back


def requests_of(signals: Signals, calls: Calls) -> NDArray[np.float64]:
    """Requests per tick, shape ``(n_ticks, n_items)``; where none are counted, those of all callers.

    Inferred counts serve the callees' callees in turn; an item that no counted item leads to stays
    ``nan``.
    """
    counted = signals.of(Role.REQUESTS, calls.n_items)
    uncounted = np.isfinite(counted).sum(axis=0) == 0
    while uncounted.any():
        from_counted = ~uncounted[calls.callers]
        inferred = uncounted & (np.bincount(calls.callees[from_counted], minlength=calls.n_items) > 0)
        if not inferred.any():
            break
        from_callers = np.nan_to_num(counted) @ calls.matrix(np.ones(len(calls.callers)))
        counted = np.where(inferred, from_callers, counted)
        uncounted = uncounted & ~inferred
    return counted


def moving_mean(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Mean of each run of ``window`` rows, shape ``(n_rows − window + 1, n_columns)``; empty if too short."""
    if len(values) < window:
        return np.empty((0, values.shape[1]))
    sums = np.cumsum(np.vstack([np.zeros((1, values.shape[1])), values]), axis=0)
    means: NDArray[np.float64] = (sums[window:] - sums[:-window]) / window
    return means


def _positive(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values above 0; what is missing or below counts as 0."""
    return np.maximum(np.nan_to_num(values), 0.0)


def column_median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median of each column, missing values left out; ``nan`` where nothing was seen."""
    if not len(values):
        return np.full(values.shape[1], np.nan)
    ordered = np.sort(values, axis=0)  # missing values come last
    n_seen = np.isfinite(values).sum(axis=0)
    middle = np.stack([np.maximum(n_seen - 1, 0) // 2, np.minimum(n_seen // 2, len(values) - 1)])
    low, high = np.take_along_axis(ordered, middle, axis=0)
    return np.where(n_seen > 0, (low + high) / 2, np.nan)


def column_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of each column, missing values left out; ``nan`` where nothing was seen."""
    seen = np.isfinite(values)
    n_seen = seen.sum(axis=0)
    means = np.full(values.shape[1], np.nan)
    np.divide(np.where(seen, values, 0.0).sum(axis=0), n_seen, out=means, where=n_seen > 0)
    return means


def _explained(
    excess: NDArray[np.float64], requests: NDArray[np.float64], calls: Calls
) -> NDArray[np.float64]:
    """What each item's callees explain of its excess, per tick, shape ``(n_ticks, n_items)``.

    A caller's share of a callee's requests is taken from the mean requests, shape ``(n_items,)``, of all
    the callee's callers.
    """
    sent = np.nan_to_num(requests)[calls.callers]
    received = np.bincount(calls.callees, weights=sent, minlength=calls.n_items)[calls.callees]
    shares = np.divide(sent, received, out=np.zeros_like(sent), where=received > 0)
    return np.asarray((calls.matrix(shares) @ np.maximum(excess, 0.0).T).T)


def _residuals(
    now: NDArray[np.float64], then: NDArray[np.float64], calls: Calls, is_known: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What a ridge regression on the callees leaves over, now and in normal times, per request."""
    own_now, own_then = now.copy(), then.copy()
    for caller in np.flatnonzero(is_known):
        callees = calls.callees[calls.starts[caller] : calls.starts[caller + 1]]
        callees = callees[is_known[callees]]
        if len(callees):
            X = then[:, callees]
            gram = X.T @ X
            penalty = RIDGE * np.diag(np.maximum(np.diag(gram), 1e-12)) / len(X)
            slopes = np.maximum(np.linalg.solve(gram + penalty, X.T @ then[:, caller]), 0.0)
            own_now[:, caller] -= np.maximum(now[:, callees], 0.0) @ slopes
            own_then[:, caller] -= np.maximum(X, 0.0) @ slopes
    return own_now, own_then
