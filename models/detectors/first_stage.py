"""The first stage: every series scored at every tick against its own season, level and noise.

A scan with a memory of a few numbers per series: `step` takes one tick, and `score` is the same step
folded over a frame, so that online equals offline bit for bit. A residual against the seasonal profile
and a slowly corrected level is measured in units of a scale that knows the half hour, the last days and
the whole range. A tick moves the level and adds to two sums; the rest is learned when a slot of the clock
ends (`models.detectors.learning`). Every update is clipped, so that a fault does not become normal while
it lasts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from features.seasonal import slot_kinds, slot_places
from models.detectors.baseline import LARGEST_VALUE, Baseline, expected_values, fit_baseline
from models.detectors.learning import CLIP, WARM_UP_VALUES, enter_slot, is_young
from models.errors import OutOfOrderTickError
from models.state import NEVER_MS, NO_SLOT, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from features.calendar import Clock
    from features.frame import Frame
    from features.seasonal import SlotKinds

__all__ = [
    "Baseline",
    "Scores",
    "Status",
    "expected_values",
    "fit_baseline",
    "initial_state",
    "scan",
    "score",
    "step",
]

LEVEL_S = np.float32(1800.0)
MAX_GAP_S = 3600.0
STALE_MS = 600_000
LARGEST_SCORE = np.float32(1000.0)


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
        Distance from normal in standard deviations, float32, 0 to 1000; higher is more anomalous; ``nan``
        unless scored.
    status
        int8, a `Status` each: the value is read only where scored.
    """

    values: NDArray[np.float32]
    status: NDArray[np.int8]


