"""From scores to pages: a threshold that stays within a page budget, and a governor for restless series.

A series pages when its score passes the threshold for the first time in ten minutes. Each page raises that
series' own threshold a little, and quiet time lowers it again. This caps how often one series can page:
sparse counters and coarsely quantised series would exceed any constant threshold too often.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.state import NEVER_MS

if TYPE_CHECKING:
    from numpy.typing import NDArray

WEEK_MS = 7 * 86_400_000
QUIET_MS = 600_000
PAGE_RISE, PAGES_A_WEEK = 0.1, 7.0
SPARSE_RISE, SPARSE_PAGES_A_WEEK = 0.4, 1.0
LEAST_THRESHOLD = 3.0
HALVINGS = 24


@dataclass(frozen=True)
class PageState:
    """The governor's memory; both arrays have shape ``(n_series,)``.

    Attributes
    ----------
    tick_ms
        Start of the last tick consumed.
    exceeded_ms
        Start of the last tick over the threshold.
    height
        Logarithm of the factor that raises the series' own threshold; 0 leaves it unchanged.
    """

    tick_ms: int
    exceeded_ms: NDArray[np.int64]
    height: NDArray[np.float64]


def initial_pages(n_series: int) -> PageState:
    """Return the memory before the first tick."""
    return PageState(NEVER_MS, np.full(n_series, NEVER_MS, dtype=np.int64), np.zeros(n_series))


def page_step(
    state: PageState,
    tick_ms: int,
    scores: NDArray[np.floating],
    *,
    threshold: float | NDArray[np.float64],
    is_sparse: NDArray[np.bool_],
) -> tuple[PageState, NDArray[np.bool_]]:
    """Find the series that page at a tick.

    Parameters
    ----------
    state
        The memory before the tick; it is not changed.
    tick_ms
        Start of the tick.
    scores
        Shape ``(n_series,)``; ``nan`` never pages.
    threshold
        The score above which a sample is anomalous: one number for all series, or shape ``(n_series,)``.
    is_sparse
        Shape ``(n_series,)``: series of which one value makes up nine tenths of history; they page at most
        once a week.

    Returns
    -------
    The memory after the tick, and whether each series pages, shape ``(n_series,)``.
    """
    rise = np.where(is_sparse, SPARSE_RISE, PAGE_RISE)
    fall_per_week = rise * np.where(is_sparse, SPARSE_PAGES_A_WEEK, PAGES_A_WEEK)
    weeks = 0.0 if state.tick_ms == NEVER_MS else (tick_ms - state.tick_ms) / WEEK_MS
    height = np.maximum(state.height - weeks * fall_per_week, 0.0)
    is_over = scores > threshold * np.exp(height)
    pages = is_over & (tick_ms - state.exceeded_ms > QUIET_MS)
    exceeded_ms = np.where(is_over, tick_ms, state.exceeded_ms)
    return PageState(tick_ms, exceeded_ms, np.where(pages, height + rise, height)), pages


def pages_of(
    scores: NDArray[np.floating],
    times_ms: NDArray[np.int64],
    *,
    threshold: float,
    is_sparse: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Fold `page_step` over scores of shape ``(n_ticks, n_series)``; return the same shape."""
    state = initial_pages(scores.shape[1])
    pages = np.zeros(scores.shape, dtype=bool)
    for tick in np.flatnonzero((scores > threshold).any(axis=1)).tolist():  # no other tick changes a page
        state, pages[tick] = page_step(
            state, int(times_ms[tick]), scores[tick], threshold=threshold, is_sparse=is_sparse
        )
    return pages


def series_weeks(scores: NDArray[np.floating], step_ms: int) -> float:
    """Scored time in weeks of one series: the denominator of every page rate."""
    return float(np.count_nonzero(np.isfinite(scores))) * step_ms / WEEK_MS


def threshold_for_budget(
    scores: NDArray[np.floating],
    times_ms: NDArray[np.int64],
    *,
    step_ms: int,
    budget_per_week: float,
    is_sparse: NDArray[np.bool_],
    least: float = LEAST_THRESHOLD,
) -> float:
    """Lowest threshold at which normal operation pages no more often than the budget allows.

    Parameters
    ----------
    scores
        Shape ``(n_ticks, n_series)``, of normal operation that no fit has used; ``nan`` where unscored.
    times_ms, step_ms
        Start of each tick, and their spacing.
    budget_per_week
        Accepted false pages per series and week.
    is_sparse
        Shape ``(n_series,)``, as for `page_step`.
    least
        The threshold is not below this, however low the scores are.

    Returns
    -------
    A threshold from ``least`` to the largest score; ``least`` if nothing was scored.
    """
    allowed = budget_per_week * series_weeks(scores, step_ms)
    is_near = (scores > least).any(axis=1)
    scores, times_ms = scores[is_near], times_ms[is_near]

    def is_within_budget(threshold: float) -> bool:
        pages = pages_of(scores, times_ms, threshold=threshold, is_sparse=is_sparse)
        return bool(np.count_nonzero(pages) <= allowed)

    if is_within_budget(least):
        return least
    low, high = least, float(np.nanmax(scores))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_within_budget(middle) else (middle, high)
    return high
