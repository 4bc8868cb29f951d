"""Median and mean of matrix columns with missing values, fast where no value is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def median_and_seen(values: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Median of each column, ``nan`` if all its values are missing, and its number of present values."""
    n_rows, n_columns = values.shape
    if not n_rows:
        return np.full(n_columns, np.nan), np.zeros(n_columns, dtype=np.int64)
    ordered = np.sort(values, axis=0)  # missing values sort last
    if np.isfinite(ordered[-1]).all() and np.isfinite(ordered[0]).all():
        median = (ordered[(n_rows - 1) // 2] + ordered[n_rows // 2]) / 2
        return median, np.full(n_columns, n_rows, dtype=np.int64)
    n_seen: NDArray[np.int64] = np.isfinite(values).sum(axis=0)
    column = np.arange(n_columns)
    low = ordered[np.maximum(n_seen - 1, 0) // 2, column]
    high = ordered[np.minimum(n_seen // 2, n_rows - 1), column]
    return np.where(n_seen > 0, (low + high) / 2, np.nan), n_seen


def column_median(values: Floats) -> Floats:
    """Median of each column without its missing values; ``nan`` if all are missing."""
    return median_and_seen(values)[0]


def column_mean(values: Floats) -> Floats:
    """Mean of each column without its missing values; ``nan`` if all are missing."""
    n_rows = len(values)
    sums: Floats = values.sum(axis=0)
    if n_rows and np.isfinite(sums).all():
        return sums / n_rows
    seen = np.isfinite(values)
    n_seen = seen.sum(axis=0)
    means = np.full(values.shape[1], np.nan)
    np.divide(np.where(seen, values, 0.0).sum(axis=0), n_seen, out=means, where=n_seen > 0)
    return means
