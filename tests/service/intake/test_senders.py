"""Alerts of other senders than Alertmanager, and how instants and items are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.intake.alertmanager import read_webhook
from service.intake.instants import instant_of
from service.intake.senders import as_webhook

AT = datetime(2026, 3, 4, 2, 4, tzinfo=UTC)
NOW = AT + timedelta(minutes=2)
ITEMS = {"order", "gateway", "node-7"}


def read(document: object) -> Any:
    told = as_webhook(document, NOW)
    assert told is not None
    (found,) = read_webhook(
        told,
        items=ITEMS,
        item_labels=("service", "job"),
        received_at=NOW,
        accepted_future=timedelta(minutes=1),
    )
    return found


SENT = {
    "zabbix": {
        "event_id": "1234",
        "trigger_id": "17",
        "event_value": "1",
        "host": "order",
        "trigger_name": "High CPU",
        "severity": "High",
        "event_date": "2026.03.04",
        "event_time": "02:04:00",
    },
    "datadog": {
        "title": "[Triggered] latency",
        "alert_title": "latency",
        "alert_transition": "Triggered",
        "alert_cycle_key": "c1",
        "date": 1772589840000,
        "tags": "service:order,env:prod",
    },
    "pagerduty": {
        "event": {
            "event_type": "incident.triggered",
            "occurred_at": "2026-03-04T02:04:00Z",
            "data": {"id": "P1", "title": "slow", "service": {"summary": "order"}},
        }
    },
    "grafana": {
        "title": "[Alerting] cpu",
        "ruleId": 1,
        "ruleName": "cpu",
        "state": "alerting",
        "evalMatches": [{"value": 1, "metric": "x", "tags": {"instance": "order:80"}}],
        "tags": {"service": "order"},
    },
    "nightingale": {
        "rule_name": "cpu",
        "severity": 2,
        "is_recovered": False,
        "trigger_time": 1772589840,
        "tags": ["app=order", "env=prod"],
        "target_ident": "node-7",
        "hash": "h1",
    },
    "cloudevents": {
        "specversion": "1.0",
        "type": "alert",
        "source": "bus",
        "id": "1",
        "subject": "order is slow",
        "time": "2026-03-04T02:04:00Z",
        "data": {"service": "order"},
    },
}
ENDED = {
    "zabbix": {"event_value": "0"},
    "datadog": {"alert_transition": "Recovered"},
    "pagerduty": {"event": SENT["pagerduty"]["event"] | {"event_type": "incident.resolved"}},
    "grafana": {"state": "ok"},
    "nightingale": {"is_recovered": True},
    "cloudevents": {"data": {"service": "order", "status": "resolved"}},
}


@pytest.mark.parametrize("sender", SENT)
def test_a_sender_s_alert_names_its_item_and_its_end_is_the_same_alert(sender: str) -> None:
    begun, ended = read(SENT[sender]), read(SENT[sender] | ENDED[sender])
    assert begun.alert.item == "order"
    assert (begun.status, ended.status) == ("firing", "resolved")
    assert begun.alert.fingerprint == ended.alert.fingerprint
    assert begun.alert.starts_at == (NOW if sender == "grafana" else AT)
    assert begun.alert.name not in {"", "alert"} or sender == "cloudevents"


def test_a_plain_list_is_one_of_alertmanager_s_api() -> None:
    alert = {"labels": {"alertname": "Slow", "service": "order"}, "startsAt": "2026-03-04T02:04:00Z"}
    ends = {"": "firing", "2026-03-04T02:05:00Z": "resolved", "2026-03-04T02:10:00Z": "firing"}
    assert {end: read([alert | {"endsAt": end}]).status for end in ends} == ends
    assert as_webhook([{"labels": 1}], NOW) is None
    assert as_webhook({"hello": 1}, NOW) is None


keys = st.sampled_from(
    [
        "event",
        "data",
        "specversion",
        "tags",
        "alert_transition",
        "ruleName",
        "state",
        "host",
        "trigger_name",
        "evalMatches",
        "is_recovered",
        "rule_name",
        "labels",
        "service",
    ]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=10,
)


@given(anything)
def test_whatever_is_sent_is_told_or_known_to_be_nothing(document: object) -> None:
    told = as_webhook(document, NOW)
    if told is not None:
        read_webhook(
            told, items=ITEMS, item_labels=("service",), received_at=NOW, accepted_future=timedelta(minutes=1)
        )


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-04T10:04:00+0800",
        "2026-03-04T10:04:00.000000001+08:00",
        1772589840,
        1772589840.0,
        1772589840000,
        1772589840000000000,
        "1772589840",
        "1772589840000",
        "2026-03-04 10:04:00 +0800 CST",
        "2026-03-04 10:04:00.5 +0800 CST m=+0.1",
        "2026-03-04 02:04:00",
        "2026.03.04 02:04:00",
        "Wed, 04 Mar 2026 02:04:00 GMT",
    ],
)
def test_an_instant_is_read_as_it_is_written(written: object) -> None:
    at = instant_of(written)
    assert at is not None
    assert at.replace(microsecond=0) == AT


@given(st.text(max_size=30) | st.floats() | st.integers() | st.none() | st.booleans() | st.lists(st.none()))
def test_what_names_no_instant_is_none(written: object) -> None:
    at = instant_of(written)
    assert at is None or at.tzinfo is UTC


@pytest.mark.parametrize(
    ("labels", "item"),
    [
        *(
            ({label: "order"}, "order")
            for label in (
                "host",
                "hostname",
                "exported_service",
                "service.name",
                "Service",
                "app_kubernetes_io_name",
                "deployment",
                "container",
                "nodename",
                "TARGETNAME",
            )
        ),
        ({"job": "gateway", "deployment": "order"}, "order"),
        ({"pod": "order-6d4cf56db6-x7x9p"}, "order"),
        ({"pod": "order-0"}, "order"),
        ({"instance": "unknown", "host": "node-7.firm.example"}, "node-7"),
        ({"job": "nobody", "host": "nothing"}, "nobody"),
        ({"panel": "3"}, ""),
    ],
)
def test_any_label_that_names_a_known_item_names_it(labels: dict[str, str], item: str) -> None:
    assert read([{"labels": labels}]).alert.item == item


def test_common_labels_name_the_item_where_the_alert_does_not() -> None:
    webhook = {"alerts": [{"labels": {"panel": "3"}}], "commonLabels": {"service": "order"}}
    (found,) = read_webhook(
        webhook, items=ITEMS, item_labels=("service",), received_at=NOW, accepted_future=timedelta(0)
    )
    assert (found.alert.item, found.alert.labels) == ("order", {"panel": "3"})
