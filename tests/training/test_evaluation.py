"""Splits, shifts, figures and the gate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import a_frame
from training_builders import a_bundle

from models.detectors.baseline import usual_residuals
from training.errors import ShortHistoryError
from training.evaluate import normal_figures, recall_figures
from training.injection import SHIFT_TICKS, inject_shifts
from training.intervals import poisson_interval, wilson_interval
from training.promote import decide, flaw_of
from training.provenance import provenance
from training.splits import LabelledAnomaly, labelled_ticks, split_in_time, without

MINUTE_MS = 60_000
FRAME = a_frame(["order", "quotes"])
GOOD = {
    "false_pages_per_week": 0.8,
    "false_pages_per_week_low": 0.6,
    "recall_events": 0.7,
    "recall_events_high": 0.8,
}


def test_a_split_follows_time_and_loses_nothing() -> None:
    split = split_in_time(FRAME, fit_share=0.6, calibrate_share=0.2)
    parts = (split.fit, split.calibrate, split.held_back)
    assert [part.n_ticks for part in parts] == [360, 120, 120]
    np.testing.assert_array_equal(np.concatenate([part.times_ms for part in parts]), FRAME.times_ms)
    np.testing.assert_array_equal(np.vstack([part.values for part in parts]), FRAME.values)


@pytest.mark.parametrize("shares", [(0.0, 0.5), (0.5, 0.0), (0.5, 0.5), (0.9, 0.2)])
def test_shares_that_leave_a_part_empty_are_refused(shares: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="empty"):
        split_in_time(FRAME, fit_share=shares[0], calibrate_share=shares[1])


def test_a_short_history_is_refused() -> None:
    with pytest.raises(ShortHistoryError) as caught:
        split_in_time(a_frame(["order"], n_ticks=99), fit_share=0.6, calibrate_share=0.2)
    assert (caught.value.needed, caught.value.got) == (100, 99)


def test_a_labelled_anomaly_is_missing_from_what_is_learned() -> None:
    start_ms = FRAME.start_ms + 10 * MINUTE_MS
    label = LabelledAnomaly("order", start_ms, start_ms + 3 * MINUTE_MS)
    is_labelled = labelled_ticks(FRAME, [label])
    assert np.flatnonzero(is_labelled.any(axis=1)).tolist() == [10, 11, 12]
    assert np.flatnonzero(is_labelled.any(axis=0)).tolist() == [0, 1, 2]
    np.testing.assert_array_equal(np.isnan(without(FRAME, [label]).values), is_labelled)
    assert without(FRAME, []) is FRAME


def test_shifts_match_their_labels_and_repeat_by_seed() -> None:
    bundle = a_bundle()
    residuals = usual_residuals(FRAME, bundle.baseline, bundle.clock_used)
    shifted, labels = inject_shifts(FRAME, residuals, seed=3)
    again, labels_again = inject_shifts(FRAME, residuals, seed=3)
    assert labels == labels_again
    np.testing.assert_array_equal(shifted.values, again.values)
    changed = shifted.values != FRAME.values
    assert changed.sum() == SHIFT_TICKS * len(labels) > 0
    assert not (changed & ~labelled_ticks(FRAME, labels)).any()


def test_series_without_residuals_are_not_shifted() -> None:
    empty = FRAME.between(0, 1)
    assert inject_shifts(empty, np.zeros(empty.values.shape), seed=0)[1] == ()
    assert inject_shifts(FRAME, np.zeros(FRAME.values.shape), seed=0)[1] == ()


def test_figures_of_normal_time() -> None:
    scores = np.zeros((10_080, 2))
    scores[100, 0] = scores[500, 0] = scores[700, 1] = 9.0
    times_ms = MINUTE_MS * np.arange(10_080, dtype=np.int64)
    figures = normal_figures(
        scores, times_ms, step_ms=MINUTE_MS, threshold=5.0, is_sparse=np.zeros(2, dtype=bool)
    )
    assert figures["series_weeks"] == 2
    assert figures["false_pages_per_week"] == 1.5
    assert figures["false_pages_per_week_low"] < 1.5 < figures["false_pages_per_week_high"]
    assert figures["scored_share"] == 1


def test_unscored_time_has_no_rate() -> None:
    nothing = np.full((5, 1), np.nan)
    times_ms = np.arange(5, dtype=np.int64)
    is_sparse = np.zeros(1, dtype=bool)
    figures = normal_figures(nothing, times_ms, step_ms=MINUTE_MS, threshold=5.0, is_sparse=is_sparse)
    assert figures == {"series_weeks": 0.0, "scored_share": 0.0}


def test_recall_counts_labelled_anomalies_that_contain_a_page() -> None:
    times_ms = MINUTE_MS * np.arange(100, dtype=np.int64)
    pages = np.zeros((100, 3), dtype=bool)
    pages[12, 1] = pages[50, 2] = True
    labels = [
        LabelledAnomaly("order", 10 * MINUTE_MS, 15 * MINUTE_MS),
        LabelledAnomaly("order", 50 * MINUTE_MS, 55 * MINUTE_MS),  # the page belongs to another item
        LabelledAnomaly("unknown", 10 * MINUTE_MS, 15 * MINUTE_MS),
        LabelledAnomaly("order", 10**9, 10**9 + 1),  # outside
    ]
    figures = recall_figures(pages, times_ms, ["order", "order", "quotes"], labels)
    assert figures["recall_events"] == 0.5
    assert figures["delay_median"] == 120
    assert recall_figures(pages, times_ms, ["order"] * 3, []) == {}
    assert "delay_median" not in recall_figures(~pages & False, times_ms, ["order"] * 3, labels)


def test_intervals_contain_their_estimate() -> None:
    np.testing.assert_allclose(poisson_interval(0), (0.0, 3.689), atol=1e-3)
    low, high = wilson_interval(0, 0)
    assert (low, high) == (0.0, 1.0)
    assert wilson_interval(10, 10)[1] == pytest.approx(1.0)


def test_the_first_bundle_is_promoted() -> None:
    assert decide(GOOD, None, budget_per_week=1.0).promoted


def test_an_equal_bundle_is_promoted() -> None:
    assert decide(GOOD, GOOD, budget_per_week=1.0).promoted


def test_more_false_pages_than_budget_and_champion_are_refused() -> None:
    worse = GOOD | {"false_pages_per_week": 5.0, "false_pages_per_week_low": 4.0}
    decision = decide(worse, GOOD, budget_per_week=1.0)
    assert not decision.promoted
    assert "5.00 false pages" in decision.reason
    assert decide(worse, GOOD, budget_per_week=4.5).promoted
    assert decide(worse, GOOD | {"false_pages_per_week": 4.5}, budget_per_week=1.0).promoted


def test_a_bundle_that_finds_less_is_refused() -> None:
    deaf = GOOD | {"recall_events": 0.1, "recall_events_high": 0.2}
    decision = decide(deaf, GOOD, budget_per_week=1.0)
    assert not decision.promoted
    assert "10%" in decision.reason


def test_missing_figures_are_not_compared() -> None:
    assert decide({}, GOOD, budget_per_week=1.0).promoted
    assert decide(GOOD, {}, budget_per_week=1.0).promoted


def test_a_sound_bundle_has_no_flaw() -> None:
    assert flaw_of(a_bundle(), FRAME) == ""


def test_a_bundle_that_cannot_be_loaded_or_scores_nothing_is_flawed() -> None:
    assert "not finite" in flaw_of(a_bundle(threshold=float("nan")), FRAME)
    assert "scores nothing" in flaw_of(a_bundle(), a_frame(["another"]))
    assert "what was saved" in flaw_of(replace(a_bundle(), version="sha256:0"), FRAME)


def test_a_run_records_the_code_that_made_it() -> None:
    tags = provenance(seed=7)
    assert tags["sunspot.seed"] == "7"
    assert tags["sunspot.version"]
