from __future__ import annotations

from datetime import timedelta
from typing import Any

from builders import ONSET

from service.incidents.records import Notification
from service.intake.alertmanager import read_webhook
from service.intake.text_bounds import MAX_NAME_LENGTH, MAX_TEXT_LENGTH, MAX_TEXTS, MAX_TOTAL_LENGTH, bounded


def read(alert: dict[str, Any]) -> Notification:
    (found,) = read_webhook(
        {"alerts": [alert]},
        items={"order"},
        item_labels=("service",),
        received_at=ONSET,
        accepted_future=timedelta(minutes=5),
    )
    return found


def test_what_is_within_the_bounds_stays_as_it_is() -> None:
    texts = {"a": "x" * MAX_TEXT_LENGTH, "n" * MAX_NAME_LENGTH: ""}
    assert bounded(texts, "labels") == (texts, [])


def test_a_text_that_is_too_long_is_cut_visibly_and_told() -> None:
    kept, notes = bounded({"a": "x" * (MAX_TEXT_LENGTH + 1_234)}, "annotations")
    assert kept["a"] == "x" * MAX_TEXT_LENGTH + "… (1,234 more characters)"
    assert notes == ["annotations that are too long were cut"]


def test_all_texts_together_are_bounded_and_those_that_sunspot_reads_come_first() -> None:
    texts = {f"n{number}": "x" * MAX_TEXT_LENGTH for number in range(10)} | {"summary": "It is slow"}
    kept, notes = bounded(texts, "annotations", first=("summary",))
    assert kept["summary"] == "It is slow"
    assert sum(map(len, kept.values())) < MAX_TOTAL_LENGTH + 200
    assert notes[-1] == "6 of its 11 annotations were left out"
    many, notes = bounded({f"n{number}": "" for number in range(MAX_TEXTS + 5)}, "labels")
    assert (len(many), notes) == (MAX_TEXTS, ["5 of its 69 labels were left out"])


def test_names_that_are_the_same_once_they_are_cut_are_told_apart_or_left_out() -> None:
    kept, notes = bounded({"n" * 300 + "a": "1", "n" * 300 + "b": "2"}, "labels")
    assert list(kept.values()) == ["1"]
    assert notes == ["labels that are too long were cut", "1 of its 2 labels were left out"]


def test_no_alert_is_lost_to_its_length_and_two_that_differ_beyond_the_cut_stay_two() -> None:
    def labels(end: str) -> dict[str, str]:
        return {f"l{number}": "" for number in range(100)} | {
            "alertname": "n" * 9_000 + end,
            "service": "s" * 9_000 + end,
            "severity": "critical",
        }

    one, other = (read({"labels": labels(end)}) for end in "ab")
    assert one.alert.fingerprint != other.alert.fingerprint
    assert len(one.alert.name) < 600
    assert len(one.alert.item) < 600
    assert one.alert.severity == "critical"
    assert len(one.alert.labels) == MAX_TEXTS
    assert "39 of its 103 labels were left out" in one.notes


def test_a_known_item_is_found_behind_any_number_of_labels() -> None:
    labels = {f"l{number}": "x" * 9_000 for number in range(100)} | {"service": "order"}
    found = read({"labels": labels})
    assert (found.alert.item, found.alert.labels["service"]) == ("order", "order")


def test_what_is_quoted_and_what_identifies_is_bounded_too() -> None:
    found = read({"startsAt": "x" * 9_000, "fingerprint": "f" * 9_000})
    assert len(found.notes[0]) < 300
    assert len(found.alert.fingerprint) == 16
