"""Novelty and severity: the two channels beside onset."""

from __future__ import annotations

import numpy as np
import pytest
from builders import a_frame, with_fault
from hypothesis import given
from hypothesis import strategies as st

from features.calendar import CLOCKS
from models.detectors.first_stage import fit_baseline, score
from models.detectors.novelty import NoveltyScan
from models.detectors.severity import onset_and_severity
from telemetry.batches import SeriesKey

CLOCK = CLOCKS["always"]
NORMAL = a_frame(["order", "quotes"], n_ticks=3000)


def test_a_value_never_seen_is_novel_once_and_a_known_one_is_not() -> None:
    scan = NoveltyScan(n_first=200)
    values = np.random.default_rng(0).normal(size=600).tolist()
    scores = [scan.step(value) for value in values]
    assert max(scores[:200]) == 0
    assert scan.step(12.0) > 5
    assert scan.step(12.0) == 0
    assert scan.step(11.9) == 0  # less novel than what came within the last hundred points


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=60))
def test_hostile_values_score_finitely_and_memory_stays_bounded(values: list[float]) -> None:
    scan = NoveltyScan(n_first=5)
    scores = [scan.step(value) for value in values]
    assert np.isfinite(scores).all()
    assert len(scan.seen) <= len(values)


def test_memory_is_bounded_by_the_range_in_standard_deviations() -> None:
    scan = NoveltyScan(n_first=100)
    for value in np.random.default_rng(0).normal(size=20_000).tolist():
        scan.step(value)
    assert len(scan.seen) < 200


def test_severity_outlasts_onset_and_fades() -> None:
    baseline = fit_baseline(NORMAL, CLOCK)
    live = with_fault(a_frame(["order", "quotes"], n_ticks=600, seed=5), {("order", "latency_s"): 0.2})
    onset, severity = onset_and_severity(live, baseline, CLOCK)
    np.testing.assert_array_equal(onset, score(live, baseline, CLOCK)[1].values)
    column = live.column_of[SeriesKey("order", "latency_s")]
    calm = np.delete(severity, column, axis=1)
    assert severity[-1, column] > 1.5 * calm[-1].max()
    assert np.isfinite(severity).all()


def test_severity_halves_in_half_an_hour_of_silence() -> None:
    baseline = fit_baseline(NORMAL, CLOCK)
    live = with_fault(a_frame(["order", "quotes"], n_ticks=100, seed=5), {("order", "latency_s"): 0.2})
    live.values[-35:-30] = live.values[-5:]
    live.values[-30:] = np.nan
    severity = onset_and_severity(live, baseline, CLOCK)[1]
    np.testing.assert_allclose(severity[-1], severity[-31] / 2, rtol=1e-3)


def test_severity_of_nothing_is_nothing() -> None:
    nothing = a_frame([], n_ticks=5)
    onset, severity = onset_and_severity(nothing, fit_baseline(nothing, CLOCK), CLOCK)
    assert onset.shape == severity.shape == (5, 0)


def test_a_scan_is_not_shared_between_series() -> None:
    first, second = NoveltyScan(n_first=1), NoveltyScan(n_first=1)
    first.step(1.0)
    assert second.seen == []
    assert second.step(5.0) == pytest.approx(0.0)
