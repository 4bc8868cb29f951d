"""A fitted detector of sessions, with its vocabulary and its threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from features.logs.sessions import Vocabulary
    from models.detectors import RowDetector


@dataclass(frozen=True)
class SessionModel:
    """A model that finds abnormal sessions, such as the lines of one trace.

    Attributes
    ----------
    name
        The detector's name in `models.detectors.SESSION_DETECTORS`.
    detector
        The detector, fitted on count vectors of ``vocabulary``.
    threshold
        Score above which a session is abnormal.
    vocabulary
        The kinds of event it was fitted on.
    """

    name: str
    detector: RowDetector
    threshold: float
    vocabulary: Vocabulary

    def score(self, sessions: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        """Score sessions, each a sequence of events; shape ``(n_sessions,)``, higher is more anomalous."""
        return self.detector.score(self.vocabulary.counts(sessions))
