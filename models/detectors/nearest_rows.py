"""How far a row is from the usual rows most similar to it.

S. Ramaswamy, R. Rastogi and K. Shim, "Efficient Algorithms for Mining Outliers from Large Data Sets", ACM
SIGMOD 2000: the distance to the k-th nearest neighbour.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from models.detectors.rows import Parts, filled, usual_row
from models.errors import NotFittedError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.spatial import KDTree

MAX_ROWS = 2_000


class NearestRowsDetector:
    """Distance to the k-th nearest learned row, in standard deviations of the features.

    Parameters
    ----------
    n_neighbours
        Which neighbour, at least 1; several learned rows may be odd themselves.
    """

    def __init__(self, *, n_neighbours: int = 5) -> None:
        if n_neighbours < 1:
            raise ValueError(f"n_neighbours must be at least 1, got {n_neighbours}")
        self.n_neighbours = n_neighbours
        self.usual_: NDArray[np.float64] | None = None
        self.scale_: NDArray[np.float64] | None = None
        self.rows_: NDArray[np.float64] | None = None

    def fit(self, X: NDArray[np.float64]) -> Self:
        """Store at most 2,000 rows, evenly spaced; a feature that never varied counts in its own unit."""
        self.usual_ = usual_row(X)
        rows = filled(X, self.usual_)[np.isfinite(X).any(axis=1)]
        deviation = rows.std(axis=0)
        self.scale_ = np.where(deviation > 0, deviation, 1.0)
        self.rows_ = rows[:: -(-len(rows) // MAX_ROWS)] / self.scale_
        self.__dict__.pop("_tree", None)
        return self

    def score(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score each row by its distance."""
        if self.usual_ is None or self.scale_ is None:
            raise NotFittedError(type(self).__name__)
        rows = filled(X, self.usual_) / self.scale_
        distances = self._tree.query(rows, k=[self.n_neighbours])[0][:, 0]
        return np.where(np.isfinite(X).any(axis=1), distances, np.nan)

    @cached_property
    def _tree(self) -> KDTree:
        from scipy.spatial import KDTree  # noqa: PLC0415  slow to import

        return KDTree(self.rows_)

    def parts(self) -> Parts:
        """Return the stored rows and how they are scaled."""
        if self.usual_ is None or self.scale_ is None or self.rows_ is None:
            raise NotFittedError(type(self).__name__)
        arrays = {"usual": self.usual_, "scale": self.scale_, "kept": self.rows_}
        return Parts({"n_neighbours": self.n_neighbours}, arrays)

    @classmethod
    def from_parts(cls, parts: Parts) -> Self:
        """Rebuild the detector."""
        detector = cls(n_neighbours=int(parts.params["n_neighbours"]))
        detector.usual_, detector.scale_ = parts.arrays["usual"], parts.arrays["scale"]
        detector.rows_ = parts.arrays["kept"]
        return detector
