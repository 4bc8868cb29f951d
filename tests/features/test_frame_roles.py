import numpy as np

from features.frame import Frame
from features.golden import Role
from telemetry.batches import SeriesKey


def test_an_item_measured_in_two_units_is_read_tick_by_tick() -> None:
    keys = (SeriesKey("db", "latency_ms"), SeriesKey("db", "latency_s"), SeriesKey("app", "latency_s"))
    values = np.array([[200.0, np.nan, 0.5], [np.nan, 0.3, 0.6], [400.0, 9.9, np.nan]])
    frame = Frame(0, 60_000, keys, values)
    np.testing.assert_allclose(
        frame.role(Role.LATENCY, ["app", "db", "other"]),
        [[0.5, 0.2, np.nan], [0.6, 0.3, np.nan], [np.nan, 0.4, np.nan]],
    )


def test_only_the_selected_ticks_are_read() -> None:
    frame = Frame(0, 60_000, (SeriesKey("db", "requests"),), np.arange(5.0)[:, None])
    np.testing.assert_array_equal(frame.role(Role.REQUESTS, ["db"], ticks=np.array([1, 4])), [[1.0], [4.0]])
