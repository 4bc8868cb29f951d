"""pyod's isolation forest behind our contract.

F. T. Liu, K. M. Ting and Z.-H. Zhou, "Isolation Forest", IEEE ICDM 2008.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from models.detectors.rows import Parts, filled, usual_row
from models.errors import NotFittedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_FIT_ROWS = 4_096


class IsolationForestDetector:
    """How few random cuts separate a row from the others; scores are between 0 and 1.

    Parameters
    ----------
    n_trees
        Number of trees.
    seed
        Seed of the random cuts.
    """

    def __init__(self, *, n_trees: int = 50, seed: int = 0) -> None:
        self.n_trees = n_trees
        self.seed = seed
        self.median_: NDArray[np.float64] | None = None
        self.forest_: Any = None

    def fit(self, X: NDArray[np.float64]) -> Self:
        """Grow the trees on at most 4,096 rows, evenly spaced; each tree draws 256 of them."""
        from pyod.models.iforest import IForest  # noqa: PLC0415  takes seconds, and few need it

        median = usual_row(X)
        rows = filled(X, median)[:: max(1, len(X) // MAX_FIT_ROWS)]
        forest = IForest(
            n_estimators=self.n_trees, max_samples=min(256, len(rows)), random_state=self.seed, n_jobs=1
        )
        self.forest_ = forest.fit(rows)
        self.median_ = median
        return self

    def score(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score each row by the shortness of its paths."""
        if self.median_ is None:
            raise NotFittedError(type(self).__name__)
        scores = np.full(len(X), np.nan)
        is_seen = np.isfinite(X).any(axis=1)
        if is_seen.any():
            rows = filled(X[is_seen], self.median_)
            scores[is_seen] = self.forest_.decision_function(rows) - self.forest_.detector_.offset_
        return scores

    def parts(self) -> Parts:
        """Return the median row and pyod's forest."""
        if self.median_ is None:
            raise NotFittedError(type(self).__name__)
        params = {"n_trees": self.n_trees, "seed": self.seed}
        return Parts(params, {"median": self.median_}, self.forest_)

    @classmethod
    def from_parts(cls, parts: Parts) -> Self:
        """Rebuild the detector."""
        detector = cls(n_trees=int(parts.params["n_trees"]), seed=int(parts.params["seed"]))
        detector.median_ = parts.arrays["median"]
        detector.forest_ = _checked(parts.estimator, n_features=len(detector.median_))
        return detector


def _checked(forest: Any, *, n_features: int) -> Any:
    """Return the forest, if every branch leads to a later node and tests an existing feature.

    scikit-learn follows a tree's indices unchecked, so a crafted tree would crash the process.
    """
    for estimator in forest.detector_.estimators_:
        tree = estimator.tree_
        node = np.arange(tree.node_count)
        is_leaf = tree.children_left == -1
        for children in (tree.children_left, tree.children_right):
            is_later = (children > node) & (children < tree.node_count)
            if not np.all(is_later | (is_leaf & (children == -1))):
                raise ValueError("a tree of the forest branches to a node that is not below it")
        if not np.all(is_leaf | ((tree.feature >= 0) & (tree.feature < n_features))):
            raise ValueError("a tree of the forest tests a feature that rows do not have")
    return forest
