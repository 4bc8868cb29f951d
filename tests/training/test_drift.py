"""When it is time to retrain."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from builders import a_frame
from training_builders import a_bundle

from features.calendar import CLOCKS
from features.frame import Frame
from telemetry.batches import SeriesKey
from training.drift import drift_of, stability_index

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

CLOCK = CLOCKS["always"]
LEARNED = a_frame(("order", "quotes"), n_ticks=2000)
BUNDLE = replace(a_bundle(frame=LEARNED), metadata={"budget_per_week": "1.0"})


def changed(change: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Frame:
    values = LEARNED.values.astype(np.float64)
    return Frame(LEARNED.start_ms, LEARNED.step_ms, LEARNED.keys, change(values))


def test_the_signals_that_were_learned_have_not_moved() -> None:
    drift = drift_of(BUNDLE, LEARNED, CLOCK)
    assert not drift.moved
    assert drift.n_compared == drift.n_known == len(LEARNED.keys)
    assert not drift.reasons


def test_moved_series_are_reported_largest_first() -> None:
    drift = drift_of(BUNDLE, changed(lambda values: 3 * values), CLOCK)
    assert "no longer have the values they had" in drift.reasons[0]
    assert list(drift.moved.values()) == sorted(drift.moved.values(), reverse=True)


def test_new_and_vanished_series_are_counted() -> None:
    keys = tuple(SeriesKey(f"new-{key.item}", key.metric) for key in LEARNED.keys)
    drift = drift_of(BUNDLE, Frame(LEARNED.start_ms, LEARNED.step_ms, keys, LEARNED.values), CLOCK)
    assert (drift.n_new, drift.n_gone, drift.n_compared) == (len(keys), len(keys), 0)
    assert [("new" in each or "gone" in each) for each in drift.reasons] == [True, True]


def test_many_pages_are_a_reason() -> None:
    def noisy(values: NDArray[np.float64]) -> NDArray[np.float64]:
        values[::60] *= 8
        return values

    drift = drift_of(BUNDLE, changed(noisy), CLOCK)
    assert not drift.moved
    assert "pages per series-week" in drift.reasons[0]


def test_silent_series_count_as_gone_and_are_not_compared() -> None:
    drift = drift_of(BUNDLE, changed(lambda values: np.full_like(values, np.nan)), CLOCK)
    assert drift.n_gone == drift.n_known
    assert drift.n_compared == 0


def test_another_step_is_not_compared() -> None:
    other = Frame(LEARNED.start_ms, LEARNED.step_ms * 5, LEARNED.keys, LEARNED.values)
    with pytest.raises(ValueError, match="does not compare"):
        drift_of(BUNDLE, other, CLOCK)


@pytest.mark.parametrize(("value", "moved"), [(1.0, False), (0.0, True), (2.0, True)])
def test_a_constant_series_moves_when_its_value_does(value: float, *, moved: bool) -> None:
    assert (stability_index(np.ones(500), np.full(500, value)) > 0.25) is moved
