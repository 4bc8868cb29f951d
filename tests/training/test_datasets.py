"""Loading histories to learn from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from builders import a_frame
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import csv, parquet

from features.frame import Frame
from telemetry.batches import ENDED, Samples, SeriesKey
from telemetry.history import History
from training.datasets import digest_of, frame_from_history, frame_from_tables, frame_of_parts, gathered
from training.errors import BadHistoryError, NoHistoryError

if TYPE_CHECKING:
    from pathlib import Path

STEP_MS = 60_000
ROWS = [
    ("order", "requests", 120_000, 5.0),
    ("order", "requests", 60_000, 4.0),
    ("quotes", "cpu_ratio", 185_000, 0.5),
]


def a_table(rows: list[tuple[str, str, int, float]]) -> pa.Table:
    columns = zip(*rows, strict=True)
    return pa.table(dict(zip(("item", "metric", "time_ms", "value"), map(list, columns), strict=True)))


def test_tables_of_both_kinds_become_one_frame(tmp_path: Path) -> None:
    csv.write_csv(a_table(ROWS[:2]), tmp_path / "a.csv")
    parquet.write_table(a_table(ROWS[2:]), tmp_path / "b.parquet")
    frame = frame_from_tables(tmp_path, step_ms=STEP_MS)
    assert (frame.start_ms, frame.n_ticks) == (60_000, 3)
    assert frame.keys == (SeriesKey("order", "requests"), SeriesKey("quotes", "cpu_ratio"))
    np.testing.assert_array_equal(frame.values, [[4, np.nan], [5, np.nan], [np.nan, 0.5]])


def test_the_end_of_a_series_leaves_its_tick_without_a_value_in_whichever_part_it_is() -> None:
    parts = [
        Samples.from_rows([("order", "cpu_ratio", 0, 0.1), ("order", "cpu_ratio", 60_000, 0.2)]),
        Samples.from_rows([("order", "cpu_ratio", 60_001, ENDED), ("funds", "cpu_ratio", 60_001, ENDED)]),
        Samples.from_rows([("order", "cpu_ratio", 600_000, ENDED)]),
    ]
    frame = frame_of_parts(parts, step_ms=STEP_MS, source="parts")
    assert frame.keys == (SeriesKey("order", "cpu_ratio"),)
    np.testing.assert_array_equal(frame.values, [[0.1], [np.nan]])


def test_counters_become_rates_whichever_part_they_arrive_in() -> None:
    parts = [
        Samples.from_rows([("order", "orders_total", 60_000 * tick, 120.0 * tick)]) for tick in (0, 1, 3)
    ]
    frame = frame_of_parts(parts, step_ms=STEP_MS, source="parts")
    np.testing.assert_array_equal(frame.values[:, 0], [np.nan, 2.0, np.nan, 2.0])


def test_the_services_history_becomes_a_frame(tmp_path: Path) -> None:
    with History(tmp_path / "history") as history:
        history.append(Samples.from_rows(ROWS))
    frame = frame_from_history(tmp_path / "history", step_ms=STEP_MS)
    assert frame.values[frame.n_ticks - 1, frame.column_of[SeriesKey("quotes", "cpu_ratio")]] == 0.5
    with History(tmp_path / "empty"), pytest.raises(NoHistoryError):
        frame_from_history(tmp_path / "empty", step_ms=STEP_MS)


def test_samples_that_a_wrong_clock_stamped_do_not_stretch_the_history(tmp_path: Path) -> None:
    with History(tmp_path) as history:
        history.append(Samples.from_rows(ROWS))
        history.append(Samples.from_rows([("order", "requests", 401 * 86_400_000, 1.0)]))
    frame = frame_from_history(tmp_path, step_ms=STEP_MS)
    assert frame.n_ticks > 100_000
    frame = frame_from_history(tmp_path, step_ms=STEP_MS, until_ms=86_400_000)
    assert frame.n_ticks < 100


def test_history_is_read_while_the_service_writes_it(tmp_path: Path) -> None:
    with History(tmp_path) as history:
        history.append(Samples.from_rows(ROWS))
        assert len(frame_from_history(tmp_path, step_ms=STEP_MS).keys) == 2


def test_for_a_tick_in_two_tables_the_later_file_counts(tmp_path: Path) -> None:
    for name, value in (("b", 2.0), ("a", 1.0)):
        csv.write_csv(a_table([("order", "requests", 60_000, value)]), tmp_path / f"{name}.csv")
    assert frame_from_tables(tmp_path, step_ms=STEP_MS).values.tolist() == [[2.0]]


def test_nothing_to_learn_from_is_a_clear_error(tmp_path: Path) -> None:
    for read in (frame_from_tables, frame_from_history):
        with pytest.raises(NoHistoryError) as caught:
            read(tmp_path / "nowhere", step_ms=STEP_MS)
        assert "nowhere" in caught.value.source
    parquet.write_table(a_table([("order", "requests", 0, float("nan"))]), tmp_path / "a.parquet")
    with pytest.raises(NoHistoryError):
        frame_from_tables(tmp_path, step_ms=STEP_MS)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("item,metric,value\na,b,1\n", "no column time_ms"),
        ("item,metric,time_ms,value\na,b,soon,1\n", "soon"),
        ("item,metric,time_ms,value\na,b,,1\n", "is empty"),
        ("item,metric,time_ms,value\na,b\n", "columns"),
        ("", "."),
    ],
)
def test_a_table_that_cannot_be_read_is_named(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "bad.csv").write_text(content)
    with pytest.raises(BadHistoryError, match=reason) as caught:
        frame_from_tables(tmp_path, step_ms=STEP_MS)
    assert "bad.csv" in caught.value.source


def test_a_damaged_parquet_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 but not really")
    with pytest.raises(BadHistoryError, match=r"bad\.parquet"):
        frame_from_tables(tmp_path, step_ms=STEP_MS)


def test_one_wild_timestamp_does_not_exhaust_memory() -> None:
    samples = Samples.from_rows([("a", "requests", 0, 1.0), ("a", "requests", 2**60, 1.0)])
    with pytest.raises(BadHistoryError, match="span"):
        frame_of_parts([samples], step_ms=1000, source="here")


def test_the_digest_depends_on_the_content() -> None:
    frame = a_frame(["order"])
    other = Frame(frame.start_ms, frame.step_ms, frame.keys, frame.values.copy())
    assert digest_of(frame) == digest_of(other)
    other.values[7, 1] += 1e-9
    assert digest_of(frame) != digest_of(other)
    assert digest_of(frame) != digest_of(a_frame(["orders"]))


def test_counts_finer_than_the_step_are_refused_and_not_thinned() -> None:
    fine = Samples.from_rows([("order", "requests", 60_000 * minute, 100.0) for minute in range(30)])
    with pytest.raises(BadHistoryError, match="train with a step of 60 s"):
        frame_of_parts([fine], step_ms=300_000, source="here")
    assert frame_of_parts([fine], step_ms=60_000, source="here").n_ticks == 30


def test_gauges_finer_than_the_step_are_read_at_its_end() -> None:
    fine = Samples.from_rows([("order", "latency_s", 60_000 * minute, 0.1 + minute) for minute in range(10)])
    assert frame_of_parts([fine], step_ms=300_000, source="here").values[:, 0].tolist() == [4.1, 9.1]


SAMPLES = st.lists(
    st.tuples(
        st.sampled_from(["order", "quotes", "search"]),
        st.sampled_from(["requests", "latency_s"]),
        st.integers(0, 20).map(lambda tick: 60_000 * tick),
        st.floats(0, 1e6) | st.sampled_from([float("nan"), float("inf")]),
    ),
    max_size=60,
)


@given(rows=SAMPLES, cut=st.integers(1, 20), joined=st.integers(1, 30))
def test_parts_of_any_size_give_the_same_frame(
    rows: list[tuple[str, str, int, float]], cut: int, joined: int
) -> None:
    finite = [row for row in rows if np.isfinite(row[3])]
    batches = [Samples.from_rows(rows[first : first + cut]) for first in range(0, len(rows), cut)]
    parts = list(gathered(batches, n_samples=joined))
    assert all(len(part) >= joined for part in parts[:-1])
    if not finite:
        with pytest.raises(NoHistoryError):
            frame_of_parts(parts, step_ms=STEP_MS, source="here")
        return
    frame = frame_of_parts(parts, step_ms=STEP_MS, source="here")
    last = {(SeriesKey(item, metric), time_ms): value for item, metric, time_ms, value in finite}
    assert frame.keys == tuple(sorted({key for key, _ in last}))
    assert (frame.start_ms, frame.end_ms) == (
        min(time_ms for _, time_ms in last),
        max(time_ms for _, time_ms in last) + STEP_MS,
    )
    seen = {
        (key, int(time_ms)): frame.values[tick, column]
        for column, key in enumerate(frame.keys)
        for tick, time_ms in enumerate(frame.times_ms)
        if not np.isnan(frame.values[tick, column])
    }
    assert seen == last


def test_the_spacing_of_counts_is_that_of_most_parts() -> None:
    fine, coarse = (
        Samples.from_rows([("order", "requests", start + every * place, 1.0) for place in range(n)])
        for start, every, n in ((0, 10_000, 10), (1_000_000, 60_000, 30))
    )
    assert frame_of_parts([fine, coarse], step_ms=60_000, source="here").n_ticks == 46
    with pytest.raises(BadHistoryError, match="every 10 s"):
        frame_of_parts([*[fine] * 4, coarse], step_ms=60_000, source="here")
