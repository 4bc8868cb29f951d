"""The first stage: every series scored at every tick against its own season, level and noise.

A scan with a memory of a few numbers per series: `step` scores one tick, and `score` is the same step
folded over a frame, so that online equals offline bit for bit. A residual against the seasonal profile
and a slowly corrected level is measured in units of a scale that reflects the half hour, the last days and
the entire range. A tick moves the level and adds to two sums; the rest is learned when a slot of the clock
ends (`models.detectors.learning`). Every update is clipped, so that a fault does not become normal while
it lasts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from features.seasonal import slot_kinds, slot_places
from models.detectors.baseline import Baseline, expected_values, fit_baseline, is_plausible, is_tame
from models.detectors.learning import CLIP, WARM_UP_VALUES, enter_slot, is_young, lean_to
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

LEVEL_S = 1800.0
MAX_GAP_S = 3600.0
STALE_MS = 600_000
LARGEST_SCORE = np.float32(1000.0)
LARGEST_RESIDUAL = np.float32(1e30)

STEEP = 4.0
"""Scales by which neighbouring slots differ at a step of the season; 3 to 6 give much the same."""


class Status(IntEnum):
    """Whether a series was scored at a tick, and if not, why not."""

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
        int8, one `Status` each: the value is read only where scored.
    """

    values: NDArray[np.float32]
    status: NDArray[np.int8]


