"""Pages against labelled anomalies: anomalies found in time, and false pages.

An anomaly counts once and is found if a page falls within its first points; every page on a normal point is
a false page. Nothing is point-adjusted: if a page anywhere in an anomaly counted for all its points, a
random score would reach .97.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

WITHIN_POINTS = 7
WEEK_MS = 7 * 86_400_000


@dataclass(frozen=True)
class EventCounts:
    """Event counts of the pages of one series.

    Attributes
    ----------
    found, events
        Anomalies found within their first points, and all anomalies.
    false_pages
        Pages on normal points.
    weeks
        Judged weeks of the series.
    delays
        Points from onset to first page, for every anomaly that was paged at all, however late.
    """

    found: int
    events: int
    false_pages: int
    weeks: float
    delays: tuple[int, ...]
    pages: int


def segments(labels: NDArray[np.bool_]) -> NDArray[np.int64]:
    """First and last index, both included, of every run of true, shape ``(n_runs, 2)``.

    >>> segments(np.array([False, True, True, False, True])).tolist()
    [[1, 2], [4, 4]]
    """
    edges = np.diff(np.concatenate([[0], labels.astype(np.int8), [0]]))
    return np.stack([np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1], axis=1)


def count_events(
    pages: NDArray[np.bool_], labels: NDArray[np.bool_], *, step_ms: int, within: int = WITHIN_POINTS
) -> EventCounts:
    """Count the events of one series.

    Parameters
    ----------
    pages, labels
        Shape ``(n_ticks,)``: a page was raised, an anomaly is labelled.
    step_ms
        Spacing of the ticks.
    within
        An anomaly is found if a page falls within this many of its first points.
    """
    at = np.flatnonzero(pages)
    found, delays = 0, []
    runs = segments(labels)
    for first, last in runs:
        place = np.searchsorted(at, first)
        if place < len(at) and at[place] <= last:
            delay = int(at[place] - first)
            delays.append(delay)
            found += delay < within
    false_pages = int(np.count_nonzero(pages & ~labels))
    weeks = len(labels) * step_ms / WEEK_MS
    return EventCounts(found, len(runs), false_pages, weeks, tuple(delays), len(at))


def event_f1(counts: Iterable[EventCounts]) -> float:
    """F1 over the events of all series together; 0 if there are no anomalies and no pages."""
    counts = list(counts)
    found = sum(each.found for each in counts)
    missed = sum(each.events for each in counts) - found
    wrong = sum(each.false_pages for each in counts)
    return 2 * found / max(1, 2 * found + wrong + missed)


def f1_interval(counts: Iterable[EventCounts], *, seed: int = 0, n_draws: int = 2000) -> tuple[float, float]:
    """95 % interval of the F1 from a bootstrap over series, because events within a series are dependent."""
    table = np.array([[each.found, each.events, each.false_pages] for each in counts], dtype=float)
    drawn = np.random.default_rng(seed).integers(len(table), size=(n_draws, len(table)))
    found, events, wrong = np.moveaxis(table[drawn].sum(axis=1), 1, 0)
    low, high = np.quantile(2 * found / np.maximum(1, found + events + wrong), [0.025, 0.975])
    return float(low), float(high)


def rate_interval(
    counts: Iterable[EventCounts], *, seed: int = 0, n_draws: int = 2000
) -> tuple[float, float]:
    """95 % interval of false pages per series-week, from a bootstrap over series."""
    table = np.array([[each.false_pages, each.weeks] for each in counts])
    drawn = np.random.default_rng(seed).integers(len(table), size=(n_draws, len(table)))
    wrong, weeks = np.moveaxis(table[drawn].sum(axis=1), 1, 0)
    low, high = np.quantile(wrong / weeks, [0.025, 0.975])
    return float(low), float(high)
