"""Turns counters, which only rise, into the rates that detectors and rankers read.

A metric is a counter if its name, without labels, ends in ``_total``, as OpenMetrics demands of counters and
of nothing else (IETF draft "OpenMetrics", 2020, section "Counter"), or as the buckets, counts and sums of
histograms and summaries do: in ``_bucket``, or in ``_count`` or ``_sum`` behind a unit. A counter that falls
was reset: its rise at that tick is unknown, so the tick is missing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from telemetry.batches import SeriesKey

COUNTER_ENDING = "_total"

OF_HISTOGRAM = re.compile(
    r"_bucket$|_(seconds|milliseconds|microseconds|ms|bytes|duration|latency|size|time)_(count|sum)$"
)
"""Endings of what a histogram or a summary counts; without a unit before it ``_count`` may be a gauge."""

LOOK_BACK_MS = 600_000
"""A rise over a longer time does not describe a tick: a series silent for so long is stale."""

COUNTERS_AT_ONCE = 256


def is_counter(metric: str) -> bool:
    """Whether a metric is a counter, by its name.

    >>> is_counter("orders_total"), is_counter('orders_total{code="200"}'), is_counter("memory_ratio")
    (True, True, False)
    >>> is_counter("http_request_duration_seconds_count"), is_counter("thread_count")
    (True, False)
    """
    name = metric.partition("{")[0]
    return name.endswith(COUNTER_ENDING) or OF_HISTOGRAM.search(name) is not None


def look_back(step_ms: int) -> int:
    """Number of earlier ticks in which to look for the previous value, at least 1."""
    return max(1, LOOK_BACK_MS // step_ms)


def put_rates(values: NDArray[np.floating], keys: Sequence[SeriesKey], *, step_ms: int) -> None:
    """Replace counters by their `rates` in place, since memory does not hold a long frame twice.

    Parameters
    ----------
    values
        Shape ``(n_ticks, n_series)``; the columns of counters are overwritten.
    keys
        One per column.
    step_ms
        Spacing of the ticks.
    """
    counters = [column for column, key in enumerate(keys) if is_counter(key.metric)]
    for first in range(0, len(counters), COUNTERS_AT_ONCE):
        columns = counters[first : first + COUNTERS_AT_ONCE]
        values[:, columns] = rates(values[:, columns], step_ms=step_ms)


@np.errstate(over="ignore")
def rates(counts: NDArray[np.floating], *, step_ms: int) -> NDArray[np.floating]:
    """Mean rise per second of each counter since its last value before each tick.

    Parameters
    ----------
    counts
        Shape ``(n_ticks, n_series)``; ``nan`` is missing.
    step_ms
        Spacing of the ticks.

    Returns
    -------
    The same shape; ``nan`` where there is no value, where there was none in the ten minutes before, and
    where the counter fell.

    Examples
    --------
    >>> rates(np.array([[100.0], [160.0], [np.nan], [400.0], [20.0]]), step_ms=60_000).ravel()
    array([nan,  1., nan,  2., nan])
    """
    n_ticks, n_series = counts.shape
    if not n_ticks:
        return counts
    ticks = np.arange(n_ticks)[:, None]
    last = np.maximum.accumulate(np.where(np.isnan(counts), -1, ticks), axis=0)
    before = np.vstack([np.full((1, n_series), -1), last[:-1]])
    n_apart = ticks - before
    rises = counts - np.take_along_axis(counts, np.maximum(before, 0), axis=0)
    is_known = (before >= 0) & (n_apart <= look_back(step_ms)) & (rises >= 0)
    return np.where(is_known, rises / (n_apart * (step_ms / 1000)), np.nan)
