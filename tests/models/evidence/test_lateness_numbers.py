"""Lateness, levels far from usual and evidence of what is not seen, worked out by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from builders import a_graph
from small_cases import a_small_case

from features.golden import Role
from models.cases.case import Case
from models.evidence.calls import calls_of
from models.evidence.far_off import is_far_off, lasting, least_spread, spread_about
from models.evidence.lateness import Lateness, lateness
from models.rankers.not_seen import NotSeen, with_not_seen

NAN = np.nan
CHAIN = a_graph(("app", "cart"), ("cart", "db"))
APP, CART, DB = range(3)


def test_a_spread_is_at_least_a_twentieth_or_a_thousandth() -> None:
    np.testing.assert_allclose(least_spread(np.array([0.0, 0.01, -2.0])), [0.001, 0.001, 0.1])
    values = np.array([[0.8], [1.0], [1.3]])
    np.testing.assert_allclose(spread_about(values, np.array([1.0])), [np.hypot(1.4826 * 0.2, 0.05)])


def test_two_ticks_in_a_row_or_the_mean_are_far_from_usual() -> None:
    normal, usual = np.ones((9, 1)), np.ones(1)

    def is_far(*levels: float) -> bool:
        return bool(is_far_off(np.array(levels)[:, None], normal, usual)[0])

    assert is_far(1.26)
    assert not is_far(1.24)
    assert is_far(1.0, 1.26, 1.26, 1.0)
    assert not is_far(1.26, 1.0, 1.26, 1.0)
    assert is_far(0.7, 0.7)
    assert is_far(1.6, 1.0)  # by its mean
    assert is_far(NAN, 1.3)
    assert not is_far(NAN, NAN)
    assert lasting(np.array([[True]])).tolist() == [[True]]
    assert lasting(np.array([[True], [True], [False]])).tolist() == [[True], [False]]


def sending(
    window: list[list[float]],
    *,
    before: list[list[float]] | None = None,
    sent: int = 40,
    of: int = 40,
    requests: list[float] | None = None,
) -> Case:
    """The database sends latencies in so many of the normal ticks; the others always do."""
    past = [[1.0, 1.0, 1.0 if tick < sent else NAN] for tick in range(of)]
    now = {Role.LATENCY: window} | ({Role.REQUESTS: [requests] * len(window)} if requests else {})
    return a_small_case(CHAIN, window=now, before={Role.LATENCY: before or []}, normal={Role.LATENCY: past})


def late(found: Lateness) -> tuple[list[bool], list[bool]]:
    return found.is_late.tolist(), found.is_unseen.tolist()


def test_who_always_sends_is_late_after_one_silent_tick() -> None:
    found = lateness(sending([[1.0, 1.0, 1.0], [1.0, 1.0, NAN]], before=[[1.0] * 3] * 3))
    assert late(found) == ([False, False, True], [False] * 3)  # half of the ticks were seen
    assert found.roles[Role.LATENCY].tolist() == [False, False, True]
    assert (found.n_missing[Role.LATENCY][DB], found.silence(DB), found.n_ticks) == (1, 1, 5)
    assert found.of(Role.CPU).tolist() == [False] * 3
    hardly = lateness(sending([[1.0] * 3, [1.0, 1.0, NAN], [1.0, 1.0, NAN]]))
    assert late(hardly) == ([False, False, True], [False, False, True])
    assert hardly.silence(DB) == 2


def test_an_item_that_never_came_is_missing_in_all_ticks() -> None:
    found = lateness(sending([[1.0, 1.0, NAN]] * 2, before=[[1.0, 1.0, NAN]] * 3))
    assert (late(found)[0], found.silence(DB)) == ([False, False, True], 5)


def test_who_sends_in_half_of_the_ticks_is_late_after_five() -> None:
    for n_silent, is_late in ((4, False), (5, True)):
        window = [[1.0, 1.0, 1.0]] + [[1.0, 1.0, NAN]] * n_silent
        assert late(lateness(sending(window, sent=40, of=80)))[0][DB] is is_late


def test_a_short_history_and_no_requests_are_no_reason_to_expect_anything() -> None:
    silent = [[1.0, 1.0, NAN]]
    assert not lateness(sending(silent, sent=29, of=29)).is_late.any()
    assert lateness(sending(silent, sent=30, of=30)).is_late.tolist() == [False, False, True]
    assert not lateness(sending(silent, requests=[9.0, 9.0, 0.0])).is_late.any()
    assert lateness(sending(silent, requests=[9.0, 9.0, NAN])).is_late.tolist() == [False, False, True]
    assert not lateness(a_small_case(CHAIN)).is_late.any()


def test_an_item_that_sends_something_is_not_late_but_one_of_its_roles_is() -> None:
    case = sending([[1.0, 1.0, NAN]])
    case.window.values[Role.CPU] = np.ones((1, 3))  # type: ignore[index]
    case.normal.values[Role.CPU] = np.ones((40, 3))  # type: ignore[index]
    found = lateness(case)
    assert found.of(Role.LATENCY).tolist() == [False, False, True]
    assert not found.is_late.any()


def shared(evidence: list[float], *unseen: int, cpu: float = 0.0) -> NotSeen:
    """What unseen items inherit where a processor speaks for the cart alone."""
    weights = np.array([[0.0, cpu, 0.0], [0.0, 0.0, 0.0]])
    findings = [SimpleNamespace(meaning="cpu"), SimpleNamespace(meaning="own")]
    gathered = SimpleNamespace(findings=findings, weights=weights, usual=np.ones(3))
    is_unseen = np.isin(np.arange(3), unseen)
    calls = calls_of(a_small_case(CHAIN))
    return with_not_seen(np.array(evidence), gathered, calls, is_unseen, hop_decay=0.5)  # type: ignore[arg-type]


def test_an_unseen_callee_inherits_evidence_less_a_hop() -> None:
    found = shared([1.0, 8.0, 0.0], DB)
    assert (found.evidence.tolist(), found.explained.tolist()) == ([1.0, 8.0, 4.0], [-1, -1, CART])
    own = shared([1.0, 8.0, 5.0], DB)
    assert (own.evidence.tolist(), own.explained.tolist()) == ([1.0, 8.0, 5.0], [-1, -1, -1])
    seen = shared([1.0, 8.0, 0.0])
    assert (seen.evidence.tolist(), seen.explained.tolist()) == ([1.0, 8.0, 0.0], [-1, -1, -1])


def test_what_speaks_for_the_caller_alone_is_not_passed_on() -> None:
    found = shared([0.0, 8.0, 0.0], DB, cpu=2.0)  # 9 / 3 of the odds are left
    np.testing.assert_allclose(found.evidence, [0.0, 8.0, 1.0])


def test_evidence_goes_down_a_chain_of_unseen_items() -> None:
    found = shared([8.0, 0.0, 0.0], CART, DB)
    assert (found.evidence.tolist(), found.explained.tolist()) == ([8.0, 4.0, 2.0], [-1, APP, CART])
