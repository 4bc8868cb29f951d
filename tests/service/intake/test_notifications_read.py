"""Every field of what is read of a webhook and of a change event."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import ONSET
from pydantic import ValidationError

from cmdb.items import ChangeEvent
from models.cases.case import Alert
from service.errors import BadWebhookError
from service.incidents.records import Notification
from service.intake.alertmanager import read_webhook
from service.intake.changes import ChangeIn, ChangesIn

START = ONSET - timedelta(minutes=3)


def read(*alerts: object, **shared: Any) -> list[Notification]:
    return read_webhook(
        {"alerts": list(alerts), **shared},
        items=("order", "db"),
        item_labels=("ci", "job", "instance"),
        received_at=ONSET,
        accepted_future=timedelta(minutes=5),
    )


def test_an_alert_is_read_field_by_field() -> None:
    sent = {
        "status": "firing",
        "labels": {"alertname": "Slow", "job": "order", "severity": "critical", "shard": 7},
        "annotations": {"summary": "slow", "value": 1.5, "nothing": None},
        "startsAt": START.isoformat(),
        "endsAt": ONSET.isoformat(),
        "fingerprint": "f1",
    }
    alert = Alert(
        "order",
        "Slow",
        START,
        fingerprint="f1",
        severity="critical",
        labels={"alertname": "Slow", "job": "order", "severity": "critical", "shard": "7"},
        annotations={"summary": "slow", "value": "1.5", "nothing": "null"},
    )
    assert read(sent) == [Notification(alert, "firing", None, (), has_start=True)]
    assert read({**sent, "status": "resolved"}) == [
        Notification(alert, "resolved", ONSET, (), has_start=True)
    ]


def test_an_empty_alert_is_read_with_what_stands_in() -> None:
    [found] = read({}, commonLabels={"job": "db:80", "a": "b"})
    labels = {"job": "db:80", "a": "b"}
    note = "its start None is no usable time: the present is used"
    assert found == Notification(
        Alert(
            "db", "alert", ONSET, fingerprint="8da45e67ba8e0b86", severity="", labels=labels, annotations={}
        ),
        "firing",
        None,
        (note,),
        has_start=False,
    )
    [own] = read({"labels": {"job": "x"}, "fingerprint": ""}, commonLabels=labels)
    assert own.alert.labels == {"job": "x"}
    assert len(own.alert.fingerprint) == 16
    [nothing] = read({"labels": ["ci"], "annotations": "x"}, commonLabels=None)
    assert (nothing.alert.labels, nothing.alert.annotations, nothing.alert.item) == ({}, {}, "")


@pytest.mark.parametrize(
    ("labels", "item"),
    [
        ({"ci": "ghost", "job": "order"}, "order"),
        ({"ci": "ghost", "job": "db:1:2"}, "ghost"),
        ({"job": "db:9090", "instance": "order"}, "order"),
        ({"ci": "", "job": "db:9090"}, "db"),
        ({"job": "x:1", "instance": "y:2"}, "x:1"),
        ({"other": "order"}, ""),
    ],
)
def test_an_item_is_named_by_a_label_in_full_before_any_without_its_port(
    labels: dict[str, str], item: str
) -> None:
    assert read({"labels": labels})[0].alert.item == item


@pytest.mark.parametrize(
    ("start", "is_used"),
    [
        ((ONSET + timedelta(minutes=5)).isoformat(), True),
        ((ONSET + timedelta(minutes=5, seconds=1)).isoformat(), False),
        ("1971-01-01T00:00:00Z", True),
        ("1970-12-31T23:59:59Z", False),
    ],
)
def test_a_start_is_used_from_1971_until_a_little_later_than_now(start: str, is_used: bool) -> None:
    [found] = read({"startsAt": start})
    assert found.has_start is is_used
    assert found.alert.starts_at == (datetime.fromisoformat(start) if is_used else ONSET)
    assert found.notes == (
        () if is_used else (f"its start {start!r} is no usable time: the present is used",)
    )


def test_an_instant_without_a_zone_is_in_utc_and_one_with_a_zone_becomes_utc() -> None:
    [plain, zoned] = read({"startsAt": "2026-03-04T01:00:00"}, {"startsAt": "2026-03-04T09:00:00+08:00"})
    expected = datetime(2026, 3, 4, 1, tzinfo=UTC)
    assert plain.alert.starts_at == zoned.alert.starts_at == expected
    assert plain.alert.starts_at.tzinfo is UTC
    assert zoned.alert.starts_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ([], "it must be an object"),
        ({"alerts": {}}, "it has no list 'alerts'"),
        ({"alerts": [{}, 1]}, "alert 1 must be an object"),
    ],
)
def test_what_is_no_webhook_is_refused_with_the_reason(document: object, problem: str) -> None:
    with pytest.raises(BadWebhookError, match=problem):
        read_webhook(
            document, items=(), item_labels=(), received_at=ONSET, accepted_future=timedelta(minutes=5)
        )


CHANGE = {"id": "d1", "item": "order", "at": "2026-03-04T09:55:00+08:00"}


def test_a_change_is_read_field_by_field() -> None:
    at = datetime(2026, 3, 4, 1, 55, tzinfo=UTC)
    assert ChangeIn.model_validate(CHANGE).to_event() == ChangeEvent("d1", "order", at, "deploy", "")
    full = ChangeIn.model_validate({**CHANGE, "kind": "flag", "summary": "on"})
    assert full.to_event() == ChangeEvent("d1", "order", at, "flag", "on")


@pytest.mark.parametrize(
    ("field", "longest", "refused"),
    [
        ("id", "x" * 500, ["", "x" * 501]),
        ("item", "x" * 500, ["", "x" * 501]),
        ("kind", "x" * 100, ["x" * 101]),
        ("summary", "x" * 10_000, ["x" * 10_001]),
        (
            "at",
            "2199-12-31T23:59:59Z",
            ["2200-01-01T00:00:00Z", "1970-12-31T23:59:59Z", "2026-03-04T09:55:00"],
        ),
        ("at", "1971-01-01T00:00:00Z", []),
    ],
)
def test_a_field_of_a_change_has_its_bounds(field: str, longest: str, refused: list[str]) -> None:
    ChangeIn.model_validate({**CHANGE, field: longest})
    for each in refused:
        with pytest.raises(ValidationError):
            ChangeIn.model_validate({**CHANGE, field: each})


def test_ten_thousand_changes_are_read_at_once() -> None:
    assert len(ChangesIn.model_validate({"changes": [CHANGE] * 10_000}).changes) == 10_000
    with pytest.raises(ValidationError):
        ChangesIn.model_validate({"changes": [CHANGE] * 10_001})
    with pytest.raises(ValidationError):
        ChangesIn.model_validate({})


def test_the_example_of_changes_can_be_sent() -> None:
    schema = ChangesIn.model_json_schema()
    [example] = schema["examples"]
    [change] = ChangesIn.model_validate(example).changes
    assert change.to_event() == ChangeEvent(
        "deploy-4711", "order", datetime(2026, 3, 4, 1, 55, tzinfo=UTC), "deploy", "order 2.8.1"
    )
    assert schema["$defs"]["ChangeIn"]["properties"]["id"]["description"] == (
        "sending an id again changes nothing"
    )
