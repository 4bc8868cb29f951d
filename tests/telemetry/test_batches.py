"""Batches of samples as columns."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from telemetry.batches import Samples, SeriesKey

rows = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.sampled_from(["x", "y"]),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False),
    )
)


def rows_of(samples: Samples) -> list[tuple[str, str, int, float]]:
    return [
        (*samples.keys[series], int(at), float(value))
        for series, at, value in zip(samples.series, samples.time_ms, samples.values, strict=True)
    ]


@given(rows)
def test_rows_come_back_and_keys_are_unique(given_rows: list[tuple[str, str, int, float]]) -> None:
    samples = Samples.from_rows(given_rows)
    assert rows_of(samples) == given_rows
    assert len(samples) == len(given_rows)
    assert len(set(samples.keys)) == len(samples.keys)
    assert [column.dtype.name for column in (samples.series, samples.time_ms, samples.values)] == [
        "int32",
        "int64",
        "float64",
    ]


@given(st.lists(rows, max_size=4))
def test_joined_batches_hold_all_rows_in_order(parts: list[list[tuple[str, str, int, float]]]) -> None:
    joined = Samples.concatenated([Samples.from_rows(part) for part in parts])
    assert rows_of(joined) == [row for part in parts for row in part]
    assert len(set(joined.keys)) == len(joined.keys)


@given(rows, st.data())
def test_filtering_returns_the_selected_rows(
    given_rows: list[tuple[str, str, int, float]], data: st.DataObject
) -> None:
    selected = data.draw(st.lists(st.booleans(), min_size=len(given_rows), max_size=len(given_rows)))
    samples = Samples.from_rows(given_rows)
    part = samples.where(np.array(selected, dtype=bool))
    assert rows_of(part) == [
        row for row, is_selected in zip(given_rows, selected, strict=True) if is_selected
    ]
    assert part.keys == samples.keys


def test_columns_by_series_make_the_same_batch_as_rows() -> None:
    columns = [
        ("a", "x", np.array([1, 2]), np.array([0.5, 1.5])),
        ("b", "y", np.array([], dtype=np.int64), np.array([])),
    ]
    samples = Samples.from_columns(columns)
    assert rows_of(samples) == [("a", "x", 1, 0.5), ("a", "x", 2, 1.5)]
    assert samples.keys == (SeriesKey("a", "x"), SeriesKey("b", "y"))
    assert len(Samples.from_columns([])) == len(Samples.concatenated([])) == 0
