"""What the first stage learns at the end of a slot: season, volatility, and the slower means."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from features.seasonal import SLOT_MS
from models.detectors.baseline import SCALE_WEIGHT, is_tame, level_unit
from models.state import NO_SLOT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from features.seasonal import SlotKinds
    from models.detectors.baseline import Baseline
    from models.state import State

Count = TypeVar("Count", int, "NDArray[np.int64]")

WARM_UP_VALUES = 30
CLIP = np.float32(6.0)
SEASON_CLIP = np.float32(8.0)
RETAINED_PER_SLOT = 0.8
"""Share of the old season retained after five minutes of a slot, and of volatility after half an hour."""

HALF_HOUR_S = 1800.0
YOUNG_S = 2 * 86_400.0
YOUNG_RATE = 0.3
"""Least rate per slot of a series younger than two days."""

FIRST_RATE = np.float32(0.6)
"""Rate of a slot that a series visits for the first time: one visit does not make a season."""

YOUNG_SCALE = np.float32(1.2)
"""Factor that widens the scale of a series younger than two days, which is not known well either."""

DEVIATION_S = 2 * 86_400.0
MEAN_S = 3 * 86_400.0
SETTLED_VALUES = 100
LARGEST_LEVEL = np.float32(1e30)
LARGEST_CHANGE = np.float32(10.0)
SPREAD_WEIGHT = np.float32(0.03)
RELATIVE_FLOOR = np.float32(1e-6)
ABSOLUTE_FLOOR = np.float32(1e-12)


def is_young(n_seen: Count, step_ms: int) -> bool | NDArray[np.bool_]:
    """Whether a series has been known for less than two days, by the number of its values."""
    return n_seen * (step_ms / 1000) < YOUNG_S


def is_settled(state: State, step_ms: int) -> NDArray[np.bool_]:
    """Which series have been known so long that every learning rate has reached its final value."""
    slot_ms = max(step_ms, SLOT_MS)
    least = max(SETTLED_VALUES, (1000 * MEAN_S + slot_ms) / step_ms)
    return state.n_seen >= least


def lean_to(state: State, other: int, baseline: Baseline) -> State:
    """Prepare to interpolate between the present slot and another, later or earlier one."""
    there = state.season[other]
    lean = there - state.expected
    lean /= state.scale
    if not is_tame(lean):
        there = np.where(np.isnan(there), prior_value(state.expected, state.slot, other, baseline), there)
        lean = np.nan_to_num((there - state.expected) / state.scale, nan=0.0)
    return state._replace(other=other, lean=lean)


@np.errstate(over="ignore")
def enter_slot(state: State, slot: int, baseline: Baseline, kinds: SlotKinds) -> State:
    """Learn from the slot that ended, and expect the usual values of the new one.

    A slot never seen uses the value of the same time on another kind of day, or else the last expected value,
    changed as siblings change. At the boundary of a phase the level is carried over in proportion: the shift
    of a crowded afternoon does not fit a closing auction.
    """
    before, left, level = state.expected, state.slot, state.level * state.scale
    if left != NO_SLOT:
        state = _learned(state, baseline, kinds)
    expected = state.season[slot]
    is_usual = is_tame(expected)
    if not is_usual:
        stand_in = int(kinds.stand_in[slot])
        for value, held_in in (
            (state.season[stand_in], stand_in),
            (before, slot if left == NO_SLOT else left),
        ):
            expected = np.where(np.isnan(expected), prior_value(value, held_in, slot, baseline), expected)
        is_usual = is_tame(expected)
    if left != NO_SLOT and kinds.phase[slot] != kinds.phase[left]:
        change = _ratio(level_unit(expected, state.spread), level_unit(before, state.spread))
        level = np.where(np.isnan(change), level, level * change)
    volatility = state.volatility[kinds.half_hour[slot]]
    if not is_tame(volatility):
        volatility = np.where(np.isnan(volatility), prior_volatility(state, slot, baseline), volatility)
    scale = volatility + state.deviation
    scale *= np.float32(SCALE_WEIGHT)
    scale += SPREAD_WEIGHT * state.spread
    if not state.is_settled:
        scale[is_young(state.n_seen, baseline.step_ms)] *= YOUNG_SCALE
    floor = RELATIVE_FLOOR * np.abs(state.mean)
    floor += ABSOLUTE_FLOOR
    np.maximum(scale, floor, out=scale)
    typical = expected if is_usual else np.nan_to_num(expected)
    np.maximum(scale, baseline.resolution.least(typical), out=scale)
    volumes = baseline.resolution.volumes
    if len(volumes.shares):
        scale[volumes.shares] = np.maximum(scale[volumes.shares], volumes.least(typical))
    level /= scale
    np.minimum(level, LARGEST_LEVEL, out=level)
    np.maximum(level, -LARGEST_LEVEL, out=level)
    settled = state.is_settled or bool(is_settled(state, baseline.step_ms).all())
    return state._replace(
        n_full=0,
        slot=slot,
        other=NO_SLOT,
        is_settled=settled and is_usual,
        counts=np.zeros(len(level), dtype=np.float32),
        level=level,
        expected=expected,
        scale=scale,
        sums=np.zeros(state.sums.shape, dtype=np.float32),
    )


@np.errstate(over="ignore")
def prior_value(value: NDArray[np.float32], slot: int, other: int, baseline: Baseline) -> NDArray[np.float32]:
    """Value expected in a slot that a series was never in, given its value in another slot.

    The value changes by half as much as the baseline does, on a logarithmic scale. The baseline is that of
    the series' siblings, without a unit (`models.detectors.siblings`); without siblings it does not change.
    """
    there, here = (
        level_unit(baseline.profile[each], baseline.spread.astype(np.float32)) for each in (other, slot)
    )
    changed: NDArray[np.float32] = value * np.sqrt(_ratio(there, here))
    return changed


def prior_volatility(state: State, slot: int, baseline: Baseline) -> NDArray[np.float32]:
    """Volatility of a half hour never seen: that of the last days, scaled as the siblings' volatility is."""
    usual = baseline.usual_scale
    change = _ratio(np.where(usual > 0, baseline.scale[slot], 1), np.where(usual > 0, usual, 1))
    restless: NDArray[np.float32] = state.deviation * np.sqrt(change)
    return restless


