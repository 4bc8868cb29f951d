"""Figures of a detector on time it has not learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.paging.thresholds import pages_of, series_weeks
from training.intervals import poisson_interval, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from training.splits import LabelledAnomaly

QUANTILES = {"score_median": 0.5, "score_q99": 0.99, "score_q999": 0.999}


def page_figures(pages: NDArray[np.bool_], weeks: float) -> dict[str, float]:
    """Rate of pages per series and week, with its interval; empty if nothing was scored.

    The interval assumes independent pages, so it is too narrow for faults that affect many series.
    """
    if not weeks:
        return {}
    count = int(np.count_nonzero(pages))
    low, high = poisson_interval(count)
    return {
        "false_pages_per_week": count / weeks,
        "false_pages_per_week_low": low / weeks,
        "false_pages_per_week_high": high / weeks,
    }


def normal_figures(
    scores: NDArray[np.floating],
    times_ms: NDArray[np.int64],
    *,
    step_ms: int,
    threshold: float,
    is_sparse: NDArray[np.bool_],
) -> dict[str, float]:
    """Figures on normal operation, where every page is false.

    Parameters
    ----------
    scores
        Shape ``(n_ticks, n_series)``; ``nan`` where unscored.
    times_ms, step_ms
        Start of each tick, and their spacing.
    threshold, is_sparse
        As for `models.paging.thresholds.page_step`.
    """
    weeks = series_weeks(scores, step_ms)
    figures = {
        "series_weeks": weeks,
        "scored_share": float(np.isfinite(scores).mean()) if scores.size else 0.0,
    }
    if weeks:
        pages = pages_of(scores, times_ms, threshold=threshold, is_sparse=is_sparse)
        figures |= page_figures(pages, weeks)
        seen = scores[np.isfinite(scores)]
        levels = np.quantile(seen, list(QUANTILES.values()))
        figures |= dict(zip(QUANTILES, map(float, levels), strict=True))
    return figures


def recall_figures(
    pages: NDArray[np.bool_],
    times_ms: NDArray[np.int64],
    items: Sequence[str],
    labels: Sequence[LabelledAnomaly],
) -> dict[str, float]:
    """Share of the labelled anomalies within the ticks that contain at least one page, and the delay.

    Parameters
    ----------
    pages
        Shape ``(n_ticks, n_series)``.
    times_ms
        Start of each tick.
    items
        The item of each series.
    labels
        The anomalies; those outside the ticks do not count.
    """
    columns: dict[str, list[int]] = {}
    for column, item in enumerate(items):
        columns.setdefault(item, []).append(column)
    delays_s, n = [], 0
    for label in labels:
        first, last = np.searchsorted(times_ms, [label.start_ms, label.end_ms])
        own = columns.get(label.item)
        if first == last or own is None:
            continue
        n += 1
        found = np.flatnonzero(pages[first:last, own].any(axis=1))
        if len(found):
            delays_s.append((times_ms[first + found[0]] - label.start_ms) / 1000)
    if not n:
        return {}
    low, high = wilson_interval(len(delays_s), n)
    figures = {"recall_events": len(delays_s) / n, "recall_events_low": low, "recall_events_high": high}
    if delays_s:
        figures["delay_median"] = float(np.median(delays_s))
    return figures


def renamed(figures: Mapping[str, float], prefix: str) -> dict[str, float]:
    """Return the same figures, each name with a prefix."""
    return {f"{prefix}_{name}": value for name, value in figures.items()}
