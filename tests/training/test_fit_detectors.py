"""The training job, with a tracker in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from builders import a_frame
from training_builders import MemoryTracker, a_bundle, a_detector, deaf

from features.calendar import CLOCKS, overridden
from features.calendar_overrides import CalendarOverrides
from features.frame import Frame
from models.artifacts.bundle import bundle_files, load_bundle, save_bundle
from models.artifacts.bundle_files import MANIFEST
from models.detectors import DETECTORS
from telemetry.batches import SeriesKey
from training.errors import ShortHistoryError
from training.fit_detectors import FitConfig, fit_detectors
from training.promote import decide
from training.row_trial import RowCandidate, second_stage_of
from training.splits import LabelledAnomaly

if TYPE_CHECKING:
    from models.artifacts.bundle import Bundle
    from training.outcome import Outcome

ITEMS = ("order", "quotes", "search")
FRAME = a_frame(ITEMS, n_ticks=3000)
CONFIG = FitConfig(clock="always", data_name="normal")


@pytest.fixture(scope="module")
def tracker() -> MemoryTracker[Bundle]:
    return MemoryTracker()


@pytest.fixture(scope="module")
def reported() -> list[tuple[str, float | None]]:
    """Progress reported by the training of `result`."""
    return []


@pytest.fixture(scope="module")
def result(tracker: MemoryTracker[Bundle], reported: list[tuple[str, float | None]]) -> Outcome[Bundle]:
    def progress(doing: str, share: float | None = None, /) -> None:
        reported.append((doing, share))

    return fit_detectors(CONFIG, FRAME, tracker, progress=progress)


def test_the_first_bundle_contains_everything_that_was_learned(
    result: Outcome[Bundle], tracker: MemoryTracker[Bundle]
) -> None:
    bundle = result.bundle
    assert result.promoted, result.reason
    assert tracker.champion() is bundle
    assert bundle.baseline.keys == bundle.normal.keys == FRAME.keys
    assert set(bundle.detectors) == set(bundle.row_thresholds) == set(DETECTORS)
    assert bundle.metadata["data_digest"].startswith("sha256:")
    assert bundle.normal.n_ticks == FRAME.n_ticks
    assert bundle.threshold >= 3


def test_one_run_with_a_child_for_each_candidate(
    result: Outcome[Bundle], tracker: MemoryTracker[Bundle]
) -> None:
    run = tracker.runs[0]
    assert set(run.children) == {"first_stage", *DETECTORS}
    assert set(run.plots) == {"held_back_scores", "profiles", "false_pages_per_day", "calibration"}
    assert run.data[0].digest == result.bundle.metadata["data_digest"]
    assert run.params["clock"] == "always"
    for child in run.children.values():
        assert child.figures["ns_per_point"] > 0
        assert child.figures["false_pages_per_week"] >= 0
    assert run.figures["recall_events"] > 0.3


@pytest.mark.usefixtures("result")
def test_long_steps_report_the_share_that_is_done(reported: list[tuple[str, float | None]]) -> None:
    shares: dict[str, list[float]] = {}
    for doing, share in reported:
        own = shares.setdefault(doing, [])
        if share is not None:
            own.append(share)
    long = {doing: own for doing, own in shares.items() if own}
    assert list(long) == [
        "learning what is normal",
        "scoring every series",
        "fitting detectors of service rows",
        "counting pages by threshold",
    ]
    assert all(own == sorted(set(own)) and own[-1] == 1.0 for own in long.values())
    assert len(long["fitting detectors of service rows"]) == len(DETECTORS)
    assert reported[-1] == ("registering", None)


def test_nothing_is_learned_from_the_held_back_time(result: Outcome[Bundle]) -> None:
    later = Frame(FRAME.start_ms, FRAME.step_ms, FRAME.keys, FRAME.values.copy())
    later.values[2400:] *= 3
    again = fit_detectors(CONFIG, later, MemoryTracker())
    np.testing.assert_array_equal(again.bundle.baseline.profile, result.bundle.baseline.profile)
    assert again.bundle.threshold == result.bundle.threshold
    assert again.bundle.row_thresholds == result.bundle.row_thresholds


def test_the_same_history_gives_the_same_bytes(result: Outcome[Bundle]) -> None:
    again, before = (
        bundle_files(each) for each in (fit_detectors(CONFIG, FRAME, MemoryTracker()).bundle, result.bundle)
    )
    del again[MANIFEST], before[MANIFEST]  # it names the commit, which changes with any edit in between
    assert again == before


def test_a_champion_that_finds_nothing_is_replaced_and_such_a_challenger_is_refused(
    result: Outcome[Bundle],
) -> None:
    assert fit_detectors(CONFIG, FRAME, MemoryTracker(deaf(result.bundle))).promoted
    strict = FitConfig(clock="always", budget_per_week=1e-6)
    noisy = Frame(FRAME.start_ms, FRAME.step_ms, FRAME.keys, FRAME.values.copy())
    noisy.values[2100:2110] *= 100  # in the calibration time: the threshold rises above everything
    refused = fit_detectors(strict, noisy, MemoryTracker(result.bundle))
    assert not refused.promoted
    assert "the champion" in refused.reason


@pytest.mark.parametrize(
    ("champion", "reason"),
    [
        (a_bundle(("order", "elsewhere")), "it knows 3 of the champion's 6 series"),
        (a_bundle(ITEMS, frame=a_frame(ITEMS, step_ms=300_000)), "it has a tick every 60 s, the champion"),
    ],
)
def test_a_champion_of_other_series_or_another_step_is_replaced_only_if_allowed(
    champion: Bundle, reason: str
) -> None:
    tracker = MemoryTracker(champion)
    refused = fit_detectors(CONFIG, FRAME, tracker)
    assert not refused.promoted
    assert refused.reason.startswith(reason)
    assert "--replace-champion" in refused.reason
    assert tracker.champion() is champion
    assert fit_detectors(replace(CONFIG, replaces_champion=True), FRAME, tracker).promoted


def test_the_champion_of_a_grown_system_is_compared() -> None:
    tracker = MemoryTracker(deaf(a_bundle(ITEMS[:2])))
    assert fit_detectors(CONFIG, FRAME, tracker).reason.startswith("it is no worse than the champion")
    assert "champion_false_pages_per_week" in tracker.runs[0].figures


@pytest.mark.parametrize("replaces_champion", [False, True])
def test_a_first_bundle_that_breaks_the_budget_is_registered_but_not_promoted(
    *, replaces_champion: bool
) -> None:
    faulty = Frame(FRAME.start_ms, FRAME.step_ms, FRAME.keys, FRAME.values.copy())
    for first in range(2450, 2950, 50):
        faulty.values[first : first + 10] *= 50
    champion = a_bundle(("elsewhere",)) if replaces_champion else None
    config = replace(CONFIG, replaces_champion=replaces_champion)
    refused = fit_detectors(config, faulty, MemoryTracker(champion))
    assert (refused.promoted, refused.version) == (False, "1")
    assert refused.reason.endswith("the budget is 1.00")


def test_unmeasured_figures_do_not_block_a_first_bundle() -> None:
    assert decide({}, None, budget_per_week=1).promoted


def test_a_closure_listed_by_the_operator_is_learned_as_one() -> None:
    first_day = datetime.fromtimestamp(FRAME.start_ms / 1000, UTC).date()
    days = frozenset(first_day + timedelta(days=number) for number in range(-1, 4))
    clocks = {name: overridden(each, CalendarOverrides(closures=days)) for name, each in CLOCKS.items()}
    as_published, as_listed = (
        fit_detectors(FitConfig(), FRAME, MemoryTracker(), clocks=each).bundle.baseline
        for each in (CLOCKS, clocks)
    )
    assert as_published.profile.shape == as_listed.profile.shape
    assert not np.array_equal(as_published.profile, as_listed.profile, equal_nan=True)


def test_labelled_incidents_are_neither_learned_nor_counted_as_false() -> None:
    faulty = Frame(FRAME.start_ms, FRAME.step_ms, FRAME.keys, FRAME.values.copy())
    labels = []
    for first in (500, 2000, 2700):
        faulty.values[first : first + 20] *= 20
        start_ms = faulty.start_ms + first * faulty.step_ms
        labels += [LabelledAnomaly(item, start_ms, start_ms + 20 * faulty.step_ms) for item in ITEMS]
    tracker: MemoryTracker[Bundle] = MemoryTracker()
    result = fit_detectors(CONFIG, faulty, tracker, labels=labels)
    assert result.figures["false_pages_per_week"] == 0
    assert result.figures["known_recall_events"] == 1
    assert np.nanmax(result.bundle.normal.values) < 2 * FRAME.values.max()


def test_a_short_history_with_gaps_on_five_minutes_trains(tmp_path_factory: pytest.TempPathFactory) -> None:
    frame = a_frame([f"node-{index}" for index in range(10)], n_ticks=590, step_ms=300_000)
    frame.values[np.random.default_rng(0).random(frame.values.shape) < 0.18] = np.nan
    frame.values[:, 4] = np.nan
    result = fit_detectors(CONFIG, frame, MemoryTracker())
    assert result.promoted, result.reason
    directory = tmp_path_factory.mktemp("bundle")
    save_bundle(result.bundle, directory)
    assert load_bundle(directory).version == result.bundle.version


def test_series_without_a_role_train_the_first_stage_alone() -> None:
    frame = Frame(
        FRAME.start_ms,
        FRAME.step_ms,
        tuple(key._replace(metric=f"{key.metric}_odd") for key in FRAME.keys),
        FRAME.values,
    )
    result = fit_detectors(CONFIG, frame, MemoryTracker())
    assert result.bundle.detectors == {}
    assert result.bundle.normal.keys == ()


def test_a_bundle_whose_series_appear_only_after_fitting_is_not_promoted() -> None:
    frame = Frame(FRAME.start_ms, FRAME.step_ms, FRAME.keys, FRAME.values.copy())
    frame.values[2400:] = np.nan
    result = fit_detectors(CONFIG, frame, MemoryTracker())
    assert (result.promoted, result.version) == (False, "")
    assert "scores nothing" in result.reason


def test_bad_settings_and_short_histories_are_refused() -> None:
    with pytest.raises(ValueError, match="no clock is called"):
        FitConfig(clock="moon")
    with pytest.raises(ValueError, match="budget must be positive"):
        FitConfig(budget_per_week=0)
    with pytest.raises(ShortHistoryError):
        fit_detectors(CONFIG, a_frame(ITEMS, n_ticks=50), MemoryTracker())


def test_the_metadata_records_the_times() -> None:
    fitted = fit_detectors(CONFIG, a_frame(ITEMS, n_ticks=200), MemoryTracker()).bundle.metadata
    assert datetime.fromisoformat(fitted["fitted_until"]) < datetime.fromisoformat(fitted["held_back_until"])
    assert datetime.fromisoformat(fitted["fitted_from"]).tzinfo == UTC


def test_a_run_names_the_champion_it_was_compared_with() -> None:
    tracker: MemoryTracker[Bundle] = MemoryTracker()
    for _ in range(2):
        fit_detectors(CONFIG, FRAME, tracker)
    assert [run.tags["sunspot.parent_champion"] for run in tracker.runs] == ["none", "1"]


def a_candidate(found: float, *, high: float = 1.0, pages: float = 0.5) -> RowCandidate:
    figures = {"recall_events": found, "recall_events_high": high, "false_pages_per_week": pages}
    return RowCandidate(a_detector("mad"), 3.0, figures)


def test_the_plain_mean_serves_unless_another_detector_is_better(result: Outcome[Bundle]) -> None:
    plain = a_candidate(0.5, high=0.6)
    cases = {
        "top_scores": a_candidate(0.55),  # chance explains it
        "pca": a_candidate(0.7),
        "mad": a_candidate(0.9, pages=3.0),  # found by paging more
    }
    for name, other in cases.items():
        served = second_stage_of({"top_scores": plain, "pca": other}, budget_per_week=1.0)
        assert served == ("pca" if name == "pca" else "top_scores")
    assert second_stage_of({}, budget_per_week=1.0) == ""
    assert result.bundle.metadata["second_stage"] in DETECTORS


def test_a_series_that_starts_after_the_fit_gets_the_shape_of_its_siblings() -> None:
    frame = a_frame(ITEMS, n_ticks=2000, step_ms=300_000)
    late = frame.column_of[SeriesKey("search", "requests")]
    frame.values[:1300, late] = np.nan
    baseline = fit_detectors(CONFIG, frame, MemoryTracker()).bundle.baseline
    assert baseline.n_seen[late] == 0
    assert baseline.profile[:, late].mean() == pytest.approx(1.0, rel=0.01)
    assert 0 < np.ptp(baseline.profile[:, late]) < 0.5
