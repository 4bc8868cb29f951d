"""Slots, the levels they fall back on, and typical values by group."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest

from features.calendar import CLOCKS, Phase
from features.seasonal import Grouped, finest, group_means, group_medians, slot_levels, slot_places
from telemetry.instants import to_ms

SHANGHAI = CLOCKS["XSHG"]


def at(hour: int, minute: int, second: int = 0, day: int = 4) -> int:
    return to_ms(datetime(2026, 3, day, hour - 8, minute, second, tzinfo=UTC))


def test_a_place_at_the_centre_of_a_slot_is_that_slot_alone() -> None:
    place = slot_places(np.array([at(10, 2, 30)]), SHANGHAI)
    assert place.weight[0] == 0


def test_a_place_between_two_centres_leans_to_the_nearer() -> None:
    place = slot_places(np.array([at(10, 4, 30), at(10, 5, 30)]), SHANGHAI)
    assert place.other[0] == place.slot[0] + 1
    assert place.other[1] == place.slot[1] - 1
    np.testing.assert_allclose(place.weight, [0.4, 0.4])


@pytest.mark.parametrize("border", [(9, 15), (9, 30), (11, 30), (13, 0), (14, 57), (15, 0)])
def test_nothing_is_interpolated_across_the_border_of_a_phase(border: tuple[int, int]) -> None:
    times = at(*border) + np.array([-1000, 0])
    place = slot_places(times, SHANGHAI)
    assert place.slot[0] != place.slot[1]
    assert not {int(place.other[0]), int(place.slot[0])} & {int(place.slot[1]), int(place.other[1])}


def test_half_hours_lie_within_phases_and_phases_within_the_group_of_all_slots() -> None:
    levels = slot_levels(SHANGHAI, at(12, 0))
    for finer, coarser in pairwise(levels):
        for group in np.unique(finer):
            assert len(np.unique(coarser[finer == group])) == 1
    morning = SHANGHAI.slots(np.array([at(9, 30), at(11, 29)]))
    assert levels.phase[morning[0]] == levels.phase[morning[1]]
    assert len(np.unique(levels.phase)) == len(Phase) - 1


def test_medians_and_means_equal_naive_ones() -> None:
    rng = np.random.default_rng(0)
    values, groups = rng.normal(size=(200, 3)), rng.integers(0, 6, 200)
    values[rng.random(values.shape) < 0.3] = np.nan
    values[groups == 2, 1] = np.nan
    medians, means = group_medians(values, groups, 8), group_means(values, groups, 8)
    for group in range(8):
        for column in range(3):
            seen = values[groups == group, column]
            seen = seen[~np.isnan(seen)]
            assert medians.counts[group, column] == means.counts[group, column] == len(seen)
            assert medians.values[group, column] == pytest.approx(np.median(seen) if len(seen) else 0)
            assert means.values[group, column] == pytest.approx(np.mean(seen) if len(seen) else 0)


def test_the_finest_level_with_enough_values_is_used() -> None:
    fine = Grouped(np.array([[1.0], [2.0]]), np.array([[8], [7]]))
    coarse = Grouped(np.array([[9.0]]), np.array([[3]]))
    values, used = finest([fine, coarse], [np.array([0, 1]), np.array([0, 0])])
    assert values[:, 0].tolist() == [1.0, 9.0]
    assert used[:, 0].tolist() == [0, 1]
