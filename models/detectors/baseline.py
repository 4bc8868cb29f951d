"""The normal values of each series in each slot of its clock, against which the first stage scores."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from features.seasonal import finest, group_means, group_medians, slot_levels, slot_places
from models.detectors.resolution import Resolution, resolution_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from features.calendar import Clock
    from features.frame import Frame
    from features.seasonal import Places
    from telemetry.batches import SeriesKey

LARGEST_VALUE = 1e30
"""No measurement is larger in any unit; a larger value is damaged and would overflow."""

TAME_VALUE = 1e18
LEVEL_S = 3600.0
CLIP = 6.0
LEVEL_SPREAD, LEAST_UNIT = 0.1, 1e-12
SPARSE_SHARE = 0.9
SCALE_WEIGHT = 0.625
"""Standard deviations per sum of two mean absolute deviations, the slot's and the last days'."""

SCALE_OF_MEAN_ABSOLUTE = 1.25
"""Standard deviations per mean absolute deviation, √(π/2) for a normal distribution."""


@dataclass(frozen=True)
class Baseline:
    """Frozen arrays of normal behaviour; every series has finite values.

    A series never seen has zeros, or the shape of its siblings (`models.detectors.siblings`).

    Attributes
    ----------
    keys
        The series, one per column.
    step_ms
        Spacing of the ticks the baseline was fitted on.
    profile
        Shape ``(n_slots, n_series)``, float32, in the unit of the series: the typical value.
    scale
        Shape ``(n_slots, n_series)``, float32, same unit: the mean absolute residual of the slot or of
        its half hour, whichever is larger.
    deviation, mean, spread
        Shape ``(n_series,)``, same unit: the initial values of `models.state.State`.
    n_seen
        Shape ``(n_series,)``: number of values learned from.
    is_sparse
        Shape ``(n_series,)``: one value makes up nine tenths of the history or more, as in a counter
        of rare events; such a series pages less readily.
    """

    keys: tuple[SeriesKey, ...]
    step_ms: int
    profile: NDArray[np.float32]
    scale: NDArray[np.float32]
    deviation: NDArray[np.float64]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    n_seen: NDArray[np.int64]
    is_sparse: NDArray[np.bool_]

    @cached_property
    def resolution(self) -> Resolution:
        """The least change that matters, by series."""
        return resolution_of(self.keys)

    @cached_property
    def usual_scale(self) -> NDArray[np.float32]:
        """Mean of ``scale`` over the slots, shape ``(n_series,)``."""
        usual: NDArray[np.float32] = self.scale.mean(axis=0)
        return usual


def fit_baseline(frame: Frame, clock: Clock) -> Baseline:
    """Learn the typical value and the usual residual of every series in every slot.

    A slot learns from its own five minutes where these have enough values, otherwise from its half hour
    within the phase, then from the phase, then from everything. Where only a phase or everything has enough
    values, the scale is the full distance from that coarse value, so that ignorance widens it. No scale is
    below the least change that matters for its metric (`models.detectors.resolution`).

    Parameters
    ----------
    frame
        Normal operation; implausible values are skipped. Any number of ticks, including none.
    clock
        Determines which ticks are compared with each other.
    """
    values = np.where(is_plausible(frame.values), frame.values, np.nan).astype(np.float64)
    times_ms = frame.times_ms + frame.step_ms // 2
    places = slot_places(times_ms, clock)
    levels = list(slot_levels(clock, frame.end_ms))
    sizes = [int(level.max()) + 1 for level in levels]
    medians = [
        group_medians(values, level[places.slot], size) for level, size in zip(levels, sizes, strict=True)
    ]
    profile, used = finest(medians, levels)
    expected, mean = interpolated(profile, places), _mean(values)
    spread = _mean(np.abs(values - mean))
    residual = np.abs(_levelled(values - expected, level_unit(expected, spread), frame.step_ms))
    means = [
        group_means(residual, level[places.slot], size) for level, size in zip(levels, sizes, strict=True)
    ]
    scale = np.maximum(finest(means, levels)[0], finest(means[1:], levels[1:])[0])
    for index in (2, 3):
        distance = np.abs(values - medians[index].values[levels[index][places.slot]])
        coarse = group_means(distance, levels[index][places.slot], sizes[index])
        scale = np.where(used == index, coarse.values[levels[index]], scale)
    scale = np.maximum(scale, resolution_of(frame.keys).least(profile) / SCALE_WEIGHT)
    is_seen = ~np.isnan(values)
    n_seen = np.count_nonzero(is_seen, axis=0)
    is_usual = values == medians[-1].values[0]
    return Baseline(
        keys=frame.keys,
        step_ms=frame.step_ms,
        profile=profile.astype(np.float32),
        scale=scale.astype(np.float32),
        deviation=_mean(residual),
        mean=mean,
        spread=spread,
        n_seen=n_seen,
        is_sparse=np.count_nonzero(is_usual, axis=0) >= SPARSE_SHARE * np.maximum(n_seen, 1),
    )


def is_plausible(values: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Whether each value is finite and not absurd, the same shape."""
    plausible: NDArray[np.bool_] = np.abs(values) <= LARGEST_VALUE
    return plausible


