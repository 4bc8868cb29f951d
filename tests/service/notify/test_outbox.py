"""What becomes of messages: sent, waiting, or given up."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from service_builders import NOW, StillClock, a_client, an_app
from upgrade_builders import store_of_0_1_0

from service.data_directory import STORE
from service.errors import MessageRefusedError, TargetDownError
from service.notify.outbox import MAX_TRIES, Outbox
from service.store.database import Database
from service.store.outbox import OutboxStore
from telemetry.instants import from_ms, to_ms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

LONG_AGO = NOW - timedelta(days=1)


class Target:
    """Accepts messages, except those about items that it has an error for."""

    def __init__(self, **errors: Exception) -> None:
        self.errors = errors
        self.tried: list[str] = []
        self.received: list[str] = []

    def __call__(self, document: Mapping[str, Any]) -> None:
        self.tried.append(document["item"])
        if error := self.errors.get(document["item"]):
            raise error
        self.received.append(document["item"])


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def messages(tmp_path: Path) -> Iterator[OutboxStore]:
    database = Database(tmp_path / STORE)
    yield OutboxStore(database)
    database.close()


def an_outbox(messages: OutboxStore, clock: StillClock, target: Target, *items: str) -> Outbox:
    outbox = Outbox(messages, target, clock)
    for item in items:
        outbox.put({"item": item})
    return outbox


@pytest.mark.parametrize(
    "error",
    [MessageRefusedError("it answered 422 Unprocessable Entity"), KeyError("title"), RecursionError()],
)
def test_a_message_that_fails_delays_no_other(
    messages: OutboxStore, clock: StillClock, error: Exception
) -> None:
    target = Target(bad=error)
    assert an_outbox(messages, clock, target, "a", "bad", "b").deliver() == 2
    assert target.received == ["a", "b"]
    assert messages.waiting() == (1, str(error) or "RecursionError")


def test_a_target_that_is_down_is_tried_once_a_round(messages: OutboxStore, clock: StillClock) -> None:
    target = Target(a=TargetDownError("nobody listens"), b=TargetDownError("nobody listens"))
    outbox = an_outbox(messages, clock, target, "a", "b", "c")
    for tried in (["a"], ["a", "b"], ["a", "b", "c"]):
        outbox.deliver()
        assert target.tried == tried, "each has its own back-off, so the next one gets its turn"
    assert target.received == ["c"]


def test_the_wait_doubles_up_to_an_hour(messages: OutboxStore, clock: StillClock) -> None:
    outbox = an_outbox(messages, clock, Target(a=MessageRefusedError("no")), "a")
    waits = []
    for _ in range(13):
        outbox.deliver()
        [due_ms] = due_instants(messages)
        waits.append(due_ms / 1000 - clock.at.timestamp())
        clock.at += timedelta(seconds=waits[-1])
    assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]


def due_instants(messages: OutboxStore) -> list[int]:
    with messages._database.reading() as connection:
        return list(connection.exec_driver_sql("SELECT due_ms FROM outbox").scalars())


@pytest.mark.parametrize("error", [MessageRefusedError("it answered 404"), TargetDownError("nobody listens")])
def test_a_message_is_given_up_after_a_day(
    messages: OutboxStore, clock: StillClock, error: Exception
) -> None:
    target = Target(a=error)
    outbox = an_outbox(messages, clock, target, "a")
    while not messages.dead(since=LONG_AGO)[0]:
        [due_ms] = due_instants(messages)
        clock.at = from_ms(due_ms)
        outbox.deliver()
    assert len(target.tried) == MAX_TRIES
    assert timedelta(hours=23) < clock.at - NOW < timedelta(hours=25)
    assert messages.dead(since=LONG_AGO) == (1, str(error))
    assert messages.waiting() == (0, "")
    clock.at += timedelta(days=1)
    outbox.deliver()
    assert len(target.tried) == MAX_TRIES
    assert messages.dead(since=clock.at) == (0, "")


def test_dead_letters_are_counted_with_the_reason_of_the_newest(
    messages: OutboxStore, clock: StillClock
) -> None:
    an_outbox(messages, clock, Target(), "a", "b", "c")
    for minutes, message in enumerate((2, 1)):
        messages.give_up(message, f"reason {message}", at=NOW + timedelta(minutes=minutes))
    assert messages.dead(since=NOW) == (2, "reason 1")
    assert messages.dead(since=NOW + timedelta(minutes=1)) == (1, "reason 1")
    assert [each.id for each in messages.due(clock.now(), limit=9)] == [3]


def test_messages_of_0_1_0_are_sent(tmp_path: Path, clock: StillClock) -> None:
    database = Database(store_of_0_1_0(tmp_path))
    messages, target = OutboxStore(database), Target()
    clock.at += timedelta(hours=1)
    assert messages.waiting()[0] == 1
    assert Outbox(messages, target, clock).deliver() == 1
    assert (messages.waiting(), messages.dead(since=LONG_AGO)) == ((0, ""), (0, ""))
    assert target.received == ["order"]
    database.close()


def test_dead_letters_are_shown_where_readiness_is(tmp_path: Path) -> None:
    app = an_app(tmp_path, notify_url="http://127.0.0.1:9/pages")
    with a_client(app) as client:
        app.state.rooms.paging.outbox.put({"item": "order"})
        app.state.rooms.paging.messages.give_up(1, "it answered 404 Not Found", at=NOW)
        reasons = client.get("/readyz").json()["reasons"]
    assert "notify: 1 page(s) were given up in the last seven days: it answered 404 Not Found" in reasons


def test_a_message_that_failed_while_the_clock_was_ahead_is_tried_at_the_right_time(
    messages: OutboxStore, clock: StillClock
) -> None:
    target = Target(a=TargetDownError("nobody listens"))
    outbox = an_outbox(messages, clock, target, "a")
    for _ in range(4):
        clock.at += timedelta(hours=1)
        outbox.deliver()
    latest_ms = to_ms(clock.at + timedelta(minutes=5))
    assert outbox.bring_back(latest_ms) is None, "it waits, as long as it should"
    clock.at -= timedelta(days=1)
    assert outbox.bring_back(to_ms(clock.at + timedelta(minutes=5))) == to_ms(clock.at + timedelta(days=1))
    target.errors.clear()
    assert outbox.deliver() == 1
