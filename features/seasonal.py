"""The seasonal profile of many series at once: the typical value in each slot of a clock."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from features.calendar import DAY_MS, MINUTE_MS, SLOT_MINUTES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from features.calendar import Clock

SLOT_MS = SLOT_MINUTES * MINUTE_MS
SLOTS_PER_HALF_HOUR = 6
SURVEY_DAYS = 14
SURVEY_END_MS = 1_774_051_200_000  # 21 March 2026: two weeks without a holiday
MIN_VALUES = 8
"""With fewer values there is no typical value, and the next coarser group is used."""


class Places(NamedTuple):
    """Where instants fall between the centres of two slots, all of shape ``(n,)``.

    Attributes
    ----------
    slot
        The slot of the instant.
    other
        The slot whose centre is second nearest; the same slot at the border of a phase, so that nothing
        is interpolated across 09:30.
    weight
        Weight of ``other``, 0 to 0.5.
    """

    slot: NDArray[np.int64]
    other: NDArray[np.int64]
    weight: NDArray[np.float64]


def slot_places(times_ms: NDArray[np.int64], clock: Clock) -> Places:
    """Place instants, shape ``(n,)``, between the slots of a clock."""
    offset = (times_ms % SLOT_MS) / SLOT_MS
    neighbour_ms = times_ms + np.where(offset < 0.5, -SLOT_MS // 2, SLOT_MS // 2)  # noqa: PLR2004
    slots = clock.slots(np.concatenate([times_ms, neighbour_ms]))
    phases = clock.phases(np.concatenate([times_ms, neighbour_ms]))
    n = len(times_ms)
    other = np.where(phases[:n] == phases[n:], slots[n:], slots[:n])
    return Places(slots[:n], other, np.abs(offset - 0.5))


class Levels(NamedTuple):
    """The groups of slots to learn from, finest first, each of shape ``(n_slots,)``."""

    slot: NDArray[np.int64]
    half_hour: NDArray[np.int64]
    phase: NDArray[np.int64]
    everything: NDArray[np.int64]


def slot_levels(clock: Clock, around_ms: int) -> Levels:
    """Return the half hour, the phase and the group of all slots that each slot belongs to.

    The phase of a slot is read from the two weeks that end at ``around_ms``. Slots that do not occur in
    them form a phase of their own.
    """
    minutes = SURVEY_DAYS * DAY_MS // MINUTE_MS
    survey = around_ms - around_ms % MINUTE_MS - MINUTE_MS * np.arange(minutes, dtype=np.int64)
    phase = np.full(clock.n_slots, -1, dtype=np.int64)
    phase[clock.slots(survey)] = clock.phases(survey)
    slot = np.arange(clock.n_slots, dtype=np.int64)
    half_hours = np.stack([phase, slot // SLOTS_PER_HALF_HOUR])
    half_hour = np.unique(half_hours, axis=1, return_inverse=True)[1].reshape(-1)
    return Levels(slot, half_hour, np.unique(phase, return_inverse=True)[1], np.zeros_like(slot))


class SlotKinds(NamedTuple):
    """Groups of similar slots of a clock, each of shape ``(n_slots,)``.

    Attributes
    ----------
    half_hour
        Group of slots of one half hour of one phase.
    phase
        Group of slots of one phase.
    stand_in
        The slot at the same time on another kind of day; the slot itself if there is none.
    """

    half_hour: NDArray[np.int64]
    phase: NDArray[np.int64]
    stand_in: NDArray[np.int64]


def slot_kinds(clock: Clock) -> SlotKinds:
    """Return the groups of similar slots of a clock, read from two ordinary weeks."""
    key: Any = clock  # all clocks are frozen data classes, which can be cached
    return _slot_kinds(key)


@lru_cache(maxsize=8)
def _slot_kinds(clock: Any) -> SlotKinds:
    levels = slot_levels(clock, SURVEY_END_MS)
    times_ms = SURVEY_END_MS - MINUTE_MS * np.arange(SURVEY_DAYS * DAY_MS // MINUTE_MS, dtype=np.int64)
    pairs = np.unique(np.stack([times_ms % DAY_MS, clock.slots(times_ms)]), axis=1)
    stand_in = np.arange(clock.n_slots, dtype=np.int64)
    same_time = pairs[0, 1:] == pairs[0, :-1]
    stand_in[pairs[1, 1:][same_time]] = pairs[1, :-1][same_time]
    stand_in[pairs[1, :-1][same_time]] = pairs[1, 1:][same_time]
    return SlotKinds(levels.half_hour, levels.phase, stand_in)


class Grouped(NamedTuple):
    """Values by group, and how many values each was learned from; both of shape ``(n_groups, n_series)``."""

    values: NDArray[np.float64]
    counts: NDArray[np.int64]


def group_medians(values: NDArray[np.floating], groups: NDArray[np.int64], n_groups: int) -> Grouped:
    """Median of each group of ticks; ``nan`` is skipped, and a group of only ``nan`` gives 0.

    Parameters
    ----------
    values
        Shape ``(n_ticks, n_series)``, any unit.
    groups
        Shape ``(n_ticks,)``, each in ``[0, n_groups)``.
    n_groups
        Number of groups.
    """
    medians = np.zeros((n_groups, values.shape[1]))
    counts = np.zeros((n_groups, values.shape[1]), dtype=np.int64)
    order = np.argsort(groups, kind="stable")
    present, starts = np.unique(groups[order], return_index=True)
    by_series = np.ascontiguousarray(values[order].T, dtype=np.float64)
    ends = np.append(starts, len(groups))[1:]
    for group, start, end in zip(present, starts, ends, strict=True):
        ordered = np.sort(by_series[:, start:end], axis=1)  # nan sorts last
        n = np.count_nonzero(~np.isnan(ordered), axis=1)
        middle = np.stack([np.maximum(n - 1, 0) // 2, n // 2], axis=1)
        pair = np.take_along_axis(ordered, middle, axis=1)
        medians[group] = np.where(n > 0, pair.mean(axis=1), 0.0)
        counts[group] = n
    return Grouped(medians, counts)


def group_means(values: NDArray[np.float64], groups: NDArray[np.int64], n_groups: int) -> Grouped:
    """Mean of each group of ticks; otherwise like `group_medians`."""
    order = np.argsort(groups, kind="stable")
    present, starts = np.unique(groups[order], return_index=True)
    is_seen = ~np.isnan(values)
    totals = np.zeros((n_groups, values.shape[1]))
    counts = np.zeros((n_groups, values.shape[1]), dtype=np.int64)
    if len(present):
        totals[present] = np.add.reduceat(np.where(is_seen, values, 0.0)[order], starts, axis=0)
        counts[present] = np.add.reduceat(is_seen[order].astype(np.int64), starts, axis=0)
    return Grouped(totals / np.maximum(counts, 1), counts)


def finest(
    by_level: list[Grouped], levels: list[NDArray[np.int64]]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Value of each slot from the finest level that has at least `MIN_VALUES`; the last level has no floor.

    Parameters
    ----------
    by_level
        The values learned at each level, finest first.
    levels
        For each level the group of each slot, shape ``(n_slots,)``.

    Returns
    -------
    The values, and the index of the level each came from, both of shape ``(n_slots, n_series)``.
    """
    chosen = by_level[-1].values[levels[-1]]
    used = np.full(chosen.shape, len(levels) - 1, dtype=np.int64)
    for index in range(len(levels) - 2, -1, -1):
        values, counts = by_level[index]
        enough = counts[levels[index]] >= MIN_VALUES
        chosen = np.where(enough, values[levels[index]], chosen)
        used = np.where(enough, index, used)
    return chosen, used
