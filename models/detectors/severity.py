"""Severity: how bad a series has been lately, slower than the score that pages.

The onset score falls back once the level has followed an anomaly. Severity combines that score with the
distance from a level of about a day, holds the largest value, and fades with a half-life of half an hour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.detectors.first_stage import LARGEST_SCORE, Status, initial_state, scan
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


class Severity(NamedTuple):
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
    memory: Severity, values: NDArray[np.floating], scores: Scores, after: State, *, elapsed_ms: int
) -> Severity:
    """Severity at a tick that the first stage has scored.

    Parameters
    ----------
    memory
        The memory before the tick; it is not changed.
    values
        Shape ``(n_series,)``, the values that were scored.
    scores, after
        The first stage's scores of the tick, and its memory after the tick.
    elapsed_ms
        Time since the previous tick; at the first tick, the spacing of the ticks.
    """
    elapsed_s = elapsed_ms / 1000
    onset = scores.values
    is_scored = None if not scores.status.any() else scores.status == Status.SCORED
    if is_scored is not None:
        values, onset = (np.where(is_scored, each, np.float32(0.0)) for each in (values, onset))
    off = (values - after.expected).astype(np.float32, copy=False)
    off -= memory.day_level
    with np.errstate(over="ignore"):
        off /= after.scale
    if is_scored is not None:
        off = np.where(is_scored, off, np.float32(0.0))
    now = np.abs(off)
    np.minimum(now, LARGEST_SCORE, out=now)
    now += np.float32(1.0)
    now *= onset + np.float32(1.0)
    np.log(now, out=now)
    held = memory.held * np.float32(0.5 ** (elapsed_s / HALF_LIFE_S))
    np.maximum(held, now, out=held)
    np.minimum(off, CLIP, out=off)
    np.maximum(off, -CLIP, out=off)
    off *= after.scale
    off *= _day_rate(after, elapsed_s)
    off += memory.day_level
    return Severity(held, off if is_scored is None else np.where(is_scored, off, memory.day_level))


def _day_rate(after: State, elapsed_s: float) -> np.float32 | NDArray[np.float32]:
    """How far the daily level moves; faster while a series is new."""
    rate = np.float32(elapsed_s / (elapsed_s + DAY_LEVEL_S))
    if after.is_settled:
        return rate
    since = np.maximum(after.n_values - WARM_UP_VALUES, 1).astype(np.float32)
    rates: NDArray[np.float32] = np.maximum(rate, np.float32(1.0) / since)
    return rates


def onset_and_severity(
    frame: Frame, baseline: Baseline, clock: Clock
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fold both scores over a frame with the baseline's series, from their initial memory.

    Returns
    -------
    Onset, ``nan`` where unscored, and severity, both of the shape of the frame's values.
    """
    state, memory = initial_state(baseline, clock), initial_severity(len(frame.keys))
    onset, severity = np.full((2, *frame.values.shape), np.nan, dtype=np.float32)
    for tick, (after, scores) in enumerate(scan(frame, baseline, clock, state)):
        memory = severity_step(memory, frame.values[tick], scores, after, elapsed_ms=frame.step_ms)
        onset[tick], severity[tick] = scores.values, memory.held
    return onset, severity
