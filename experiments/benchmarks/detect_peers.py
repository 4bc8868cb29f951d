"""Detectors that Sunspot is compared with, each with the input it needs to do well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from features.calendar import DAY_MS

if TYPE_CHECKING:
    from numpy.typing import NDArray

HOUR_MS = 3_600_000
MAX_FIT_ROWS = 20_000


def random_scores(n: int, *, seed: int) -> NDArray[np.float64]:
    """Random scores, with a tail for a threshold."""
    return np.random.default_rng(seed).exponential(size=n)


def with_history(values: NDArray[np.float64], *, step_ms: int) -> NDArray[np.float64]:
    """Feature rows of one series for stateless detectors.

    Returns
    -------
    Shape ``(n_ticks, 4)``: the value, and its differences from the previous tick, from the same time one
    day earlier, and from the mean of the previous hour, each in its standard deviations; 0 if missing.
    """
    day, hour = DAY_MS // step_ms, max(1, HOUR_MS // step_ms)
    filled = np.where(np.isfinite(values), values, np.nanmedian(values))
    sums = np.concatenate([[0.0], np.cumsum(filled)])
    first = np.maximum(np.arange(len(values)) - hour, 0)
    means = (sums[:-1] - sums[first]) / np.maximum(np.arange(len(values)) - first, 1)
    before = np.concatenate([filled[:1], filled[:-1]])
    yesterday = np.concatenate([filled[:day], filled[:-day]]) if len(values) > day else filled
    rows = np.stack([filled, filled - before, filled - yesterday, filled - means], axis=1)
    scaled: NDArray[np.float64] = rows / np.maximum(rows.std(axis=0), 1e-12)
    return scaled


def isolation_forest_scores(
    fit_rows: NDArray[np.float64], rows: NDArray[np.float64], *, seed: int
) -> NDArray[np.float64]:
    """Positive scores of pyod's isolation forest, fitted on at most 20,000 evenly spaced rows."""
    from pyod.models.iforest import IForest  # noqa: PLC0415  takes seconds; needed only here

    some = fit_rows[:: max(1, len(fit_rows) // MAX_FIT_ROWS)]
    forest = IForest(n_estimators=50, max_samples=min(256, len(some)), random_state=seed, n_jobs=1).fit(some)
    scores: NDArray[np.float64] = forest.decision_function(rows) + 1.0
    return scores


def pca_scores(fit_rows: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Reconstruction error of each row from the components that explain 90 % of the variance."""
    mean, deviation = fit_rows.mean(axis=0), np.maximum(fit_rows.std(axis=0), 1e-6)
    scaled = (fit_rows - mean) / deviation
    values, vectors = np.linalg.eigh(np.cov(scaled, rowvar=False))
    share = np.cumsum(values[::-1]) / values.sum()
    components = vectors[:, ::-1][:, : int(np.searchsorted(share, 0.9)) + 1]
    given = (rows - mean) / deviation
    left = given - given @ components @ components.T
    distances: NDArray[np.float64] = np.sqrt(np.square(left).sum(axis=1))
    return distances
