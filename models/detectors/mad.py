"""Robust distance of a row from the usual row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from features.robust import NORMAL_CONSISTENCY
from models.detectors.rows import Parts, filled, usual_row
from models.errors import NotFittedError

if TYPE_CHECKING:
    from numpy.typing import NDArray


class MadDetector:
    """Mean of a row's largest distances from each feature's median, in robust standard deviations.

    Parameters
    ----------
    n_largest
        How many of the largest distances are averaged; a single one is often noise.
    floor
        Least spread of a feature, in its unit, so that a constant feature does not page on a tiny change.
    """

    def __init__(self, *, n_largest: int = 3, floor: float = 0.3) -> None:
        self.n_largest = n_largest
        self.floor = floor
        self.median_: NDArray[np.float64] | None = None
        self.spread_: NDArray[np.float64] | None = None

    def fit(self, X: NDArray[np.float64]) -> Self:
        """Learn each feature's median and spread."""
        self.median_ = usual_row(X)
        distance = np.abs(filled(X, self.median_) - self.median_)
        self.spread_ = np.maximum(NORMAL_CONSISTENCY * np.median(distance, axis=0), self.floor)
        return self

    def score(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score each row by its worst features."""
        if self.median_ is None or self.spread_ is None:
            raise NotFittedError(type(self).__name__)
        distance = np.abs(filled(X, self.median_) - self.median_) / self.spread_
        largest = np.sort(distance, axis=1)[:, -self.n_largest :]
        return np.where(np.isfinite(X).any(axis=1), largest.mean(axis=1), np.nan)

    def parts(self) -> Parts:
        """Return median and spread."""
        if self.median_ is None or self.spread_ is None:
            raise NotFittedError(type(self).__name__)
        params = {"n_largest": self.n_largest, "floor": self.floor}
        return Parts(params, {"median": self.median_, "spread": self.spread_})

    @classmethod
    def from_parts(cls, parts: Parts) -> Self:
        """Rebuild the detector."""
        detector = cls(n_largest=int(parts.params["n_largest"]), floor=float(parts.params["floor"]))
        detector.median_, detector.spread_ = parts.arrays["median"], parts.arrays["spread"]
        return detector
