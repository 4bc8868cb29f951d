"""The contract of the detector of log windows."""

from __future__ import annotations

import numpy as np
import pytest

from features.logs.rows import ROW_FEATURES, LogRows
from models.detectors.log_windows import LogWindowDetector, persistent
from models.detectors.rows import Parts
from models.errors import NotEnoughRowsError, NotFittedError

SERVICES = ("quiet", "loud")


def rows(
    n_windows: int = 400, *, seed: int = 0, services: tuple[str, ...] = SERVICES, scale: float = 5.0
) -> LogRows:
    rng = np.random.default_rng(seed)
    values = rng.exponential(size=(n_windows, len(services), len(ROW_FEATURES)))
    values[:, -1] *= scale
    values[::7, 0, 0] = np.nan
    return LogRows(services, np.arange(n_windows, dtype=np.int64) * 60_000, values)


FITTED = LogWindowDetector().fit(rows())
LIVE = rows(50, seed=1)


def with_values(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> LogRows:
    return LogRows(LIVE.services, LIVE.starts_ms, values)


def test_a_score_does_not_depend_on_the_batch() -> None:
    alone = [
        FITTED.score(LogRows(SERVICES, LIVE.starts_ms[each : each + 1], LIVE.values[each : each + 1]))
        for each in range(len(LIVE.starts_ms))
    ]
    np.testing.assert_array_equal(FITTED.score(LIVE), np.concatenate(alone))
    swapped = LogRows(SERVICES[::-1], LIVE.starts_ms, LIVE.values[:, ::-1])
    np.testing.assert_array_equal(FITTED.score(swapped)[:, ::-1], FITTED.score(LIVE))


def test_scoring_changes_nothing() -> None:
    first, before = FITTED.score(LIVE), LIVE.values.copy()
    FITTED.score(with_values(100 * LIVE.values))
    np.testing.assert_array_equal(FITTED.score(LIVE), first)
    np.testing.assert_array_equal(LIVE.values, before)


def test_a_loaded_detector_scores_the_same_as_the_saved_one() -> None:
    again = LogWindowDetector.from_parts(FITTED.parts(), FITTED.services_)
    np.testing.assert_array_equal(again.score(LIVE), FITTED.score(LIVE))


def test_higher_is_more_anomalous_and_a_service_is_judged_by_its_own_past() -> None:
    values = LIVE.values.copy()
    values[:, :, 2] = 9.0
    scores = FITTED.score(with_values(values))
    assert np.median(scores[:, 0]) > np.median(scores[:, 1]) + 1, "nine is usual for the loud service"
    values[:, :, 2] = 500.0
    assert (FITTED.score(with_values(values)) > scores).all()


def test_a_new_service_is_judged_by_what_is_usual_elsewhere() -> None:
    new = rows(200, seed=2, services=("new",), scale=1.0)
    assert np.nanmedian(FITTED.score(new)) < 4
    assert (FITTED.score(LogRows(("new",), new.starts_ms, new.values + 1_000)) > 5).all()


def test_a_window_without_any_feature_has_no_score() -> None:
    values = LIVE.values.copy()
    values[0, 0] = np.nan
    assert np.isnan(FITTED.score(with_values(values))).sum() == 1
    nothing = LogWindowDetector().fit(LogRows(SERVICES, rows().starts_ms, _only_first(rows().values)))
    assert np.isfinite(nothing.score(with_values(_only_first(values)))[1:, 1]).all()


def _only_first(
    values: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    values = values.copy()
    values[:, :, 1:] = np.nan
    return values


def test_a_long_past_is_thinned() -> None:
    many = tuple(f"service {number}" for number in range(200))
    detector = LogWindowDetector().fit(rows(1_500, services=many))
    assert detector.parts().arrays["past"].size <= 2**20


def test_too_few_windows_and_wrong_parts_are_refused() -> None:
    with pytest.raises(NotEnoughRowsError, match="30"):
        LogWindowDetector().fit(rows(29))
    for ask in (lambda: LogWindowDetector().score(LIVE), lambda: LogWindowDetector().parts()):
        with pytest.raises(NotFittedError):
            ask()
    with pytest.raises(ValueError, match="1 services"):
        LogWindowDetector.from_parts(FITTED.parts(), ["quiet"])
    with pytest.raises(ValueError, match="prior"):
        LogWindowDetector.from_parts(Parts({"prior_windows": 0}, FITTED.parts().arrays), SERVICES)


def test_two_of_three_consecutive_windows_make_an_anomaly() -> None:
    scores = np.array([[9.0], [1.0], [9.0], [1.0], [1.0], [9.0], [np.nan], [9.0]])
    starts = np.arange(8, dtype=np.int64) * 60_000
    over = persistent(scores, starts, step_ms=60_000)[:, 0]
    np.testing.assert_array_equal(over, [np.nan, 1.0, 9.0, 1.0, 1.0, 1.0, np.nan, 9.0])
    apart = starts * 3
    assert np.isnan(persistent(scores, apart, step_ms=60_000)).all(), (
        "windows hours apart are not consecutive"
    )
    assert persistent(scores[:0], starts[:0], step_ms=60_000).shape == (0, 1)
