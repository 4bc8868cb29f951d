"""Sums of log lines, joined and thinned."""

from __future__ import annotations

import numpy as np
import pytest
from log_builders import NORMAL_MS, requests, sums_of

from features.logs.join import joined, thinned


def test_joined_parts_equal_the_sums_of_all_lines() -> None:
    middle = (NORMAL_MS[0] + NORMAL_MS[1]) // 2 + 7_000  # within a window
    records = requests(*NORMAL_MS)
    expected = sums_of(records)
    parts = [
        sums_of([each for each in records if each.time_ms < middle]),
        sums_of([each for each in records if each.time_ms >= middle]),
    ]
    both = joined(parts)
    np.testing.assert_array_equal(both.counts.of_kinds(expected.counts.kinds).counts, expected.counts.counts)
    assert (
        expected.gaps.n.sum() - 5 <= both.gaps.n.sum() <= expected.gaps.n.sum()
    )  # except for one trace at the cut
    assert both.examples == expected.examples


def test_joining_needs_parts_of_equal_step() -> None:
    with pytest.raises(ValueError, match="at least one part"):
        joined([])


def test_thinned_sums_are_small_and_know_every_kind() -> None:
    sums = sums_of([*requests(*NORMAL_MS), *requests(*NORMAL_MS, seed=2)[:1]])
    n_kinds = len(sums.counts.kinds)
    few = thinned(sums, max_values=10 * n_kinds)
    assert len(few.counts.counts) <= 10 + n_kinds
    assert (few.counts.counts.sum(axis=0) > 0).all()
    assert len(few.gaps.n) < len(sums.gaps.n)
