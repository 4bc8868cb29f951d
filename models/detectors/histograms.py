"""How rare each feature of a row is by itself.

M. Goldstein and A. Dengel, "Histogram-based Outlier Score (HBOS): A fast Unsupervised Anomaly Detection
Algorithm", KI 2012: bins of equal width. Every bin counts one extra row, so that an empty bin has a score.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from models.detectors.rows import Parts, filled, usual_row
from models.errors import NotFittedError

if TYPE_CHECKING:
    from numpy.typing import NDArray


class HistogramDetector:
    """Sum over features of how much rarer a row's bin is than the fullest bin, as a logarithm.

    Parameters
    ----------
    n_bins
        Bins between the least and the largest value of a feature; values outside fall into an empty bin.
    """

    def __init__(self, *, n_bins: int = 20) -> None:
        self.n_bins = n_bins
        self.usual_: NDArray[np.float64] | None = None
        self.edges_: NDArray[np.float64] | None = None
        self.rarity_: NDArray[np.float64] | None = None

    def fit(self, X: NDArray[np.float64]) -> Self:
        """Count the values of each feature."""
        self.usual_ = usual_row(X)
        rows = filled(X, self.usual_)[np.isfinite(X).any(axis=1)]
        found = [np.histogram(column, bins=self.n_bins) for column in rows.T]
        counts = np.array([np.concatenate([[0], count, [0]]) for count, _ in found], dtype=np.float64)
        self.edges_ = np.array([edges for _, edges in found])
        self.rarity_ = np.log1p(counts.max(axis=1, keepdims=True)) - np.log1p(counts)
        return self

    def score(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score each row by the rarity of its values."""
        if self.usual_ is None or self.edges_ is None or self.rarity_ is None:
            raise NotFittedError(type(self).__name__)
        rows = filled(X, self.usual_)
        scores = np.zeros(len(rows))
        for column, edges, rarity in zip(rows.T, self.edges_, self.rarity_, strict=True):
            place = np.searchsorted(edges, column, side="right")
            scores += rarity[np.where(column == edges[-1], len(edges) - 1, place)]
        return np.where(np.isfinite(X).any(axis=1), scores, np.nan)

    def parts(self) -> Parts:
        """Return the histograms."""
        if self.usual_ is None or self.edges_ is None or self.rarity_ is None:
            raise NotFittedError(type(self).__name__)
        arrays = {"usual": self.usual_, "edges": self.edges_, "rarity": self.rarity_}
        return Parts({"n_bins": self.n_bins}, arrays)

    @classmethod
    def from_parts(cls, parts: Parts) -> Self:
        """Rebuild the detector."""
        detector = cls(n_bins=int(parts.params["n_bins"]))
        detector.usual_, detector.edges_ = parts.arrays["usual"], parts.arrays["edges"]
        detector.rarity_ = parts.arrays["rarity"]
        return detector
