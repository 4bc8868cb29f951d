"""How often each series paged falsely in training, by threshold: turns page budgets into thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.paging.normal_period_scores import (
    NormalPeriodScores,
    normal_period_arrays,
    normal_period_from_arrays,
    normal_period_scores,
)
from models.paging.page_curve import page_curve
from models.paging.thresholds import LEAST_THRESHOLD, pages_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from features.frame import Frame
    from models.paging.page_curve import PageCurve

LARGEST_THRESHOLD = 1000.0
GRID = np.geomspace(LEAST_THRESHOLD, LARGEST_THRESHOLD, 64)
FEWEST_WEEKS = 10.0
"""A metric needs this many counted weeks of one series to have a curve of its own."""

MOST_PAGES = 2.0
"""Highest weekly rate per series at which the normal period can be replayed; the governor halves it."""


@dataclass(frozen=True)
class PageRecord:
    """False pages of a normal period, as a bundle carries them.

    Attributes
    ----------
    thresholds
        Shape ``(n_thresholds,)``, rising and positive.
    pages
        Shape ``(n_thresholds, n_series)``, int32: pages of every series at each threshold in the calibrated
        time, with the governor at work and before merging.
    calibrated
        The period that thresholds are calibrated on.
    replayed
        A later period that no choice was based on: it shows what a threshold really costs.
    """

    thresholds: NDArray[np.float64]
    pages: NDArray[np.int32]
    calibrated: NormalPeriodScores
    replayed: NormalPeriodScores

    def curve(self, columns: NDArray[np.int64] | slice = slice(None)) -> PageCurve:
        """Return the joint curve of some series, by default of all series."""
        weeks = float(self.calibrated.weeks[columns].sum())
        return page_curve(self.thresholds, self.pages[:, columns].sum(axis=1), weeks)

    def curves(self, metrics: Sequence[str]) -> dict[str, PageCurve]:
        """Return the curve of each metric; a metric with too few counted weeks has the curve of all series.

        The same score means less for a ratio of few requests than for a latency.

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


def page_record(
    calibrated: Frame,
    replayed: Frame,
    *,
    thresholds: NDArray[np.float64] = GRID,
    progress: Callable[[float], None] = lambda _: None,
) -> PageRecord:
    """Count pages, and select the scores that are needed for a replay.

    Parameters
    ----------
    calibrated, replayed
        Scores of the same series in normal operation; ``nan`` where unscored.
    thresholds
        Thresholds to count at, rising and positive.
    progress
        Called with the share of the counting that is done.
    """
    pages = count_by_series(calibrated, thresholds, progress=progress)
    nothing = np.full(len(calibrated.keys), np.inf)
    counted = PageRecord(
        thresholds, pages, normal_period_scores(calibrated, nothing), normal_period_scores(replayed, nothing)
    )
    metrics = [key.metric for key in calibrated.keys]
    limits = {metric: curve.threshold_for(MOST_PAGES) for metric, curve in counted.curves(metrics).items()}
    own = np.array([limits[metric] for metric in metrics], dtype=np.float64)
    return PageRecord(
        thresholds, pages, normal_period_scores(calibrated, own), normal_period_scores(replayed, own)
    )


def count_by_series(
    scores: Frame,
    thresholds: NDArray[np.float64],
    *,
    progress: Callable[[float], None] = lambda _: None,
) -> NDArray[np.int32]:
    """Count the pages of every series at each threshold, with the governor that pages to people have.

    Parameters
    ----------
    scores
        Of normal operation; ``nan`` where unscored.
    thresholds
        Shape ``(n_thresholds,)``, rising.

    Returns
    -------
    Shape ``(n_thresholds, n_series)``.
    """
    n_series, times_ms = len(scores.keys), scores.times_ms
    governed = np.ones(n_series, dtype=bool)
    pages = np.empty((len(thresholds), n_series), dtype=np.int32)
    for place, threshold in enumerate(thresholds.tolist()):
        pages[place] = pages_of(scores.values, times_ms, threshold=threshold, is_sparse=governed).sum(axis=0)
        progress((place + 1) / len(thresholds))
    return pages


def record_arrays(record: PageRecord) -> dict[str, NDArray[Any]]:
    """Return a record as arrays by name, for a bundle."""
    parts = {"calibrated": record.calibrated, "replayed": record.replayed}
    points = {
        f"{part}_{name}": each
        for part, normal in parts.items()
        for name, each in normal_period_arrays(normal).items()
    }
    return {"thresholds": record.thresholds, "pages": record.pages, **points}


def record_from_arrays(arrays: Mapping[str, NDArray[Any]], n_series: int) -> PageRecord:
    """Return the record that `record_arrays` wrote.

    Raises
    ------
    ValueError
        If an array is missing, has another type or shape, or holds impossible counts.
    """
    thresholds, pages = arrays.get("thresholds", np.empty(0)), arrays.get("pages", np.empty(0))
    if thresholds.dtype != np.float64 or thresholds.ndim != 1 or not len(thresholds):
        raise ValueError("its page record has no thresholds")
    if not (np.isfinite(thresholds).all() and thresholds[0] > 0 and (np.diff(thresholds) > 0).all()):
        raise ValueError("the thresholds of its page record are not positive and rising")
    if pages.dtype != np.int32 or pages.shape != (len(thresholds), n_series) or (pages < 0).any():
        raise ValueError("the pages of its page record are not counts by threshold and series")
    periods = (
        normal_period_from_arrays(
            {name.removeprefix(f"{part}_"): each for name, each in arrays.items() if name.startswith(part)},
            n_series,
        )
        for part in ("calibrated", "replayed")
    )
    return PageRecord(thresholds, pages, *periods)
