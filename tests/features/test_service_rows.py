"""Feature rows of services."""

from __future__ import annotations

import numpy as np
from builders import a_frame

from features.alignment import aligned
from features.frame import Frame
from features.golden import Role
from features.service_rows import FEATURES, role_columns, service_rows
from telemetry.batches import SeriesKey


def feature(rows: np.ndarray, name: str) -> np.ndarray:
    return rows[..., FEATURES.index(name)]


def test_a_row_holds_scores_and_values_relative_to_the_season() -> None:
    frame = a_frame(["order"], n_ticks=3)
    scores = np.full(frame.values.shape, np.e - 1)
    expected = frame.values / np.array([2.0, 1.0, 0.5])
    rows = service_rows(frame, scores, expected)
    assert rows.items == ("order",)
    assert rows.flat.shape == (3, len(FEATURES))
    np.testing.assert_allclose(feature(rows.values, "latency_oddity"), 1.0)
    np.testing.assert_allclose(feature(rows.values, "requests_value"), np.log(2))
    np.testing.assert_allclose(feature(rows.values, "latency_value"), 0, atol=1e-12)
    np.testing.assert_allclose(feature(rows.values, "errors_value")[:, 0], -frame.values[:, 2])
    assert np.isnan(feature(rows.values, "cpu_value")).all()


def test_units_and_missing_values_are_respected() -> None:
    keys = (SeriesKey("order", "latency_ms"), SeriesKey("order", "cpu_percent"), SeriesKey("link", "colour"))
    values = np.array([[100.0, 50.0, 1.0], [np.nan, 20.0, 1.0], [0.0, np.nan, 1.0]])
    frame = Frame(0, 60_000, keys, values)
    rows = service_rows(frame, np.full((3, 3), np.nan), np.full((3, 3), 50.0))
    assert rows.items == ("order",)
    latency = feature(rows.values, "latency_value")[:, 0]
    np.testing.assert_allclose(latency[0], np.log(2))
    assert np.isnan(latency[1:]).all()
    np.testing.assert_allclose(feature(rows.values, "cpu_value")[:2, 0], [0.0, -0.3])


def test_of_two_metrics_of_a_role_the_first_in_name_order_is_read() -> None:
    keys = (SeriesKey("order", "latency_s"), SeriesKey("order", "latency_ms"))
    assert role_columns(keys, Role.LATENCY, ("order", "quotes")).tolist() == [1, -1]


def test_no_golden_signal_gives_no_rows() -> None:
    frame = Frame(0, 60_000, (SeriesKey("order", "colour"),), np.ones((2, 1)))
    assert service_rows(frame, np.ones((2, 1)), np.ones((2, 1))).flat.shape == (0, len(FEATURES))


def test_alignment_orders_series_and_leaves_unknown_ones_missing() -> None:
    frame = a_frame(["order"], n_ticks=4)
    keys = (frame.keys[2], SeriesKey("quotes", "requests"), frame.keys[0])
    moved = aligned(frame, keys)
    assert moved.keys == keys
    np.testing.assert_array_equal(moved.values[:, [0, 2]], frame.values[:, [2, 0]])
    assert np.isnan(moved.values[:, 1]).all()
    assert aligned(frame, frame.keys) is frame
