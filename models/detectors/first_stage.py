"""The first stage: every series scored at every tick against its own season, level and noise.

A scan with a memory of a few numbers per series: `step` takes one tick, and `score` is the same step
folded over a frame, so that online equals offline bit for bit. A residual against the seasonal profile
and a slowly corrected level is measured in units of a scale that knows the slot, the last days and the
whole range; every update is clipped, so that a fault does not become normal while it lasts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from features.seasonal import slot_places
from models.detectors.baseline import (
    CLIP,
    LEVEL_S,
    SCALE_WEIGHT,
    Baseline,
    expected_values,
    fit_baseline,
    is_plausible,
    level_unit,
)
from models.errors import OutOfOrderTickError
from models.state import NEVER_MS, State

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from features.calendar import Clock
    from features.frame import Frame

__all__ = [
    "Baseline",
    "Scores",
    "Status",
    "expected_values",
    "fit_baseline",
    "initial_state",
    "score",
    "step",
]

DEVIATION_S = 2 * 86_400.0
MEAN_S = 3 * 86_400.0
MAX_GAP_S = 3600.0
WARM_UP_VALUES = 30
STALE_MS = 600_000
LARGEST_SCORE = 1000.0
SPREAD_WEIGHT = 0.01
RELATIVE_FLOOR = 1e-6
ABSOLUTE_FLOOR = 1e-12


class Status(IntEnum):
    """Whether a series was scored at a tick, and if not, why."""

    SCORED = 0
    WARMING_UP = 1
    MISSING = 2
    STALE = 3


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of one tick, shape ``(n_series,)``, or of several, ``(n_ticks, n_series)``.

    Attributes
    ----------
    values
        Distance from normal in standard deviations, 0 to 1000; higher is more anomalous; ``nan``
        unless scored.
    status
        int8, a `Status` each: the value is read only where scored.
    """

    values: NDArray[np.float64]
    status: NDArray[np.int8]


def initial_state(baseline: Baseline) -> State:
    """Memory that a bundle starts with: all it learned, and no tick consumed yet."""
    n = len(baseline.keys)
    return State(
        baseline.keys,
        NEVER_MS,
        n_seen=baseline.n_seen.astype(np.int64),
        seen_ms=np.full(n, NEVER_MS, dtype=np.int64),
        level=np.zeros(n),
        deviation=baseline.deviation,
        mean=baseline.mean,
        spread=baseline.spread,
    )


def step(
    state: State, tick_ms: int, values: NDArray[np.floating], baseline: Baseline, clock: Clock
) -> tuple[State, Scores]:
    """Score one closed tick, and return the memory after it.

    Parameters
    ----------
    state
        The memory before the tick, of the baseline's series; it is not changed.
    tick_ms
        Start of the tick, after that of the last one. Skipped ticks count as missing ones.
    values
        Shape ``(n_series,)``, one per key of the baseline; ``nan``, infinite and absurd values are
        missing: they leave the memory of their series as it was, and get no score.
    baseline, clock
        What is normal, and when.

    Raises
    ------
    OutOfOrderTickError
        If the tick is not after the last one.
    """
    places = slot_places(np.array([tick_ms + baseline.step_ms // 2]), clock)
    place = places.slot[0], places.other[0], places.weight[0]
    return _advance(state, tick_ms, np.asarray(values, dtype=np.float64), baseline, place)


def score(frame: Frame, baseline: Baseline, clock: Clock, state: State | None = None) -> tuple[State, Scores]:
    """Fold `step` over the ticks of a frame whose series are the baseline's, in its order.

    Returns
    -------
    The memory after the last tick, and scores of shape ``(n_ticks, n_series)``.

    Raises
    ------
    ValueError
        If the frame has other series or another step than the baseline.
    """
    if frame.keys != baseline.keys or frame.step_ms != baseline.step_ms:
        raise ValueError("the frame does not have the baseline's series and step: align it first")
    state = initial_state(baseline) if state is None else state
    times_ms = frame.times_ms
    places = slot_places(times_ms + baseline.step_ms // 2, clock)
    values = np.full(frame.values.shape, np.nan)
    status = np.full(frame.values.shape, Status.MISSING, dtype=np.int8)
    rows = frame.values.astype(np.float64, copy=False)
    for tick, place in enumerate(zip(*places, strict=True)):
        state, scores = _advance(state, int(times_ms[tick]), rows[tick], baseline, place)
        values[tick], status[tick] = scores.values, scores.status
    return state, Scores(values, status)


def _advance(
    state: State,
    tick_ms: int,
    values: NDArray[np.float64],
    baseline: Baseline,
    place: tuple[np.int64, np.int64, np.float64],
) -> tuple[State, Scores]:
    """Score one tick whose place among the slots is known."""
    if tick_ms <= state.tick_ms:
        raise OutOfOrderTickError(tick_ms=tick_ms, last_ms=state.tick_ms)
    is_seen = is_plausible(values)
    season = _between(baseline.profile, place)
    unit = level_unit(season, baseline.spread)
    expected = season + state.level * unit
    scale = SCALE_WEIGHT * (_between(baseline.scale, place) + state.deviation) + SPREAD_WEIGHT * state.spread
    scale = np.maximum(scale, RELATIVE_FLOOR * np.abs(state.mean) + ABSOLUTE_FLOOR)
    residual = np.where(is_seen, values - expected, 0.0)
    distance = np.minimum(np.abs(residual) / scale, LARGEST_SCORE)

    is_warm = state.n_seen >= WARM_UP_VALUES
    status = np.where(is_seen, np.where(is_warm, Status.SCORED, Status.WARMING_UP), Status.MISSING)
    status = np.where(~is_seen & (tick_ms - state.seen_ms > STALE_MS), Status.STALE, status).astype(np.int8)
    scores = Scores(np.where(status == Status.SCORED, distance, np.nan), status)

    gap_s = np.minimum((tick_ms - state.seen_ms) / 1000, MAX_GAP_S)
    least = 1.0 / (state.n_seen + 1.0)
    limit = np.where(is_warm, CLIP * scale, np.inf)
    clipped = np.clip(residual, -limit, limit)
    off_mean = np.where(is_seen, values - state.mean, 0.0)

    def rate(time_s: float) -> NDArray[np.float64]:
        return np.where(is_seen, np.maximum(gap_s / (gap_s + time_s), least), 0.0)

    of_mean = rate(MEAN_S)
    after = State(
        state.keys,
        tick_ms,
        n_seen=state.n_seen + is_seen,
        seen_ms=np.where(is_seen, tick_ms, state.seen_ms),
        level=state.level + rate(LEVEL_S) * (clipped / unit),
        deviation=state.deviation + rate(DEVIATION_S) * (np.abs(clipped) - state.deviation),
        mean=state.mean + of_mean * off_mean,
        spread=state.spread + of_mean * (np.abs(off_mean) - state.spread),
    )
    return after, scores


def _between(
    profile: NDArray[np.float32], place: tuple[np.int64, np.int64, np.float64]
) -> NDArray[np.float64]:
    slot, other, weight = place
    nearest: NDArray[np.float64] = profile[slot] + weight * (profile[other] - profile[slot])
    return nearest
