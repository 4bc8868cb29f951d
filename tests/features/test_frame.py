"""Samples on a grid: which tick each falls in, and which are left out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.frame import Frame, frame_of
from features.golden import Role
from telemetry.batches import ENDED, Samples, SeriesKey

STEP_MS = 60_000
KEY = SeriesKey("order", "requests")


def counting(n_ticks: int, *, start_ms: int = 0, step_ms: int = STEP_MS) -> Frame:
    """Return a frame whose one series counts its ticks."""
    return Frame(start_ms, step_ms, (KEY,), np.arange(n_ticks, dtype=np.float64)[:, None])


def gridded(*rows: tuple[str, str, int, float], end_ms: int = 3 * STEP_MS) -> Frame:
    return frame_of(Samples.from_rows(rows), step_ms=STEP_MS, start_ms=0, end_ms=end_ms)


@given(
    st.integers(0, 8), st.integers(-50, 50), st.integers(1, 7), st.integers(-80, 150), st.integers(-80, 150)
)
def test_between_returns_the_ticks_that_lie_entirely_within(
    n_ticks: int, start_ms: int, step_ms: int, from_ms: int, to_ms: int
) -> None:
    frame = counting(n_ticks, start_ms=start_ms, step_ms=step_ms)
    part = frame.between(from_ms, to_ms)
    wholly = [
        tick
        for tick in range(n_ticks)
        if from_ms <= start_ms + tick * step_ms and start_ms + (tick + 1) * step_ms <= to_ms
    ]
    assert part.values[:, 0].tolist() == wholly
    if wholly:
        assert part.start_ms == start_ms + wholly[0] * step_ms
        assert part.end_ms == start_ms + (wholly[-1] + 1) * step_ms
    assert part.keys == frame.keys


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b"]), st.just("m"), st.integers(-3, 12), st.floats(width=16) | st.none()
        ),
        max_size=20,
    ),
    st.integers(1, 4),
    st.integers(-2, 3),
    st.integers(-2, 12),
)
def test_a_frame_equals_a_naive_gridding(
    rows: list[tuple[str, str, int, float | None]], step_ms: int, start_ms: int, end_ms: int
) -> None:
    sent = [(item, metric, at, np.nan if value is None else value) for item, metric, at, value in rows]
    frame = frame_of(Samples.from_rows(sent), step_ms=step_ms, start_ms=start_ms, end_ms=end_ms)
    n_ticks = max(0, -(-(end_ms - start_ms) // step_ms))
    naive: dict[tuple[SeriesKey, int], float] = {}
    for item, metric, at, value in sent:
        tick = (at - start_ms) // step_ms
        if 0 <= tick < n_ticks and np.isfinite(value):
            naive[SeriesKey(item, metric), tick] = value
    assert frame.n_ticks == n_ticks
    assert set(frame.keys) == {key for key, _ in naive}
    found = {
        (key, tick): float(frame.values[tick, column])
        for column, key in enumerate(frame.keys)
        for tick in range(n_ticks)
        if np.isfinite(frame.values[tick, column])
    }
    assert found == naive


def test_of_several_samples_in_a_tick_the_latest_sent_counts() -> None:
    frame = gridded(
        ("order", "requests", 50_000, 1.0),
        ("order", "requests", 10_000, 2.0),
        ("order", "requests", 60_000, 3.0),
    )
    assert frame.values[:2, 0].tolist() == [2.0, 3.0]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_counts_as_missing(value: float) -> None:
    frame = gridded(("order", "requests", 0, 1.0), ("order", "requests", 1, value))
    assert frame.values[0, 0] == 1.0
    assert gridded(("order", "requests", 0, value)).keys == ()


def test_a_last_tick_that_is_cut_by_the_end_is_included() -> None:
    assert gridded(("order", "requests", 60_000, 1.0), end_ms=STEP_MS + 1).n_ticks == 2


def test_an_end_before_the_start_gives_no_ticks() -> None:
    assert gridded(("order", "requests", 0, 1.0), end_ms=-5).values.shape == (0, 0)


def test_times_and_columns_agree_with_the_grid() -> None:
    frame = counting(3, start_ms=5)
    assert frame.times_ms.tolist() == [5, 5 + STEP_MS, 5 + 2 * STEP_MS]
    assert frame.end_ms == 5 + 3 * STEP_MS
    assert frame.column_of == {KEY: 0}
    assert frame.items == ("order",)


@pytest.mark.parametrize("values", [np.zeros((2, 2)), np.zeros(2)])
def test_values_that_do_not_fit_the_series_are_rejected(
    values: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> None:
    with pytest.raises(ValueError, match="do not fit 1 series"):
        Frame(0, STEP_MS, (KEY,), values)


def test_a_step_must_be_positive() -> None:
    with pytest.raises(ValueError, match="step must be positive"):
        Frame(0, 0, (KEY,), np.zeros((1, 1)))


def test_a_role_is_read_in_its_canonical_unit_in_the_requested_order() -> None:
    keys = (
        SeriesKey("order", "latency_ms"),
        SeriesKey("quotes", "availability_percent"),
        SeriesKey("order", "threads"),
    )
    frame = Frame(0, STEP_MS, keys, np.array([[250.0, 99.0, 7.0], [np.nan, 100.0, 7.0]]))
    np.testing.assert_allclose(
        frame.role(Role.LATENCY, ["quotes", "order"]), [[np.nan, 0.25], [np.nan, np.nan]]
    )
    np.testing.assert_allclose(frame.role(Role.ERRORS, ["quotes"]), [[0.01], [0.0]], atol=1e-12)
    assert np.isnan(frame.role(Role.CPU, ["order"])).all()


def test_of_two_metrics_of_one_role_the_first_by_name_is_read() -> None:
    keys = (SeriesKey("order", "latency_s"), SeriesKey("order", "latency_ms"))
    frame = Frame(0, STEP_MS, keys, np.array([[9.0, 250.0]]))
    assert frame.role(Role.LATENCY, ["order"]).tolist() == [[0.25]]


def test_all_roles_of_an_empty_frame_are_missing() -> None:
    frame = Frame(0, STEP_MS, (), np.zeros((2, 0)))
    assert np.isnan(frame.role(Role.LATENCY, ["order"])).all()
    assert frame.role(Role.LATENCY, []).shape == (2, 0)
    assert counting(2).role(Role.REQUESTS, []).shape == (2, 0)


def test_the_end_of_a_series_leaves_its_tick_without_a_value() -> None:
    frame = gridded(("order", "requests", 0, 1.0), ("order", "requests", 1, ENDED))
    assert np.isnan(frame.values[0, 0])
    frame = gridded(
        ("order", "requests", 0, ENDED), ("order", "requests", 1, 2.0), ("funds", "requests", 0, ENDED)
    )
    assert frame.values.tolist()[0] == [2.0]
