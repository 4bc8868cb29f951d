"""Own excess: a service is blamed for the excess it adds, after what its dependencies explain.

Per service and tick, excess seconds are ``(latency − reference) × requests`` and excess failures
``(error ratio − reference) × requests``. What a service's callees explain, its share of each callee's
requests times the callee's positive excess, is subtracted; the rest is its own. Own excess is turned
into surprise against the same service's own past, and counts only with its share of the whole: a
loud trifle is not a cause. Where an item's latency and failures usually rise together, the lesser of
the two surprises adds little that is new, and counts by what they do not share.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from features.golden import Role
from models.cases.normal_ticks import MIN_NORMAL_TICKS
from models.evidence.arriving import arriving_at_most
from models.evidence.calls import calls_of
from models.evidence.columns import column_mean, column_median, median_and_seen
from models.evidence.far_off import is_far_off
from models.tails import past_surprise, surprise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.cases.case import Case, Signals
    from models.evidence.calls import Calls

SCALE_FLOOR = 0.02
"""Smallest scale of a tail, as a share of the usual total: 2 % of the median."""

LARGEST = np.finfo(np.float64).max

LEAST_SYMPTOM = 0.2
"""A role counts at least so much, even if the alerting item shows nothing of it."""

LEAST_SLOPE = {Role.ERRORS: 30.0}
"""Least share of its callee's failures that a caller passes on, where requests are not counted: a slope that
was learned from times without failures is 0, and yet failures pass on."""

LEAST_WHOLE = {Role.LATENCY: 0.1}
"""The whole is at least so large a share of the largest usual total: a trifle does not become the whole."""

LEAST_ASKED = 0.01
"""What is asked for in fewer of the alerting item's requests than this explains less of what they show."""

