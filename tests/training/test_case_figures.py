"""Closed incidents as a promotion gate for detectors."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from builders import ONSET, a_frame, a_graph
from training_builders import MemoryTracker, a_bundle, deaf

from features.calendar import CLOCKS
from features.frame import Frame
from models.cases.case import Alert, Case, build_case
from telemetry.batches import SeriesKey
from training.case_figures import case_figures
from training.fit_detectors import FitConfig, fit_detectors
from training.promote import decide
from training.splits import labels_of_cases

CLOCK = CLOCKS["always"]
ITEMS = ("order", "quotes")
NORMAL = a_frame(ITEMS, n_ticks=2000, end=ONSET - timedelta(hours=1))
BUNDLE = a_bundle(frame=NORMAL)


def a_case(cause: str, *, factor: float) -> Case:
    """An incident in which every series of one item rises."""
    recent = a_frame(ITEMS, n_ticks=60, end=ONSET + timedelta(minutes=10), seed=1)
    values = recent.values.copy()
    own = [index for index, key in enumerate(recent.keys) if key.item == cause]
    values[-10:, own] *= factor
    frame = Frame(recent.start_ms, recent.step_ms, recent.keys, values)
    at = ONSET + timedelta(minutes=10)
    return build_case(
        Alert("order", "Slow", ONSET), at, a_graph(("order", "quotes")), frame, normal=NORMAL, cause=(cause,)
    )


def test_a_rise_of_the_cause_is_seen_and_a_normal_cause_is_not() -> None:
    figures = case_figures(BUNDLE, CLOCK, [a_case("quotes", factor=30), a_case("quotes", factor=1)])
    assert (figures["cases"], figures["cases_found"]) == (2, 0.5)
    assert figures["cases_found_low"] < 0.5 < figures["cases_found_high"]


def test_cases_that_cannot_be_judged_do_not_count() -> None:
    case = a_case("quotes", factor=30)
    others = [replace(case, cause=()), replace(case, cause=("nobody",)), replace(case, step_ms=1000)]
    empty = replace(case, window=replace(case.window, values={}), before=replace(case.before, values={}))
    assert case_figures(BUNDLE, CLOCK, [*others, empty]) == {}


def test_units_of_a_case_are_converted_to_those_of_the_metric() -> None:
    columns = [index for index, key in enumerate(NORMAL.keys) if key.metric == "latency_s"]
    keys = tuple(SeriesKey(NORMAL.keys[index].item, "latency_ms") for index in columns)
    in_ms = a_bundle(frame=Frame(NORMAL.start_ms, NORMAL.step_ms, keys, 1000 * NORMAL.values[:, columns]))
    for factor, found in ((1, 0), (30, 1)):
        assert case_figures(in_ms, CLOCK, [a_case("quotes", factor=factor)])["cases_found"] == found


def test_a_bundle_that_misses_a_closed_incident_is_not_promoted() -> None:
    champion = {"cases": 4.0, "cases_found": 0.75}
    worse = decide({"cases": 4.0, "cases_found": 0.5}, champion, budget_per_week=1.0)
    assert not worse.promoted
    assert "closed incidents" in worse.reason
    assert decide(champion, champion, budget_per_week=1.0).promoted


def test_a_training_is_also_judged_by_closed_incidents() -> None:
    tracker = MemoryTracker(champion=deaf(BUNDLE))
    config = FitConfig(clock="always", data_name="normal")
    result = fit_detectors(config, NORMAL, tracker, cases=[a_case("quotes", factor=30)])
    assert result.figures["cases_found"] == 1
    assert tracker.runs[0].figures["champion_cases_found"] == 0


def test_closed_incidents_are_not_learned_as_normal() -> None:
    case = a_case("quotes", factor=30)
    (label,) = labels_of_cases([case, replace(case, cause=())])
    assert label.item == "quotes"
    assert (label.start_ms, label.end_ms) == (
        case.window.times_ms[0],
        case.window.times_ms[-1] + case.step_ms,
    )
