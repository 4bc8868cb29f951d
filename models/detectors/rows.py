"""The contract of every detector of feature rows, and how it treats missing values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

from models.errors import NotEnoughRowsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

MIN_ROWS = 16


@dataclass(frozen=True)
class Parts:
    """A fitted detector as data.

    Attributes
    ----------
    params
        Arguments of the constructor.
    arrays
        Learned arrays by name.
    estimator
        A library's fitted estimator, if there is one; saved by `models.detectors.estimators`.
    """

    params: Mapping[str, float | int]
    arrays: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    estimator: object = None


class RowDetector(Protocol):
    """Learns normal feature rows and scores others.

    The constructor only stores, ``fit`` learns, ``score`` only reads. Higher is more anomalous. A score
    depends on its own row alone, whatever the batch. A feature that is not finite counts as missing and
    is replaced by its usual value; a row without any finite feature gets ``nan``.
    """

    def fit(self, X: NDArray[np.float64]) -> Self:
        """Learn from normal rows, shape ``(n_rows, n_features)``."""
        ...

    def score(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score rows, shape ``(n_rows, n_features)``; returns shape ``(n_rows,)``."""
        ...

    def parts(self) -> Parts:
        """Return the learned values as data."""
        ...

    @classmethod
    def from_parts(cls, parts: Parts) -> Self:
        """Rebuild a fitted detector from its data."""
        ...


def usual_row(X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median of each feature, shape ``(n_features,)``; 0 for a feature that is never finite.

    Raises
    ------
    NotEnoughRowsError
        If fewer than 16 rows have a finite feature.
    """
    is_seen = np.isfinite(X)
    n_rows = int(np.count_nonzero(is_seen.any(axis=1)))
    if n_rows < MIN_ROWS:
        raise NotEnoughRowsError(needed=MIN_ROWS, got=n_rows)
    some = is_seen.any(axis=0)
    usual = np.zeros(X.shape[1])
    usual[some] = np.nanmedian(np.where(is_seen, X, np.nan)[:, some], axis=0)
    return usual


def filled(X: NDArray[np.float64], usual: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows with missing values replaced by the usual ones."""
    return np.where(np.isfinite(X), X, usual)
