"""Own excess and its sentences, of a shop whose past is steady to the last digit."""

from __future__ import annotations

import numpy as np
import pytest
from builders import a_graph
from small_cases import a_small_case

from features.golden import Role
from models.cases.case import Case
from models.evidence.own_excess import OwnExcess, moving_mean, own_excess, own_excesses
from models.rankers.explain import own_excess_sentence
from models.rankers.sunspot import SunspotRanker

CHAIN = a_graph(("app", "cart"), ("cart", "db"))
APP, CART, DB = range(3)
USUAL = {Role.LATENCY: [0.4, 0.2, 0.1], Role.ERRORS: [0.0, 0.0, 0.0], Role.REQUESTS: [10.0, 10.0, 10.0]}


def a_shop(
    latency: list[float],
    *,
    errors: list[float] | None = None,
    before: list[float] | None = None,
    counted: bool = True,
) -> Case:
    """One minute of a shop after forty that were all alike."""
    now = USUAL | {Role.LATENCY: latency, Role.ERRORS: errors or [0.0] * 3}
    kept = [role for role in USUAL if counted or role is not Role.REQUESTS]
    return a_small_case(
        CHAIN,
        window={role: [now[role]] for role in kept},
        before={Role.LATENCY: [before]} if before else None,
        normal={role: [USUAL[role]] * 40 for role in kept},
    )


def test_excess_is_requests_times_latency_above_usual_less_what_callees_explain() -> None:
    found = own_excess(a_shop([0.8, 0.65, 0.5]), Role.LATENCY)
    np.testing.assert_allclose(found.total, [4.0, 4.5, 4.0])
    np.testing.assert_allclose(found.own, [-0.5, 0.5, 4.0])
    np.testing.assert_allclose(found.level, [0.8, 0.65, 0.5])
    np.testing.assert_allclose(found.usual, [0.4, 0.2, 0.1])
    np.testing.assert_allclose(found.reference, [0.4, 0.2, 0.1])
    np.testing.assert_allclose(found.share, [0.0, 0.125, 1.0])
    assert [found.whole, found.all_own] == pytest.approx([4.0, 4.5])
    assert found.counts_requests
    assert found.is_known.tolist() == [True, True, True]
    assert found.lacks_requests.tolist() == [False, False, False]
    assert np.broadcast_to(found.n_normal, 3).tolist() == [40, 40, 40]
    assert found.n_as_large.tolist() == [40, 0, 0]
    assert found.surprise[APP] == 0.0
    np.testing.assert_allclose(found.surprise[[CART, DB]], np.log(410))  # as far as forty windows can show


def test_failures_are_measured_as_latency_is() -> None:
    found = own_excess(a_shop([0.4, 0.2, 0.1], errors=[0.3, 0.3, 0.2]), Role.ERRORS)
    np.testing.assert_allclose(found.total, [3.0, 3.0, 2.0])
    np.testing.assert_allclose(found.own, [0.0, 1.0, 2.0], atol=1e-12)
    assert found.whole == pytest.approx(3.0)


def test_the_level_just_before_is_what_counts_if_it_is_worse() -> None:
    found = own_excess(a_shop([0.8, 0.65, 0.5], before=[0.1, 0.2, 0.3]), Role.LATENCY)
    np.testing.assert_allclose(found.reference, [0.4, 0.2, 0.3])
    np.testing.assert_allclose(found.total, [4.0, 4.5, 2.0])
    np.testing.assert_allclose(found.own, [-0.5, 2.5, 2.0])


def test_a_callee_s_excess_is_shared_among_its_callers_by_their_requests() -> None:
    graph = a_graph(("app", "db"), ("batch", "db"))
    values = {Role.LATENCY: [0.4, 0.4, 0.1], Role.REQUESTS: [30.0, 10.0, 40.0]}
    now = values | {Role.LATENCY: [0.6, 0.5, 0.2]}
    case = a_small_case(
        graph,
        window={role: [each] for role, each in now.items()},
        normal={role: [each] * 40 for role, each in values.items()},
    )
    found = own_excess(case, Role.LATENCY)
    np.testing.assert_allclose(found.total, [6.0, 1.0, 4.0])
    np.testing.assert_allclose(found.own, [6.0 - 3.0, 1.0 - 1.0, 4.0], atol=1e-12)


def described(case: Case, role: Role, index: int) -> tuple[str, dict[str, float]]:
    excess: OwnExcess = own_excess(case, role)
    return own_excess_sentence(case, excess, index)


def test_excess_is_described_with_its_levels_and_the_past() -> None:
    text, figures = described(a_shop([0.8, 0.65, 0.5]), Role.LATENCY, DB)
    assert text == (
        "4 of 4.5 excess seconds a minute arise in db itself: 500 ms a request, usually 100 ms; "
        "none of 40 normal windows saw as much."
    )
    surprise = figures.pop("surprise")
    assert surprise > 0
    assert figures == pytest.approx(
        {
            "own_excess_seconds_per_minute": 4.0,
            "all_excess_seconds_per_minute": 4.5,
            "latency_s": 0.5,
            "usual_latency_s": 0.1,
            "reference_latency_s": 0.1,
            "share_of_whole": 1.0,
            "n_normal_windows": 40,
            "n_normal_windows_as_large": 0,
        }
    )