LEAST_OBSERVED = 0.5
"""A window of the past counts for an item if so large a share of its ticks holds values."""

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
    is_far
        Shape ``(n_items,)``: whose level is far from usual, whatever explains it.
    lacks_requests
        Shape ``(n_items,)``: would be known, but its requests are neither counted nor inferred.
    arriving
        Shape ``(n_items,)``: how much of an item's excess can reach the alerting item, along the calls
        between them: on its way it is never more than what each item shows.
    whole
        What all items together have to explain: the alerting item's excess or, if larger, the largest own
        that can reach it.
    n_normal
        Shape ``(n_items,)``: number of normal windows in which the item was observed.
    n_as_large
        Shape ``(n_items,)``: how many of them saw as much own excess; all where there is none now.
    counts_requests
        Whether the excess is weighted by requests; else it is the residual of a regression on the callees.
    symptom
        Surprise of what the alerting item shows in this role, its callees included; ``nan`` where it is not
        known.
    """

    role: Role
    own: NDArray[np.float64]
    total: NDArray[np.float64]
    level: NDArray[np.float64]
    usual: NDArray[np.float64]
    reference: NDArray[np.float64]
    surprise: NDArray[np.float64]
    is_known: NDArray[np.bool_]
    is_far: NDArray[np.bool_]
    lacks_requests: NDArray[np.bool_]
    arriving: NDArray[np.float64]
    whole: float
    n_normal: NDArray[np.int64]
    n_as_large: NDArray[np.int64]
    counts_requests: bool
    symptom: float = np.nan

    @cached_property
    def all_own(self) -> float:
        """Own excess of all known items together."""
        return float(np.maximum(self.own, 0.0)[self.is_known].sum())

    @cached_property
    def explains(self) -> NDArray[np.float64]:
        """What an item shows that reaches the alert, as a share of the whole; 1 where that is not known."""
        if self.whole <= 0 or not self.counts_requests:
            return np.ones(len(self.own))
        reaching = np.minimum(_positive(self.total), self.arriving) / self.whole
        return np.where(self.is_known, np.minimum(reaching, 1.0), 1.0)

    @cached_property
    def share(self) -> NDArray[np.float64]:
        """Own excess as a share of the whole, shape ``(n_items,)``, 0 to 1."""
        positive = np.where(self.is_known, np.minimum(_positive(self.own), self.arriving), 0.0)
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
    return own_excesses(case, (role,))[0]


def own_excesses(
    case: Case, roles: Sequence[Role] = (Role.LATENCY, Role.ERRORS), *, calls: Calls | None = None
) -> list[OwnExcess]:
    """Measure what each item adds to each role; calls and requests are gathered once for all of them."""
    calls = calls_of(case) if calls is None else calls
    traffic = _traffic(case, calls)
    measured = [_own_excess(case, role, calls, traffic) for role in roles]
    excesses = [excess for excess, _ in measured]
    excesses = _as_far_as_shown(excesses)
    for one, other in combinations(range(len(roles)), 2):
        pair = excesses[one], excesses[other]
        excesses[one], excesses[other] = _shared_counted_once(pair, (measured[one][1], measured[other][1]))
    return excesses


def _as_far_as_shown(excesses: Sequence[OwnExcess]) -> list[OwnExcess]:
    """Reduce each role's surprises as far as the alerting item shows less of it than of another role.

    What is to be explained is the alert: an item's few failures do not explain that its callers are slow.
    """
    largest = max((each.symptom for each in excesses if each.symptom > 0), default=0.0)
    if largest <= 0:
        return list(excesses)
    return [
        each
        if np.isnan(each.symptom)
        else replace(each, surprise=each.surprise * max(LEAST_SYMPTOM, each.symptom / largest))
        for each in excesses
    ]


@dataclass(frozen=True)
class _Past:
    """Own excess in windows of normal operation: of which items, and shape ``(n_windows, n_blamed)``.

    ``nan`` where an item was not observed.
    """

    blamed: NDArray[np.int64]
    own: NDArray[np.float64]


def _shared_counted_once(
    pair: tuple[OwnExcess, OwnExcess], pasts: tuple[_Past, _Past]
) -> tuple[OwnExcess, OwnExcess]:
    """Reduce the lesser surprise of each item by the correlation of the two in its past.

    Independent surprises may be added up, others may not (Brown, "A method for combining non-independent,
    one-sided tests of significance", Biometrics 1975): what times out is both slow and failing.
    """
    items, *columns = np.intersect1d(pasts[0].blamed, pasts[1].blamed, return_indices=True)
    if not len(items):
        return pair
    first, second = (past.own[:, column] for past, column in zip(pasts, columns, strict=True))
    shared = _correlation(past_surprise(first), past_surprise(second))
    first, second = (each.surprise.copy() for each in pair)
    is_less = first[items] < second[items]
    first[items] *= np.where(is_less, 1.0 - shared, 1.0)
    second[items] *= np.where(is_less, 1.0, 1.0 - shared)
    return replace(pair[0], surprise=first), replace(pair[1], surprise=second)


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlation of the columns of two matrices, 0 where there is none or it is negative.

    Rows that are missing in either are left out.
    """
    missing = np.isnan(first) | np.isnan(second)
    if missing.any():
        first, second = np.where(missing, np.nan, first), np.where(missing, np.nan, second)
    first, second = first - column_mean(first), second - column_mean(second)
    if missing.any():
        first, second = np.nan_to_num(first), np.nan_to_num(second)
    size = np.sqrt((first**2).sum(axis=0) * (second**2).sum(axis=0))
    covered = (first * second).sum(axis=0)
    correlation: NDArray[np.float64] = np.divide(covered, size, out=np.zeros_like(size), where=size > 0)
    return np.minimum(np.maximum(correlation, 0.0), 1.0)


@dataclass(frozen=True)
class _Traffic:
    """Requests in the window and in normal operation, and what each call's caller sends of its callee's."""

    now: NDArray[np.float64]
    then: NDArray[np.float64]
    usual: NDArray[np.float64]
    is_counted: NDArray[np.bool_]
    shares_now: NDArray[np.float64]
    shares_then: NDArray[np.float64]


def _traffic(case: Case, calls: Calls) -> _Traffic | None:
    """Requests where any are counted, in the window and in normal operation."""
    now, then = requests_of(case.window, calls), requests_of(case.normal, calls)
    mean_now, usual = column_mean(now), column_mean(then)
    seen_now, seen_then = np.isfinite(mean_now), np.isfinite(usual)
    if not (seen_now.any() and seen_then.any()):
        return None
    shares_now, shares_then = _shares(mean_now, calls), _shares(usual, calls)
    return _Traffic(now, then, usual, seen_now & seen_then, shares_now, shares_then)


def _own_excess(case: Case, role: Role, calls: Calls, traffic: _Traffic | None) -> tuple[OwnExcess, _Past]:
    n_items = len(case.items)
    window, normal = case.window.of(role, n_items), case.normal.of(role, n_items)
    level = column_mean(window)
    median, n_seen = median_and_seen(normal)
    before = case.before.of(role, n_items)
    reference = np.nan_to_num(np.fmax(median, column_median(before)) if len(before) else median)
    is_seen = (n_seen >= MIN_NORMAL_TICKS) & np.isfinite(level)
    is_known, scale = is_seen, np.nan_to_num(median)
    total, total_then = window - reference, normal - median
    if traffic is not None:
        is_known, scale = is_seen & traffic.is_counted, np.nan_to_num(median * traffic.usual)
        total *= traffic.now
        total_then *= traffic.then
    known_then = _without_missing(total_then)
    if traffic is not None:
        shares, shares_then = traffic.shares_now, traffic.shares_then
    else:
        shares = shares_then = _slopes(known_then, calls, is_known, least=LEAST_SLOPE.get(role, 0.0))
    explains = is_known[calls.callees]
    shown = np.nan_to_num(column_mean(total)) if len(total) else np.full(n_items, np.nan)
    own = shown - calls.summed(shares * explains * _positive_mean(total)[calls.callees])
    blamed = np.flatnonzero(is_known & (own > 0))  # only these are compared with their past
    own_then = total_then.T[blamed]
    own_then -= calls.matrix(shares_then * explains, callers=blamed) @ np.maximum(known_then, 0.0).T
    past = moving_mean(own_then.T, max(1, len(window)))
    surprised, n_as_large = np.zeros(n_items), np.full(n_items, len(past))
    n_normal = np.full(n_items, len(past))
    surprised[blamed] = surprise(own[blamed], past, floor=SCALE_FLOOR * scale[blamed])
    n_as_large[blamed] = (past >= own[blamed]).sum(axis=0)
    n_normal[blamed] = np.isfinite(past).sum(axis=0)
    alerting = case.items.index(case.alert.item)
    symptom = np.nan
    if is_known[alerting]:
        shown_then = moving_mean(total_then[:, [alerting]], max(1, len(window)))
        symptom = float(
            surprise(shown[[alerting]], shown_then, floor=SCALE_FLOOR * scale[[alerting]])[0]
            if shown[alerting] > 0
            else 0.0
        )
    arriving = np.full(n_items, np.inf)
    on_the_way = np.ones(n_items)
    if traffic is not None:
        arriving = arriving_at_most(np.where(is_known, _positive(shown), np.inf), calls, alerting)
        requests = np.nan_to_num(column_mean(traffic.now), nan=np.inf)
        asked = arriving_at_most(requests, calls, alerting)
        if np.isfinite(requests[alerting]) and requests[alerting] > 0:
            on_the_way = np.minimum(asked / (LEAST_ASKED * requests[alerting]), 1.0)
    whole = max(
        float((np.minimum(_positive(own), arriving) * is_known).max(initial=0.0)),
        float(_positive(shown)[alerting]),
        LEAST_WHOLE.get(role, 0.0) * float((scale * is_known).max(initial=0.0)),
    )
    excess = OwnExcess(
        role=role,
        own=own,
        total=shown,
        level=level,
        usual=median,
        reference=reference,
        surprise=surprised,
        is_known=is_known,
        is_far=is_far_off(window, normal, median),
        lacks_requests=is_seen & ~is_known,
        arriving=arriving * on_the_way,
        whole=whole,
        n_normal=n_normal,
        n_as_large=n_as_large,
        counts_requests=traffic is not None,
        symptom=symptom,
    )
    return excess, _Past(blamed, past)


def _without_missing(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values with 0 in place of what is missing; the values themselves where nothing is."""
    if np.isfinite(values.sum()):
        return values
    return np.where(np.isfinite(values), values, 0.0)


def requests_of(signals: Signals, calls: Calls) -> NDArray[np.float64]:
    """Requests per tick, shape ``(n_ticks, n_items)``; where none are counted, those of all callers.

    Inferred counts serve the callees' callees in turn; an item that no counted item leads to stays
    ``nan``, and so does a tick in which none of its callers was observed.
    """
    counted = signals.of(Role.REQUESTS, calls.n_items)
    uncounted = np.isfinite(counted).sum(axis=0) == 0
    while uncounted.any():
        from_counted = ~uncounted[calls.callers]
        inferred = uncounted & (np.bincount(calls.callees[from_counted], minlength=calls.n_items) > 0)
        if not inferred.any():
            break
        edges = calls.matrix(np.ones(len(calls.callers)))
        from_callers = np.nan_to_num(counted) @ edges
        missing = np.isnan(counted[:, ~uncounted])
        if missing.any():
            from_callers[np.isfinite(counted) @ edges == 0] = np.nan  # no caller was observed
        counted = np.where(inferred, from_callers, counted)
        uncounted = uncounted & ~inferred
    return counted


def moving_mean(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Mean of each run of ``window`` rows, shape ``(n_rows − window + 1, n_columns)``; empty if too short.

    Missing values are left out of the mean; a run with fewer values than `LEAST_OBSERVED` gives ``nan``.
    """
    n_rows, n_columns = values.shape
    if n_rows < window:
        return np.empty((0, n_columns))
    columns = values.T
    if np.isfinite(values.sum()):
        return (_run_sums(columns, window) / window).T
    seen = np.isfinite(columns)
    n_seen = _run_sums(seen, window)
    sums = _run_sums(np.where(seen, columns, 0.0), window)
    means = np.full(sums.shape, np.nan)
    np.divide(sums, n_seen, out=means, where=n_seen >= max(LEAST_OBSERVED * window, 1.0))
    return means.T


def _run_sums(rows: NDArray[np.float64] | NDArray[np.bool_], window: int) -> NDArray[np.float64]:
    """Sum of each run of ``window`` values of each row."""
    sums = np.zeros((len(rows), rows.shape[1] + 1))
    np.cumsum(rows, axis=1, out=sums[:, 1:])
    runs: NDArray[np.float64] = sums[:, window:] - sums[:, :-window]
    return runs


def _positive(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values above 0; what is missing or below counts as 0."""
    return np.minimum(np.fmax(values, 0.0), LARGEST)


def _positive_mean(excess: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the observed ticks of what is above 0, shape ``(n_items,)``; 0 without any."""
    return np.nan_to_num(column_mean(np.maximum(excess, 0.0)))


def _shares(requests: NDArray[np.float64], calls: Calls) -> NDArray[np.float64]:
    """What part of its callee's requests each call's caller sends, by the mean requests of all callers."""
    sent = np.nan_to_num(requests)[calls.callers]
    received = np.bincount(calls.callees, weights=sent, minlength=calls.n_items)[calls.callees]
    return np.divide(sent, received, out=np.zeros_like(sent), where=received > 0)


def _slopes(
    then: NDArray[np.float64], calls: Calls, is_known: NDArray[np.bool_], *, least: float
) -> NDArray[np.float64]:
    """What a ridge regression in normal times gives each call of its callee's excess, per request."""
    slopes = np.zeros(len(calls.callees))
    for caller in np.flatnonzero(is_known):
        edges = np.arange(calls.starts[caller], calls.starts[caller + 1])
        edges = edges[is_known[calls.callees[edges]]]
        if len(edges):
            X = then[:, calls.callees[edges]]
            gram = X.T @ X
            penalty = RIDGE * np.diag(np.maximum(np.diag(gram), 1e-12)) / len(X)
            slopes[edges] = np.maximum(np.linalg.solve(gram + penalty, X.T @ then[:, caller]), least)
    return slopes
