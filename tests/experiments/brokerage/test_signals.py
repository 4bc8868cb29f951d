"""Logs, spans and alerts of the brokerage, as monitoring tools receive them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from experiments.brokerage.alertmanager import UNRESOLVED, fingerprint
from experiments.brokerage.alerts import AlertEvent, alertmanager_payload, firing_alerts
from experiments.brokerage.estate import ENTRY
from experiments.brokerage.faults import example_fault
from experiments.brokerage.logs import TEMPLATES, n_lines_by_template
from experiments.brokerage.simulate import Simulation, simulate

TEN = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def day() -> Simulation:
    """A day with two faults: a slow callee at ten, and broken replication at two."""
    faults = [
        example_fault("slow_callee", TEN),
        example_fault("broken_replication", TEN + timedelta(hours=4)),
    ]
    return simulate(date(2026, 3, 4), n_days=1, seed=3, faults=faults)


@pytest.fixture(scope="module")
def alerts(day: Simulation) -> list[AlertEvent]:
    return firing_alerts(day)


def test_lines_are_in_order_and_within_the_interval(day: Simulation) -> None:
    start = TEN - timedelta(minutes=20, seconds=17)
    lines = day.log_lines(start, start + 3 * MINUTE)
    times = [line.time_ms for line in lines]
    assert times == sorted(times)
    assert (
        int(start.timestamp() * 1000) <= times[0] <= times[-1] < int((start + 3 * MINUTE).timestamp() * 1000)
    )
    assert {line.item for line in lines} <= day.graph.items.keys()


def test_lines_do_not_depend_on_the_requested_interval(day: Simulation) -> None:
    part = day.log_lines(TEN, TEN + MINUTE)
    assert part
    complete = day.log_lines(TEN - MINUTE, TEN + 2 * MINUTE)
    assert [line for line in complete if line in set(part)] == part
    assert day.spans(TEN, TEN + MINUTE) == [
        span
        for span in day.spans(TEN - MINUTE, TEN + 2 * MINUTE)
        if span.trace_start_ms // 60_000 == TEN.timestamp() // 60
    ]


def test_lines_come_from_templates_with_their_parameters_filled_in(day: Simulation) -> None:
    for line in day.log_lines(TEN, TEN + MINUTE):
        assert "{" not in line.text
        assert line.level == TEMPLATES[line.template].level
        assert line.text.startswith(TEMPLATES[line.template].text.split("{")[0])


def test_the_number_of_lines_follows_load(day: Simulation) -> None:
    night = day.log_lines(TEN - timedelta(hours=7), TEN - timedelta(hours=7) + 5 * MINUTE)
    morning = day.log_lines(TEN - 20 * MINUTE, TEN - 15 * MINUTE)
    assert len(morning) > 5 * len(night) > 0


def test_a_fault_changes_the_logged_lines(day: Simulation) -> None:
    normal = n_lines_by_template(day.log_lines(TEN - 20 * MINUTE, TEN - 15 * MINUTE))
    late = n_lines_by_template(day.log_lines(TEN + 5 * MINUTE, TEN + 10 * MINUTE))
    assert late["call_late"] > 50 * (normal.get("call_late", 0) + 1)


def test_broken_replication_shows_only_in_the_logs(day: Simulation, alerts: list[AlertEvent]) -> None:
    start = TEN + timedelta(hours=4)
    lines = n_lines_by_template(day.log_lines(start, start + 10 * MINUTE))
    assert lines["replication_lost"] > 50
    assert not [alert for alert in alerts if alert.starts_at >= start]


def test_nothing_is_logged_outside_the_days(day: Simulation) -> None:
    assert day.log_lines(day.end, day.end + MINUTE) == []
    assert day.spans(day.start - MINUTE, day.start) == []


def test_an_instant_without_a_time_zone_is_refused(day: Simulation) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        day.log_lines(TEN.replace(tzinfo=None), TEN)
    with pytest.raises(ValueError, match="no time zone"):
        day.spans(TEN, TEN.replace(tzinfo=None))


def test_spans_are_a_sample_with_gaps(day: Simulation) -> None:
    spans = day.spans(TEN - 20 * MINUTE, TEN - 10 * MINUTE)
    traces = {span.trace_id for span in spans}
    assert 100 < len(traces) < 400
    known = {span.span_id for span in spans}
    orphans = [span for span in spans if span.parent_id and span.parent_id not in known]
    assert 0 < len(orphans) < len(spans) / 3


def test_a_span_lies_within_its_parent_unless_it_timed_out(day: Simulation) -> None:
    spans = day.spans(TEN - 20 * MINUTE, TEN - 10 * MINUTE)
    by_id = {span.span_id: span for span in spans}
    assert len(by_id) == len(spans)
    for span in spans:
        assert span.duration_s > 0
        parent = by_id.get(span.parent_id)
        if parent is not None:
            assert span.start_ms >= parent.start_ms - 1e-3
            assert span.start_ms <= parent.start_ms + 1000 * parent.duration_s + 1e-3


def test_spans_show_the_slow_callee(day: Simulation) -> None:
    slow = [
        span.duration_s
        for span in day.spans(TEN + 5 * MINUTE, TEN + 25 * MINUTE)
        if span.item == "risk-check"
    ]
    normal = [
        span.duration_s
        for span in day.spans(TEN - 25 * MINUTE, TEN - 5 * MINUTE)
        if span.item == "risk-check"
    ]
    assert sum(slow) / len(slow) > 10 * sum(normal) / len(normal)


def test_alerts_begin_after_the_fault_and_clear_after_it(alerts: list[AlertEvent]) -> None:
    assert {alert.item for alert in alerts} == {ENTRY, "order"}
    for alert in alerts:
        assert TEN < alert.starts_at < TEN + 10 * MINUTE
        assert alert.ends_at is not None
        assert TEN + 30 * MINUTE < alert.ends_at < TEN + 60 * MINUTE
        assert alert.value > alert.threshold


def test_alerts_before_an_instant_can_be_left_out(day: Simulation) -> None:
    assert firing_alerts(day, since=TEN + timedelta(hours=1)) == []


def test_the_payload_has_every_field_of_version_4(alerts: list[AlertEvent]) -> None:
    payload = json.loads(json.dumps(alertmanager_payload(alerts, at=TEN + 15 * MINUTE)))
    assert payload.keys() == {
        "receiver", "status", "alerts", "groupLabels", "commonLabels", "commonAnnotations", "externalURL",
        "version", "groupKey", "truncatedAlerts",
    }  # fmt: skip
    assert (payload["version"], payload["status"], payload["truncatedAlerts"]) == ("4", "firing", 0)
    for each in payload["alerts"]:
        assert each.keys() == {
            "status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint",
        }  # fmt: skip
        assert each["labels"].keys() == {"alertname", "service", "severity", "team"}
        assert each["endsAt"] == UNRESOLVED
        assert datetime.fromisoformat(each["startsAt"]) > TEN
        assert each["annotations"]["summary"]


def test_an_alert_that_cleared_is_resolved(alerts: list[AlertEvent]) -> None:
    payload = alertmanager_payload(alerts[:1], at=TEN + timedelta(hours=1))
    assert payload["status"] == payload["alerts"][0]["status"] == "resolved"
    assert datetime.fromisoformat(payload["alerts"][0]["endsAt"]) == alerts[0].ends_at


def test_shared_labels_of_a_group_are_common(alerts: list[AlertEvent]) -> None:
    slow = [alert for alert in alerts if alert.name == "SlowRequests"]
    payload = alertmanager_payload(slow)
    assert payload["groupLabels"] == {"alertname": "SlowRequests"}
    assert payload["groupKey"] == '{}:{alertname="SlowRequests"}'
    assert payload["commonLabels"] == {"alertname": "SlowRequests"}


def test_a_payload_needs_an_alert_that_has_started(alerts: list[AlertEvent]) -> None:
    with pytest.raises(ValueError, match="at least one alert"):
        alertmanager_payload([])
    with pytest.raises(ValueError, match="at least one alert"):
        alertmanager_payload(alerts, at=TEN - MINUTE)


def test_fingerprints_depend_only_on_the_labels() -> None:
    labels = {"alertname": "SlowRequests", "service": "order"}
    assert fingerprint(labels) == fingerprint(dict(reversed(labels.items())))
    assert fingerprint(labels) != fingerprint({**labels, "service": "quotes"})
