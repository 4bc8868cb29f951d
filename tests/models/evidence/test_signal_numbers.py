"""Evidence of alerts, changes, resources and traffic with numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from builders import ONSET, a_graph
from scipy import stats
from small_cases import a_small_case, position_of

from cmdb.graph import DependencyGraph
from cmdb.items import ChangeEvent, Edge, EdgeKind, Item
from features.golden import Role
from models.cases.case import Alert, Case
from models.evidence.alerts import alerts
from models.evidence.calls import calls_and_reach, calls_of
from models.evidence.changes import changes
from models.evidence.columns import column_mean, column_median, median_and_seen
from models.evidence.figures import figure, percent
from models.evidence.finding import Finding
from models.evidence.resources import resources
from models.evidence.surge import surge

CHAIN = a_graph(("app", "cart"), ("cart", "db"))
APP, CART, DB = range(3)


def minus_log_p(z: float, freedom: float) -> float:
    return float(-np.log(stats.t.sf(z, freedom)))


def nearness(minutes: float) -> float:
    """−ln of the chance that one of 0.2 alerts a day starts within so many minutes on either side."""
    return float(-np.log(-np.expm1(-0.2 * 2 * minutes / 1440)))


def alerts_of(*fired: tuple[str, str, float]) -> Finding:
    case = a_small_case(CHAIN)
    others = tuple(Alert(item, name, ONSET + timedelta(minutes=minutes)) for item, name, minutes in fired)
    case = replace(case, other_alerts=others)
    found = alerts(case, position_of(case), calls_of(case))
    assert found is not None
    return found


def test_an_alert_is_as_surprising_as_its_start_near_the_incident_s() -> None:
    found = alerts_of(("db", "Slow", -40.0))
    assert (found.kind, found.meaning, found.share.tolist()) == ("alerts", "alerts", [1.0, 1.0, 1.0])
    np.testing.assert_allclose(found.surprise, [6.0 - nearness(45.0), np.nan, nearness(45.0)])
    assert found.sentence(DB) == (
        "An alert fires on db itself (Slow) but on none of its dependencies.",
        {"n_alerts": 1.0},
    )


def test_an_alert_is_believed_up_to_a_bound_and_the_nearest_of_an_item_counts() -> None:
    found = alerts_of(("cart", "Old", -4000.0), ("cart", "New", 1.0), ("stranger", "Slow", 0.0))
    np.testing.assert_allclose(found.surprise, [0.0, 6.0, np.nan])
    assert found.sentence(CART) == (
        "2 alerts fire on cart itself (Old, New) but on none of its dependencies.",
        {"n_alerts": 2.0},
    )


def test_alerts_of_the_alerting_item_are_counted_with_the_incident_s_own_and_named_once() -> None:
    found = alerts_of(*(("app", name, 1.0) for name in ("C", "B", "A", "A")))
    assert found.surprise[APP] == 6.0
    assert found.sentence(APP)[0] == (
        "5 alerts fire on app itself (SlowRequests, A, B and 1 more) but on none of its dependencies."
    )
    three = alerts_of(("db", "A", 1.0), ("db", "B", 2.0), ("db", "C", 3.0))
    assert three.sentence(DB)[0].startswith("3 alerts fire on db itself (A, B, C) but")


def test_an_alert_is_explained_through_items_without_one() -> None:
    found = alerts_of(("db", "Slow", 60.0), ("cart", "Slow", 120.0))
    np.testing.assert_allclose(found.surprise, [6.0 - nearness(65.0), 0.0, nearness(65.0)])


def test_only_alerts_of_strangers_are_no_evidence() -> None:
    case = replace(a_small_case(CHAIN), other_alerts=(Alert("stranger", "Slow", ONSET),))
    assert alerts(case, position_of(case), calls_of(case)) is None


def changed(*made: tuple[str, str, float], case: Case | None = None) -> Finding | None:
    """Changes of items, of a kind and so many days before the alert."""
    case = case or a_small_case(CHAIN)
    events = tuple(
        ChangeEvent(f"c{place}", item, ONSET - timedelta(days=days), kind, "v2" if kind == "deploy" else "")
        for place, (item, kind, days) in enumerate(made)
    )
    case = replace(case, changes=events)
    return changes(case, position_of(case))


def timing(days: float, rate: float = 0.2) -> float:
    return float(-np.log(-np.expm1(-rate * days)))


def test_a_change_is_as_surprising_as_the_time_since_it() -> None:
    found = changed(("db", "deploy", 0.5), ("cart", "config", 2.0), ("stranger", "deploy", 0.1))
    assert found is not None
    assert (found.kind, found.meaning, found.share.tolist()) == ("change", "change", [1.0, 1.0, 1.0])
    np.testing.assert_allclose(found.surprise, [0.0, timing(2.0), timing(0.5)])
    assert found.sentence(DB) == (
        "Deploy of db (v2) 720 minutes before the alert.",
        {"minutes_before": 720.0},
    )
    assert found.sentence(CART)[0] == "Config of cart 2880 minutes before the alert."


def test_a_change_of_this_moment_is_believed_up_to_a_bound_and_a_later_one_not_at_all() -> None:
    found = changed(("db", "deploy", 0.0), ("cart", "deploy", -0.1))
    assert found is not None
    np.testing.assert_allclose(found.surprise, [0.0, 0.0, 6.0])
    assert changed(("db", "deploy", -0.1)) is None


def test_the_pace_of_changes_is_an_item_s_own_over_a_week_at_least() -> None:
    often = changed(*(("db", "deploy", 0.5 + day) for day in range(5)))
    assert often is not None
    assert often.surprise[DB] == pytest.approx(timing(0.5, rate=4 / 7))
    longer = changed(*(("db", "deploy", 0.5 + 3 * day) for day in range(10)))
    assert longer is not None
    assert longer.surprise[DB] == pytest.approx(timing(0.5, rate=9 / 27.5))


def test_of_two_kinds_the_most_surprising_counts_less_the_number_of_kinds() -> None:
    found = changed(("db", "deploy", 0.1), ("db", "flag", 1.0), ("db", "flag", 2.0))
    assert found is not None
    assert found.surprise[DB] == pytest.approx(timing(0.1) - np.log(2))
    assert found.sentence(DB)[0] == "Deploy of db (v2) 144 minutes before the alert."


def shifting(latency: list[float], normal: list[float]) -> Case:
    def rows(values: list[float]) -> list[list[float]]:
        return [[np.nan, np.nan, each] for each in values]

    return a_small_case(
        CHAIN,
        before={Role.LATENCY: rows(latency[:4])},
        window={Role.LATENCY: rows(latency[4:])},
        normal={Role.LATENCY: rows(normal)},
    )


def test_what_signals_did_at_a_change_joins_by_fisher_s_method() -> None:
    case = shifting([1.0, 1.2, 1.1, 1.9, 2.0, 1.8], [0.9, 1.0, 1.1, 1.2, 1.3])
    found = changed(("db", "deploy", 1 / 1440), case=case)  # before the last tick but two
    assert found is not None
    shift = minus_log_p(0.8 / np.hypot(1.4826 * 0.1, 0.02 * 1.1), 12.0)
    both = 6.0 + shift
    assert found.surprise[DB] == pytest.approx(min(both - np.log1p(both), 6.0))
    text, figures = found.sentence(DB)
    assert text == "Deploy of db (v2) 1 minutes before the alert: its signals became worse."
    assert figures == pytest.approx({"minutes_before": 1.0, "shift_surprise": shift})


def test_a_change_after_which_nothing_got_worse_is_believed_less() -> None:
    case = shifting([1.0, 1.2, 1.1, 1.1, 1.0, 1.2], [0.9, 1.0, 1.1, 1.2, 1.3])
    found = changed(("db", "deploy", 1 / 1440), case=case)
    assert found is not None
    both = 6.0 + np.log(2)
    assert found.surprise[DB] == pytest.approx(both - np.log1p(both))
    assert found.sentence(DB)[0].endswith(": its signals did not become worse.")


@pytest.mark.parametrize(
    ("latency", "normal"),
    [
        ([1.0, 1.2, np.nan, 1.9, 2.0, 1.8], [0.9, 1.0, 1.1]),
        ([1.0, 1.2, 1.1, 1.9, 2.0, np.nan], [0.9, 1.0, 1.1]),
        ([1.0, 1.2, 1.1, 1.9, 2.0, 1.8], [0.9, 1.0, np.nan]),
    ],
)
def test_two_ticks_on_a_side_or_in_the_past_do_not_tell_what_a_change_did(
    latency: list[float], normal: list[float]
) -> None:
    found = changed(("db", "deploy", 1 / 1440), case=shifting(latency, normal))
    assert found is not None
    assert found.surprise[DB] == pytest.approx(6.0)
    assert list(found.sentence(DB)[1]) == ["minutes_before"]


def test_the_worst_of_two_shifted_signals_counts_less_the_number_of_them() -> None:
    case = shifting([1.0, 1.2, 1.1, 1.1, 1.0, 1.2], [0.9, 1.0, 1.1, 1.2, 1.3])
    for part, values in (
        (case.before, [0.0, 0.0, 0.0, 0.004]),
        (case.window, [0.004] * 2),
        (case.normal, [0.0, 0.01, 0.02, 0.01, 0.01]),
    ):
        part.values[Role.ERRORS] = np.array([[np.nan, np.nan, each] for each in values])  # type: ignore[index]
    found = changed(("db", "deploy", 1 / 1440), case=case)
    assert found is not None
    scale = 0.02 * 0.01  # errors deviate by nothing in the median: the floor counts
    shift = minus_log_p(0.004 / np.hypot(1.4826 * 0.0, scale), 12.0) - np.log(2)
    assert found.sentence(DB)[1]["shift_surprise"] == pytest.approx(shift)


def a_resource(role: Role, level: float, past: list[float], *, n_window: int = 1) -> list[Finding]:
    case = a_small_case(
        CHAIN,
        window={role: [[np.nan, np.nan, level]] * n_window},
        normal={role: [[np.nan, each, each] for each in past]},
    )
    return resources(case)


PAST = [0.2, 0.3, 0.4, 0.5, 0.6]


@pytest.mark.parametrize(
    ("role", "kind", "text"),
    [
        (Role.CPU, "cpu", "CPU of db is at 90.0 %, usually 40.0 %."),
        (Role.SATURATION, "saturation", "Saturation of db is at 90.0 %, usually 40.0 %."),
        (Role.LOSS, "loss", "Packet loss of db is at 90.0 %, usually 40.0 %."),
        (Role.MEMORY, "memory", "Memory of db is at 90.0 %, usually 40.0 %."),
    ],
)
def test_a_resource_is_compared_with_its_own_past(role: Role, kind: str, text: str) -> None:
    [found] = a_resource(role, 0.9, PAST)
    z = 0.5 / (np.hypot(1.4826 * 0.1, 0.02 * 0.4) + 0.002)
    shares = [0.0, 0.0, 1.0] if role is Role.CPU else [1.0, 1.0, 1.0]
    assert (found.kind, found.meaning, found.share.tolist()) == (kind, kind, shares)
    np.testing.assert_allclose(found.surprise, [np.nan, np.nan, minus_log_p(z, 4.0)])
    assert found.sentence(DB) == (text, {f"{kind}_ratio": 0.9, f"usual_{kind}_ratio": 0.4})


def test_a_past_of_few_windows_gives_heavy_tails_or_nothing() -> None:
    assert a_resource(Role.CPU, 0.9, PAST[:4]) == []
    assert a_resource(Role.CPU, 0.9, PAST, n_window=2) == []
    [found] = a_resource(Role.CPU, 0.41, [0.4] * 40)
    assert found.surprise[DB] == pytest.approx(minus_log_p(0.01 / (0.02 * 0.4 + 0.002), 12.0))


def test_memory_is_believed_less_than_other_resources() -> None:
    assert a_resource(Role.MEMORY, 0.9, [0.1] * 40)[0].surprise[DB] == 6.0
    assert a_resource(Role.LOSS, 1.0, [0.0] * 40)[0].surprise[DB] == 30.0


def requests(now: list[float], *then: list[float]) -> float:
    case = a_small_case(CHAIN, window={Role.REQUESTS: [now]}, normal={Role.REQUESTS: list(then)})
    return surge(case, calls_and_reach(case)[1])


def test_a_surge_is_the_typical_rise_of_log_requests_over_their_usual_spread() -> None:
    past = [[90.0] * 3, [100.0] * 3, [110.0] * 3]
    rise = np.log(1.5) / (1.4826 * np.log(1.1))
    assert requests([150.0, 150.0, 150.0], *past) == pytest.approx(minus_log_p(rise, 12.0))
    assert requests([150.0, 110.0, 500.0], *past) == pytest.approx(minus_log_p(rise, 12.0))
    assert requests([100.0, 150.0, 500.0], *past) == 0.0  # it is not asked for more itself
    assert requests([150.0, 150.0, 0.0], *past) == 0.0  # two items cannot show it
    assert requests([108.0, 108.0, 108.0], *past) == 0.0


def test_steady_traffic_is_taken_to_vary_by_a_tenth() -> None:
    steady = [[100.0] * 3] * 3
    assert requests([140.0] * 3, *steady) == pytest.approx(minus_log_p(np.log(1.4) / 0.1, 12.0))
    assert requests([110.0] * 3, *steady) == 0.0
    assert requests([119.0] * 3, *steady) == 0.0  # surprising, but by less than 3
    assert requests([1e9] * 3, *steady) <= 30.0


def test_a_surge_needs_counts_now_and_then() -> None:
    case = a_small_case(CHAIN, window={Role.REQUESTS: [[1.0] * 3]})
    assert surge(case, calls_and_reach(case)[1]) == 0.0
    assert requests([np.nan] * 3, [1.0] * 3) == 0.0


def test_calls_are_sorted_by_caller_and_messages_are_apart() -> None:
    edges = [
        Edge("b", "c"),
        Edge("a", "c"),
        Edge("a", "b", EdgeKind.CONNECTS),
        Edge("c", "queue", EdgeKind.ASYNC),
        Edge("c", "host", EdgeKind.RUNS_ON),
    ]
    graph = DependencyGraph([Item(each) for each in ("a", "b", "c", "host", "queue", "z")], edges)
    calls, reach = calls_and_reach(a_small_case(graph, alerting="a"))
    assert (calls.callers.tolist(), calls.callees.tolist()) == ([0, 0, 1], [1, 2, 2])
    assert calls.starts.tolist() == [0, 2, 3, 3, 3, 3, 3]
    assert (calls.senders.tolist(), calls.takers.tolist()) == ([2], [4])
    assert calls.n_items == 6
    assert reach.hops.tolist() == [0, 1, 1, 2, 2, -1]
    assert [reach.path(item) for item in range(6)] == [[0], [0, 1], [0, 2], [0, 2, 3], [0, 2, 4], []]
    assert reach.towards.tolist() == [-1, 0, 0, 2, 2, -1]
    weights = np.array([1.0, 2.0, 4.0])
    np.testing.assert_array_equal(calls.summed(weights), [3.0, 4.0, 0.0, 0.0, 0.0, 0.0])
    np.testing.assert_array_equal(calls.matrix(weights).toarray()[:2, :3], [[0, 1, 2], [0, 0, 4]])
    asked = calls.matrix(weights, callers=np.array([1, 2]))
    assert asked.shape == (2, 6)
    np.testing.assert_array_equal(asked.toarray()[:, :3], [[0, 0, 4], [0, 0, 0]])
    assert calls.summed(weights).dtype == np.float64


def test_calls_of_a_cycle_count_where_they_lead_away_from_the_alert() -> None:
    graph = a_graph(("a", "b"), ("b", "c"), ("c", "a"), ("c", "b"), ("x", "y"), ("y", "x"))
    calls, reach = calls_and_reach(a_small_case(graph, alerting="a"))
    assert list(zip(calls.callers.tolist(), calls.callees.tolist(), strict=True)) == [(0, 1), (1, 2)]
    assert reach.hops.tolist() == [0, 1, 2, -1, -1]


def a_finding(surprise: list[float]) -> Finding:
    values = np.array(surprise)
    return Finding("kind", "meaning", values, np.ones(len(values)), lambda _: ("", {}))


def test_inflation_is_judged_by_median_and_upper_quartile_of_all_but_the_largest() -> None:
    assert a_finding([9.0] * 6 + [np.nan]).inflation == 1.0
    assert a_finding([9.0] * 7).inflation == pytest.approx(9.0 / 0.693)
    assert a_finding([0.0, 0.0, 0.0, 0.0, 0.0, 2.772, 20.0, np.nan]).inflation == 1.0
    assert a_finding([0.0, 0.0, 0.0, 0.0, 2.772, 2.772, 20.0]).inflation == pytest.approx(2.0)
    assert a_finding([0.0, 0.0, 0.0, 2.079, 2.079, 2.079, 20.0]).inflation == pytest.approx(3.0)
    assert a_finding([0.1] * 8).inflation == 1.0
    assert a_finding([1.0, np.nan, np.inf]).is_known.tolist() == [True, False, False]


def test_medians_and_means_leave_out_what_is_missing() -> None:
    values = np.array([[1.0, 5.0, np.nan], [2.0, np.nan, np.nan], [4.0, 7.0, np.nan], [9.0, np.nan, np.nan]])
    median, n_seen = median_and_seen(values)
    np.testing.assert_array_equal(median, [3.0, 6.0, np.nan])
    assert n_seen.tolist() == [4, 2, 0]
    np.testing.assert_array_equal(median_and_seen(values[:, :1])[0], [3.0])
    assert median_and_seen(values[:3, :1])[1].tolist() == [3]
    np.testing.assert_array_equal(column_median(values[:3]), [2.0, 6.0, np.nan])
    np.testing.assert_array_equal(column_mean(values), [4.0, 6.0, np.nan])
    np.testing.assert_array_equal(column_mean(values[:, :1]), [4.0])
    for empty in (column_mean(values[:0]), column_median(values[:0])):
        np.testing.assert_array_equal(empty, [np.nan] * 3)
    assert median_and_seen(values[:0])[1].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234.5, "1,234"),
        (100.0, "100"),
        (99.95, "100.0"),
        (10.0, "10.0"),
        (9.876, "9.88"),
        (-12.34, "-12.3"),
        (0.001, "0.001"),
        (0.00123, "0.00123"),
        (0.0004567, "0.0005"),
        (0.0, "0"),
    ],
)
def test_figures_have_three_digits(value: float, text: str) -> None:
    assert figure(value) == text
    assert percent(value / 100) == f"{text} %"
