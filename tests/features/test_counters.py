"""Counters as rates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.counters import put_rates, rates
from features.frame import frame_of
from telemetry.batches import Samples, SeriesKey

STEP_MS = 60_000


def naive(counts: list[float | None], step_s: float, most_ticks: int) -> list[float | None]:
    found: list[float | None] = []
    for tick, count in enumerate(counts):
        earlier = [each for each in range(tick) if counts[each] is not None]
        before = counts[earlier[-1]] if earlier else None
        if count is None or before is None or tick - earlier[-1] > most_ticks or count < before:
            found.append(None)
        else:
            found.append((count - before) / ((tick - earlier[-1]) * step_s))
    return found


@given(
    counts=st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), max_size=30),
    step_ms=st.sampled_from([15_000, 60_000, 300_000, 3_600_000]),
)
def test_a_rate_is_the_rise_since_the_last_value(counts: list[float | None], step_ms: int) -> None:
    values = np.array(counts, dtype=np.float64).reshape(-1, 1)
    expected = naive(counts, step_ms / 1000, max(1, 600_000 // step_ms))
    found = rates(values, step_ms=step_ms)
    np.testing.assert_allclose(found[:, 0], np.array(expected, dtype=np.float64))


def test_a_reset_is_missing_and_the_next_tick_is_a_rate_again() -> None:
    counts = np.array([[1e12], [1e12 + 60], [5.0], [65.0]])
    np.testing.assert_array_equal(rates(counts, step_ms=STEP_MS)[:, 0], [np.nan, 1.0, np.nan, 1.0])


def test_values_at_the_ends_of_the_range_become_infinite_without_an_error() -> None:
    found = rates(np.array([[-1e308], [1e308]]), step_ms=STEP_MS)
    assert not np.isfinite(found).any()


def test_only_counters_are_changed_however_many_there_are() -> None:
    metrics = ["orders_total"] * 300 + ["requests", "total_orders"]
    keys = [SeriesKey(f"item-{number}", metric) for number, metric in enumerate(metrics)]
    values = np.array([np.full(302, 10.0), 70.0 + 60 * np.arange(302)])
    put_rates(values, keys, step_ms=STEP_MS)
    np.testing.assert_array_equal(values[1, :300], 1.0 + np.arange(300))
    np.testing.assert_array_equal(values[:, 300:], [[10.0, 10.0], [18070.0, 18130.0]])
    put_rates(values[:0], keys, step_ms=STEP_MS)


def test_a_frame_of_samples_holds_rates() -> None:
    samples = Samples.from_rows(
        [("order", "orders_total", tick * STEP_MS, 120.0 * tick) for tick in range(4) if tick != 1]
    )
    frame = frame_of(samples, step_ms=STEP_MS, start_ms=0, end_ms=4 * STEP_MS)
    assert frame.values[2:, 0].tolist() == pytest.approx([2.0, 2.0])
    assert np.isnan(frame.values[:2]).all()
