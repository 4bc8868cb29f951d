"""A window of four ticks of ten milliseconds, sample by sample."""

from __future__ import annotations

import numpy as np
import pytest

from service.signals.recent_window import AddedSamples, RecentWindow
from telemetry.batches import Samples, SeriesKey

A, B = SeriesKey("a", "m"), SeriesKey("b", "m")


def a_window(*, length_ms: int = 40, max_series: int = 100) -> RecentWindow:
    return RecentWindow(step_ms=10, length_ms=length_ms, max_series=max_series)


def batch(*rows: tuple[str, int, float]) -> Samples:
    return Samples.from_rows([(item, "m", at_ms, value) for item, at_ms, value in rows])


@pytest.mark.parametrize(("length_ms", "n_ticks"), [(40, 4), (41, 5), (1, 1), (0, 1)])
def test_a_length_is_rounded_up_to_whole_ticks(length_ms: int, n_ticks: int) -> None:
    assert a_window(length_ms=length_ms).n_ticks == n_ticks


def test_a_window_begins_empty() -> None:
    window = a_window()
    assert (window.newest_tick, window.start_ms, window.end_ms, window.n_series) == (None, None, None, 0)
    assert window.add(batch()) == AddedSamples()
    frame = window.frame()
    assert (frame.start_ms, frame.step_ms, frame.keys, frame.values.shape) == (0, 10, (), (0, 0))


def test_the_ring_ends_with_the_newest_tick_and_begins_three_before_it() -> None:
    window = a_window()
    window.add(batch(("a", 55, 1.0)))
    assert (window.newest_tick, window.start_ms, window.end_ms) == (5, 20, 60)
    frame = window.frame()
    assert (frame.start_ms, frame.step_ms, frame.keys) == (20, 10, (A,))
    np.testing.assert_array_equal(frame.values, [[np.nan]] * 3 + [[1.0]])


def test_each_sample_is_counted_for_what_became_of_it() -> None:
    window = a_window(max_series=2)
    assert window.add(batch(("a", 50, 1.0), ("a", 61, 2.0), ("b", 62, 3.0))) == AddedSamples(n_in_window=3)
    window.close_before(6)
    window.close_before(5)
    late_and_old = batch(("a", 55, 4.0), ("a", 29, 5.0), ("a", 30, 6.0), ("c", 62, 7.0), ("b", 62, 8.0))
    assert window.add(late_and_old) == AddedSamples(
        n_in_window=3,
        n_duplicate=1,
        n_out_of_order=2,
        n_late=2,
        n_outside=1,
        n_over_limit=1,
        n_series_refused=1,
    )
    np.testing.assert_array_equal(
        window.frame().values, [[6.0, np.nan], [np.nan, np.nan], [4.0, np.nan], [2.0, 8.0]]
    )


def test_of_equal_instants_in_a_batch_each_but_the_first_is_a_duplicate_whatever_lies_between() -> None:
    window = a_window()
    found = window.add(batch(("a", 5, 1.0), ("b", 5, 2.0), ("a", 5, 3.0), ("a", 6, 4.0), ("b", 6, 5.0)))
    assert found == AddedSamples(n_in_window=5, n_duplicate=1)
    again = window.add(batch(("a", 6, 6.0), ("a", 6, 7.0), ("b", 5, 8.0)))
    assert again == AddedSamples(n_in_window=3, n_duplicate=2, n_out_of_order=1)
    assert window.row(0, (A, B)).tolist() == [7.0, 8.0]


def test_order_is_judged_series_by_series_in_the_batch_and_before_it() -> None:
    window = a_window()
    found = window.add(batch(("b", 9, 1.0), ("a", 3, 2.0), ("a", 2, 3.0), ("b", 8, 4.0), ("a", 4, 5.0)))
    assert found.n_out_of_order == 2
    assert window.add(batch(("a", 3, 1.0), ("b", 9, 1.0), ("a", 4, 1.0))).n_out_of_order == 1


