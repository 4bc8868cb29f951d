"""How often each series paged falsely in training, by threshold: what page budgets become thresholds by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.page_curve import page_curve
from models.thresholds import LEAST_THRESHOLD, WEEK_MS, pages_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from models.page_curve import PageCurve

LARGEST_THRESHOLD = 1000.0
GRID = np.geomspace(LEAST_THRESHOLD, LARGEST_THRESHOLD, 40)
FEWEST_WEEKS = 10.0
"""Weeks of one series that a metric must have been counted over to have a curve of its own."""


@dataclass(frozen=True)
class PageCount:
    """Pages of every series over some weeks in which nothing was wrong, with the governor at work.

    Attributes
    ----------
    pages
        Shape ``(n_thresholds, n_series)``, int32: at each of the record's thresholds.
    weeks
        Shape ``(n_series,)``: weeks of each series that were scored.
    """

    pages: NDArray[np.int32]
    weeks: NDArray[np.float64]


@dataclass(frozen=True)
class PageRecord:
    """Counts of false pages that a bundle carries.

    Attributes
    ----------
    thresholds
        Shape ``(n_thresholds,)``, rising and positive.
    calibrated
        Over the time that thresholds are calibrated on.
    replayed
        Over later time that nothing was chosen on: what a threshold truly came to.
    """

    thresholds: NDArray[np.float64]
    calibrated: PageCount
    replayed: PageCount

    def curve(self, columns: NDArray[np.int64] | slice = slice(None)) -> PageCurve:
        """Return the curve of some series taken together, by default of all."""
        weeks = float(self.calibrated.weeks[columns].sum())
        return page_curve(self.thresholds, self.calibrated.pages[:, columns].sum(axis=1), weeks)

    def curves(self, metrics: Sequence[str]) -> dict[str, PageCurve]:
        """Return the curve of each metric; that of all series for a metric that was counted too little.

        The same score means less on a ratio of few requests than on a latency.

        Parameters
        ----------
        metrics
            Metric of each series.
        """
        overall, places = self.curve(), np.array(metrics)
        found = {}
        for metric in dict.fromkeys(metrics):
            columns = np.flatnonzero(places == metric)
            is_known = self.calibrated.weeks[columns].sum() >= FEWEST_WEEKS
            found[metric] = self.curve(columns) if is_known else overall
        return found

    def replay(self, thresholds: NDArray[np.float64], columns: NDArray[np.int64]) -> tuple[int, float]:
        """Pages that some series raised in replayed time, and the weeks that this took.

        Parameters
        ----------
        thresholds
            Shape ``(n_series,)``. Between two counted thresholds the count is that of the lower one, which
            is never too few.
        columns
            Places of the series.
        """
        if not len(columns):
            return 0, 0.0
        places = np.searchsorted(self.thresholds, thresholds[columns], side="right") - 1
        pages = self.replayed.pages[np.maximum(places, 0), columns]
        return int(pages.sum()), float(self.replayed.weeks[columns].max())


def count_by_series(
    scores: NDArray[np.floating],
    times_ms: NDArray[np.int64],
    *,
    step_ms: int,
    thresholds: NDArray[np.float64] = GRID,
) -> PageCount:
    """Count the pages of every series at each threshold, governed as people's pages are.

    Parameters
    ----------
    scores
        Shape ``(n_ticks, n_series)``, of normal operation; ``nan`` where unscored.
    times_ms, step_ms
        Start of each tick, and their spacing.
    thresholds
        Rising.
    """
    governed = np.ones(scores.shape[1], dtype=bool)
    pages = [
        pages_of(scores, times_ms, threshold=float(each), is_sparse=governed).sum(axis=0)
        for each in thresholds
    ]
    weeks = np.count_nonzero(np.isfinite(scores), axis=0) * (step_ms / WEEK_MS)
    return PageCount(np.array(pages, dtype=np.int32).reshape(len(thresholds), scores.shape[1]), weeks)


def record_arrays(record: PageRecord) -> dict[str, NDArray[Any]]:
    """Return a record as arrays by name, for a bundle."""
    return {
        "thresholds": record.thresholds,
        "calibrated_pages": record.calibrated.pages,
        "calibrated_weeks": record.calibrated.weeks,
        "replayed_pages": record.replayed.pages,
        "replayed_weeks": record.replayed.weeks,
    }


def record_from_arrays(arrays: Mapping[str, NDArray[Any]], n_series: int) -> PageRecord:
    """Return the record that `record_arrays` wrote.

    Raises
    ------
    ValueError
        If an array is missing, of another type or shape, or holds what no count can be.
    """
    thresholds = arrays.get("thresholds", np.empty(0))
    if thresholds.dtype != np.float64 or thresholds.ndim != 1 or not len(thresholds):
        raise ValueError("its page record has no thresholds")
    if not (np.isfinite(thresholds).all() and thresholds[0] > 0 and (np.diff(thresholds) > 0).all()):
        raise ValueError("the thresholds of its page record are not positive and rising")
    counts = [
        PageCount(
            _checked(arrays, f"{part}_pages", np.int32, (len(thresholds), n_series)),
            _checked(arrays, f"{part}_weeks", np.float64, (n_series,)),
        )
        for part in ("calibrated", "replayed")
    ]
    return PageRecord(thresholds, *counts)


def _checked(
    arrays: Mapping[str, NDArray[Any]], name: str, kind: type, shape: tuple[int, ...]
) -> NDArray[Any]:
    array = arrays.get(name, np.empty(0))
    if array.dtype != kind or array.shape != shape:
        raise ValueError(f"{name} of its page record is {array.dtype} {array.shape}, not {shape}")
    if not np.isfinite(array).all() or (array < 0).any():
        raise ValueError(f"{name} of its page record holds what is no count")
    return array
