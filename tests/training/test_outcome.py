"""The end of every training: registered if sound, champion if the gate allows it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from training_builders import MemoryTracker, a_bundle

from models.artifacts.model_kinds import DETECTORS_MODEL
from models.errors import BadBundleError
from training.outcome import beside_champion, settle
from training.promote import Decision
from training.roundtrip_check import loaded_again, loading_flaw

if TYPE_CHECKING:
    from models.artifacts.bundle import Bundle
    from training.outcome import Outcome

BUNDLE = a_bundle()
WITHIN_BUDGET = {
    "false_pages_per_week": 0.5,
    "false_pages_per_week_low": 0.4,
    "false_pages_per_week_high": 0.6,
}
BROKEN = {"false_pages_per_week": 9.0, "false_pages_per_week_low": 8.0, "false_pages_per_week_high": 10.0}


def settled(tracker: MemoryTracker[Bundle], *, flaw: str = "", promoted: bool = True) -> Outcome[Bundle]:
    def gate() -> Decision:
        assert not flaw, "an unfit bundle is not judged"
        return Decision(promoted, "as the gate says")

    with tracker.run("training", {}) as run:
        return settle(run, tracker, BUNDLE, WITHIN_BUDGET, flaw=flaw, gate=gate)


@pytest.mark.parametrize("promoted", [True, False])
def test_a_sound_bundle_is_registered_whatever_the_gate_says(*, promoted: bool) -> None:
    tracker: MemoryTracker[Bundle] = MemoryTracker()
    outcome = settled(tracker, promoted=promoted)
    assert (outcome.version, outcome.promoted, outcome.reason) == ("1", promoted, "as the gate says")
    assert tracker.champion() is (BUNDLE if promoted else None)
    assert tracker.runs[0].params == {"promoted": promoted, "reason": "as the gate says"}
    assert tracker.runs[0].figures == outcome.figures == WITHIN_BUDGET


def test_what_a_person_withdrew_is_registered_and_not_promoted() -> None:
    tracker: MemoryTracker[Bundle] = MemoryTracker()
    tracker.withdrawal = "version 7 was withdrawn by li"
    outcome = settled(tracker)
    assert (outcome.version, outcome.promoted) == ("1", False)
    assert outcome.reason == "version 7 was withdrawn by li; a person may promote it again"
    assert tracker.champion() is None


def test_an_unfit_bundle_is_neither_judged_nor_registered() -> None:
    tracker: MemoryTracker[Bundle] = MemoryTracker()
    outcome = settled(tracker, flaw="it scores nothing")
    assert (outcome.version, outcome.promoted, outcome.reason) == ("", False, "it scores nothing")
    assert tracker.versions == []
    assert tracker.runs[0].params["reason"] == "it scores nothing"


def decided(
    champion: Bundle | None, figures: dict[str, float], *, mismatch: str = "", replaces: bool = False
) -> tuple[Decision, dict[str, float]]:
    """The decision against a champion that pages nine times a week, and the champion's logged figures."""
    tracker = MemoryTracker(champion)
    with tracker.run("training", {}) as run:
        decision = beside_champion(
            run,
            tracker,
            figures,
            mismatch=lambda _: mismatch,
            judged=lambda _: BROKEN,
            budget_per_week=1.0,
            replaces_champion=replaces,
        )
    return decision, run.figures


def test_a_champion_is_judged_on_the_same_time_and_its_figures_are_logged() -> None:
    decision, logged = decided(BUNDLE, BROKEN)
    assert decision.promoted, "no worse than the champion, over the budget or not"
    assert logged["champion_false_pages_per_week"] == 9.0


def test_without_a_champion_the_budget_decides() -> None:
    decision, logged = decided(None, WITHIN_BUDGET)
    assert (decision.promoted, logged) == (True, {})
    assert not decided(None, BROKEN)[0].promoted


def test_a_champion_that_cannot_be_compared_stays_unless_replacement_is_allowed() -> None:
    decision, logged = decided(BUNDLE, WITHIN_BUDGET, mismatch="it has another step")
    assert (decision.promoted, logged) == (False, {})
    assert decision.reason == "it has another step; use --replace-champion to replace it anyway"
    assert decided(BUNDLE, WITHIN_BUDGET, mismatch="it has another step", replaces=True)[0].promoted
    assert not decided(BUNDLE, BROKEN, mismatch="it has another step", replaces=True)[0].promoted


def test_a_sound_bundle_reloads_unchanged() -> None:
    assert loaded_again(BUNDLE, DETECTORS_MODEL).version == BUNDLE.version
    assert loading_flaw(BUNDLE, DETECTORS_MODEL) == ""


def test_a_bundle_that_reloads_differently_is_flawed() -> None:
    forgetful = replace(DETECTORS_MODEL, load=lambda _: a_bundle(note="another"))
    for bundle, model in ((BUNDLE, forgetful), (replace(BUNDLE, version="sha256:0"), DETECTORS_MODEL)):
        assert "what was saved" in loading_flaw(bundle, model)
        with pytest.raises(BadBundleError):
            loaded_again(bundle, model)