def test_a_tick_that_leaves_the_ring_takes_its_values_along() -> None:
    window = a_window()
    window.add(batch(("a", 0, 1.0), ("a", 10, 2.0), ("a", 20, 3.0), ("a", 30, 4.0)))
    window.add(batch(("a", 50, 6.0)))
    np.testing.assert_array_equal(window.frame().values[:, 0], [3.0, 4.0, np.nan, 6.0])
    assert window.add(batch(("a", 40, 5.0))) == AddedSamples(n_in_window=1, n_out_of_order=1)
    np.testing.assert_array_equal(window.frame().values[:, 0], [3.0, 4.0, 5.0, 6.0])
    window.add(batch(("a", 90, 7.0)))
    np.testing.assert_array_equal(window.frame().values[:, 0], [np.nan, np.nan, np.nan, 7.0])
    for tick, value in ((5, np.nan), (6, np.nan), (9, 7.0), (10, np.nan)):
        np.testing.assert_array_equal(window.row(tick, (A,)), [value])


def test_a_row_holds_the_ticks_of_the_ring_only() -> None:
    window = a_window()
    window.add(batch(*(("a", 10 * tick, float(tick)) for tick in range(5))))
    rows = [window.row(tick, (B, A))[1] for tick in range(6)]
    np.testing.assert_array_equal(rows, [np.nan, 1.0, 2.0, 3.0, 4.0, np.nan])


def test_a_series_makes_room_once_all_of_its_ticks_have_left_the_window() -> None:
    window = a_window(max_series=1)
    window.add(batch(("a", 10, 1.0)))
    assert window.add(batch(("b", 50, 2.0))).n_over_limit == 1
    assert window.add(batch(("b", 51, 2.0))).n_over_limit == 0
    assert (window.n_series, window.frame().keys) == (1, (B,))
    np.testing.assert_array_equal(window.frame().values[:, 0], [np.nan, np.nan, np.nan, 2.0])
    assert window.add(batch(("b", 51, 3.0))).n_duplicate == 1


def test_a_column_that_was_freed_holds_nothing_of_the_series_before() -> None:
    window = a_window(max_series=2)
    window.add(batch(("a", 39, 1.0), ("b", 45, 2.0)))
    window.add(batch(("b", 80, 3.0), ("c", 80, 4.0)))
    assert window.add(batch(("c", 79, 5.0))) == AddedSamples(n_in_window=1, n_out_of_order=1)
    np.testing.assert_array_equal(window.frame({"c"}).values[:, 0], [np.nan, np.nan, 5.0, 4.0])


def test_a_hundred_series_are_all_held_and_none_beyond_the_limit() -> None:
    window = a_window(max_series=130)
    for first in (0, 64, 128):
        window.add(batch(*((f"i{place}", 5, float(place)) for place in range(first, first + 64))))
    assert window.n_series == 130
    frame = window.frame()
    assert frame.values[-1].tolist() == [float(place) for place in range(130)]
    assert np.isnan(frame.values[:-1]).all()
    again = window.add(batch(*((f"i{place}", 5, 0.0) for place in range(130))))
    assert again == AddedSamples(n_in_window=130, n_duplicate=130)


def test_a_counter_is_shown_as_a_rate_and_a_gauge_as_it_is() -> None:
    window = RecentWindow(step_ms=1000, length_ms=4000, max_series=9)
    rows = [("a", "n_total", 1000 * tick, 10.0 * tick**2) for tick in range(4)]
    window.add(Samples.from_rows([*rows, ("a", "size", 3000, 7.0)]))
    frame = window.frame()
    assert [key.metric for key in frame.keys] == ["n_total", "size"]
    np.testing.assert_allclose(np.diff(frame.values[1:, 0]), [20.0, 20.0])
    assert frame.values[3, 1] == 7.0
    row = window.row(3, (SeriesKey("a", "size"), SeriesKey("a", "n_total")))
    np.testing.assert_allclose(row, [7.0, frame.values[3, 0]])
