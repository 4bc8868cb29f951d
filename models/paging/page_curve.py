"""False pages of a series by threshold, from counts: read in both directions, and beyond the counts.

A budget of one page over fifty series lies far out in the tail, where counts are small. Beyond the last
threshold that enough pages passed, the rate is assumed to fall as a power of the threshold. The power is
Hill's estimate ("A simple general approach to inference about the tail of a distribution", Annals of
Statistics 1975). A prior pulls it towards the usual power, so that a few pages cannot make a tail that never
ends or ends at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST_PAGES = 50
"""With fewer pages, the tail before a threshold predicts its rate better than its own count does."""

USUAL_FALL = 3.0
"""Power by which the rate of pages fell with the threshold on labelled KPIs."""

PRIOR_PAGES = 100.0
"""Weight of the usual fall, in pages: a tail of fifty pages moves it a third of the way to its own fall."""

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
        """Expected false pages per series and week at a threshold; never more at a higher threshold."""
        beyond = max(0.0, float(np.log(threshold) - self.levels[-1]))
        within = float(np.interp(np.log(threshold), self.levels, self.log_rates))
        return float(np.exp(within - self.fall * beyond))

    def threshold_for(self, pages_per_week: float) -> float:
        """Threshold at which a series is expected to page falsely at a given weekly rate, which is positive.

        It is never below the first counted threshold, however many pages are accepted.
        """
        wanted = float(np.log(pages_per_week))
        if wanted >= self.log_rates[-1]:
            return float(np.exp(np.interp(-wanted, -self.log_rates, self.levels)))
        return float(np.exp(self.levels[-1] + (self.log_rates[-1] - wanted) / self.fall))


def page_curve(
    thresholds: NDArray[np.float64],
    pages: NDArray[np.number],
    weeks: float,
    *,
    usual_fall: float = USUAL_FALL,
) -> PageCurve:
    """Learn the curve from counts.

    Parameters
    ----------
    thresholds
        Shape ``(n,)``, at least one, positive and rising.
    pages
        Shape ``(n,)``: false pages at each threshold, over all series.
    weeks
        Counted time, in weeks of one series.
    usual_fall
        Power by which such rates fall, until counts show otherwise.

    Examples
    --------
    >>> curve = page_curve(np.array([4.0, 8.0]), np.array([800, 100]), weeks=100.0)
    >>> round(curve.rate(8.0), 3), round(curve.rate(16.0), 3), round(curve.threshold_for(0.125), 3)
    (1.0, 0.125, 16.0)
    """
    total = np.maximum.accumulate(pages[::-1].astype(np.float64))[::-1]  # a higher threshold never costs more
    n_counted = max(1, int(np.count_nonzero(total >= FEWEST_PAGES)))
    counted = np.maximum(total[:n_counted], FEWEST_PAGES)
    is_last = np.append(np.diff(counted) < 0, True)
    levels, log_rates = np.log(thresholds[:n_counted][is_last]), np.log(counted[is_last])
    fall = _fall(np.log(thresholds[n_counted - 1 :]), total[n_counted - 1 :], usual_fall)
    return PageCurve(levels, log_rates - np.log(max(weeks, LEAST_WEEKS)), fall)


def _fall(levels: NDArray[np.float64], pages: NDArray[np.float64], usual_fall: float) -> float:
    """Hill's estimate over the pages of the first level, plus ``PRIOR_PAGES`` that fell as usual.

    The total distance that pages went beyond the first level is the area under their counts. Pages that
    passed the last level went an unknown distance further, so they are censored.
    """
    beyond = float(np.sum((pages[1:] + pages[:-1]) / 2 * np.diff(levels)))
    return float((pages[0] - pages[-1] + PRIOR_PAGES) / (beyond + PRIOR_PAGES / usual_fall))
