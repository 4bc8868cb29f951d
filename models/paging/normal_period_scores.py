"""The highest scores of a normal period: enough to replay what would have paged in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.paging.thresholds import WEEK_MS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from features.frame import Frame

TYPES: dict[str, type[np.generic]] = {
    "times_ms": np.int64,
    "columns": np.int32,
    "scores": np.float32,
    "weeks": np.float64,
}


@dataclass(frozen=True)
class NormalPeriodScores:
    """Scores over a limit, one entry each, in time order; lower scores page nobody.

    Attributes
    ----------
    times_ms, columns, scores
        Shape ``(n_points,)``: start of the tick, index of the series, and its score.
    weeks
        Shape ``(n_series,)``: weeks that were scored, by series.
    """

    times_ms: NDArray[np.int64]
    columns: NDArray[np.int32]
    scores: NDArray[np.float32]
    weeks: NDArray[np.float64]

    def ticks_over(self, thresholds: NDArray[np.float64]) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Start and scores of every tick at which a series is over its threshold.

        Parameters
        ----------
        thresholds
            Shape ``(n_series,)``, none below the limit.

        Yields
        ------
        Scores of shape ``(n_series,)``, ``nan`` where not over the threshold.
        """
        is_over = self.scores > thresholds[self.columns]
        times_ms, columns, scores = self.times_ms[is_over], self.columns[is_over], self.scores[is_over]
        ticks, first = np.unique(times_ms, return_index=True)
        for tick_ms, own in zip(ticks.tolist(), np.split(np.arange(len(times_ms)), first[1:]), strict=False):
            row = np.full(len(self.weeks), np.nan, dtype=np.float32)
            row[columns[own]] = scores[own]
            yield tick_ms, row


def normal_period_scores(scores: Frame, limits: NDArray[np.float64]) -> NormalPeriodScores:
    """Return the scores over the limit of their series.

    Parameters
    ----------
    scores
        Of normal operation; ``nan`` where unscored.
    limits
        Shape ``(n_series,)``.
    """
    ticks, columns = np.nonzero(scores.values > limits)
    return NormalPeriodScores(
        scores.times_ms[ticks],
        columns.astype(np.int32),
        scores.values[ticks, columns].astype(np.float32),
        np.count_nonzero(np.isfinite(scores.values), axis=0) * (scores.step_ms / WEEK_MS),
    )


def normal_period_arrays(normal: NormalPeriodScores) -> dict[str, NDArray[Any]]:
    """Return the scores as arrays by name, for a bundle."""
    return {name: getattr(normal, name) for name in TYPES}


def normal_period_from_arrays(arrays: Mapping[str, NDArray[Any]], n_series: int) -> NormalPeriodScores:
    """Return the scores that `normal_period_arrays` wrote.

    Raises
    ------
    ValueError
        If an array is missing, has another type or shape, or holds impossible values.
    """
    n_points = len(arrays.get("times_ms", ()))
    for name, kind in TYPES.items():
        array, shape = arrays.get(name, np.empty(0)), (n_series if name == "weeks" else n_points,)
        if array.dtype != kind or array.shape != shape:
            raise ValueError(f"{name} of its normal period is {array.dtype} {array.shape}, not {shape}")
    normal = NormalPeriodScores(**{name: arrays[name] for name in TYPES})
    if (np.diff(normal.times_ms) < 0).any() or not np.isfinite(normal.scores).all():
        raise ValueError("its normal period is out of order or has points without a score")
    if ((normal.columns < 0) | (normal.columns >= n_series)).any():
        raise ValueError(f"its normal period has points of series beyond its {n_series}")
    if not np.isfinite(normal.weeks).all() or (normal.weeks < 0).any():
        raise ValueError("the weeks of its normal period are negative or not finite")
    return normal
