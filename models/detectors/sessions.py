"""Sessions of log events that are unlike every usual session."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from models.detectors.rows import Parts
from models.errors import NotEnoughRowsError, NotFittedError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.spatial import KDTree

ANSCOMBE = 3 / 8
"""2·√(count + 3/8) of a Poisson count has a standard deviation of about 1: Anscombe, Biometrika 35, 1948."""

MAX_COUNT = 1e12

MAX_USUAL = 20_000
"""Most distinct count vectors that are stored; rarer ones are dropped."""


class SessionDetector:
    """Distance of a session's count vector to the nearest usual one, in standard deviations of a count.

    A nearest neighbour among the *distinct* vectors of training, on variance-stabilised counts. Where
    training holds abnormal sessions too, these form rare vectors: the rarest vectors that together hold no
    more than ``contamination`` of the sessions are not learned from. Without this minimum support, one
    abnormal session in training would hide all others of its kind.

    Parameters
    ----------
    contamination
        Share of the training sessions that may be abnormal, 0 to below 1; 0 if all are known to be normal.
    """

    def __init__(self, *, contamination: float = 0.0) -> None:
        if not 0.0 <= contamination < 1.0:
            raise ValueError(f"contamination must be at least 0 and below 1, got {contamination}")
        self.contamination = contamination
        self.usual_: NDArray[np.float64] | None = None
        self.support_: NDArray[np.int64] | None = None

    def fit(self, X: NDArray[np.float64]) -> Self:
        """Learn the usual sessions from count vectors, shape ``(n_sessions, n_kinds)``.

        Raises
        ------
        NotEnoughRowsError
            If there is no session.
        """
        if not len(X):
            raise NotEnoughRowsError(needed=1, got=0)
        distinct, support = np.unique(_clean(X), axis=0, return_counts=True)
        order = np.argsort(support, kind="stable")
        held = np.cumsum(support[order])
        # vectors with equal support are learned or left out together: their order means nothing
        first_usual = int(np.count_nonzero(held <= self.contamination * len(X)))
        is_usual = support >= support[order[first_usual]]
        usual, support = distinct[is_usual], support[is_usual]
        most = np.sort(np.argsort(-support, kind="stable")[:MAX_USUAL])
        self.usual_, self.support_ = usual[most], support[most]
        self.__dict__.pop("_tree", None)
        return self

    def score(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distance to the nearest usual session, shape ``(n_sessions,)``; 0 if the vectors are equal.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        """
        return np.asarray(self._tree.query(_stabilised(_clean(X)))[0], dtype=np.float64)

    @cached_property
    def _tree(self) -> KDTree:
        from scipy.spatial import KDTree  # noqa: PLC0415 - slow to import, and only sessions need it

        if self.usual_ is None:
            raise NotFittedError("SessionDetector")
        return KDTree(_stabilised(self.usual_))

    def parts(self) -> Parts:
        """Return the learned values as data."""
        if self.usual_ is None or self.support_ is None:
            raise NotFittedError("SessionDetector")
        arrays = {"usual": self.usual_, "support": self.support_.astype(np.float64)}
        return Parts({"contamination": self.contamination}, arrays)

    @classmethod
    def from_parts(cls, parts: Parts) -> Self:
        """Rebuild the detector."""
        detector = cls(contamination=float(parts.params["contamination"]))
        detector.usual_ = np.asarray(parts.arrays["usual"], dtype=np.float64)
        detector.support_ = np.asarray(parts.arrays["support"], dtype=np.int64)
        return detector


def _clean(X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Counts with missing and negative values set to 0, and none over 10¹²."""
    counts: NDArray[np.float64] = np.clip(np.nan_to_num(np.asarray(X, dtype=np.float64)), 0.0, MAX_COUNT)
    return counts


def _stabilised(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    stabilised: NDArray[np.float64] = 2.0 * np.sqrt(counts + ANSCOMBE)
    return stabilised