def initial_state(baseline: Baseline, clock: Clock) -> State:
    """Memory that a bundle starts with: all it learned, and no tick consumed yet."""
    n, kinds = len(baseline.keys), slot_kinds(clock)
    is_known = baseline.n_seen > 0
    nothing = np.zeros(n, dtype=np.float32)
    season = np.where(is_known, baseline.profile, np.float32(np.nan))
    half_hours = np.full((int(kinds.half_hour.max()) + 1, n), np.nan, dtype=np.float32)
    half_hours[kinds.half_hour] = np.where(is_known, baseline.scale, np.float32(np.nan))
    return State(
        baseline.keys,
        NEVER_MS,
        NO_SLOT,
        n_seen=baseline.n_seen.astype(np.int64),
        seen_ms=np.full(n, NEVER_MS, dtype=np.int64),
        level=nothing,
        deviation=baseline.deviation.astype(np.float32),
        mean=baseline.mean.astype(np.float32),
        spread=baseline.spread.astype(np.float32),
        expected=np.full(n, np.nan, dtype=np.float32),
        scale=nothing,
        errors=nothing,
        distances=nothing,
        counts=nothing,
        season=tuple(season),
        volatility=tuple(half_hours),
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
    place = int(places.slot[0]), int(places.other[0]), float(places.weight[0])
    with np.errstate(over="ignore"):
        return _advance(state, tick_ms, np.asarray(values), baseline, slot_kinds(clock), place)


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
    state = initial_state(baseline, clock) if state is None else state
    values = np.full(frame.values.shape, np.nan, dtype=np.float32)
    status = np.full(frame.values.shape, Status.MISSING, dtype=np.int8)
    for tick, (after, scores) in enumerate(scan(frame, baseline, clock, state)):
        state, values[tick], status[tick] = after, scores.values, scores.status
    return state, Scores(values, status)


def scan(frame: Frame, baseline: Baseline, clock: Clock, state: State) -> Iterator[tuple[State, Scores]]:
    """Yield the memory after each tick of a frame, and the tick's scores; as `step` gives them one by one."""
    times_ms, kinds = frame.times_ms.tolist(), slot_kinds(clock)
    places = slot_places(frame.times_ms + baseline.step_ms // 2, clock)
    for tick, place in enumerate(zip(*(each.tolist() for each in places), strict=True)):
        with np.errstate(over="ignore"):
            state, scores = _advance(state, times_ms[tick], frame.values[tick], baseline, kinds, place)
        yield state, scores


def _advance(  # noqa: PLR0917  what a tick and a fold share
    state: State,
    tick_ms: int,
    given: NDArray[np.floating],
    baseline: Baseline,
    kinds: SlotKinds,
    place: tuple[int, int, float],
) -> tuple[State, Scores]:
    """Score one tick whose place among the slots is known."""
    if tick_ms <= state.tick_ms:
        raise OutOfOrderTickError(tick_ms=tick_ms, last_ms=state.tick_ms)
    is_seen = np.abs(given) <= LARGEST_VALUE
    all_seen = bool(is_seen.all())
    if not is_seen.any():
        return replace(state, tick_ms=tick_ms), _scores(state, tick_ms, state.errors, is_seen)
    slot, other, weight = place
    if slot != state.slot:
        state = enter_slot(state, slot, baseline, kinds)
    values = given.astype(np.float32) if all_seen else np.where(is_seen, given, 0.0).astype(np.float32)
    fewest = int(state.n_seen.min())
    expected = state.expected
    if fewest == 0:
        expected = np.where(np.isnan(expected), np.where(is_seen, values, np.float32(np.nan)), expected)

    residual = values - expected
    residual -= state.level
    if weight and other != slot:
        lean = state.season[other] - expected
        np.copyto(lean, np.float32(0.0), where=np.isnan(lean))
        lean *= np.float32(weight)
        residual -= lean
    if not all_seen:
        residual = np.where(is_seen, residual, np.float32(0.0))
    limit = CLIP * state.scale
    if fewest < WARM_UP_VALUES:
        limit = np.where(state.n_seen < WARM_UP_VALUES, np.float32(np.inf), limit)
    clipped = np.minimum(residual, limit)
    np.maximum(clipped, -limit, out=clipped)
    distance = np.abs(residual)
    scores = _scores(state, tick_ms, distance, is_seen, all_seen=all_seen, fewest=fewest)

    rate = _level_rate(state, tick_ms, fewest)
    moved = rate * clipped
    moved += state.level
    errors = clipped
    young = is_young(fewest, baseline.step_ms)
    if young:
        errors = np.where(is_young(state.n_seen, baseline.step_ms), residual, clipped)
    after = State(
        state.keys,
        tick_ms,
        slot,
        n_seen=state.n_seen + is_seen,
        seen_ms=np.full(len(is_seen), tick_ms) if all_seen else np.where(is_seen, tick_ms, state.seen_ms),
        level=moved if all_seen else np.where(is_seen, moved, state.level),
        deviation=state.deviation,
        mean=state.mean,
        spread=state.spread,
        expected=expected,
        scale=state.scale,
        errors=state.errors + errors,
        distances=state.distances + np.abs(clipped, out=clipped if not young else None),
        counts=state.counts + is_seen,
        season=state.season,
        volatility=state.volatility,
    )
    return after, scores


def _scores(
    state: State,
    tick_ms: int,
    distance: NDArray[np.float32],
    is_seen: NDArray[np.bool_],
    *,
    all_seen: bool = False,
    fewest: int = 0,
) -> Scores:
    """Distances in units of the scale, and why there is none."""
    if all_seen and fewest >= WARM_UP_VALUES:
        values = distance / state.scale
        return Scores(np.minimum(values, LARGEST_SCORE, out=values), np.zeros(len(is_seen), dtype=np.int8))
    is_warm = state.n_seen >= WARM_UP_VALUES
    status = np.where(is_seen, np.where(is_warm, Status.SCORED, Status.WARMING_UP), Status.MISSING)
    status = np.where(~is_seen & (tick_ms - state.seen_ms > STALE_MS), Status.STALE, status).astype(np.int8)
    values = np.full(len(is_seen), np.nan, dtype=np.float32)
    scored = status == Status.SCORED
    np.divide(distance, state.scale, out=values, where=scored)
    return Scores(np.minimum(values, LARGEST_SCORE), status)


def _level_rate(state: State, tick_ms: int, fewest: int) -> NDArray[np.float32] | np.float32:
    """How far the level moves towards a residual; one number where all series are alike."""
    if bool((state.seen_ms == state.tick_ms).all()):
        gap_s = np.float32(min((tick_ms - state.tick_ms) / 1000, MAX_GAP_S))
        rate = gap_s / (gap_s + LEVEL_S)
        if rate * np.float32(fewest + 1) >= 1:
            return np.float32(rate)
    gaps_s = np.minimum((tick_ms - state.seen_ms) / 1000, MAX_GAP_S).astype(np.float32)
    least = np.float32(1.0) / (state.n_seen + 1).astype(np.float32)
    rates: NDArray[np.float32] = np.maximum(gaps_s / (gaps_s + LEVEL_S), least)
    return rates
