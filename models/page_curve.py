"""How often a series pages falsely at a threshold, from counts; read both ways, and beyond what was counted.

A budget of one page over fifty series lies far out in the tail, where little was counted: beyond the last
threshold that still paged a few times the rate is taken to fall as a power of the threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST_PAGES = 5
"""A threshold that fewer pages passed in training says little of its own rate."""

TENFOLD = 10.0
LEAST_FALL, LARGEST_FALL = 1.0, 3.0
"""Bounds of the power by which the rate falls beyond what was counted; 3 was seen on labelled KPIs."""

LEAST_WEEKS = 1e-9


@dataclass(frozen=True)
class PageCurve:
    """False pages per series and week by threshold.

    Attributes
    ----------
    levels, log_rates
        Shape ``(n,)``, at least one: logarithms of thresholds, rising, and of their rates, falling.
    fall
        Power by which the rate falls beyond the last threshold.
    """

    levels: NDArray[np.float64]
    log_rates: NDArray[np.float64]
    fall: float

    def rate(self, threshold: float) -> float:
        """False pages per series and week to be expected at a threshold; never more at a higher one."""
        beyond = max(0.0, float(np.log(threshold) - self.levels[-1]))
        within = float(np.interp(np.log(threshold), self.levels, self.log_rates))
        return float(np.exp(within - self.fall * beyond))

    def threshold_for(self, pages_per_week: float) -> float:
        """Threshold at which a series is expected to page falsely so often a week, a positive number.

        It is not below the first threshold that was counted, however many pages are accepted.
        """
        wanted = float(np.log(pages_per_week))
        if wanted >= self.log_rates[-1]:
            return float(np.exp(np.interp(-wanted, -self.log_rates, self.levels)))
        return float(np.exp(self.levels[-1] + (self.log_rates[-1] - wanted) / self.fall))


def page_curve(thresholds: NDArray[np.float64], pages: NDArray[np.integer], weeks: float) -> PageCurve:
    """Learn the curve from counts.

    Parameters
    ----------
    thresholds
        Shape ``(n,)``, positive and rising.
    pages
        Shape ``(n,)``: false pages at each, over all the series.
    weeks
        Weeks of one series that were counted.

    Examples
    --------
    >>> curve = page_curve(np.array([4.0, 8.0]), np.array([80, 10]), weeks=10.0)
    >>> round(curve.rate(8.0), 3), round(curve.rate(16.0), 3), round(curve.threshold_for(0.125), 3)
    (1.0, 0.125, 16.0)
    """
    total = np.maximum.accumulate(pages[::-1].astype(np.float64))[::-1]  # a higher threshold never costs more
    n_counted = max(1, int(np.count_nonzero(total >= FEWEST_PAGES)))
    counted = np.maximum(total[:n_counted], FEWEST_PAGES)
    is_last = np.append(np.diff(counted) < 0, True)
    levels, log_rates = np.log(thresholds[:n_counted][is_last]), np.log(counted[is_last])
    return PageCurve(levels, log_rates - np.log(max(weeks, LEAST_WEEKS)), _fall(levels, log_rates))


def _fall(levels: NDArray[np.float64], log_rates: NDArray[np.float64]) -> float:
    """Power by which the rate fell over its last tenfold, as far as it was counted."""
    is_near = log_rates <= log_rates[-1] + np.log(TENFOLD)
    first = max(0, int(np.argmax(is_near)) - 1)
    if first == len(levels) - 1:
        return LEAST_FALL
    slope = (log_rates[first] - log_rates[-1]) / (levels[-1] - levels[first])
    return float(np.clip(slope, LEAST_FALL, LARGEST_FALL))
