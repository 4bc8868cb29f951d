from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.frame import frame_of
from service.signals.recent_window import RecentWindow
from service.signals.series_shares import Refused
from telemetry.batches import Samples, SeriesKey

if TYPE_CHECKING:
    from collections.abc import Sequence

STEP_MS, N_TICKS = 10, 4
Row = tuple[str, str, int, float]


def a_window(*, max_series: int = 100, per_sender: int | None = None) -> RecentWindow:
    return RecentWindow(
        step_ms=STEP_MS, length_ms=STEP_MS * N_TICKS, max_series=max_series, per_sender=per_sender
    )


def rows(*values: tuple[int, float], item: str = "a") -> Samples:
    return Samples.from_rows([(item, "m", at_ms, value) for at_ms, value in values])


def naive_frame(batches: Sequence[Sequence[Row]]) -> dict[tuple[str, int], float]:
    """Last sample per item and tick, of the ticks still inside when all batches came."""
    newest, held = None, {}
    for batch in batches:
        if batch:
            newest = max([row[2] // STEP_MS for row in batch] + ([] if newest is None else [newest]))
        for item, _, at_ms, value in batch:
            if newest is not None and at_ms // STEP_MS > newest - N_TICKS:
                held[item, at_ms // STEP_MS] = value
    return {} if newest is None else {each: held[each] for each in held if each[1] > newest - N_TICKS}


samples = st.lists(
    st.tuples(st.sampled_from("abc"), st.just("m"), st.integers(0, 150), st.floats(-5, 5, width=32)),
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(samples, max_size=6))
def test_a_window_holds_what_a_plain_dictionary_would(batches: list[list[Row]]) -> None:
    window = a_window()
    for batch in batches:
        window.add(Samples.from_rows(batch))
    frame = window.frame()
    held = {
        (key.item, int(at_ms) // STEP_MS): float(frame.values[row, column])
        for column, key in enumerate(frame.keys)
        for row, at_ms in enumerate(frame.times_ms)
        if not np.isnan(frame.values[row, column])
    }
    assert held == naive_frame(batches)


@settings(max_examples=100, deadline=None)
@given(st.lists(samples, max_size=6))
def test_counts_agree_with_a_sample_by_sample_count(batches: list[list[Row]]) -> None:
    window = a_window()
    newest: dict[str, int] = {}
    for batch in batches:
        added = window.add(Samples.from_rows(batch))
        inside = [row for row in batch if row[2] // STEP_MS > (window.newest_tick or 0) - N_TICKS]
        n_out_of_order = 0
        for item, _, at_ms, _ in inside:
            n_out_of_order += at_ms < newest.get(item, -1)
            newest[item] = max(newest.get(item, -1), at_ms)
        assert added.n_out_of_order == n_out_of_order
        assert added.n_in_window == len(inside)
        assert added.n_outside == len(batch) - len(inside)


def test_the_same_instant_again_is_a_duplicate_and_the_last_wins() -> None:
    window = a_window()
    assert window.add(rows((5, 1.0), (5, 2.0))).n_duplicate == 1
    assert window.add(rows((5, 3.0))).n_duplicate == 1
    assert window.add(rows((6, 4.0))).n_duplicate == 0
    assert window.row(0, (SeriesKey("a", "m"),)).tolist() == [4.0]


def test_what_comes_after_a_tick_was_closed_is_late_and_kept() -> None:
    window = a_window()
    window.add(rows((15, 1.0)))
    window.close_before(1)
    added = window.add(rows((3, 9.0)))
    assert (added.n_late, added.n_in_window) == (1, 1)
    assert window.row(0, (SeriesKey("a", "m"),)).tolist() == [9.0]


def test_series_beyond_the_limit_are_counted_and_left_out() -> None:
    window = a_window(max_series=2)
    batch = Samples.from_rows([(each, "m", 5, 1.0) for each in "abcd"])
    assert window.add(batch).n_over_limit == 2
    assert window.n_series == 2
    assert window.add(rows((25, 1.0), item="d")).n_over_limit == 1
    assert window.newest_tick == 0


def named(*names: str, at_ms: int = 5) -> Samples:
    return Samples.from_rows([(each, "m", at_ms, 1.0) for each in names])


def test_the_flood_of_one_sender_leaves_the_others_their_room() -> None:
    window = a_window(max_series=6, per_sender=3)
    flood = window.add(named(*"abcdefgh"), sender="loud")
    assert (flood.n_in_window, flood.n_over_limit, flood.n_series_refused) == (3, 5, 5)
    assert window.add(named("x", "y", "z"), sender="quiet").n_series_refused == 0
    assert window.series_by_sender == {"loud": 3, "quiet": 3}
    assert window.add(named("a", at_ms=15), sender="loud").n_in_window == 1
    assert window.refused_by_sender == {"loud": Refused(n_series=5, n_samples=5, at_ms=5)}


def test_idle_series_make_room_for_new_ones_of_their_own_sender_only() -> None:
    minute_ms = 60_000
    window = RecentWindow(step_ms=minute_ms, length_ms=360 * minute_ms, max_series=9, per_sender=2)
    window.add(named("a", "b", at_ms=0), sender="loud")
    window.add(named("x", "y", at_ms=0), sender="quiet")
    window.add(named("b", at_ms=10 * minute_ms), sender="loud")
    assert window.add(named("c", at_ms=15 * minute_ms), sender="loud").n_over_limit == 1
    assert window.add(named("c", at_ms=16 * minute_ms), sender="loud").n_in_window == 1
    assert {each.item for each in window.frame().keys} == {"b", "c", "x", "y"}
    assert window.series_by_sender == {"loud": 2, "quiet": 2}


def test_a_series_read_from_history_counts_to_whoever_sends_it_next() -> None:
    window = a_window(max_series=9, per_sender=2)
    window.add(named("a", "b", "c"))
    assert window.series_by_sender == {"": 3}
    assert window.add(named("a", at_ms=15), sender="loud").n_over_limit == 0
    assert window.series_by_sender == {"": 2, "loud": 1}
    assert window.add(named("b", "c", "d", at_ms=15), sender="loud").n_over_limit == 2
    assert window.series_by_sender == {"loud": 2}
    assert {each.item for each in window.frame().keys} == {"a", "b"}


def test_a_series_that_fell_silent_makes_room_for_another() -> None:
    window = a_window(max_series=2)
    window.add(Samples.from_rows([("a", "m", 5, 1.0), ("b", "m", 15, 2.0)]))
    assert window.add(rows((48, 3.0), item="c")).n_over_limit == 0
    assert [key.item for key in window.frame().keys] == ["b", "c"]
    assert window.frame({"c"}).values[:, 0].tolist()[-1:] == [3.0]
    assert np.isnan(window.frame({"c"}).values[:-1]).all()
    assert window.add(rows((49, 4.0), item="a")).n_over_limit == 1
    assert window.add(Samples.from_rows([("d", "m", 990, 5.0), ("e", "m", 990, 6.0)])).n_in_window == 2
    assert window.n_series == 2


def test_a_row_has_what_came_since_the_same_series_were_asked_for() -> None:
    window, keys = a_window(max_series=2), tuple(SeriesKey(each, "m") for each in "abc")
    window.add(rows((5, 1.0)))
    assert np.isnan(window.row(0, keys)).tolist() == [False, True, True]
    window.add(rows((6, 2.0), item="b"))
    assert window.row(0, keys)[:2].tolist() == [1.0, 2.0]
    for _ in range(2):
        for others, values in ((keys[1::-1], [2.0, 1.0]), (keys[:1], [1.0]), (keys[1:2], [2.0])):
            assert window.row(0, others).tolist() == values
    window.add(rows((77, 3.0), item="c"))
    assert window.row(7, keys)[2] == 3.0
    assert np.isnan(window.row(7, keys)[:2]).all()


def test_many_series_find_room() -> None:
    window = a_window(max_series=1000)
    window.add(Samples.from_rows([(f"i{each}", "m", 5, float(each)) for each in range(200)]))
    assert window.frame({"i199"}).values[-1].tolist() == [199.0]
    assert window.n_series == 200


def test_an_empty_window_gives_an_empty_frame_and_no_values() -> None:
    window = a_window()
    assert window.frame().n_ticks == 0
    assert window.end_ms is None
    assert np.isnan(window.row(0, (SeriesKey("a", "m"),))).all()
    window.add(rows((5, 1.0)))
    assert window.frame({"nobody"}).keys == ()
    assert np.isnan(window.row(99, (SeriesKey("a", "m"),))).all()
    assert window.end_ms == 10


def test_a_frame_since_an_instant_is_the_end_of_the_whole_one() -> None:
    window = a_window()
    window.add(rows((0, 1.0), (10, 2.0), (20, 3.0), (30, 4.0)))
    complete = window.frame()
    for since_ms in (-50, 0, 5, 10, 29, 30, 99):
        part = window.frame(since_ms=since_ms)
        assert part.start_ms == min(max(since_ms // STEP_MS * STEP_MS, 0), 30)
        np.testing.assert_array_equal(part.values, complete.between(part.start_ms, complete.end_ms).values)


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.one_of(st.none(), st.integers(0, 1000)), min_size=1, max_size=12),
    since=st.integers(0, 8),
)
def test_a_window_shows_the_rates_that_a_frame_of_the_same_samples_holds(
    counts: list[int | None], since: int
) -> None:
    window = RecentWindow(step_ms=60_000, length_ms=8 * 60_000, max_series=200)
    gauges = [(f"other-{number}", "queue_length", 0, 1.0) for number in range(70)]  # so that it is widened
    sent = [
        ("a", "n_total", tick * 60_000, float(each)) for tick, each in enumerate(counts) if each is not None
    ]
    window.add(Samples.from_rows(gauges))
    for row in [*sent, ("a", "n_total", len(counts) * 60_000, 5000.0)]:
        window.add(Samples.from_rows([row]))
    first = len(counts) - 7
    held = [row for row in sent if row[2] >= first * 60_000] + [
        ("a", "n_total", len(counts) * 60_000, 5000.0)
    ]
    end_ms = (len(counts) + 1) * 60_000
    wanted = frame_of(Samples.from_rows(held), step_ms=60_000, start_ms=first * 60_000, end_ms=end_ms)
    shown = window.frame({"a"}, since_ms=(first + min(since, 7)) * 60_000)
    np.testing.assert_array_equal(shown.values[:, 0], wanted.values[min(since, 7) :, 0])
    for tick in range(first, len(counts) + 1):
        row = window.row(tick, (SeriesKey("a", "n_total"), SeriesKey("b", "n_total")))
        np.testing.assert_array_equal(row, [wanted.values[tick - first, 0], np.nan])


def test_series_that_make_room_one_after_the_other_never_share_a_column() -> None:
    window = a_window(max_series=3)
    window.add(Samples.from_rows([("a", "m", 5, 1.0), ("b", "m", 5, 2.0), ("c", "m", 25, 3.0)]))
    window.add(rows((48, 4.0), item="d"))
    window.add(Samples.from_rows([("e", "m", 78, 5.0), ("f", "m", 78, 6.0)]))
    keys = tuple(SeriesKey(each, "m") for each in "ef")
    assert window.row(7, keys).tolist() == [5.0, 6.0]
    assert window.row(4, (SeriesKey("d", "m"),)).tolist() == [4.0]


def test_series_beyond_the_first_capacity_leave_counters_and_duplicates_as_they_were() -> None:
    window = RecentWindow(step_ms=60_000, length_ms=4 * 60_000, max_series=200)
    counter = SeriesKey("a", "n_total")
    window.add(Samples.from_rows([("a", "n_total", 0, 10.0), ("a", "n_total", 60_000, 70.0)]))
    gauges = [(f"i{number}", "queue_length", 60_000, 1.0) for number in range(100)]
    assert window.add(Samples.from_rows(gauges)).n_duplicate == 0
    assert window.row(1, (counter,)).tolist() == [1.0]  # a minute's sixty, as a rate
