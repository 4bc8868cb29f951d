from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import ONSET

from service.errors import BadWebhookError
from service.incidents.records import Notification
from service.intake.alertmanager import read_webhook

LABELS = ("ci", "item", "service", "job", "instance")


def read(
    *alerts: dict[str, Any], items: tuple[str, ...] = ("order", "db"), **shared: Any
) -> list[Notification]:
    return read_webhook(
        {"alerts": list(alerts), **shared},
        items=items,
        item_labels=LABELS,
        received_at=ONSET,
        accepted_future=timedelta(minutes=5),
    )


@pytest.mark.parametrize(
    "document", [None, 1, "x", [], {}, {"alerts": None}, {"alerts": {}}, {"alerts": [1]}]
)
def test_what_is_no_webhook_is_refused(document: object) -> None:
    with pytest.raises(BadWebhookError):
        read_webhook(
            document, items=(), item_labels=LABELS, received_at=ONSET, accepted_future=timedelta(minutes=5)
        )


def test_the_first_label_that_names_a_known_item_wins() -> None:
    [found] = read({"labels": {"ci": "unknown", "job": "order", "instance": "db"}})
    assert found.alert.item == "order"


def test_a_port_is_not_part_of_an_item() -> None:
    [found] = read({"labels": {"instance": "db:9100"}})
    assert found.alert.item == "db"


def test_without_a_known_item_the_best_label_is_used() -> None:
    [found, nameless] = read({"labels": {"service": "ghost", "job": "x"}}, {"labels": {}})
    assert found.alert.item == "ghost"
    assert nameless.alert.item == ""


def test_an_unresolved_end_in_the_year_one_is_no_end() -> None:
    [found] = read({"status": "firing", "startsAt": "2026-03-04T01:59:00Z", "endsAt": "0001-01-01T00:00:00Z"})
    assert found.ends_at is None
    assert found.alert.starts_at == datetime(2026, 3, 4, 1, 59, tzinfo=UTC)
    assert not found.notes


@pytest.mark.parametrize(
    "start",
    [
        None,
        5,
        "soon",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-03-04T03:00:00Z",
        "1970-01-01",
    ],
)
def test_a_start_that_makes_no_sense_is_replaced_by_now_and_noted(start: object) -> None:
    [found] = read({"startsAt": start})
    assert found.alert.starts_at == ONSET
    assert found.notes


def test_each_alert_has_its_own_status_and_unknown_fields_are_passed_over() -> None:
    resolved = {
        "status": "resolved",
        "startsAt": "2026-03-04T01:00:00",
        "endsAt": "2026-03-04T01:30:00Z",
        "values": {"A": 1},
    }
    found = read(resolved, {"status": "firing"}, status="firing", orgId=1, version="1")
    assert [each.status for each in found] == ["resolved", "firing"]
    assert found[0].ends_at == datetime(2026, 3, 4, 1, 30, tzinfo=UTC)


def test_without_a_fingerprint_equal_labels_are_one_alert() -> None:
    one, same, other = read(
        {"labels": {"a": "1", "b": "2"}},
        {"labels": {"b": "2", "a": "1"}},
        {"labels": {"a": 2}, "fingerprint": 7},
    )
    assert one.alert.fingerprint == same.alert.fingerprint != other.alert.fingerprint
    assert other.alert.labels == {"a": "2"}


def test_an_end_in_the_far_future_is_the_present() -> None:
    [found] = read({"status": "resolved", "endsAt": "9999-12-31T23:59:59Z"})
    assert found.ends_at == ONSET
    assert found.notes[-1] == "its end '9999-12-31T23:59:59Z' is no usable time: the present is used"
