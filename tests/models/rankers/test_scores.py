"""Scores, beliefs and abstention with numbers worked out by hand, or by a plain version written here."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from builders import ONSET, a_graph
from numpy.typing import NDArray
from scipy import special, stats
from small_cases import START_MS, a_small_case, cells_of, with_spans

from cmdb.items import ChangeEvent
from features.golden import Role
from models.cases.case import Alert, Case
from models.evidence.calls import calls_of
from models.evidence.finding import Finding
from models.evidence.own_excess import own_excesses
from models.evidence.resources import resources
from models.rankers import RANKERS, rank
from models.rankers.causes import Causes, causes_among
from models.rankers.correlation import RankedCorrelation, correlation_with
from models.rankers.deviation import NSigma, RobustScore, largest_z
from models.rankers.fusion import combined, findings_of, gather, usual_surprise
from models.rankers.graph_peers import MicroRca, RegressionResidual, Traversal
from models.rankers.posterior import Belief
from models.rankers.random_guess import RandomGuess
from models.rankers.random_walk import RandomWalk
from models.rankers.ranking import Candidate, Evidence, Ranking, ranking_of
from models.rankers.sunspot import SunspotRanker

CHAIN = a_graph(("app", "cart"), ("cart", "db"))
APP, CART, DB = range(3)


def scores_of(ranking: Ranking) -> dict[str, float]:
    return {each.item: each.score for each in ranking.candidates}


# Beliefs


def test_belief_is_shared_by_a_conditional_logit() -> None:
    found = Belief().posterior(np.array([3.0, 0.0, 1.0]), 0.0)
    odds = np.array([4.0**4.4, 1.0, 2.0**4.4])
    none = np.exp(3.4) * (2 + 10)  # two are suspected, and ten more always
    np.testing.assert_allclose(found.candidates, odds / (odds.sum() + none))
    assert found.none == pytest.approx(none / (odds.sum() + none))
    assert found.surge == 0.0


def test_a_surge_competes_with_its_own_evidence_and_a_bonus() -> None:
    found = Belief().posterior(np.array([3.0]), 2.0)
    odds, none, surge = 4.0**4.4, np.exp(3.4) * 11, np.e * 3.0**4.4
    total = odds + none + surge
    assert [found.candidates[0], found.none, found.surge] == pytest.approx(
        [odds / total, none / total, surge / total]
    )


def test_belief_in_overwhelming_evidence_is_finite() -> None:
    found = Belief(sharpness=1e3).posterior(np.array([1e3, -1.0]), 1e3)
    assert [found.candidates[0], found.surge] == pytest.approx([1 / (1 + np.e), np.e / (1 + np.e)])
    np.testing.assert_array_equal(Belief(sharpness=2.0).log_odds(np.array([-5.0, np.e - 1])), [0.0, 2.0])


# Causes


def test_a_further_cause_needs_four_fifths_of_what_the_first_leaves() -> None:
    case = a_small_case(a_graph(("app", "cart"), ("cart", "db"), ("app", "mail"), ("app", "zip")))
    belief = Belief(sharpness=1.0, doubt=-np.inf)

    def named(*evidence: float) -> tuple[str, ...]:
        return causes_among(case, "db", np.array(evidence), belief).named

    # app, cart, db, mail and zip; app and cart depend on db, and an item without evidence has odds of 1
    assert named(9.0, 9.0, 99.0, 3.01, 0.0) == ("db", "mail", "zip")  # nothing beside zip is left then
    assert named(9.0, 9.0, 99.0, 2.99, 0.0) == ("db",)
    assert named(9.0, 9.0, 99.0, 0.0, 3.01) == ("db", "zip", "mail")


def test_what_nobody_observed_is_left_out_of_no_share() -> None:
    case = a_small_case(a_graph(("app", "db"), ("app", "mail")))
    belief = Belief(sharpness=1.0, doubt=0.0)  # none of them: as many as suspects, and ten
    assert causes_among(case, "db", np.array([0.0, 9.0, 4 * 12.01 - 1]), belief).named == ("db", "mail")
    assert causes_among(case, "db", np.array([0.0, 9.0, 4 * 11.99 - 1]), belief).named == ("db",)


def test_three_causes_are_named_at_most_and_each_dependent_is_explained_by_the_first_of_them() -> None:
    graph = a_graph(*(("app", name) for name in "bcde"))
    evidence = np.array([5.0, 1e9, 1e7, 1e5, 1e3])
    found = causes_among(a_small_case(graph), "b", evidence, Belief(doubt=-np.inf))
    assert found.named == ("b", "c", "d")
    assert found.explains == {"app": "b"}
    assert [found.explanation_of(item) for item in ("app", "b", "e")] == ["b", "", ""]
    assert Causes().explanation_of("app") == ""
    assert Causes().named == ()


def test_a_cause_that_depends_on_another_is_a_cause_and_not_a_symptom() -> None:
    found = causes_among(
        a_small_case(CHAIN), "cart", np.array([0.0, 1e6, 1e9]), Belief(doubt=-9.0, sharpness=3.0)
    )
    assert found.named == ("cart", "db")
    assert found.explains == {"app": "cart"}


# Rankings without evidence


def test_probabilities_are_shares_of_the_scores_and_equal_scores_go_by_name() -> None:
    case = replace(a_small_case(CHAIN), graph_version="g7", bundle_version="b3")
    ranking = ranking_of(case, "some", np.array([1.0, 2.0, 1.0]))
    assert [each[:4] for each in ranking.candidates] == [
        ("cart", 2.0, 0.5, 1),
        ("app", 1.0, 0.25, 0),
        ("db", 1.0, 0.25, 2),
    ]
    assert (ranking.case_id, ranking.ranker, ranking.abstained) == ("small", "some", "")
    assert (ranking.graph_version, ranking.bundle_version, ranking.ranker_version) == ("g7", "b3", "default")
    assert (ranking.window_start_ms, ranking.window_end_ms, ranking.causes) == (0, 0, ())
    assert (ranking.unseen, ranking.found_normal, ranking.answers) == ((), (), {})
    assert ranking.candidates[0][4:] == ((), (), "")


def test_scores_of_zero_name_nobody() -> None:
    ranking = ranking_of(a_small_case(a_graph(("app", "db"), alone=["x"])), "some", np.zeros(3))
    assert ranking.abstained == "no item scores above zero"
    assert [each[:4] for each in ranking.candidates] == [
        ("app", 0.0, 0.0, 0),
        ("db", 0.0, 0.0, 1),
        ("x", 0.0, 0.0, None),
    ]


def test_rankers_are_known_by_their_names_and_sunspot_s_comes_first() -> None:
    names = ["sunspot", "n_sigma", "baro", "ranked_correlation", "random_walk", "micro_rca", "traversal"]
    assert list(RANKERS) == [*names, "circa", "random"]
    case = a_small_case(CHAIN)
    assert [rank(case, ranker=name).ranker for name in RANKERS] == list(RANKERS)
    assert rank(case).ranker == "sunspot"


def test_a_random_guess_holds_all_alike() -> None:
    assert [each.probability for each in RandomGuess().rank(a_small_case(CHAIN)).candidates] == [1 / 3] * 3


# Correlation


def rows(*columns: list[float]) -> list[list[float]]:
    return [list(each) for each in zip(*columns, strict=True)]


def moving(role: Role | None = None) -> Case:
    latency = rows([1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 3.0, 2.0, 5.0, 4.0], [5.0, np.nan, 3.0, np.nan, 1.0])
    errors = rows([0.0, 0.0, 0.0, 1.0, 1.0], [7.0] * 5, [0.0, 0.0, np.nan, np.nan, 1.0])
    before = {Role.LATENCY: latency[:2], Role.ERRORS: errors[:2]}
    case = a_small_case(CHAIN, before=before, window={Role.LATENCY: latency[2:], Role.ERRORS: errors[2:]})
    return replace(case, alert=replace(case.alert, role=role))


def test_items_are_ranked_by_how_they_move_with_the_alert() -> None:
    np.testing.assert_allclose(correlation_with(moving(), APP), [1.0, 0.8, 1.0])
    np.testing.assert_allclose(correlation_with(moving(Role.ERRORS), APP), [1.0, 0.0, 1.0])
    np.testing.assert_allclose(correlation_with(moving(Role.ERRORS), CART), [0.0, 0.0, 0.0])
    np.testing.assert_allclose(correlation_with(moving(Role.LATENCY), CART), [0.8, 1.0, 27**0.5 / 28**0.5])
    assert scores_of(RankedCorrelation().rank(moving())) == pytest.approx(
        {"app": 0.0, "cart": 0.8, "db": 1.0}
    )


def test_two_shared_ticks_do_not_correlate() -> None:
    case = a_small_case(
        CHAIN, window={Role.LATENCY: rows([1.0, 2.0, 4.0], [2.0, 4.0, 8.0], [1.0, 2.0, np.nan])}
    )
    np.testing.assert_allclose(correlation_with(case, APP), [1.0, 1.0, 0.0])
    np.testing.assert_array_equal(correlation_with(a_small_case(CHAIN), APP), [0.0] * 3)


# Deviation


DEVIATING = a_small_case(
    CHAIN,
    window={
        Role.LATENCY: rows([4.0, 6.0], [2.0, 2.0], [np.nan, np.nan]),
        Role.CPU: rows([2.0, 2.0], [8.0, -3.0], [7.0, np.nan]),
        Role.LOSS: rows([9.0, 9.0], [9.0, 9.0], [9.0, 9.0]),
    },
    normal={
        Role.LATENCY: rows([1.0, 1.0, 2.0, 3.0, 3.0], [2.0] * 5, [1.0] * 5),
        Role.CPU: rows([0.0, 1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 2.0, 3.0, 4.0], [np.nan, 5.0, 5.0, np.nan, 5.0]),
        Role.MEMORY: [[1.0, 1.0, 1.0]] * 5,
    },
)


def test_n_sigma_is_the_largest_distance_of_means_in_standard_deviations() -> None:
    found = scores_of(NSigma().rank(DEVIATING))
    assert found == pytest.approx({"app": 3 / 0.8**0.5, "cart": 0.5 / 2**0.5, "db": 1e6})
    np.testing.assert_allclose(largest_z(DEVIATING, (Role.LATENCY,)), [3 / 0.8**0.5, 0.0, 0.0])
    assert NSigma().rank(DEVIATING).ranker == "n_sigma"


def test_baro_is_the_largest_distance_of_a_tick_in_interquartile_ranges() -> None:
    found = scores_of(RobustScore().rank(DEVIATING))
    assert found == pytest.approx({"app": 4.0 / 2.0, "cart": 6.0 / 2.0, "db": 1e6})


# Walks


def visited(
    weights: NDArray[np.float64], restart: NDArray[np.float64], damping: float
) -> NDArray[np.float64]:
    """Where a walker is found in the long run, by a linear system; from a dead end it starts again."""
    begin = restart / restart.sum()
    total = weights.sum(axis=1, keepdims=True)
    step = np.where(total > 0, weights / np.where(total > 0, total, 1.0), begin)
    n_items = len(weights)
    found: NDArray[np.float64] = np.linalg.solve(np.eye(n_items) - damping * step.T, (1 - damping) * begin)
    return found


SHOP = a_graph(("app", "cart"), ("app", "mail"), ("cart", "db"), ("cart", "mail"))
SHOP_ROWS = rows(
    [1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 3.0, 2.0, 5.0, 4.0], [1.0, 2.0, 3.0, 5.0, 4.0], [2.0, 1.0, 4.0, 3.0, 3.0]
)
WALKED = a_small_case(
    SHOP,
    window={Role.LATENCY: SHOP_ROWS, Role.CPU: [[1.0, 1.0, 9.0, 1.0]] * 5},
    normal={
        Role.LATENCY: rows([2.0, 3.0, 4.0], [0.1, 0.2, 0.3], [3.0, 3.5, 2.5], [2.0, 3.0, 4.0]),
        Role.CPU: rows([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]),
    },
)
EDGES = ((0, 1), (0, 3), (1, 2), (1, 3))


def test_the_random_walk_is_a_page_rank_from_the_alert() -> None:
    draw = correlation_with(WALKED, 0)
    weights = np.zeros((4, 4))
    for caller, callee in EDGES:
        weights[caller, callee] = draw[callee]
        weights[callee, caller] = 0.1 * draw[caller]
    expected = visited(weights, np.array([1.0, 0.0, 0.0, 0.0]), 0.85)
    expected[0] = 0.0
    found = scores_of(RandomWalk().rank(WALKED))
    assert list(map(found.get, WALKED.items)) == pytest.approx(expected, abs=1e-5)


def test_micro_rca_walks_the_anomalous_part_and_restarts_at_anomalies() -> None:
    moves = correlation_with(WALKED, 0) + 1e-6
    anomaly = largest_z(WALKED, (Role.LATENCY, Role.ERRORS, Role.CPU, Role.MEMORY))
    weights = np.zeros((4, 4))
    for caller, callee in ((0, 1), (1, 2), (1, 3)):  # cart alone deviates by more than three
        weights[caller, callee] = moves[callee]
    assert (largest_z(WALKED, (Role.LATENCY, Role.ERRORS)) > 3.0).tolist() == [False, True, False, False]
    expected = visited(weights, anomaly * moves + 1e-6, 0.85)
    found = scores_of(MicroRca().rank(WALKED))
    assert list(map(found.get, WALKED.items)) == pytest.approx(expected, abs=1e-5)


def test_traversal_ends_at_anomalous_items_that_no_anomalous_callee_explains() -> None:
    graph = a_graph(("app", "cart"), ("cart", "db"), ("app", "mail"), ("mail", "zip"), alone=["x"])
    now = [9.0, 9.0, 9.0, 2.0, 9.0, 9.0]  # app, cart, db, mail, x, zip
    case = a_small_case(
        graph, window={Role.LATENCY: [now]}, normal={Role.LATENCY: [[1.0] * 6, [2.0] * 6, [3.0] * 6]}
    )
    z = 7 / (2 / 3) ** 0.5
    share = z / (z + 1)
    assert scores_of(Traversal().rank(case)) == pytest.approx(
        {"app": share / 2, "cart": share / 2, "db": 1 + share, "mail": 0.0, "x": share / 2, "zip": share / 2}
    )


def test_circa_is_the_residual_of_a_regression_on_the_callees() -> None:
    then = rows([1.0, 2.0, 3.0, 5.0], [1.0, 3.0, 2.0, 4.0], [2.0, 1.0, 4.0, 3.0])
    now = rows([9.0, 9.0], [3.0, 5.0], [4.0, np.nan])
    case = a_small_case(CHAIN, window={Role.LATENCY: now}, normal={Role.LATENCY: then})
    past, present = (np.array(each) - np.median(then, axis=0) for each in (then, now))
    present = np.nan_to_num(present)
    expected = {}
    for item, callee in ((APP, CART), (CART, DB), (DB, None)):
        slope: np.ndarray[tuple[int], np.dtype[np.float64]] | float = 0.0
        if callee is not None:
            squares = past[:, callee] @ past[:, callee]
            slope = past[:, callee] @ past[:, item] / (squares * 1.001)
        left = [each[:, item] - slope * each[:, callee or 0] for each in (past, present)]
        expected[case.items[item]] = abs(left[1].mean()) / left[0].std()
    assert scores_of(RegressionResidual().rank(case)) == pytest.approx(expected)


# Sunspot's own


def busy(level: float = 0.9, *, hops: int = 2) -> Case:
    """Only the processor of the database is known, as many hops from the alert."""
    past = [[np.nan, np.nan, each] for each in (0.2, 0.3, 0.4, 0.5, 0.6)]
    case = a_small_case(CHAIN, window={Role.CPU: [[np.nan, np.nan, level]]}, normal={Role.CPU: past})
    return replace(case, alert=replace(case.alert, item=case.items[2 - hops]))


def surprise_at(case: Case) -> float:
    [found] = resources(case)
    return float(found.surprise[DB])


def test_lone_evidence_counts_by_its_surprise_its_weight_and_the_distance() -> None:
    for hops in (0, 1, 2):
        case = busy(hops=hops)
        # half the weight of a processor; one kind alone is judged by the exponential distribution
        evidence = 0.5 * surprise_at(case) * 0.95**hops
        score = 4.4 * np.log1p(evidence)
        best = SunspotRanker().rank(case).candidates[0]
        assert (best.item, best.hops, len(best.path)) == ("db", hops, hops + 1)
        assert best.score == pytest.approx(score)
        total = np.exp(score) + 2 + np.exp(3.4) * 11
        assert best.probability == pytest.approx(np.exp(score) / total)


def test_a_meaning_s_trained_weight_multiplies_its_evidence() -> None:
    case = busy()
    evidence = 2.0 * 0.5 * surprise_at(case) * 0.95**2
    found = SunspotRanker(weights={"cpu": 2.0}).rank(case)
    assert found.candidates[0].score == pytest.approx(4.4 * np.log1p(evidence))


def test_the_cause_is_named_where_belief_is_high_enough_and_else_the_reason_why_not() -> None:
    case = busy()
    ranking = SunspotRanker().rank(case)
    score = 4.4 * np.log1p(0.5 * surprise_at(case) * 0.95**2)
    none = np.exp(3.4) * 11 / (np.exp(score) + 2 + np.exp(3.4) * 11)
    believed = np.exp(score) / (np.exp(score) + 2 + np.exp(3.4) * 11)
    assert ranking.answers == pytest.approx({"traffic surge": 0.0, "nothing observed explains this": none})
    assert believed < none
    assert ranking.abstained == (
        f"not enough evidence: the strongest candidate is db ({believed * 100:.0f} %); "
        f"a cause outside what is observed has {none * 100:.0f} %"
    )
    assert ranking.causes == ()
    sure = SunspotRanker(belief=Belief(doubt=-9.0)).rank(case)
    assert (sure.abstained, sure.causes) == ("", ("db",))
    assert [each.explained_by for each in sure.candidates] == ["", "", ""]
    proud = SunspotRanker(belief=Belief(doubt=-9.0), floor=1.0).rank(case)
    assert proud.abstained.startswith("not enough evidence: the strongest candidate is db")


def test_a_ranking_names_its_window_and_versions() -> None:
    case = replace(busy(), graph_version="g7", bundle_version="b3", notes=("Relaxed.",))
    ranking = SunspotRanker(version="r2").rank(case)
    assert (ranking.case_id, ranking.ranker, ranking.ranker_version) == ("small", "sunspot", "r2")
    assert (ranking.graph_version, ranking.bundle_version) == ("g7", "b3")
    assert (ranking.window_start_ms, ranking.window_end_ms) == (START_MS, START_MS + 60_000)
    assert ranking.unseen[0] == "Relaxed."
    assert ranking.found_normal == ("CPU: 1 item looked at, all as usual.",) or surprise_at(case) > 3.0


def test_evidence_is_told_from_half_a_nat_on_and_what_is_weaker_is_summed_up() -> None:
    strong = SunspotRanker().rank(busy()).candidates[0]
    [told] = strong.evidence
    assert (told.kind, told.sentence) == ("cpu", "CPU of db is at 90.0 %, usually 40.0 %.")
    assert told.weight == pytest.approx(strong.score)
    weak = SunspotRanker(weights={"cpu": 0.02}).rank(busy()).candidates[0]
    [told] = weak.evidence
    assert (told.kind, told.sentence) == ("weaker_signs", "Weaker signs: cpu.")
    assert told.weight == pytest.approx(weak.score)
    assert 0 < told.weight < 0.5


def test_candidates_beyond_those_explained_have_no_words() -> None:
    ranking = SunspotRanker(n_explained=1).rank(busy())
    full = SunspotRanker().rank(busy())
    assert [each[:4] for each in ranking.candidates] == [each[:4] for each in full.candidates]
    assert [len(each.evidence) for each in ranking.candidates] == [1, 0, 0]
    assert [each.path for each in full.candidates] == [("app", "cart", "db"), ("app",), ("app", "cart")]
    assert [each.path for each in ranking.candidates] == [("app", "cart", "db"), (), ()]


def test_without_any_signal_or_history_nobody_is_named_and_that_is_the_reason() -> None:
    assert SunspotRanker().rank(a_small_case(CHAIN)).abstained == "no signal was received around the alert"
    blind = a_small_case(CHAIN, window={Role.CPU: [[np.nan, np.nan, 0.9]]})
    assert SunspotRanker().rank(blind).abstained == (
        "no item has both signals around the alert and enough history to compare them with"
    )
    without = SunspotRanker(without=("cpu",)).rank(busy())
    assert without.abstained.startswith("no item has both signals")


def surprise_of_sum(total: float, usual: float) -> float:
    return float(-np.log(special.gammaincc(usual, total)))


def test_a_sum_of_surprises_is_judged_by_what_is_usual_and_at_least_by_one() -> None:
    found = combined(np.array([4.0, 4.0, 4.0, 1e6]), np.array([0.2, 1.0, 2.5, 1.0]))
    np.testing.assert_allclose(found, [4.0, 4.0, surprise_of_sum(4.0, 2.5), -np.log(1e-300)])


def test_what_is_usual_is_the_mean_of_the_others_joined_by_six_of_one() -> None:
    assert usual_surprise(np.array([0.5, 9.0, 0.1])) == pytest.approx((6 + 0.6) / (6 + 2))
    assert usual_surprise(np.array([3.0, 9.0])) == 1.0


def gathered(
    case: Case, *, share_floor: float = 0.1, without: tuple[str, ...] = ()
) -> dict[str, list[float]]:
    position = {item: index for index, item in enumerate(case.items)}
    found = gather(
        case,
        position,
        calls_of(case),
        nearness=np.ones(len(case.items)),
        share_floor=share_floor,
        weights={},
        without=without,
    )
    kinds = [each.kind for each in found.findings]
    return dict(zip(kinds, found.weights.tolist(), strict=True)) | {"usual": found.usual.tolist()}


def two_resources() -> Case:
    past = [0.2, 0.3, 0.4, 0.5, 0.6]
    values = {Role.CPU: [0.45, 0.9, np.nan], Role.SATURATION: [0.4, 0.8, 0.7]}
    return a_small_case(
        CHAIN,
        window={role: [each] for role, each in values.items()},
        normal={role: [[each] * 3 for each in past] for role in values},
    )


def surprises_by_kind(case: Case) -> dict[str, Finding]:
    return {each.kind: each for each in resources(case)}


def test_saturation_is_what_exceeds_all_evidence_against_a_callee() -> None:
    case = two_resources()
    found, raw = gathered(case), surprises_by_kind(case)
    cpu, full = raw["cpu"].surprise, raw["saturation"].surprise
    share = 0.05 / 0.5  # of the largest rise
    np.testing.assert_allclose(found["cpu"], [0.5 * cpu[APP] * (0.1 + share) / 1.1, 0.5 * cpu[CART], 0.0])
    np.testing.assert_allclose(
        found["saturation"],
        [max(full[APP] - cpu[CART] - full[CART], 0.0), max(full[CART] - full[DB], 0.0), full[DB]],
    )
    usual_cpu = usual_surprise(np.array(found["cpu"][:2]))
    usual_full = usual_surprise(np.array(found["saturation"]))
    np.testing.assert_allclose(found["usual"], [usual_cpu + usual_full] * 2 + [usual_full])


def test_kinds_that_are_left_out_are_not_gathered() -> None:
    kinds = {"own_latency", "own_failures", "saturation", "usual"}
    assert set(gathered(two_resources(), without=("cpu",))) == kinds


def slow_shop(*, requests: float = 10.0) -> Case:
    """Forty steady minutes, and then one in which the database takes 0.4 s more and the cart as much."""
    usual = {Role.LATENCY: [0.3, 0.2, 0.1], Role.REQUESTS: [requests] * 3, Role.ERRORS: [0.0] * 3}
    noise = 0.001 * np.sin(np.arange(40.0))[:, None] * np.array([1.0, 2.0, 1.0])
    normal = {
        role: (np.tile(each, (40, 1)) + (noise if role is Role.LATENCY else 0)).tolist()
        for role, each in usual.items()
    }
    now = {**usual, Role.LATENCY: [0.7, 0.65, 0.5]}
    return a_small_case(CHAIN, window={role: [each] for role, each in now.items()}, normal=normal)


def test_own_latency_is_what_callees_do_not_explain() -> None:
    found = gathered(slow_shop())
    # app explains all of its 0.4 s by cart, cart 0.4 of 0.45 s by the database
    assert found["own_latency"][APP] == 0.0
    assert 0 < found["own_latency"][CART] < 0.3 * found["own_latency"][DB]
    ranking = SunspotRanker().rank(slow_shop())
    assert (ranking.abstained, ranking.causes) == ("", ("db",))
    figures = ranking.candidates[0].evidence[0].figures
    assert figures["own_excess_seconds_per_minute"] == pytest.approx(4.0, abs=0.02)
    assert figures["all_excess_seconds_per_minute"] == pytest.approx(4.5, abs=0.05)


def test_small_scores_name_somebody() -> None:
    assert ranking_of(a_small_case(CHAIN), "some", np.array([0.0, 1e-9, 0.0])).abstained == ""


def test_evidence_comes_without_figures_or_templates_unless_it_has_them() -> None:
    bare = Evidence("cpu", 1.0, "It is busy.")
    assert (bare.figures, bare.templates) == ({}, ())


def everything() -> Case:
    """A slow, busy and lossy shop with spans, logs, a change and another alert."""
    case = slow_shop()
    alert = Alert("db", "Slow", ONSET - timedelta(minutes=40))
    change = ChangeEvent("c", "db", ONSET - timedelta(days=1))
    own = ("db", "query", "", "")
    then = [(10.0, 20.0, 45.0)] * 6
    spans = {"own": cells_of((own, [(10.0, 30.0, 95.0)]))}
    case = with_spans(case, spans, {"own": cells_of((own, then))})
    return replace(case, other_alerts=(alert,), changes=(change,))


def test_every_kind_of_evidence_is_gathered_with_its_meaning() -> None:
    case = everything()
    position = {item: index for index, item in enumerate(case.items)}
    found, excesses = findings_of(case, position, calls_of(case))
    assert [(each.kind, each.meaning) for each in found] == [
        ("own_time", "own"),
        ("alerts", "alerts"),
        ("own_latency", "own"),
        ("own_failures", "failures"),
        ("change", "change"),
    ]
    assert [each.role for each in excesses] == [Role.LATENCY, Role.ERRORS]
    by_kind = {each.kind: each for each in found}
    surprise = -np.log(-np.expm1(-0.2 * 2 * 45 / 1440))
    np.testing.assert_allclose(by_kind["alerts"].surprise, [6.0 - surprise, np.nan, surprise])
    assert by_kind["change"].surprise[DB] == pytest.approx(-np.log(-np.expm1(-0.2)))


def test_latency_says_nothing_of_an_item_whose_own_time_is_known() -> None:
    case = everything()
    position = {item: index for index, item in enumerate(case.items)}
    found = {each.kind: each for each in findings_of(case, position, calls_of(case))[0]}
    assert np.isfinite(found["own_time"].surprise).tolist() == [False, False, True]
    assert np.isfinite(found["own_latency"].surprise).tolist() == [True, True, False]
    without = findings_of(case, position, calls_of(case), without=("own_time",))[0]
    assert next(each for each in without if each.kind == "own_latency").surprise[DB] > 0


def test_of_two_kinds_of_one_meaning_the_larger_counts() -> None:
    case = with_spans(
        slow_shop(),
        {"gap": cells_of((("app", "cart", ""), [(9.0, 45.0, 237.0)]))},
        {"gap": cells_of((("app", "cart", ""), [(10.0, 20.0, 45.0)] * 6))},
    )
    found = gathered(case)
    assert set(found) == {"edge_gap", "own_latency", "own_failures", "usual"}
    assert found["edge_gap"][CART] > 0
    assert found["own_latency"][CART] > 0  # another meaning
    resources_only = gathered(two_resources())
    assert resources_only["cpu"][CART] > 0
    assert resources_only["saturation"][CART] > 0


def test_the_share_of_the_excess_weighs_surprise_from_a_floor_on() -> None:
    case = slow_shop()
    [latency] = own_excesses(case, (Role.LATENCY,))
    for floor in (0.1, 1.0):
        weights = np.array(gathered(case, share_floor=floor)["own_latency"])
        np.testing.assert_allclose(
            weights, latency.surprise * (floor + latency.share) / (1 + floor), err_msg=str(floor)
        )


def test_weaker_signs_are_listed_by_their_kinds() -> None:
    case = two_resources()
    ranker = SunspotRanker(weights={"cpu": 1e-3, "saturation": 1e-4})
    cart = next(each for each in ranker.rank(case).candidates if each.item == "cart")
    assert [each.sentence for each in cart.evidence] == ["Weaker signs: cpu, saturation."]
    assert sum(each.weight for each in cart.evidence) == pytest.approx(cart.score)


def test_equal_scores_are_ordered_by_name() -> None:
    names = [
        each.item
        for each in SunspotRanker().rank(a_small_case(a_graph(alone=["b", "app", "c", "a"]))).candidates
    ]
    assert names == ["a", "app", "b", "c"]


def test_an_item_out_of_reach_counts_less_than_one_behind_many_hops() -> None:
    graph = a_graph(("app", "cart"), alone=["db"])
    past = [[np.nan, np.nan, each] for each in (0.2, 0.3, 0.4, 0.5, 0.6)]
    case = a_small_case(graph, window={Role.CPU: [[np.nan, np.nan, 0.9]]}, normal={Role.CPU: past})
    best = SunspotRanker().rank(case).candidates[0]
    assert (best.item, best.hops, best.path) == ("db", None, ())
    assert best.score == pytest.approx(4.4 * np.log1p(0.3 * 0.5 * surprise_at(case)))
    edgeless = a_small_case(
        a_graph(alone=["app", "cart", "db"]),
        window={Role.CPU: [[np.nan, np.nan, 0.9]]},
        normal={Role.CPU: past},
    )
    assert SunspotRanker().rank(edgeless).candidates[0].score == pytest.approx(
        4.4 * np.log1p(0.5 * surprise_at(case))
    )


def test_a_surge_is_answered_where_requests_rose_everywhere_and_nobody_stands_out() -> None:
    past = [[90.0] * 3, [100.0] * 3, [110.0] * 3]
    case = a_small_case(CHAIN, window={Role.REQUESTS: [[300.0] * 3]}, normal={Role.REQUESTS: past})
    ranking = SunspotRanker().rank(case)
    surprise = -np.log(stats.t.sf(np.log(3.0) / (1.4826 * np.log(1.1)), 12.0))
    surge, none = np.exp(1.0 + 4.4 * np.log1p(surprise)), np.exp(3.4) * 10
    assert ranking.answers["traffic surge"] == pytest.approx(surge / (surge + none + 3))
    assert ranking.answers["nothing observed explains this"] == pytest.approx(none / (surge + none + 3))


def test_a_ranking_says_nothing_but_what_it_is_given() -> None:
    bare = Ranking("case", "some", ())
    assert (bare.abstained, bare.unseen, bare.found_normal, bare.causes) == ("", (), (), ())
    assert (bare.graph_version, bare.bundle_version, bare.ranker_version) == ("", "", "default")
    assert (bare.window_start_ms, bare.window_end_ms, bare.answers) == (0, 0, {})
    assert Candidate("db", 1.0, 0.5) == ("db", 1.0, 0.5, None, (), (), "")


def test_little_evidence_is_more_than_none() -> None:
    weak = SunspotRanker(weights={"cpu": 1e-3}).rank(busy())
    assert 0 < weak.candidates[0].score < 1
    assert weak.abstained.startswith("not enough evidence: the strongest candidate is db")
    none = SunspotRanker(weights={"cpu": 0.0}).rank(busy())
    assert none.abstained == "nothing observed is worse than usual"
