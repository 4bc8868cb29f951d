"""Sums of log lines, joined and thinned."""

from __future__ import annotations

import numpy as np
import pytest
from log_builders import NORMAL_MS, requests, sums_of

from features.logs.join import joined, thinned


def test_parts_join_to_the_sums_of_the_whole() -> None:
    middle = (NORMAL_MS[0] + NORMAL_MS[1]) // 2 + 7_000  # within a window
    records = requests(*NORMAL_MS)
    whole = sums_of(records)
    parts = [
        sums_of([each for each in records if each.time_ms < middle]),
        sums_of([each for each in records if each.time_ms >= middle]),
    ]
    both = joined(parts)
    np.testing.assert_array_equal(both.counts.of_kinds(whole.counts.kinds).counts, whole.counts.counts)
    assert whole.gaps.n.sum() - 5 <= both.gaps.n.sum() <= whole.gaps.n.sum()  # but for one trace at the cut
    assert both.examples == whole.examples


def test_only_like_parts_are_joined() -> None:
    with pytest.raises(ValueError, match="one length"):
        joined([])


def test_thinned_sums_are_small_and_know_every_kind() -> None:
    sums = sums_of([*requests(*NORMAL_MS), *requests(*NORMAL_MS, seed=2)[:1]])
    n_kinds = len(sums.counts.kinds)
    few = thinned(sums, max_values=10 * n_kinds)
    assert len(few.counts.counts) <= 10 + n_kinds
    assert (few.counts.counts.sum(axis=0) > 0).all()
    assert len(few.gaps.n) < len(sums.gaps.n)
