"""Severity: how bad things have been lately, slower than the score that pages.

The score of onset falls back once the level has followed an anomaly. Severity holds the largest of it, and
of the distance from a level of a day, and forgets with a half-life of half an hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.detectors.first_stage import initial_state, scan
from models.detectors.learning import CLIP, WARM_UP_VALUES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from features.calendar import Clock
    from features.frame import Frame
    from models.detectors.baseline import Baseline
    from models.detectors.first_stage import Scores
    from models.state import State

HALF_LIFE_S = 1800.0
DAY_LEVEL_S = 86_400.0


@dataclass(frozen=True)
class Severity:
    """The memory of severity; both arrays have shape ``(n_series,)``, float32.

    Attributes
    ----------
    held
        Severity after the last tick: a logarithm of standard deviations, 0 and up.
    day_level
        Correction of the season over about a day, in the unit of the series.
    """

    held: NDArray[np.float32]
    day_level: NDArray[np.float32]


def initial_severity(n_series: int) -> Severity:
    """Return the memory before the first tick."""
    return Severity(np.zeros(n_series, dtype=np.float32), np.zeros(n_series, dtype=np.float32))


def severity_step(
    memory: Severity, values: NDArray[np.floating], scores: Scores, after: State, *, step_ms: int
) -> Severity:
    """Severity at a tick that the first stage has scored.

    Parameters
    ----------
    memory
        The memory before the tick; it is not changed.
    values
        Shape ``(n_series,)``, as scored.
    scores, after
        What the first stage said of the tick, and its memory after it.
    step_ms
        Spacing of the ticks.
    """
    step_s = step_ms / 1000
    is_scored = np.isfinite(scores.values)
    off = np.where(is_scored, values - after.expected, 0.0).astype(np.float32) - memory.day_level
    distance = np.where(is_scored, np.abs(off) / np.maximum(after.scale, np.float32(1e-30)), 0.0)
    onset = np.where(is_scored, scores.values, 0.0)
    now = np.log1p(onset) + np.log1p(np.minimum(distance, 1000.0))
    held = np.maximum(memory.held * np.float32(0.5 ** (step_s / HALF_LIFE_S)), now).astype(np.float32)
    limit = CLIP * after.scale
    rate = np.maximum(
        np.float32(step_s / (step_s + DAY_LEVEL_S)),
        1.0 / np.maximum(after.n_seen - WARM_UP_VALUES, 1).astype(np.float32),
    )
    moved = memory.day_level + rate * np.clip(off, -limit, limit)
    return Severity(held, np.where(is_scored, moved, memory.day_level).astype(np.float32))


def onset_and_severity(
    frame: Frame, baseline: Baseline, clock: Clock
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fold both scores over a frame with the baseline's series, from its initial state.

    Returns
    -------
    Onset, ``nan`` where unscored, and severity, both of the shape of the frame's values.
    """
    state, memory = initial_state(baseline, clock), initial_severity(len(frame.keys))
    onset, severity = np.full((2, *frame.values.shape), np.nan, dtype=np.float32)
    for tick, (after, scores) in enumerate(scan(frame, baseline, clock, state)):
        memory = severity_step(memory, frame.values[tick], scores, after, step_ms=frame.step_ms)
        onset[tick], severity[tick] = scores.values, memory.held
    return onset, severity