def _ratio(there: NDArray[np.floating], here: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.clip(there / here, 1 / LARGEST_CHANGE, LARGEST_CHANGE)


def _learned(state: State, baseline: Baseline, kinds: SlotKinds) -> State:
    """Move season, volatility and means towards the values of the present slot."""
    is_seen = None
    counts: NDArray[np.float32] | np.float32 = np.float32(state.n_full)
    if state.counts.any():
        counts = np.maximum(state.counts + counts, np.float32(1.0))
        is_seen = (state.counts > 0) | (state.n_full > 0)
    error, distance = state.sums / counts
    distance *= state.scale
    rates = _rates(state, counts, baseline.step_ms)
    off = error
    off += state.level
    clipped = np.minimum(off, SEASON_CLIP)
    np.maximum(clipped, -SEASON_CLIP, out=clipped)
    off = clipped if state.is_settled else np.where(rates.is_young, off, clipped)
    off *= state.scale

    row, half_hour = state.season[state.slot], int(kinds.half_hour[state.slot])
    of_season = rates.season if is_tame(row) else np.where(np.isnan(row), FIRST_RATE, rates.season)
    usual = state.volatility[half_hour]
    known = (
        usual
        if is_tame(usual)
        else np.where(np.isnan(usual), prior_volatility(state, state.slot, baseline), usual)
    )
    held = state.expected + off
    off_mean = held - state.mean
    moved = {
        "deviation": _towards(state.deviation, distance, rates.deviation),
        "mean": state.mean + rates.mean * off_mean,
        "spread": _towards(state.spread, np.abs(off_mean), rates.mean),
    }
    season, volatility = state.expected + of_season * off, _towards(known, distance, rates.volatility)
    if is_seen is not None:
        moved = {name: np.where(is_seen, new, getattr(state, name)) for name, new in moved.items()}
        season, volatility = np.where(is_seen, season, row), np.where(is_seen, volatility, usual)
    return state._replace(
        n_seen=state.n_values,
        season=_replaced(state.season, state.slot, season),
        volatility=_replaced(state.volatility, half_hour, volatility),
        **moved,
    )


class _Rates(NamedTuple):
    """How far a slot moves the learned values towards its own: one number, or one per series."""

    season: NDArray[np.float32] | np.float32
    volatility: NDArray[np.float32] | np.float32
    deviation: NDArray[np.float32] | np.float32
    mean: NDArray[np.float32] | np.float32
    is_young: NDArray[np.bool_] | bool


def _rates(state: State, counts: NDArray[np.float32] | np.float32, step_ms: int) -> _Rates:
    slot_s = max(step_ms, SLOT_MS) / 1000
    season = np.float32(1 - RETAINED_PER_SLOT ** (slot_s * 1000 / SLOT_MS))
    volatility = np.float32(1 - RETAINED_PER_SLOT ** (slot_s / HALF_HOUR_S))
    deviation, mean = (np.float32(slot_s / (slot_s + each)) for each in (DEVIATION_S, MEAN_S))
    if state.is_settled:
        return _Rates(season, volatility, deviation, mean, is_young=False)
    n_values = state.n_values
    young = is_young(n_values, step_ms)
    share = counts / np.maximum(n_values, 1).astype(np.float32)
    share = np.where(is_settled(state, step_ms), np.float32(0.0), share)
    of_young = np.float32(min(1.0, YOUNG_RATE * slot_s * 1000 / SLOT_MS))
    return _Rates(
        season=np.where(young, of_young, season),
        volatility=np.where(young, np.maximum(volatility, np.float32(YOUNG_RATE)), volatility),
        deviation=np.maximum(deviation, share),
        mean=np.maximum(mean, share),
        is_young=young,
    )


def _towards(
    known: NDArray[np.float32], held: NDArray[np.float32], rate: NDArray[np.float32] | np.float32
) -> NDArray[np.float32]:
    moved = held - known
    moved *= rate
    moved += known
    return moved


def _replaced(
    rows: tuple[NDArray[np.float32], ...], index: int, row: NDArray[np.float32]
) -> tuple[NDArray[np.float32], ...]:
    changed = list(rows)
    changed[index] = row
    return tuple(changed)
