"""pyod's principal component classifier behind our contract, as plain arrays.

M.-L. Shyu, S.-C. Chen, K. Sarinnapakorn and L. Chang, "A Novel Anomaly Detection Scheme Based on Principal
Component Classifier", IEEE ICDM Foundations Workshop 2003.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from models.detectors.rows import Parts, filled, usual_row
from models.errors import NotFittedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

ARRAYS = ("usual", "varies", "mean", "scale", "components", "weights")


class PcaDetector:
    """Weighted distance of a row to the principal components; rare directions weigh most.

    A feature that never varied in training has no component; its present deviation is added.

    Parameters
    ----------
    seed
        Seed of the randomised solver, which large inputs use.
    """

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed
        self.arrays_: Mapping[str, NDArray[np.float64]] | None = None

    def fit(self, X: NDArray[np.float64]) -> Self:
        """Find as many components as the rank of the rows, because pyod divides by their spread."""
        from pyod.models.pca import PCA  # noqa: PLC0415  takes seconds, and few need it

        usual = usual_row(X)
        rows = filled(X, usual)
        varies = rows.std(axis=0) > 0
        varying = rows[:, varies]
        mean, scale = varying.mean(axis=0), varying.std(axis=0)
        components = np.zeros((0, varying.shape[1]))
        weights = np.zeros(0)
        if varies.any():
            rank = int(np.linalg.matrix_rank((varying - mean) / scale))
            fitted = PCA(n_components=rank, random_state=self.seed).fit(varying)
            components, weights = fitted.selected_components_, fitted.selected_w_components_
        found = (usual, varies.astype(np.float64), mean, scale, components, weights)
        self.arrays_ = dict(zip(ARRAYS, found, strict=True))
        return self

    def score(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score each row as pyod does, plus its deviation in features that never varied."""
        from scipy.spatial.distance import cdist  # noqa: PLC0415  slow to import

        if self.arrays_ is None:
            raise NotFittedError(type(self).__name__)
        usual, varying, mean, scale, components, weights = (self.arrays_[name] for name in ARRAYS)
        rows, varies = filled(X, usual), varying > 0
        scaled = (rows[:, varies] - mean) / scale
        scores = np.abs(rows[:, ~varies] - usual[~varies]).sum(axis=1)
        if len(components):
            scores = scores + (cdist(scaled, components) / weights).sum(axis=1)
        return np.where(np.isfinite(X).any(axis=1), scores, np.nan)

    def parts(self) -> Parts:
        """Return the components and how rows are scaled for them."""
        if self.arrays_ is None:
            raise NotFittedError(type(self).__name__)
        return Parts({"seed": self.seed}, dict(self.arrays_))

    @classmethod
    def from_parts(cls, parts: Parts) -> Self:
        """Rebuild the detector."""
        detector = cls(seed=int(parts.params["seed"]))
        detector.arrays_ = {name: np.asarray(parts.arrays[name], dtype=np.float64) for name in ARRAYS}
        return detector
