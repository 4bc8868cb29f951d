"""What the first stage learns when a slot of the clock ends: season, volatility, and the slower means."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from features.seasonal import SLOT_MS
from models.detectors.baseline import SCALE_WEIGHT, level_unit
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
KEPT_PER_SLOT = 0.8
"""Share that is old of a season after five minutes of it, and of a volatility after half an hour."""

HALF_HOUR_S = 1800.0
YOUNG_S = 2 * 86_400.0
YOUNG_RATE = 0.3
"""Least rate per slot of a series younger than two days."""

DEVIATION_S = 2 * 86_400.0
MEAN_S = 3 * 86_400.0
LARGEST_CHANGE = np.float32(10.0)
SPREAD_WEIGHT = np.float32(0.03)
RELATIVE_FLOOR = np.float32(1e-6)
ABSOLUTE_FLOOR = np.float32(1e-12)


def is_young(n_seen: Count, step_ms: int) -> bool | NDArray[np.bool_]:
    """Whether a series is known for less than two days, by the number of its values."""
    return n_seen * (step_ms / 1000) < YOUNG_S


def enter_slot(state: State, slot: int, baseline: Baseline, kinds: SlotKinds) -> State:
    """Learn from the slot that ended, and expect what the new one usually holds.

    A slot never seen takes the place of the same time on another kind of day, else what was expected last.
    At the border of a phase the level is carried over in proportion: the shift of a crowded
    afternoon is not that of a closing auction.
    """
    before = state.expected
    if state.slot != NO_SLOT:
        state = _learned(state, baseline, kinds)
    expected = state.season[slot]
    for instead in (state.season[kinds.stand_in[slot]], before):
        is_empty = np.isnan(expected)
        if is_empty.any():
            expected = np.where(is_empty, instead, expected)
    level = state.level
    if state.slot != NO_SLOT and kinds.phase[slot] != kinds.phase[state.slot]:
        change = level_unit(expected, state.spread) / level_unit(before, state.spread)
        change = np.clip(change, 1 / LARGEST_CHANGE, LARGEST_CHANGE)
        level = np.where(np.isnan(change), level, level * change)
    volatility = state.volatility[kinds.half_hour[slot]]
    volatility = np.where(np.isnan(volatility), state.deviation, volatility)
    scale = np.float32(SCALE_WEIGHT) * (volatility + state.deviation) + SPREAD_WEIGHT * state.spread
    least = baseline.resolution.least(np.where(np.isnan(expected), np.float32(0.0), expected))
    floor = np.maximum(RELATIVE_FLOOR * np.abs(state.mean) + ABSOLUTE_FLOOR, least)
    nothing = np.zeros_like(state.level)
    return replace(
        state,
        slot=slot,
        level=level.astype(np.float32, copy=False),
        expected=expected,
        scale=np.maximum(scale, floor).astype(np.float32, copy=False),
        errors=nothing,
        distances=nothing,
        counts=nothing,
    )


def _learned(state: State, baseline: Baseline, kinds: SlotKinds) -> State:
    """Move season, volatility and means towards what the present slot held."""
    is_seen = state.counts > 0
    counts = np.maximum(state.counts, np.float32(1.0))
    error, distance = state.errors / counts, state.distances / counts
    slot_s = max(baseline.step_ms, SLOT_MS) / 1000
    young = is_young(state.n_seen, baseline.step_ms)
    share = state.counts / np.maximum(state.n_seen, 1).astype(np.float32)

    row, half_hour = state.season[state.slot], kinds.half_hour[state.slot]
    off = error + state.level
    limit = SEASON_CLIP * state.scale
    off = np.where(young, off, np.clip(off, -limit, limit))
    rate = np.where(young, _young_rate(slot_s), np.float32(1 - KEPT_PER_SLOT ** (slot_s / (SLOT_MS / 1000))))
    rate = np.where(np.isnan(row), np.float32(1.0), rate)
    season = state.expected + rate * off

    usual = state.volatility[half_hour]
    known = np.where(np.isnan(usual), state.deviation, usual)
    of_volatility = np.float32(1 - KEPT_PER_SLOT ** (slot_s / HALF_HOUR_S))
    rate = np.where(young, np.maximum(of_volatility, np.float32(YOUNG_RATE)), of_volatility)
    volatility = known + rate * (distance - known)

    deviation = state.deviation + np.maximum(_rate(slot_s, DEVIATION_S), share) * (distance - state.deviation)
    of_mean = np.maximum(_rate(slot_s, MEAN_S), share)
    off_mean = state.expected + off - state.mean
    return replace(
        state,
        deviation=np.where(is_seen, deviation, state.deviation),
        mean=np.where(is_seen, state.mean + of_mean * off_mean, state.mean),
        spread=np.where(is_seen, state.spread + of_mean * (np.abs(off_mean) - state.spread), state.spread),
        season=_replaced(state.season, state.slot, np.where(is_seen, season, row)),
        volatility=_replaced(state.volatility, int(half_hour), np.where(is_seen, volatility, usual)),
    )


def _young_rate(slot_s: float) -> np.float32:
    return np.float32(min(1.0, YOUNG_RATE * slot_s / (SLOT_MS / 1000)))


def _rate(time_s: float, constant_s: float) -> np.float32:
    return np.float32(time_s / (time_s + constant_s))


def _replaced(
    rows: tuple[NDArray[np.float32], ...], index: int, row: NDArray[np.float32]
) -> tuple[NDArray[np.float32], ...]:
    return (*rows[:index], row.astype(np.float32, copy=False), *rows[index + 1 :])
