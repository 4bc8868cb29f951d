"""Fitting the ranker's parameters on closed cases, and the promotion gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from training_builders import MemoryTracker

from models.rankers.posterior import Belief
from training.errors import FewCasesError
from training.fit_ranker import RankerFitConfig, decide_ranker, fit_ranker
from training.ranker_examples import GROUPS, RankerExample, importance, weights_by_group, weights_by_meaning
from training.ranker_logit import Penalty, fit_tuning, folds
from training.reliability import calibration_error, reliability, reliability_plot

if TYPE_CHECKING:
    from models.artifacts.ranker_bundle import RankerBundle

N_ITEMS = 12
FREE = Penalty(weights=0.001, sharpness=0.001, doubt=0.001)


def examples(
    n: int, *, system: str = "shop", informative: str = "itself", misleading: str = "resources", seed: int = 0
) -> list[RankerExample]:
    """Cases in which one group of evidence points at the cause and another at a random item."""
    rng = np.random.default_rng([seed, len(system), ord(system[0])])
    rows, made = list(GROUPS), []
    for number in range(n):
        totals = rng.exponential(0.3, (len(GROUPS) + 1, N_ITEMS))
        cause = int(rng.integers(N_ITEMS))
        totals[rows.index(informative), cause] += rng.uniform(4, 9)
        totals[rows.index(misleading), rng.integers(N_ITEMS)] += rng.uniform(4, 12)
        is_cause = np.arange(N_ITEMS) == cause
        made.append(RankerExample(system, 1_000 * number, totals, np.full(N_ITEMS, 6.0), 0.0, is_cause))
    return made


def without_cause(n: int, *, system: str = "shop", seed: int = 1) -> list[RankerExample]:
    rng = np.random.default_rng(seed)
    return [
        RankerExample(
            system,
            1_000_000 + number,
            rng.exponential(0.3, (len(GROUPS) + 1, N_ITEMS)),
            np.full(N_ITEMS, 6.0),
            0.0,
            np.zeros(N_ITEMS, dtype=bool),
        )
        for number in range(n)
    ]


def test_informative_evidence_gets_more_weight_than_misleading() -> None:
    tuning = fit_tuning([*examples(60), *without_cause(10)], calm_share=0.25, penalty=FREE)
    assert tuning.weights["itself"] > 1.5 * tuning.weights["resources"]
    assert all(weight >= 0 for weight in tuning.weights.values())
    other_way = fit_tuning(
        examples(60, informative="resources", misleading="itself"), calm_share=0.25, penalty=FREE
    )
    assert other_way.weights["resources"] > 1.5 * other_way.weights["itself"]


def test_a_fit_is_better_on_new_cases_and_a_strong_penalty_yields_the_default() -> None:
    known, new = [*examples(60), *without_cause(10)], [*examples(60, seed=5), *without_cause(10, seed=6)]
    shares = importance(new, calm_share=0.25)
    default = fit_tuning(known, calm_share=0.25, penalty=Penalty(1e6, 1e6, 1e6))
    assert default.weights == pytest.approx(dict.fromkeys(GROUPS, 1.0), abs=1e-3)
    assert default.belief.doubt == pytest.approx(Belief().doubt, abs=1e-3)
    fitted = fit_tuning(known, calm_share=0.25, penalty=FREE)
    assert fitted.mean_loss(new, shares) < default.mean_loss(new, shares) - 0.05


def test_a_group_without_evidence_keeps_its_weight() -> None:
    blank = [
        RankerExample(
            each.system,
            each.at_ms,
            each.totals * (np.arange(6) != 3)[:, None],
            each.usual,
            0.0,
            each.is_cause,
        )
        for each in examples(30)
    ]
    assert fit_tuning(blank, calm_share=0.25, penalty=FREE).weights["logs"] == pytest.approx(1.0)


def test_every_system_counts_alike_and_its_cases_without_a_cause_a_share() -> None:
    mixed = [*examples(10), *without_cause(5), *examples(40, system="bank")]
    shares = importance(mixed, calm_share=0.25)
    assert shares.sum() == pytest.approx(1.0)
    assert shares[:10].sum() == pytest.approx(shares[15:].sum())
    assert shares[10:15].sum() == pytest.approx(0.25 * shares[:10].sum())


def test_no_system_is_on_both_sides_and_a_single_one_is_judged_on_later_cases() -> None:
    mixed = [*examples(5), *examples(7, system="bank")]
    for learned, left_out in folds(mixed, n_blocks=4):
        assert {mixed[index].system for index in learned}.isdisjoint(
            mixed[index].system for index in left_out
        )
    alone = examples(12)
    cut = list(folds(alone, n_blocks=4))
    assert len(cut) == 3
    assert all(max(learned) < min(left_out) for learned, left_out in cut)


def test_a_better_ranker_is_promoted_and_its_judgement_is_tracked() -> None:
    tracker: MemoryTracker[RankerBundle] = MemoryTracker()
    reported: list[tuple[str, float | None]] = []
    cases = [*examples(30), *without_cause(5), *examples(30, system="bank"), *without_cause(5, system="bank")]
    result = fit_ranker(
        RankerFitConfig(penalty=FREE), cases, tracker, progress=lambda *each: reported.append(each)
    )
    assert result.promoted, result.reason
    assert tracker.champion() is not None
    turns = "fitting with each system left out in turn"
    assert reported[:3] == [(turns,), (turns, 0.5), (turns, 1.0)]
    assert result.bundle.ranker.version == result.bundle.version
    assert result.bundle.ranker.weights["own"] > result.bundle.ranker.weights["cpu"]
    assert 0 <= result.figures["as1"] <= result.figures["as3"] <= result.figures["as5"] <= 1
    assert result.figures["n_calm"] == 10
    (run,) = tracker.runs
    assert set(run.children) == {"shop", "bank"}
    assert run.plots == ["reliability"]
    again = fit_ranker(RankerFitConfig(penalty=FREE), cases, tracker)
    assert again.bundle.weights == result.bundle.weights


def test_a_ranker_misled_by_another_system_is_refused() -> None:
    tracker: MemoryTracker[RankerBundle] = MemoryTracker()
    contrary = [*examples(30), *examples(30, system="bank", informative="resources", misleading="itself")]
    result = fit_ranker(RankerFitConfig(penalty=FREE), contrary, tracker)
    assert not result.promoted
    assert "ships with" in result.reason
    assert result.version, "it is registered all the same, for inspection"
    assert tracker.champion() is None


def test_the_gate_compares_both_order_and_belief_with_the_champion() -> None:
    good, bold = {"as1": 0.9, "log_loss": 0.5}, {"as1": 0.9, "log_loss": 0.6}
    assert decide_ranker(good, good, has_champion=True).promoted
    assert "mean loss" in decide_ranker(bold, good, has_champion=True).reason
    fewer = decide_ranker({"as1": 0.8, "log_loss": 0.1}, good, has_champion=True)
    assert (fewer.promoted, "the champion in 90%" in fewer.reason) == (False, True)


def test_too_few_cases_teach_nothing() -> None:
    with pytest.raises(FewCasesError, match="at least 20 cases") as raised:
        fit_ranker(RankerFitConfig(), [*examples(19), *without_cause(50)], MemoryTracker())
    assert (raised.value.needed, raised.value.got) == (20, 19)


def test_weights_of_groups_and_meanings_are_equivalent() -> None:
    weights = {group: 0.5 + place for place, group in enumerate(GROUPS)}
    assert weights_by_group(weights_by_meaning(weights)) == weights
    assert weights_by_group({}) == dict.fromkeys(GROUPS, 1.0)


def test_calibration_error_is_the_gap_between_belief_and_accuracy() -> None:
    assert calibration_error([0.9, 0.9, 0.9, 0.9], [1, 1, 0, 0]) == pytest.approx(0.4)
    assert calibration_error([], []) == 0.0
    low, high = reliability([0.1, 0.15, 1.0], [0, 1, 1])
    assert (low.n, low.confidence, low.right) == (2, pytest.approx(0.125), 0.5)
    assert (high.n, high.right) == (1, 1.0)
    assert len(reliability_plot({"shop": [low, high]}).axes) == 1
