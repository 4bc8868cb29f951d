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
    window, normal = case.window.of(role, n_items), case.normal.of(role, n_items)
    median = _median(normal)
    is_known = (np.isfinite(normal).sum(axis=0) >= MIN_NORMAL_TICKS) & np.isfinite(window).any(axis=0)
    reference = np.nan_to_num(np.fmax(median, _median(case.before.of(role, n_items))))
    level = _mean(window)
    callers = caller_matrix(case)
    requests_now, requests_then = requests_of(case.window, callers), requests_of(case.normal, callers)
    counts = bool(np.isfinite(requests_now).any() and np.isfinite(requests_then).any())
    if counts:
        own_now, total_now = _added(window - reference, requests_now, callers, is_known)
        own_then, _ = _added(normal - median, requests_then, callers, is_known)
        usual = np.nan_to_num(median * _mean(requests_then))
    else:
        own_now, own_then = _residuals(window - reference, normal - median, callers, is_known)
        total_now = np.nan_to_num(window - reference)
        usual = np.nan_to_num(median)
    past = moving_mean(own_then, max(1, len(window)))
    own = _mean(own_now)
    surprised = np.where(is_known & (own > 0), surprise(own, past, floor=SCALE_FLOOR * usual), 0.0)
    return OwnExcess(
        role=role,
        own=own,
        total=_mean(total_now),
        level=level,
        reference=reference,
        surprise=surprised,
        is_known=is_known,
        n_normal=len(past),
        counts_requests=counts,
    )


def caller_matrix(case: Case) -> sparse.csr_array:
    """Who calls whom: ``(n_items, n_items)``, 1 where the row's item calls the column's."""
    position = {item: index for index, item in enumerate(case.items)}
    edges = sorted({(edge.dependent, edge.dependency) for edge in case.graph.edges if edge.kind in INHERITED})
    rows = [position[caller] for caller, _ in edges]
    columns = [position[callee] for _, callee in edges]
    return sparse.csr_array((np.ones(len(edges)), (rows, columns)), shape=(len(case.items),) * 2)


def requests_of(signals: Signals, callers: sparse.csr_array) -> NDArray[np.float64]:
    """Requests per tick, shape ``(n_ticks, n_items)``; where none are counted, those of all callers."""
    counted = signals.of(Role.REQUESTS, callers.shape[0])
    uncounted = ~np.isfinite(counted).any(axis=0)
    if uncounted.any() and not uncounted.all():
        from_callers = np.nan_to_num(counted) @ callers
        has_callers = np.asarray(callers[~uncounted].sum(axis=0)).ravel() > 0
        counted = np.where(uncounted & has_callers, from_callers, counted)
    return counted


def moving_mean(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Mean of each run of ``window`` rows, shape ``(n_rows − window + 1, n_columns)``; empty if too short."""
    if len(values) < window:
        return np.empty((0, values.shape[1]))
    sums = np.cumsum(np.vstack([np.zeros((1, values.shape[1])), values]), axis=0)
    means: NDArray[np.float64] = (sums[window:] - sums[:-window]) / window
    return means


def _added(
    above: NDArray[np.float64],
    requests: NDArray[np.float64],
    callers: sparse.csr_array,
    is_known: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Own and total excess per tick, both ``(n_ticks, n_items)``; a missing tick adds nothing."""
    total = np.nan_to_num(above * requests)
    weights = callers.multiply(np.nan_to_num(_mean(requests))[:, None]).tocsr()
    received = np.asarray(weights.sum(axis=0)).ravel()
    inverse = np.divide(1.0, received, out=np.zeros_like(received), where=received > 0)
    share_of_callee = weights.multiply(inverse[None, :]).tocsr()
    explained = np.asarray((share_of_callee @ (np.maximum(total, 0.0) * is_known).T).T)
    return total - explained, total


def _residuals(
    now: NDArray[np.float64],
    then: NDArray[np.float64],
    callers: sparse.csr_array,
    is_known: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What a ridge regression on the callees leaves over, now and in normal times, per request."""
    now, then = np.nan_to_num(now), np.nan_to_num(then)
    own_now, own_then = now.copy(), then.copy()
    for caller in range(len(is_known)):
        callees = callers.indices[callers.indptr[caller] : callers.indptr[caller + 1]]
        callees = callees[is_known[callees]]
        if len(callees) and is_known[caller]:
            X = then[:, callees]
            gram = X.T @ X
            penalty = RIDGE * np.diag(np.maximum(np.diag(gram), 1e-12)) / max(len(X), 1)
            slopes = np.linalg.solve(gram + penalty, X.T @ then[:, caller])
            own_now[:, caller] -= np.maximum(now[:, callees], 0.0) @ np.maximum(slopes, 0.0)
            own_then[:, caller] -= np.maximum(X, 0.0) @ np.maximum(slopes, 0.0)
    return own_now, own_then


def _median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median of each column, ``nan`` where nothing was seen."""
    seen = np.isfinite(values).any(axis=0)
    medians = np.full(values.shape[1], np.nan)
    if seen.any():
        medians[seen] = np.nanmedian(values[:, seen], axis=0)
    return medians


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of each column, ``nan`` where nothing was seen."""
    n_seen = np.isfinite(values).sum(axis=0)
    means = np.full(values.shape[1], np.nan)
    np.divide(np.nansum(values, axis=0), n_seen, out=means, where=n_seen > 0)
    return means
