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
    level, reference
        Shape ``(n_items,)``: mean of the incident window, and what it is compared with, in the role's unit.
    surprise
        Shape ``(n_items,)``: −ln of the probability of so much own excess in a normal window; 0 where
        there is nothing to compare.
    is_known
        Shape ``(n_items,)``: seen in the window and with enough history. Any other item is not blamed and
        explains nothing.
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
    reference: NDArray[np.float64]
    surprise: NDArray[np.float64]
    is_known: NDArray[np.bool_]
    n_normal: int
    n_as_large: NDArray[np.int64]
    counts_requests: bool

    @property
    def share(self) -> NDArray[np.float64]:
        """Own excess as a share of the largest own excess, shape ``(n_items,)``, 0 to 1."""
        positive = np.maximum(self.own, 0.0) * self.is_known
        largest = positive.max(initial=0.0)
        return positive / largest if largest > 0 else positive


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
    is_known = (np.isfinite(normal).sum(axis=0) >= MIN_NORMAL_TICKS) & np.isfinite(window).any(axis=0)
    reference = np.nan_to_num(np.fmax(median, column_median(case.before.of(role, n_items))))
    requests_now, requests_then = requests_of(case.window, calls), requests_of(case.normal, calls)
    counts = bool(np.isfinite(requests_now).any() and np.isfinite(requests_then).any())
    if counts:
        total = np.nan_to_num((window - reference) * requests_now)
        total_then = np.nan_to_num((normal - median) * requests_then)
        own_now = total - _explained(total * is_known, column_mean(requests_now), calls)
        own_then = total_then - _explained(total_then * is_known, column_mean(requests_then), calls)
        usual = np.nan_to_num(median * column_mean(requests_then))
    else:
        total = np.nan_to_num(window - reference)
        total_then = np.nan_to_num(normal - median)
        own_now, own_then = _residuals(total, total_then, calls, is_known)
        usual = np.nan_to_num(median)
    past = moving_mean(own_then, max(1, len(window)))
    own = column_mean(own_now)
    surprised = np.where(is_known & (own > 0), surprise(own, past, floor=SCALE_FLOOR * usual), 0.0)
    return OwnExcess(
        role=role,
        own=own,
        total=column_mean(total),
        level=column_mean(window),
        reference=reference,
        surprise=surprised,
        is_known=is_known,
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
    """The calls among the items of a case."""
    position = {item: index for index, item in enumerate(case.items)}
    pairs = {
        (position[edge.dependent], position[edge.dependency])
        for edge in case.graph.edges
        if edge.kind in INHERITED
    }
    edges = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
    starts = np.searchsorted(edges[:, 0], np.arange(len(case.items) + 1))
    return Calls(edges[:, 0], edges[:, 1], starts)


def requests_of(signals: Signals, calls: Calls) -> NDArray[np.float64]:
    """Requests per tick, shape ``(n_ticks, n_items)``; where none are counted, those of all callers."""
    counted = signals.of(Role.REQUESTS, calls.n_items)
    uncounted = np.isfinite(counted).sum(axis=0) == 0
    if uncounted.any() and not uncounted.all():
        from_callers = np.nan_to_num(counted) @ calls.matrix(np.ones(len(calls.callers)))
        counting_caller = ~uncounted[calls.callers]
        has_caller = np.bincount(calls.callees[counting_caller], minlength=calls.n_items) > 0
        counted = np.where(uncounted & has_caller, from_callers, counted)
    return counted


def moving_mean(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Mean of each run of ``window`` rows, shape ``(n_rows − window + 1, n_columns)``; empty if too short."""
    if len(values) < window:
        return np.empty((0, values.shape[1]))
    sums = np.cumsum(np.vstack([np.zeros((1, values.shape[1])), values]), axis=0)
    means: NDArray[np.float64] = (sums[window:] - sums[:-window]) / window
    return means


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
