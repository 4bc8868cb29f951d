"""The map from a threshold to the false pages it costs, learned on some series and used for others.

One constant threshold on a well-normalised score beats a tail fitted to each series: real anomalies come
several times a week and sit in the very tail that would be fitted. Every count is taken with the governor
at work, as the service would have paged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.thresholds import WEEK_MS, pages_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

PAGES_KEPT = 0.5
"""False pages added to each count, so that a threshold that nothing passed is not taken for free."""


@dataclass(frozen=True)
class PageCounts:
    """False pages of one series at each of some thresholds.

    Attributes
    ----------
    thresholds
        Shape ``(n,)``, rising.
    pages
        Shape ``(n,)``: false pages at each.
    weeks
        Weeks of the series that were counted.
    """

    thresholds: NDArray[np.float64]
    pages: NDArray[np.float64]
    weeks: float


def count_pages(
    scores: NDArray[np.floating],
    times_ms: NDArray[np.int64],
    *,
    step_ms: int,
    is_normal: NDArray[np.bool_],
    is_sparse: bool,
    thresholds: NDArray[np.float64],
) -> PageCounts:
    """Count the pages of one series on normal points at each threshold.

    Parameters
    ----------
    scores, times_ms
        Shape ``(n_ticks,)``; ``nan`` where unscored.
    step_ms
        Spacing of the ticks.
    is_normal
        Shape ``(n_ticks,)``: nothing was wrong, and a page is a false one.
    is_sparse
        As for `models.thresholds.page_step`.
    thresholds
        Shape ``(n,)``, rising.
    """
    sparse, column = np.array([is_sparse]), scores[:, None].astype(np.float64)
    pages = [
        np.count_nonzero(
            pages_of(column, times_ms, threshold=float(each), is_sparse=sparse)[:, 0] & is_normal
        )
        for each in thresholds
    ]
    weeks = float(np.count_nonzero(np.isfinite(scores) & is_normal)) * step_ms / WEEK_MS
    return PageCounts(thresholds, np.array(pages, dtype=np.float64), weeks)


def threshold_for_rate(counts: Iterable[PageCounts], pages_per_week: float) -> float:
    """Threshold at which a series is expected to page falsely so often a week.

    Between two thresholds the rate is taken to fall as a power; beyond the last one as it did before it.

    Parameters
    ----------
    counts
        Of series to learn from, all at the same thresholds.
    pages_per_week
        False pages that are accepted per series and week.

    Raises
    ------
    ValueError
        If there is no series, or no time was counted.
    """
    counts = list(counts)
    weeks = sum(each.weeks for each in counts)
    if not weeks:
        raise ValueError("no time was counted, so nothing is known of false pages")
    thresholds = counts[0].thresholds
    rates = (sum((each.pages for each in counts), np.zeros(len(thresholds))) + PAGES_KEPT) / weeks
    rates = np.maximum.accumulate(rates[::-1])[::-1]  # a higher threshold never costs more
    steady = np.append(np.diff(rates) < 0, True)
    levels, log_rates = np.log(thresholds[steady]), np.log(rates[steady])
    return float(np.exp(np.interp(-np.log(pages_per_week), -log_rates, levels)))