def initial_state(baseline: Baseline, clock: Clock) -> State:
    """Return the memory that a bundle starts with: everything it learned, and no tick consumed yet."""
    n, kinds = len(baseline.keys), slot_kinds(clock)
    is_known = baseline.n_seen > 0
    nothing = np.zeros(n, dtype=np.float32)
    season = np.where(is_known, baseline.profile, np.float32(np.nan))
    half_hours = np.full((int(kinds.half_hour.max()) + 1, n), np.nan, dtype=np.float32)
    half_hours[kinds.half_hour] = np.where(is_known, baseline.scale, np.float32(np.nan))
    return State(
        baseline.keys,
        tick_ms=NEVER_MS,
        full_ms=NEVER_MS,
        n_full=0,
        slot=NO_SLOT,
        other=NO_SLOT,
        is_settled=False,
        n_seen=baseline.n_seen.astype(np.int64),
        partial_ms=np.full(n, NEVER_MS, dtype=np.int64),
        counts=nothing,
        level=nothing,
        deviation=baseline.deviation.astype(np.float32),
        mean=baseline.mean.astype(np.float32),
        spread=baseline.spread.astype(np.float32),
        expected=np.full(n, np.nan, dtype=np.float32),
        scale=nothing,
        lean=nothing,
        sums=np.zeros((2, n), dtype=np.float32),
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
        Start of the tick, after that of the last one. Skipped ticks count as missing.
    values
        Shape ``(n_series,)``, one per key of the baseline; ``nan``, infinite and absurd values are
        missing: they do not change the memory of their series and get no score.
    baseline, clock
        The normal values, and the clock whose slots they belong to.

    Raises
    ------
    OutOfOrderTickError
        If the tick is not after the last one.
    """
    places = slot_places(np.array([tick_ms + baseline.step_ms // 2]), clock)
    place = int(places.slot[0]), int(places.other[0]), float(places.weight[0])
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
    """Yield the memory after each tick of a frame and the tick's scores, as `step` returns them."""
    times_ms, kinds = frame.times_ms.tolist(), slot_kinds(clock)
    places = slot_places(frame.times_ms + baseline.step_ms // 2, clock)
    for tick, place in enumerate(zip(*(each.tolist() for each in places), strict=True)):
        state, scores = _advance(state, times_ms[tick], frame.values[tick], baseline, kinds, place)
        yield state, scores


def _advance(  # noqa: PLR0917  shared by a tick and a fold
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
    is_full = is_tame(given)
    is_seen = None if is_full else is_plausible(given)
    if is_seen is not None and not is_seen.any():
        return state._replace(tick_ms=tick_ms), _unusual_scores(state, tick_ms, state.lean, is_seen)
    slot, other, weight = place
    if slot != state.slot:
        state = enter_slot(state, slot, baseline, kinds)
    if weight and other not in (slot, state.other):
        state = lean_to(state, other, baseline)
    share = np.float32(weight) if other != slot else np.float32(0.0)
    if is_full and state.is_settled:
        return _usual(state, tick_ms, given.astype(np.float32, copy=False), share)
    with np.errstate(over="ignore"):
        return _unusual(state, tick_ms, given, share, baseline.step_ms)


def _season(state: State, residual: NDArray[np.float32], share: np.float32) -> NDArray[np.float32]:
    """What of residuals from this slot's level the season explains on the way to the next slot's, in scales.

    A gentle season is interpolated. Where the next slot differs by more than `STEEP` it is a step, whose
    instant within the slots is not known: all between the two levels may be usual, and what lies beyond is
    measured from the nearer one.
    """
    steep = np.abs(state.lean) > STEEP
    if not steep.any():
        return state.lean * share
    zero = np.float32(0.0)
    between = np.clip(residual, np.minimum(state.lean, zero), np.maximum(state.lean, zero))
    return np.where(steep, between, state.lean * share)


def _usual(
    state: State, tick_ms: int, values: NDArray[np.float32], share: np.float32
) -> tuple[State, Scores]:
    """Score a tick at which every series has a value and has been known for days.

    Equivalent to `_unusual` with a third of the numpy calls, which dominate the cost of a thousand series.
    """
    residual = values - state.expected
    residual /= state.scale
    residual -= state.level
    if share:
        residual -= _season(state, residual, share)
    distance = np.abs(residual)
    moves = np.empty_like(state.sums)
    np.minimum(residual, CLIP, out=residual)
    np.maximum(residual, -CLIP, out=moves[0])
    np.minimum(distance, CLIP, out=moves[1])
    level = _level_rate(state, tick_ms) * moves[0]
    level += state.level
    moves += state.sums
    np.minimum(distance, LARGEST_SCORE, out=distance)
    after = _after(state, tick_ms, state.expected, level, moves)
    return after, Scores(distance, np.zeros(len(values), dtype=np.int8))


def _unusual(
    state: State,
    tick_ms: int,
    given: NDArray[np.floating],
    share: np.float32,
    step_ms: int,
) -> tuple[State, Scores]:
    """Score a tick at which some series has no value, or is new, or is very large."""
    is_seen, n_values = is_plausible(given), state.n_values
    values = np.where(is_seen, given, 0.0).astype(np.float32)
    is_first = is_seen & np.isnan(state.expected)
    expected = np.where(is_first, values, state.expected)
    residual = (values - expected) / state.scale
    residual -= state.level
    if share:
        residual -= _season(state, residual, share)
    residual = np.where(is_seen, np.clip(residual, -LARGEST_RESIDUAL, LARGEST_RESIDUAL), np.float32(0.0))
    distance = np.abs(residual)
    limit = np.where(n_values < WARM_UP_VALUES, LARGEST_RESIDUAL, CLIP)
    clipped = np.clip(residual, -limit, limit)
    errors = np.where(is_young(n_values, step_ms), residual, clipped)
    least = np.float32(1.0) / (n_values + 1).astype(np.float32)
    level = state.level + np.maximum(_level_rate(state, tick_ms), least) * clipped
    sums = state.sums + np.stack([errors, np.minimum(distance, limit)])
    after = _after(state, tick_ms, expected, level, sums, is_seen=None if is_seen.all() else is_seen)
    return after, _unusual_scores(state, tick_ms, distance, is_seen)


def _after(  # noqa: PLR0917  everything a tick changes
    state: State,
    tick_ms: int,
    expected: NDArray[np.float32],
    level: NDArray[np.float32],
    sums: NDArray[np.float32],
    is_seen: NDArray[np.bool_] | None = None,
) -> State:
    """Memory after a tick; all series were seen unless ``is_seen`` is given."""
    if is_seen is None:
        return state._replace(
            tick_ms=tick_ms,
            full_ms=tick_ms,
            n_full=state.n_full + 1,
            level=level,
            expected=expected,
            sums=sums,
        )
    return state._replace(
        tick_ms=tick_ms,
        partial_ms=np.where(is_seen, tick_ms, state.partial_ms),
        counts=state.counts + is_seen,
        level=level,
        expected=expected,
        sums=sums,
    )


def _unusual_scores(
    state: State, tick_ms: int, distance: NDArray[np.float32], is_seen: NDArray[np.bool_]
) -> Scores:
    """Distances of the scored series, and the status of all."""
    is_warm = state.n_values >= WARM_UP_VALUES
    status = np.where(is_seen, np.where(is_warm, Status.SCORED, Status.WARMING_UP), Status.MISSING)
    status = np.where(~is_seen & (tick_ms - state.seen_ms > STALE_MS), Status.STALE, status).astype(np.int8)
    scored = np.where(status == Status.SCORED, distance, np.float32(np.nan))
    return Scores(np.minimum(scored, LARGEST_SCORE), status)


def _level_rate(state: State, tick_ms: int) -> NDArray[np.float32] | np.float32:
    """How far the level moves towards a residual; one number where all series were seen a tick before."""
    if state.full_ms == state.tick_ms:
        gap_s = min((tick_ms - state.tick_ms) / 1000, MAX_GAP_S)
        return np.float32(gap_s / (gap_s + LEVEL_S))
    gaps_s = np.minimum((tick_ms - state.seen_ms) / 1000, MAX_GAP_S)
    return (gaps_s / (gaps_s + LEVEL_S)).astype(np.float32)
