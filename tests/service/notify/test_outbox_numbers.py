"""The outbox and its store, message by message."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from service_builders import NOW, StillClock
from sqlalchemy import select

from service.notify.outbox import Outbox
from service.store.database import Database
from service.store.outbox import OutboxMessage, OutboxStore, insert_messages
from service.store.tables import outbox
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

AT_MS = to_ms(NOW)
SECOND = timedelta(seconds=1)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "store.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def store(database: Database) -> OutboxStore:
    return OutboxStore(database)


def rows(database: Database) -> list[dict[str, Any]]:
    with database.reading() as connection:
        return [dict(each) for each in connection.execute(select(outbox).order_by(outbox.c.id)).mappings()]


def a_row(number: int, **changed: Any) -> dict[str, Any]:
    return {
        "id": number,
        "document": {"n": number},
        "created_ms": AT_MS,
        "due_ms": AT_MS,
        "sent_ms": None,
        "dead_ms": None,
        "n_tries": 0,
        "problem": "",
    } | changed


def test_a_message_is_stored_sent_failed_given_up_or_buried(database: Database, store: OutboxStore) -> None:
    for number in range(1, 5):
        store.add({"n": number}, at=NOW)
    store.sent(1, at=NOW + SECOND)
    store.failed(2, "refused", due=NOW + 5 * SECOND)
    store.failed(2, "refused again", due=NOW + 9 * SECOND)
    store.give_up(3, "gone", at=NOW + 2 * SECOND)
    store.bury({"n": 5}, "cannot be made", at=NOW + 3 * SECOND)
    late_ms = AT_MS + 3000
    assert rows(database) == [
        a_row(1, sent_ms=AT_MS + 1000),
        a_row(2, due_ms=AT_MS + 9000, n_tries=2, problem="refused again"),
        a_row(3, dead_ms=AT_MS + 2000, n_tries=1, problem="gone"),
        a_row(4),
        a_row(5, created_ms=late_ms, due_ms=late_ms, dead_ms=late_ms, problem="cannot be made"),
    ]
    assert store.waiting() == (1, "refused again")
    assert store.dead(since=NOW) == (2, "cannot be made")
    assert store.dead(since=NOW + 3 * SECOND) == (1, "cannot be made")
    assert store.dead(since=NOW + 4 * SECOND) == (0, "")


def test_what_is_due_comes_oldest_first_and_no_more_than_asked_for(store: OutboxStore) -> None:
    for number in range(1, 5):
        store.add({"n": number}, at=NOW)
    store.failed(1, "refused", due=NOW + SECOND)
    assert store.due(NOW, limit=2) == [OutboxMessage(2, {"n": 2}, 0), OutboxMessage(3, {"n": 3}, 0)]
    assert [each.id for each in store.due(NOW + SECOND, limit=9)] == [1, 2, 3, 4]
    assert store.due(NOW + SECOND, limit=1) == [OutboxMessage(1, {"n": 1}, 1)]
    assert store.due(NOW - SECOND, limit=9) == []


def test_the_oldest_that_waits_gives_the_reason(store: OutboxStore) -> None:
    for number in range(3):
        store.add({"n": number}, at=NOW)
    assert store.waiting() == (0, "")
    store.failed(3, "third", due=NOW)
    store.failed(2, "second", due=NOW + SECOND)
    assert store.waiting() == (2, "second")
    store.sent(2, at=NOW)
    assert store.waiting() == (1, "third")


def test_messages_are_stored_within_a_transaction(database: Database) -> None:
    with database.writing() as connection:
        insert_messages(connection, [{"n": 1}, {"n": 2}], at=NOW)
    assert rows(database) == [a_row(1), a_row(2)]


class Target:
    """Receives documents, or fails with an error."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.received: list[Mapping[str, Any]] = []

    def __call__(self, document: Mapping[str, Any]) -> None:
        if self.error is not None:
            raise self.error
        self.received.append(document)


def test_fifty_messages_go_out_at_once_each_with_its_number(database: Database, store: OutboxStore) -> None:
    target = Target()
    sending = Outbox(store, target, StillClock())
    for number in range(1, 52):
        sending.put({"n": number})
    assert sending.deliver() == 50
    assert target.received == [{"n": number, "delivery": number} for number in range(1, 51)]
    assert rows(database)[49:] == [a_row(50, sent_ms=AT_MS), a_row(51)]
    assert (sending.deliver(), sending.deliver()) == (1, 0)
    assert sending.health_problems() == []


@pytest.mark.parametrize(
    ("error", "problem"),
    [(ValueError("x" * 600), "x" * 500), (ValueError(), "ValueError"), (OSError("down"), "down")],
)
def test_a_failure_is_stored_with_its_reason_and_told(
    database: Database, store: OutboxStore, error: Exception, problem: str
) -> None:
    sending = Outbox(store, Target(error), StillClock())
    sending.put({"n": 1})
    assert sending.deliver() == 0
    assert rows(database) == [a_row(1, due_ms=AT_MS + 5000, n_tries=1, problem=problem)]
    assert sending.health_problems() == [f"notify: 1 page(s) could not be sent yet: {problem}"]


@pytest.mark.parametrize(("n_tries", "wait_s"), [(0, 5), (1, 10), (9, 2560), (10, 3600), (31, 3600)])
def test_the_wait_doubles_with_each_try_up_to_an_hour(
    database: Database, store: OutboxStore, n_tries: int, wait_s: int
) -> None:
    sending = Outbox(store, Target(ValueError("no")), StillClock())
    sending.put({"n": 1})
    for _ in range(n_tries):
        store.failed(1, "no", due=NOW)
    sending.deliver()
    assert rows(database) == [a_row(1, due_ms=AT_MS + 1000 * wait_s, n_tries=n_tries + 1, problem="no")]


def test_the_thirty_third_failure_is_the_last(database: Database, store: OutboxStore) -> None:
    sending = Outbox(store, Target(ValueError("no")), StillClock())
    sending.put({"n": 1})
    for _ in range(32):
        store.failed(1, "no", due=NOW)
    sending.deliver()
    assert rows(database) == [a_row(1, dead_ms=AT_MS, n_tries=33, problem="no")]
    assert sending.health_problems() == ["notify: 1 page(s) were given up in the last seven days: no"]


@pytest.mark.parametrize(("days", "n_shown"), [(7, 1), (7.001, 0)])
def test_dead_letters_are_shown_for_seven_days(store: OutboxStore, days: float, n_shown: int) -> None:
    clock = StillClock()
    sending = Outbox(store, None, clock)
    sending.bury({"n": 1}, "cannot be made")
    clock.at = NOW + timedelta(days=days)
    assert len(sending.health_problems()) == n_shown


def test_without_a_target_nothing_is_stored_or_sent(database: Database, store: OutboxStore) -> None:
    sending = Outbox(store, None, StillClock())
    sending.put({"n": 1})
    assert rows(database) == []
    store.add({"n": 1}, at=NOW)
    assert sending.deliver() == 0
