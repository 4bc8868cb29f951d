"""Evidence of spans with numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from builders import a_graph
from scipy import stats
from small_cases import NO_CELLS, a_small_case, cells_of, position_of, with_spans

from models.evidence.call_structure import call_structure
from models.evidence.comparison import compare, largest, surprise_of
from models.evidence.edge_gap import edge_gap
from models.evidence.finding import Finding
from models.evidence.new_calls import new_calls
from models.evidence.own_time import own_time

CASE = a_small_case(a_graph(("app", "cart"), ("cart", "db")))
APP, CART, DB = range(3)
KIND = ("cart", "pay", "", "")
# two buckets of means 2 and 4 and sums of squares about them of 3 and 5
THEN = ((4.0, 8.0, 19.0), (6.0, 24.0, 101.0))
NOW = ((3.0, 15.0, 79.0),)  # a mean of 5, a sum of squares about it of 4
BETWEEN = 8.6 / 4.8
ERROR = (2 / 3 + 1 / 10 + BETWEEN) ** 0.5


def minus_log_p(z: float, freedom: float) -> float:
    return float(-np.log(stats.t.sf(z, freedom)))


def test_a_comparison_has_the_means_and_variances_of_window_and_past() -> None:
    found = compare(cells_of((KIND, NOW)), cells_of((KIND, THEN)))
    for name, value in (
        ("n_now", 3.0),
        ("n_then", 10.0),
        ("mean_now", 5.0),
        ("mean_then", 3.2),
        ("within", 1.0),
        ("between", BETWEEN),
        ("within_now", 2.0),
        ("freedom", 3.0),
    ):
        np.testing.assert_allclose(getattr(found, name), [value], err_msg=name)
    rise, error = found.rise(floor=0.05)
    np.testing.assert_allclose([*rise, *error], [1.8, ERROR])
    np.testing.assert_allclose(found.rise(floor=2.0)[1], [(2 / 3 + 1 / 10 + 4.0) ** 0.5])
    assert found.surprise(floor=0.05)[0] == pytest.approx(minus_log_p(1.8 / ERROR, 3.0))


def test_few_observations_in_a_bucket_vary_about_the_mean_of_all() -> None:
    found = compare(cells_of((KIND, NOW)), cells_of((KIND, ((2.0, 4.0, 9.0), (3.0, 12.0, 50.0)))))
    scatter, spread = 1.0 + 2.0, 2 * 1.2**2 + 3 * 0.8**2
    np.testing.assert_allclose(found.within, [(scatter + spread) / 4])
    np.testing.assert_allclose(found.between, [(spread - found.within[0]) / (5 - 13 / 5)])


def test_a_past_of_four_or_no_window_is_not_compared() -> None:
    kinds = (KIND, ("db", "query", "", ""))
    then = cells_of((kinds[0], ((4.0, 8.0, 19.0),)), (kinds[1], THEN))
    found = compare(cells_of((kinds[0], NOW)), then)
    assert np.isnan(found.surprise(floor=0.05)).tolist() == [True, True]
    assert np.isnan(found.mean_now).tolist() == [False, True]
    five = compare(cells_of((KIND, NOW)), cells_of((KIND, ((5.0, 10.0, 23.0),))))
    assert np.isfinite(five.surprise(floor=0.05)).all()


@pytest.mark.parametrize(("factor", "shown"), [(25.0, 100.0), (3_000.0, 10_000.0), (1e9, 1e9 / 0.3)])
def test_one_observation_shows_no_more_than_that_it_may_be_an_outlier(factor: float, shown: float) -> None:
    then = cells_of((KIND, ((50.0, 0.0, 1e-9),) * 20))
    now = np.log(factor)  # cells sum logarithms
    found = compare(cells_of((KIND, ((1.0, now, now**2),))), then)
    assert found.within_now.tolist() == [0.0]
    assert found.freedom.tolist() == [12.0]
    bound = np.log(shown)
    free = minus_log_p(now / found.rise(floor=0.05)[1][0], 12.0)
    assert found.surprise(floor=0.05)[0] == pytest.approx(min(bound, free))
    assert free > np.log(100) or factor > 1e3


def test_other_kinds_of_the_window_are_left_out() -> None:
    found = compare(cells_of((("new", "", "", ""), NOW), (KIND, NOW)), cells_of((KIND, THEN)))
    assert found.n_now.tolist() == [3.0]


def test_surprise_is_of_the_upper_tail_of_student_s_t() -> None:
    found = surprise_of(np.array([0.0, 2.0, np.nan, 1e300]), np.full(4, 12.0))
    np.testing.assert_allclose(found, [np.log(2), minus_log_p(2.0, 12.0), np.nan, -np.log(1e-300)])


def test_the_largest_of_equals_is_the_last_and_nothing_goes_below_zero() -> None:
    best, which = largest(np.array([0, 0, -1, 1, 1]), np.array([2.0, 2.0, 9.0, 0.1, 0.5]), 3)
    np.testing.assert_allclose(best, [2.0 - np.log(2), 0.0, np.nan])
    assert which.tolist() == [1, 4, -1]


def own_times() -> Finding:
    now = cells_of((KIND, NOW), (("db", "query", "", ""), ((3.0, 9.0, 28.0),)), (("new", "x", "", ""), NOW))
    then = cells_of((KIND, THEN), (("db", "query", "", ""), THEN), (("new", "x", "", ""), THEN))
    case = with_spans(CASE, {"own": now}, {"own": then})
    found = own_time(case, position_of(case))
    assert found is not None
    return found


def test_own_time_is_compared_operation_by_operation() -> None:
    found = own_times()
    assert (found.kind, found.meaning) == ("own_time", "own")
    assert found.surprise[CART] == pytest.approx(minus_log_p(1.8 / ERROR, 3.0))
    faster = (1.0 / 3 + 1 / 10 + BETWEEN) ** 0.5
    assert found.surprise[DB] == pytest.approx(minus_log_p(-0.2 / faster, 3.0))
    assert np.isnan(found.surprise[APP])
    np.testing.assert_allclose(found.share, [0.0, 1.0, 0.0])
    text, figures = found.sentence(CART)
    assert text == "pay of cart itself takes 0.148 ms, usually 0.0245 ms (3 spans now, 10 before)."
    assert figures == pytest.approx(
        {"own_time_ms": np.exp(5.0) / 1000, "usual_own_time_ms": np.exp(3.2) / 1000, "n_spans": 3.0}
    )


def test_the_share_of_own_time_is_what_all_spans_took_longer() -> None:
    both = {
        name: cells_of((KIND, each), (("db", "query", "", ""), each))
        for name, each in (("a", THEN), ("b", NOW))
    }
    twice = cells_of((KIND, NOW), (("db", "query", "", ""), ((6.0, 30.0, 158.0),)))
    case = with_spans(CASE, {"own": twice}, {"own": both["a"]})
    found = own_time(case, position_of(case))
    assert found is not None
    np.testing.assert_allclose(found.share, [0.0, 0.5, 1.0])


def calls_made(now: list[float], then: list[float], *, n_then: float = 2.0) -> Finding | None:
    kind = ("cart", "pay", "", "", "db", "query")
    case = with_spans(
        CASE,
        {"calls": cells_of((kind, [(2.0, made, made) for made in now]))},
        {"calls": cells_of((kind, [(n_then, made, made) for made in then]))},
    )
    return new_calls(case, position_of(case))


def test_a_new_call_is_as_surprising_as_that_all_its_stretches_fall_into_the_window() -> None:
    found = calls_made([1.0, 2.0, 0.0], [0.0] * 5)
    assert found is not None
    assert (found.kind, found.meaning, found.share.tolist()) == ("new_calls", "structure", [1.0, 1.0, 1.0])
    np.testing.assert_allclose(found.surprise, [np.nan, np.log(28 / 3), np.nan])  # of C(8, 2) pairs C(3, 2)
    assert found.sentence(CART) == (
        "pay of cart now calls query of db: in 2 of 3 time intervals, and in none of the 5 before.",
        {"n_stretches": 2.0, "n_stretches_before": 5.0},
    )


def test_a_call_made_before_is_not_new_and_a_short_past_says_nothing() -> None:
    known = calls_made([1.0, 2.0, 0.0], [0.0, 0.0, 0.0, 0.0, 1.0])
    assert known is not None
    assert known.surprise[CART] == 0.0
    assert calls_made([1.0], [0.0] * 4) is None
    assert calls_made([], [0.0] * 5) is None


def test_a_new_call_is_believed_up_to_a_bound() -> None:
    found = calls_made([1.0] * 50, [0.0] * 50)
    assert found is not None
    assert found.surprise[CART] == 30.0


def gaps(n_slow: int, *callees: str) -> Finding:
    slow, usual = ((9.0, 45.0, 237.0),), ((9.0, 28.8, 110.16),)
    edges = [("cart", callee, "") for callee in callees]
    now = cells_of(*((each, slow if place < n_slow else usual) for place, each in enumerate(edges)))
    case = a_small_case(a_graph(*(("cart", callee) for callee in callees)), alerting="cart")
    case = with_spans(case, {"gap": now}, {"gap": cells_of(*((each, THEN) for each in edges))})
    found = edge_gap(case, position_of(case))
    assert found is not None
    return found


def rise_of_a_slow_edge() -> float:
    """The normal deviate as surprising as a rise of 1.8 of nine observations."""
    within_now = (237.0 - 45.0**2 / 9) / 8
    surprise = minus_log_p(1.8 / (max(1.0, within_now) / 9 + 1 / 10 + BETWEEN) ** 0.5, 3.0)
    return float((2 * (surprise - np.log(2))) ** 0.5)


def test_a_slow_edge_is_shared_between_its_ends_by_two_ridges() -> None:
    found = gaps(1, "db")
    squared = rise_of_a_slow_edge() ** 2
    # r = (rise − s) / 1.2 and s = (rise − r) / 1.5: five eighths and a quarter of the rise;
    # without one end the other takes 1 / 1.5 or 1 / 1.2 of it
    np.testing.assert_allclose(
        found.surprise, [squared * (1 / 12 - 1 / 16), squared * (1 / 6 - 1 / 16)], rtol=1e-6
    )
    np.testing.assert_allclose(found.share, [0.4, 1.0], rtol=1e-6)
    assert (found.kind, found.meaning) == ("edge_gap", "gap")
    text, figures = found.sentence(1)
    assert text == (
        "The network of db is slow: calls between cart and db spend 6.05 times their usual time in transit; "
        f"{int(squared > 1)} of its 1 edges are slower than usual."
    )
    assert figures == pytest.approx(
        {"gap_ratio": np.exp(1.8), "n_slow_edges": int(squared > 1), "n_edges": 1}
    )


def test_an_edge_as_usual_is_held_against_nobody_but_looked_at() -> None:
    found = gaps(0, "db", "mail")
    np.testing.assert_array_equal(found.surprise, [0.0, 0.0, 0.0])
    np.testing.assert_array_equal(found.share, [0.0, 0.0, 0.0])


def test_of_several_kinds_of_an_edge_the_largest_counts_less_the_number_tried() -> None:
    slow, usual = ((9.0, 45.0, 237.0),), ((9.0, 28.8, 110.16),)
    kinds = (("cart", "db", "a"), ("cart", "db", "b"), ("cart", "elsewhere", "a"))
    now, then = (
        cells_of(*zip(kinds, (usual, slow, slow), strict=True)),
        cells_of(*((each, THEN) for each in kinds)),
    )
    case = with_spans(CASE, {"gap": now}, {"gap": then})
    found = edge_gap(case, position_of(case))
    assert found is not None
    squared = rise_of_a_slow_edge() ** 2 - 2 * np.log(2)
    np.testing.assert_allclose(
        found.surprise[[CART, DB]], np.maximum(squared, 0.0) * np.array([1 / 48, 5 / 48]), rtol=1e-6
    )
    assert np.isnan(found.surprise[APP])
    assert found.sentence(DB)[1]["gap_ratio"] == pytest.approx(np.exp(1.8))


CALL = ("cart", "pay", "", "", "db", "query")


def structure(*, n_now: float = 20.0, made: float = 5.0, answered: float | None = None) -> Finding:
    """Calls of nine spans in ten, now of five in twenty."""
    usual = [(10.0, 9.0, 9.0)] * 10
    now = {"own": cells_of((KIND, [(n_now, 0.0, 0.0)])), "calls": cells_of((CALL, [(n_now, made, made)]))}
    then = {"calls": cells_of((CALL, usual))}
    if answered is not None:
        answers = ("cart", "pay", "", "", "db", "query")
        now["answers"] = cells_of((answers, [(20.0, answered, answered)]))
        then["answers"] = cells_of((answers, usual))
    case = with_spans(CASE, now, then)
    found = call_structure(case, position_of(case))
    assert found is not None
    return found


def drop(now: float, then: float, n_now: float, n_then: float) -> float:
    angle = 2 * np.arcsin(then**0.5) - 2 * np.arcsin(now**0.5)
    return minus_log_p(angle / (1 / n_now + 1 / n_then + 0.05**2) ** 0.5, 9.0)


def test_a_missing_call_is_compared_after_the_arcsine() -> None:
    found = structure()
    assert (found.kind, found.meaning, found.share.tolist()) == (
        "call_structure",
        "structure",
        [1.0, 1.0, 1.0],
    )
    assert found.surprise[CART] == pytest.approx(drop(0.25, 0.9, 20.0, 100.0))
    assert np.isnan(found.surprise[[APP, DB]]).all()
    assert found.sentence(CART) == (
        "pay of cart calls query of db in 25.0 % of its spans, usually 90.0 %.",
        {"share": 0.25, "usual_share": pytest.approx(0.9)},
    )


def test_a_call_as_often_as_usual_or_more_is_no_surprise() -> None:
    assert structure(made=20.0).surprise[CART] == pytest.approx(drop(1.0, 0.9, 20.0, 100.0))
    assert structure(made=18.0).surprise[CART] == pytest.approx(np.log(2))


def test_spans_without_calls_in_the_window_are_a_drop_and_no_spans_are_no_data() -> None:
    usual = {"calls": cells_of((CALL, [(10.0, 9.0, 9.0)] * 10))}
    case = with_spans(CASE, {"own": cells_of((KIND, [(20.0, 0.0, 0.0)]))}, usual)
    found = call_structure(case, position_of(case))
    assert found is not None
    assert found.surprise[CART] == pytest.approx(drop(0.0, 0.9, 20.0, 100.0))
    assert call_structure(with_spans(CASE, {}, usual), position_of(CASE)) is None


def test_unanswered_calls_are_held_against_the_callee() -> None:
    client = ("cart", "call", "cart", "pay", "db", "query")
    usual = [(10.0, 9.0, 9.0)] * 10
    now = {
        "answers": cells_of((client, [(20.0, 5.0, 5.0)])),
        "calls": cells_of((("cart", "pay", "", "", "db", "query"), [(20.0, 18.0, 18.0)])),
        "own": cells_of((KIND, [(20.0, 0.0, 0.0)])),
    }
    then = {"answers": cells_of((client, usual)), "calls": cells_of((CALL, usual))}
    case = with_spans(CASE, now, then)
    found = call_structure(case, position_of(case))
    assert found is not None
    called_less = drop(1.0, 0.9, 20.0, 100.0)  # of 20 spans 18 calls were seen, and 15 were made in vain
    assert found.surprise[DB] == pytest.approx(drop(0.25, 0.9, 20.0, 100.0) - called_less)
    assert found.sentence(DB) == (
        "db answers the calls of call of cart in 25.0 % of its spans, usually 90.0 %.",
        {"share": 0.25, "usual_share": pytest.approx(0.9)},
    )


def test_who_is_called_less_is_not_blamed_for_calling_less() -> None:
    deeper = ("db", "query", "cart", "pay", "disk", "read")
    usual = [(10.0, 9.0, 9.0)] * 10
    now = {
        "own": cells_of((KIND, [(20.0, 0.0, 0.0)]), (deeper[:4], [(20.0, 0.0, 0.0)])),
        "calls": cells_of((CALL, [(20.0, 5.0, 5.0)]), (deeper, [(20.0, 5.0, 5.0)])),
    }
    case = with_spans(CASE, now, {"calls": cells_of((CALL, usual), (deeper, usual))})
    found = call_structure(case, position_of(case))
    assert found is not None
    assert found.surprise[DB] == 0.0
    assert found.surprise[CART] == pytest.approx(drop(0.25, 0.9, 20.0, 100.0))


@pytest.mark.parametrize("look", [own_time, new_calls, edge_gap, call_structure])
def test_spans_of_strangers_or_none_are_no_evidence(look: object) -> None:
    assert callable(look)
    assert look(CASE, position_of(CASE)) is None
    strange = ("new", "x", "", "", "other", "y")
    then = {name: cells_of((strange, THEN)) for name in ("own", "gap", "calls", "answers")}
    case = with_spans(CASE, then, then)
    assert look(case, position_of(case)) is None
    assert look(with_spans(CASE, {}, {}), position_of(CASE)) is None
    assert NO_CELLS.kinds == ()


def test_shares_that_vary_from_time_to_time_widen_the_spread_with_a_least_divisor() -> None:
    for usual, divisor in (
        ([(50.0, 50.0, 50.0)] * 9 + [(50.0, 45.0, 45.0)], 0.02),  # p (1 − p) of 0.99 is less
        ([(50.0, 40.0, 40.0), (50.0, 20.0, 20.0)] * 5, 0.6 * 0.4),
    ):
        then = cells_of((CALL, usual))
        now = {"own": cells_of((KIND, [(20.0, 0.0, 0.0)])), "calls": cells_of((CALL, [(20.0, 5.0, 5.0)]))}
        found = call_structure(with_spans(CASE, now, {"calls": then}), position_of(CASE))
        assert found is not None
        [between] = compare(then, then).between
        assert between > 0.05**2 * divisor
        share = sum(total for _, total, _ in usual) / 500
        angle = 2 * np.arcsin(share**0.5) - 2 * np.arcsin(0.5)
        expected = minus_log_p(angle / (1 / 20 + 1 / 500 + between / divisor) ** 0.5, 9.0)
        assert found.surprise[CART] == pytest.approx(expected)
