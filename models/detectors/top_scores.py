"""The plain mean of a row's largest first-stage scores, which every cleverer detector has to beat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from features.golden import Role
from models.detectors.rows import Parts, usual_row
from models.errors import NotFittedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_ODDITIES = len(Role)
"""Number of the first features of a service's row: its metrics' scores, log(1 + score) each."""


class TopScoresDetector:
    """Mean of the largest scores among a row's first features; only the usual row is learned.

    Parameters
    ----------
    n_largest
        How many scores are averaged; fewer where the row has fewer.
    """

    def __init__(self, *, n_largest: int = 3) -> None:
        self.n_largest = n_largest
        self.usual_: NDArray[np.float64] | None = None

    def fit(self, X: NDArray[np.float64]) -> Self:
        """Learn the usual row, which replaces missing values."""
        self.usual_ = usual_row(X)
        return self

    def score(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score each row by its largest oddities."""
        if self.usual_ is None:
            raise NotFittedError(type(self).__name__)
        oddities = np.where(np.isfinite(X), X, self.usual_)[:, :N_ODDITIES]
        largest = np.sort(oddities, axis=1)[:, -self.n_largest :]
        return np.where(np.isfinite(X).any(axis=1), largest.mean(axis=1), np.nan)

    def parts(self) -> Parts:
        """Return the usual row."""
        if self.usual_ is None:
            raise NotFittedError(type(self).__name__)
        return Parts({"n_largest": self.n_largest}, {"usual": self.usual_})

    @classmethod
    def from_parts(cls, parts: Parts) -> Self:
        """Rebuild the detector."""
        detector = cls(n_largest=int(parts.params["n_largest"]))
        detector.usual_ = parts.arrays["usual"]
        return detector
