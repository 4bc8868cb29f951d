"""What histograms say about the time between two of them: mean and quantiles.

Quantiles are those of Prometheus's ``histogram_quantile`` (documentation of query functions): linear within a
bucket of explicit bounds, and exponential within one of a native histogram.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from telemetry.histograms import Buckets, HistogramPoint

if TYPE_CHECKING:
    from collections.abc import Mapping

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
"""The quantiles that are read, by the endings of their metrics."""


def rise(before: HistogramPoint, after: HistogramPoint) -> HistogramPoint | None:
    """The observations between two histograms that count on; ``None`` if the counters were reset between.

    Without buckets that can be compared, its buckets are ``None``.
    """
    count = after.n_observed - before.n_observed
    if count < 0:
        return None
    if before.buckets is None or after.buckets is None:
        return after._replace(n_observed=count, total=after.total - before.total, buckets=None)
    has_other_layout = before.buckets.is_exponential != after.buckets.is_exponential or (
        not after.buckets.is_exponential and before.buckets.counts.keys() != after.buckets.counts.keys()
    )
    if has_other_layout:
        return after._replace(n_observed=count, total=after.total - before.total, buckets=None)
    counts = dict(after.buckets.counts)
    for bounds, n_before in before.buckets.counts.items():
        counts[bounds] = counts.get(bounds, 0.0) - n_before
    if min(counts.values(), default=0.0) < 0:
        return None
    buckets = Buckets(counts, after.buckets.is_exponential)
    return after._replace(n_observed=count, total=after.total - before.total, buckets=buckets)


def plus(before: HistogramPoint, delta: HistogramPoint) -> HistogramPoint:
    """The running total after an interval's observations."""
    buckets = delta.buckets
    if before.buckets is not None and buckets is not None:
        counts = dict(before.buckets.counts)
        for bounds, n_more in buckets.counts.items():
            counts[bounds] = counts.get(bounds, 0.0) + n_more
        buckets = Buckets(counts, buckets.is_exponential)
    return delta._replace(
        n_observed=before.n_observed + delta.n_observed,
        total=before.total + delta.total,
        buckets=buckets,
        is_delta=False,
    )


def described(observed: HistogramPoint) -> dict[str, float]:
    """Mean and quantiles of some observations by the ending of their metric; empty without any.

    >>> buckets = Buckets({(-math.inf, 0.1): 50.0, (0.1, 0.2): 50.0, (0.2, math.inf): 0.0})
    >>> described(HistogramPoint(None, 0, 100.0, 9.0, buckets))
    {'mean': 0.09, 'p50': 0.1, 'p95': 0.19, 'p99': 0.198}
    """
    if not observed.n_observed > 0:
        return {}
    found = {"mean": observed.total / observed.n_observed}
    if observed.buckets is not None:
        found |= {ending: quantile(observed.buckets, share) for ending, share in QUANTILES.items()}
    return {ending: value for ending, value in found.items() if math.isfinite(value)}


def quantile(buckets: Buckets, share: float) -> float:
    """The value that a share of the observations does not exceed; ``nan`` without any.

    In a bucket without an upper bound it is the lower bound, and in one without a lower bound the upper,
    unless that is positive: then values are taken to begin at 0.
    """
    ranges = sorted((bounds, count) for bounds, count in buckets.counts.items() if count > 0)
    rank = share * sum(count for _, count in ranges)
    has_negative = any(lower < 0 and upper <= 0 for (lower, upper), _ in ranges)
    for (lower, upper), count in ranges:
        if count >= rank:
            if not buckets.is_exponential:
                return _linear(0.0 if lower == -math.inf and upper > 0 else lower, upper, rank / count)
            if lower < 0 < upper:
                return _linear(lower if has_negative else 0.0, upper, rank / count)
            return _exponential(lower, upper, rank / count)
        rank -= count
    return _highest(buckets.counts)


def _linear(lower: float, upper: float, share: float) -> float:
    if math.isinf(upper):
        return lower
    return upper if math.isinf(lower) else lower + (upper - lower) * share


def _exponential(lower: float, upper: float, share: float) -> float:
    if math.isinf(upper):
        return lower
    if math.isinf(lower):
        return upper
    if lower >= 0:
        return upper * share if lower == 0 else float(lower * (upper / lower) ** share)
    return lower * (1 - share) if upper == 0 else float(lower * (upper / lower) ** share)


def _highest(counts: Mapping[tuple[float, float], float]) -> float:
    """The upper end of the highest bucket with observations: what rounding leaves for a rank beyond all."""
    filled = [bounds for bounds, count in counts.items() if count > 0]
    if not filled:
        return math.nan
    lower, upper = max(filled)
    return lower if math.isinf(upper) else upper