def is_tame(values: NDArray[np.floating]) -> bool:
    """Whether no value is missing and all are so modest that no sum or quotient overflows."""
    size = np.abs(values)
    return not len(size) or bool(
        size[size.argmax()] <= TAME_VALUE
    )  # argmax returns the first nan, if there is one


def level_unit(expected: NDArray[np.floating], spread: NDArray[np.floating]) -> NDArray[np.floating]:
    """The unit of a level: the typical value, plus a tenth of the spread in case that is near 0.

    A busier day is busier in proportion. If the shift of the crowded afternoon were carried over unscaled
    into the quiet closing auction, it would page every day at 14:57.
    """
    unit: NDArray[np.floating] = np.maximum(np.abs(expected) + LEVEL_SPREAD * spread, LEAST_UNIT)
    return unit


def usual_residuals(frame: Frame, baseline: Baseline, clock: Clock) -> NDArray[np.float64]:
    """Mean absolute residual expected at every tick of a frame of the baseline's series; 0 if never seen."""
    return _of_seen_series(baseline, baseline.scale, frame, clock)


def expected_values(frame: Frame, baseline: Baseline, clock: Clock) -> NDArray[np.float64]:
    """Seasonal profile at every tick of a frame of the baseline's series, same shape; 0 if never seen."""
    return _of_seen_series(baseline, baseline.profile, frame, clock)


def _of_seen_series(
    baseline: Baseline, by_slot: NDArray[np.floating], frame: Frame, clock: Clock
) -> NDArray[np.float64]:
    places = slot_places(frame.times_ms + frame.step_ms // 2, clock)
    return interpolated(by_slot, places) * (baseline.n_seen > 0)


def interpolated(profile: NDArray[np.floating], places: Places) -> NDArray[np.float64]:
    """Value of a profile, shape ``(n_slots, n_series)``, at each place: shape ``(n, n_series)``."""
    nearest = profile[places.slot].astype(np.float64)
    return nearest + places.weight[:, None] * (profile[places.other] - nearest)


def _levelled(residual: NDArray[np.float64], unit: NDArray[np.floating], step_ms: int) -> NDArray[np.float64]:
    """Residuals minus the slowly moving level of earlier ticks, clipped at six standard deviations."""
    limit = CLIP * SCALE_OF_MEAN_ABSOLUTE * _mean(np.abs(residual))
    clipped = np.clip(residual, -limit, limit)
    share = np.where(np.isnan(clipped), 0.0, clipped) / unit
    rate = step_ms / 1000 / (step_ms / 1000 + LEVEL_S)
    level, levels = np.zeros(residual.shape[1]), np.empty_like(residual)
    for tick, row in enumerate(share):
        levels[tick] = level
        level = level + rate * (row - level)
    return np.clip(clipped - levels * unit, -limit, limit)


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of each column, ``nan`` skipped; 0 for a column of only ``nan``."""
    is_seen = ~np.isnan(values)
    total: NDArray[np.float64] = np.where(is_seen, values, 0.0).sum(axis=0)
    counts: NDArray[np.int64] = np.maximum(np.count_nonzero(is_seen, axis=0), 1)
    return total / counts