def test_failures_are_described_in_percent() -> None:
    text, figures = described(a_shop([0.4, 0.2, 0.1], errors=[0.3, 0.3, 0.2]), Role.ERRORS, DB)
    assert text == (
        "2 of 3 excess failures a minute arise in db itself: 20.0 % of requests fail, usually 0 %; "
        "none of 40 normal windows saw as much."
    )
    assert figures["own_excess_failures_per_minute"] == pytest.approx(2.0)
    assert figures["all_excess_failures_per_minute"] == pytest.approx(3.0)
    assert [figures[f"{each}error_ratio"] for each in ("", "usual_", "reference_")] == [0.2, 0.0, 0.0]


@pytest.mark.parametrize(("before", "is_raised"), [(0.112, True), (0.109, False)])
def test_a_level_just_before_is_named_where_it_was_raised_by_a_tenth(
    before: float, *, is_raised: bool
) -> None:
    text, _ = described(a_shop([0.8, 0.65, 0.5], before=[0.4, 0.2, before]), Role.LATENCY, DB)
    assert (f"usually 100 ms and {before * 1000:.0f} ms just before;" in text) is is_raised


def test_without_requests_excess_is_described_a_request() -> None:
    text, figures = described(a_shop([0.4, 0.2, 0.5], counted=False), Role.LATENCY, DB)
    assert text == (
        "db is 400 ms a request slower than its dependencies explain (no request counts): 500 ms a request, "
        "usually 100 ms; none of 40 normal windows saw as much."
    )
    assert figures["own_excess_s"] == pytest.approx(0.4)
    text, figures = described(a_shop([0.4, 0.2, 0.1], errors=[0.0, 0.0, 0.2], counted=False), Role.ERRORS, DB)
    assert text.startswith(
        "db is 20.0 % a request worse than its dependencies explain (no request counts): 20.0 %"
    )
    assert figures["own_excess_ratio"] == pytest.approx(0.2)


def test_without_requests_a_ridge_regression_tells_what_callees_explain() -> None:
    graph = a_graph(("app", "db"))
    wave = 0.05 * np.sin(np.arange(40.0))
    past = np.stack([0.4 + 2 * wave, 0.1 + wave], axis=1)
    case = a_small_case(graph, window={Role.LATENCY: [[0.9, 0.3]]}, normal={Role.LATENCY: past.tolist()})
    found = own_excess(case, Role.LATENCY)
    median = np.median(past, axis=0)
    caller, callee = (past - median).T
    slope = callee @ caller / (callee @ callee * (1 + 1 / 40))
    assert found.counts_requests is False
    np.testing.assert_allclose(found.own, [0.9 - median[0] - slope * (0.3 - median[1]), 0.3 - median[1]])


def test_the_lesser_of_two_surprises_that_come_together_counts_by_what_they_do_not_share() -> None:
    case = a_shop([0.4, 0.2, 0.5], errors=[0.0, 0.0, 0.2])
    wave = np.abs(np.sin(np.arange(40.0)))
    for role, size in ((Role.LATENCY, 0.1), (Role.ERRORS, 0.05)):
        case.normal.values[role][:, DB] += size * wave
    alone = [own_excess(case, role).surprise[DB] for role in (Role.LATENCY, Role.ERRORS)]
    together = [each.surprise[DB] for each in own_excesses(case)]
    assert max(together) == pytest.approx(max(alone))
    assert min(together) < 0.01 * min(alone)


def test_a_moving_mean_is_of_each_run_of_rows() -> None:
    values = np.array([[1.0, 0.0], [2.0, 4.0], [6.0, 8.0]])
    np.testing.assert_allclose(moving_mean(values, 2), [[1.5, 2.0], [4.0, 6.0]])
    np.testing.assert_allclose(moving_mean(values, 3), [[3.0, 4.0]])
    np.testing.assert_allclose(moving_mean(values, 1), values)
    assert moving_mean(values, 4).shape == (0, 2)


def test_what_could_not_be_seen_is_listed() -> None:
    blind = a_shop([0.8, np.nan, 0.5])
    blind.window.values[Role.ERRORS][:, CART] = np.nan
    unseen = SunspotRanker().rank(blind).unseen
    assert "No traces were received: own time, network and calls could not be looked at." in unseen
    assert "No log lines were received." in unseen
    assert "No CPU, memory, saturation or packet loss was received." in unseen
    uncounted = SunspotRanker().rank(a_shop([0.8, 0.65, 0.5], counted=False)).unseen
    assert "No request counts: excess is what a regression on the dependencies leaves over." in uncounted
    edgeless = a_small_case(a_graph(alone=["app", "db"]))
    assert "The graph has no edges here: items are ranked by their own surprise alone." in (
        SunspotRanker().rank(edgeless).unseen
    )
