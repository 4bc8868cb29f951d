"""Histograms as senders give them: observations by size, complete at an instant."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry.batches import SeriesKey


class Buckets(NamedTuple):
    """Observations by size; each is in one bucket.

    Attributes
    ----------
    counts
        Number of observations by ``(lower, upper)`` bounds in the unit of the metric, not above the upper
        one and above the lower one. The outermost bounds may be infinite.
    is_exponential
        Whether a bucket that is not listed is empty, and values within one are spread evenly on a
        logarithmic scale. If not, all buckets are listed, and values are spread evenly.
    """

    counts: Mapping[tuple[float, float], float]
    is_exponential: bool = False


class HistogramPoint(NamedTuple):
    """A complete histogram at an instant.

    Attributes
    ----------
    whole
        The item, and the metric that the histogram is of.
    time_ms
        The instant, or the end of the interval.
    n_observed, total
        Number and sum of the observations; the sum is ``nan`` where unknown.
    buckets
        The observations by size; ``None`` where unknown.
    start_ms
        Since when it counts; 0 if the sender does not say.
    is_delta
        Whether it holds only the observations since ``start_ms``, and not all since its counters began.
    """

    whole: SeriesKey
    time_ms: int
    n_observed: float
    total: float
    buckets: Buckets | None
    start_ms: int = 0
    is_delta: bool = False
