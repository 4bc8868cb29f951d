"""The prior of siblings: what a series too young to have a season expects."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.calendar import CLOCKS, DAY_MS
from features.frame import Frame
from models.detectors.baseline import expected_values, fit_baseline, usual_residuals
from models.detectors.first_stage import Baseline, Status, initial_state, score, step
from models.detectors.siblings import with_siblings
from models.state import migrate, state_from_bytes, state_to_bytes
from telemetry.batches import SeriesKey

CLOCK = CLOCKS["always"]
STEP_MS = 150_000
DAY = DAY_MS // STEP_MS
THURSDAY_MS = 20_006 * DAY_MS
NEW, KNOWN = 0, 1
BUSY = slice(DAY // 2, DAY // 2 + DAY // 12)
"""Ticks of a day from noon to two."""

NIGHT, MORNING, NOON, EVENING = 40, 100, 150, 250
"""Slots of a weekday."""


def busy_days(n_days: int, n_series: int = 4, *, seed: int = 0, metric: str = "queue_length") -> Frame:
    """Series of the same daily shape, ten times as high for two hours, each on its own scale."""
    shape = np.full(DAY, 10.0)
    shape[BUSY] = 100.0
    noise = np.random.default_rng(seed).lognormal(0, 0.03, (n_days * DAY, n_series))
    values = np.tile(shape, n_days)[:, None] * noise * np.logspace(0, 3, n_series)
    keys = tuple(SeriesKey(f"item-{column}", metric) for column in range(n_series))
    return Frame(THURSDAY_MS, STEP_MS, keys, values)


def blinded(frame: Frame, column: int = NEW, *, until: int | None = None, after: int | None = None) -> Frame:
    """The frame without the values of a series, or without those before or from some tick."""
    values = frame.values.copy()
    values[after:until, column] = np.nan
    return Frame(frame.start_ms, frame.step_ms, frame.keys, values)


def learned(frame: Frame) -> tuple[Baseline, Baseline]:
    """Baselines without and with the prior of siblings."""
    alone = fit_baseline(frame, CLOCK)
    return alone, with_siblings(alone, frame, CLOCK)


WEEK = busy_days(7)
ALONE, PRIOR = learned(blinded(WEEK))
NEXT_DAY = Frame(WEEK.end_ms, STEP_MS, WEEK.keys, busy_days(1, seed=1).values)


def test_the_first_busy_hour_of_a_new_series_scores_lower() -> None:
    alone, prior = (score(NEXT_DAY, each, CLOCK)[1].values[:, NEW] for each in (ALONE, PRIOR))
    assert alone[BUSY.start] > 100
    assert prior[BUSY.start] < 0.6 * alone[BUSY.start]
    assert np.nanmax(prior[: BUSY.start - 1]) < 8


def test_a_fault_of_a_new_series_still_scores() -> None:
    values = NEXT_DAY.values.copy()
    values[200, NEW] *= 3
    scores = score(Frame(NEXT_DAY.start_ms, STEP_MS, NEXT_DAY.keys, values), PRIOR, CLOCK)[1]
    assert scores.values[200, NEW] > 20


def test_siblings_give_only_the_shape_and_not_the_scale() -> None:
    larger = NEXT_DAY.values * np.where(np.arange(4) == NEW, 2.0**20, 1.0)
    scores = [
        score(Frame(NEXT_DAY.start_ms, STEP_MS, NEXT_DAY.keys, each), PRIOR, CLOCK)[1].values[:, NEW]
        for each in (NEXT_DAY.values, larger)
    ]
    np.testing.assert_allclose(*scores, rtol=1e-3, atol=1e-3)


def test_a_new_series_expects_the_weekend_of_its_siblings() -> None:
    two_weeks = busy_days(15)
    quiet_weekends = two_weeks.values.copy()
    is_weekend = np.isin(np.arange(len(quiet_weekends)) // DAY % 7, (2, 3))
    quiet_weekends[is_weekend] = quiet_weekends[: BUSY.start].mean(axis=0)
    frame = Frame(THURSDAY_MS, STEP_MS, two_weeks.keys, quiet_weekends)
    week = blinded(frame.between(THURSDAY_MS, THURSDAY_MS + 7 * DAY_MS))
    live = frame.between(week.end_ms, week.end_ms + 7 * DAY_MS)
    saturday = slice(2 * DAY, 3 * DAY)
    alone, prior = (score(live, each, CLOCK)[1].values[saturday, NEW] for each in learned(week))
    assert np.nanmax(prior) < 0.6 * np.nanmax(alone)


def test_a_series_of_half_a_day_follows_siblings_where_it_was_never_seen() -> None:
    half_a_day = blinded(WEEK, until=-DAY // 2)  # midday to midnight of the last day
    quiet = WEEK.values[:100, NEW].mean()
    alone, prior = learned(half_a_day)
    assert alone.profile[NOON, NEW] == pytest.approx(10 * quiet, rel=0.1)
    assert prior.profile[NOON, NEW] == pytest.approx(10 * quiet, rel=0.1), "its own values, where it has any"
    assert prior.profile[EVENING, NEW] == pytest.approx(quiet, rel=0.1)
    seen_at_night_only = blinded(blinded(WEEK, until=-DAY), after=-DAY // 2)
    alone, prior = learned(seen_at_night_only)
    assert alone.profile[NOON, NEW] == pytest.approx(quiet, rel=0.1)
    assert prior.profile[NOON, NEW] == pytest.approx(10**0.5 * quiet, rel=0.1), (
        "half the change, on a logarithmic scale"
    )
    assert prior.profile[NIGHT, NEW] == pytest.approx(quiet, rel=0.1)


def test_known_series_and_series_without_siblings_do_not_change() -> None:
    np.testing.assert_array_equal(PRIOR.profile[:, KNOWN:], ALONE.profile[:, KNOWN:])
    np.testing.assert_array_equal(PRIOR.scale[:, KNOWN:], ALONE.scale[:, KNOWN:])
    other = (SeriesKey("item-0", "another_metric"), *WEEK.keys[1:])
    alone, prior = learned(Frame(WEEK.start_ms, STEP_MS, other, blinded(WEEK).values))
    np.testing.assert_array_equal(prior.profile, alone.profile)
    np.testing.assert_array_equal(prior.scale, alone.scale)


def test_a_shape_without_a_unit_is_never_mistaken_for_values() -> None:
    assert (PRIOR.profile[:, NEW] > 0).all()
    assert not expected_values(NEXT_DAY, PRIOR, CLOCK)[:, NEW].any()
    assert not usual_residuals(NEXT_DAY, PRIOR, CLOCK)[:, NEW].any()
    assert usual_residuals(NEXT_DAY, PRIOR, CLOCK)[:, KNOWN].all()


@settings(max_examples=8, deadline=None)
@given(
    values=st.lists(
        st.sampled_from([0.0, 1.0, -5.0, 1e-30, -1e29, 1e30, 1e308, np.nan, np.inf]), min_size=4, max_size=4
    ),
    own=st.sampled_from([0.0, -3.0, 1e30, np.nan]),
)
def test_every_array_is_finite_whatever_the_siblings(values: list[float], own: float) -> None:
    frame = busy_days(3, 4)
    hostile = frame.values.copy()
    hostile[::2] = values
    hostile[:, NEW] = np.nan
    hostile[-20:, NEW] = own
    prior = learned(Frame(frame.start_ms, STEP_MS, frame.keys, hostile))[1]
    assert np.isfinite(prior.profile).all()
    assert np.isfinite(prior.scale).all()
    live = NEXT_DAY.between(NEXT_DAY.start_ms, NEXT_DAY.start_ms + 50 * STEP_MS)
    scores = score(live, prior, CLOCK)[1]
    assert (np.isfinite(scores.values) == (scores.status == Status.SCORED)).all()


@settings(max_examples=10, deadline=None)
@given(gaps=st.sets(st.integers(0, 99), max_size=40), restart=st.integers(1, 99))
def test_online_equals_offline_with_a_prior(gaps: set[int], restart: int) -> None:
    live = NEXT_DAY.between(NEXT_DAY.start_ms, NEXT_DAY.start_ms + 100 * STEP_MS)
    values = live.values.copy()
    values[sorted(gaps), NEW] = np.nan
    live = Frame(live.start_ms, STEP_MS, live.keys, values)
    _, offline = score(live, PRIOR, CLOCK)
    state = initial_state(PRIOR, CLOCK)
    for tick, tick_ms in enumerate(live.times_ms.tolist()):
        if tick == restart:
            state = state_from_bytes(state_to_bytes(state))
        state, online = step(state, tick_ms, values[tick], PRIOR, CLOCK)
        np.testing.assert_array_equal(online.values, offline.values[tick])


def test_a_new_champion_fills_the_slots_that_a_young_series_was_never_in() -> None:
    morning = NEXT_DAY.between(NEXT_DAY.start_ms, NEXT_DAY.start_ms + BUSY.start * STEP_MS)
    young, _ = score(morning, PRIOR, CLOCK)
    fresh = initial_state(fit_baseline(WEEK, CLOCK), CLOCK)
    moved = migrate(young, fresh)
    assert np.isnan(young.season[NOON][NEW])
    assert moved.season[NOON][NEW] == fresh.season[NOON][NEW]
    assert moved.season[MORNING][NEW] == young.season[MORNING][NEW]
    assert np.isfinite(np.array(moved.volatility)).all()
    old = migrate(young, initial_state(PRIOR, CLOCK))
    assert np.isnan(old.season[NOON][NEW]), "no bundle knows it"
