"""Faults: each shows at its item and at the customers, through its intended mechanism."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import numpy as np
import pytest

from experiments.brokerage.alerts import firing_alerts
from experiments.brokerage.errors import BadFaultError, UnknownFaultError
from experiments.brokerage.estate import ENTRY
from experiments.brokerage.faults import FAULTS, Fault, example_fault
from experiments.brokerage.flows import Node
from experiments.brokerage.simulate import Simulation, simulate
from experiments.brokerage.topology import brokerage_graph
from telemetry.batches import SeriesKey

DAY = date(2026, 3, 4)
TEN = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai
DURING = slice(10 * 60 + 8, 10 * 60 + 28)
FELT_BY_CUSTOMERS = {
    "slow_callee": "SlowRequests",
    "error_burst": "FailingRequests",
    "exhausted_pool": "FailingRequests",
    "cpu_hog": "SlowRequests",
    "memory_leak": "SlowRequests",
    "packet_loss": "SlowRequests",
    "slow_database": "SlowRequests",
    "cache_loss": "SlowRequests",
    "bad_deploy": "FailingRequests",
    "data_centre_down": "FailingRequests",
    "traffic_surge": "ManyRequests",
    "missing_open": "FewRequests",
    "slow_consumer": "LateMessages",
}
AT_THE_CAUSE = {
    "slow_callee": ("latency_s", 5.0),
    "error_burst": ("error_ratio", 50.0),
    "exhausted_pool": ("saturation_ratio", 4.0),
    "cpu_hog": ("cpu_ratio", 2.0),
    "memory_leak": ("memory_ratio", 1.3),
    "packet_loss": ("loss_ratio", 100.0),
    "slow_database": ("latency_s", 5.0),
    "cache_loss": ("memory_ratio", 0.6),
    "bad_deploy": ("latency_s", 2.0),
    "data_centre_down": ("loss_ratio", 100.0),
    "traffic_surge": ("requests", 1.7),
    "missing_open": ("requests", 0.3),
    "slow_consumer": ("latency_s", 3.0),
}


@lru_cache(maxsize=20)
def a_day(kind: str = "", severity: float = 0.7) -> Simulation:
    start = TEN - timedelta(minutes=30 if kind == "missing_open" else 0)
    faults = [example_fault(kind, start, duration=timedelta(hours=1), severity=severity)] if kind else []
    return simulate(DAY, n_days=1, seed=3, faults=faults)


def node(kind: str, item: str, severity: float = 0.7) -> Node:
    return a_day(kind, severity).flows.nodes[item]


def change(kind: str, item: str, metric: str) -> float:
    """Ratio of a metric during the fault to the same day without it."""
    before, after = (
        day.frame.values[DURING, day.frame.column_of[SeriesKey(item, metric)]]
        for day in (a_day(), a_day(kind))
    )
    return float((np.nanmean(after) + 1e-6) / (np.nanmean(before) + 1e-6))


def test_there_are_at_least_the_twelve_kinds() -> None:
    assert len(FAULTS) >= 12
    assert FELT_BY_CUSTOMERS.keys() | {"broken_replication"} == FAULTS.keys()


@pytest.mark.parametrize("kind", sorted(AT_THE_CAUSE))
def test_a_fault_shows_where_it_happens(kind: str) -> None:
    metric, factor = AT_THE_CAUSE[kind]
    changed = change(kind, FAULTS[kind].example, metric)
    assert changed > factor if factor > 1 else changed < factor


@pytest.mark.parametrize("kind", sorted(FELT_BY_CUSTOMERS))
def test_existing_monitoring_notices_a_fault(kind: str) -> None:
    alerts = firing_alerts(a_day(kind), history=a_day().frame)
    assert FELT_BY_CUSTOMERS[kind] in {alert.name for alert in alerts}
    assert min(alert.starts_at for alert in alerts) >= TEN - timedelta(minutes=30)


def test_existing_monitoring_is_silent_on_a_normal_day() -> None:
    assert firing_alerts(a_day()) == []


@pytest.mark.parametrize("kind", sorted(FAULTS))
def test_the_causes_are_items_of_the_graph(kind: str) -> None:
    causes = example_fault(kind, TEN).causes
    assert set(causes) <= brokerage_graph().items.keys()
    assert bool(causes) == (kind != "traffic_surge")


def test_a_slow_callee_makes_its_callers_slow() -> None:
    assert change("slow_callee", "order", "latency_s") > 5
    assert change("slow_callee", ENTRY, "latency_s") > 1.5
    assert 0.8 < change("slow_callee", "search", "latency_s") < 1.25


def test_a_time_limit_caps_the_wait_of_a_caller() -> None:
    edge = next(
        edge for edge in a_day("slow_callee", 1.0).flows.edges["order"] if edge.call.callee == "risk-check"
    )
    most = edge.call.timeout_s * (1 + edge.call.retries) + 0.02
    assert edge.late[DURING].min() > 0.1
    assert edge.wait_s[DURING].max() <= most


def test_retries_send_more_requests_to_a_failing_callee() -> None:
    normal, failing = node("", "position"), node("error_burst", "position")
    assert failing.arrivals[DURING].mean() > 1.3 * normal.arrivals[DURING].mean()


def test_a_failing_service_is_faster() -> None:
    normal, failing = node("", "position"), node("error_burst", "position")
    assert failing.latency_s[DURING].mean() < 0.8 * normal.latency_s[DURING].mean()


def test_a_slow_callee_exhausts_the_pool_and_slows_unrelated_calls() -> None:
    day = simulate(DAY, n_days=1, seed=3, faults=[Fault("slow_callee", "risk-check", TEN, severity=0.9)])
    order = day.flows.nodes["order"]
    assert order.pool_use[DURING].max() == 1.0
    assert order.use[DURING].max() < 0.9  # not for lack of cores


def test_an_empty_cache_loads_its_database() -> None:
    assert change("cache_loss", "quote-feed", "requests") > 2
    database = simulate(DAY, n_days=1, seed=3, faults=[Fault("cache_loss", "position-cache", TEN)])
    normal = node("", "position-db")
    assert database.flows.nodes["position-db"].arrivals[DURING].mean() > 1.5 * normal.arrivals[DURING].mean()


def test_a_cache_fills_up_again() -> None:
    memory = a_day("cache_loss").frame.values[
        :, a_day().frame.column_of[SeriesKey("quote-cache", "memory_ratio")]
    ]
    assert np.nanmean(memory[11 * 60 + 1 : 11 * 60 + 3]) < 0.75 * np.nanmean(
        memory[11 * 60 + 25 : 11 * 60 + 30]
    )


def test_a_slow_consumer_delays_messages_and_not_the_producer() -> None:
    assert node("slow_consumer", "push-queue").backlog[DURING].max() > 1_000
    for item in ("trade-report", "order", ENTRY):
        np.testing.assert_allclose(
            node("slow_consumer", item).latency_s[DURING], node("", item).latency_s[DURING], rtol=0.05
        )


def test_a_backlog_outlives_its_cause() -> None:
    day = a_day("slow_consumer", 0.5)
    backlog = day.flows.nodes["push-queue"].backlog
    assert backlog[11 * 60 + 1] > 1_000
    assert backlog[12 * 60 + 50] == 0


def test_a_leaking_process_pauses_is_killed_and_leaks_again() -> None:
    memory = node("memory_leak", "kline").memory[10 * 60 : 11 * 60]
    assert memory.max() > 0.95
    assert (np.diff(memory) < -0.3).sum() >= 2
    assert change("memory_leak", "kline", "latency_s") > 2


def test_customers_leave_when_requests_fail() -> None:
    assert change("cache_loss", ENTRY, "requests") < 0.95


def test_a_breaker_stops_calling_a_mostly_failing_service() -> None:
    fault = Fault("error_burst", "recommend", TEN, severity=1.0)
    day = simulate(DAY, n_days=1, seed=3, faults=[fault])
    edge = next(edge for edge in day.flows.edges["news"] if edge.call.callee == "recommend")
    assert edge.passes[DURING].mean() < 0.5
    assert day.flows.nodes["news"].latency_s[DURING].mean() < node("", "news").latency_s[DURING].mean()


def test_a_surge_raises_load_and_nothing_is_broken() -> None:
    for item in (ENTRY, "quotes", "order", "order-db"):
        assert change("traffic_surge", item, "requests") > 1.7
    assert a_day("traffic_surge").faults[0].causes == ()
    assert max(each.failure[DURING].mean() for each in a_day("traffic_surge").flows.nodes.values()) < 0.01


def test_a_missing_open_holds_requests_low_until_it_is_over() -> None:
    requests = a_day("missing_open").frame.values[:, a_day().frame.column_of[SeriesKey(ENTRY, "requests")]]
    assert np.nanmedian(requests[571:630]) < 1.3 * np.nanmedian(requests[560:569])
    assert np.nanmedian(requests[631:640]) > 3 * np.nanmedian(requests[571:629])


def test_a_bad_release_is_among_the_changes_and_is_rolled_back() -> None:
    of_order = [
        change for change in a_day("bad_deploy").changes if change.item == "order" and change.at >= TEN
    ]
    assert [change.summary.split(" order")[0] for change in of_order[:2]] == ["Release", "Roll back"]
    assert of_order[0].at == TEN


def test_a_lost_data_centre_fails_requests_until_they_are_rerouted() -> None:
    failure = node("data_centre_down", ENTRY).failure
    assert failure[601:605].mean() > 0.1
    assert failure[615:650].mean() < 0.02
    assert node("data_centre_down", "order").use[DURING].mean() > 1.2 * node("", "order").use[DURING].mean()


def test_faults_outside_the_days_change_nothing() -> None:
    late = simulate(DAY, n_days=1, seed=3, faults=[example_fault("cpu_hog", TEN + timedelta(days=9))])
    np.testing.assert_array_equal(late.frame.values, a_day().frame.values)


def test_faults_overlap() -> None:
    pair = [example_fault("cpu_hog", TEN), example_fault("packet_loss", TEN)]
    day = simulate(DAY, n_days=1, seed=3, faults=pair)
    assert day.flows.link_loss["link-telecom"][DURING].min() > 0.1
    assert day.flows.nodes["quotes"].use[DURING].min() > 0.7


@pytest.mark.parametrize(
    ("item", "start", "minutes", "severity"),
    [
        ("nowhere", TEN, 5, 0.5),
        ("order-db", TEN, 5, 0.5),
        ("order", TEN.replace(tzinfo=None), 5, 0.5),
        ("order", TEN, 0, 0.5),
        ("order", TEN, 5, 0.0),
        ("order", TEN, 5, 1.5),
        ("order", TEN, 5, float("nan")),
    ],
)
def test_a_fault_that_cannot_happen_is_refused(
    item: str, start: datetime, minutes: int, severity: float
) -> None:
    with pytest.raises(BadFaultError, match="slow_callee cannot happen"):
        Fault("slow_callee", item, start, timedelta(minutes=minutes), severity)


def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(UnknownFaultError, match="no fault is called 'gremlin'"):
        example_fault("gremlin", TEN)
    with pytest.raises(UnknownFaultError, match="choose from bad_deploy"):
        Fault("gremlin", "order", TEN)
