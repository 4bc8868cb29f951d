"""A scored tick: what both stages of scoring fill, and the consumers of the pipeline read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from features.calendar import Clock
    from models.artifacts.bundle import Bundle
    from models.detectors.three_scores import Memory, ThreeScores
    from service.signals.recent_window import RecentWindow


@dataclass(frozen=True, slots=True)
class ServiceScore:
    """How unusual a service is, across all its series.

    Attributes
    ----------
    detector
        What scored it, as in `models.detectors.DETECTORS`.
    threshold
        The score that a normal service passes as often a week as the page budget of training allows.
    """

    detector: str
    score: float
    threshold: float

    @property
    def is_anomalous(self) -> bool:
        """Whether the score is over the threshold."""
        return self.score > self.threshold


@dataclass(frozen=True, slots=True)
class ScoredTick:
    """A tick that was just scored: everything the consumers of the pipeline need.

    Attributes
    ----------
    window
        Where its values come from, and those of other series.
    values
        Of every series of the bundle, as they were scored, shape ``(n_series,)``.
    memory
        What is carried to the next tick.
    scores
        Of every series of the bundle.
    services
        Scores of the services flagged at the tick, by item.
    """

    bundle: Bundle
    clock: Clock
    window: RecentWindow
    tick_ms: int
    values: NDArray[np.float64]
    memory: Memory
    scores: ThreeScores
    services: Mapping[str, ServiceScore] = field(default_factory=dict)
