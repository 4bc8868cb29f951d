"""What is old is removed, but nothing that is open, judged or current."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from builders import ONSET, a_frame
from service_builders import ITEMS, NOW, StillClock, a_bundle, a_client, a_cmdb, a_webhook, an_app, as_columns

from service.incidents.retention import retain_incidents
from service.store.retention import AT_ONCE, Removed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi import FastAPI
    from fastapi.testclient import TestClient

LATER = ONSET + timedelta(days=500)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def app(tmp_path: Path, clock: StillClock) -> FastAPI:
    return an_app(tmp_path, bundle=a_bundle(), clock=clock)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with a_client(app) as client:
        client.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
        client.post("/v1/samples", json=as_columns(a_frame(ITEMS, n_ticks=60, end=NOW))).raise_for_status()
        yield client


def send(client: TestClient, item: str, **chosen: Any) -> int:
    found: int = client.post("/v1/alerts", json=a_webhook(item, **chosen)).json()["alerts"][0]["incident"]
    return found


def closed(client: TestClient, item: str, **chosen: Any) -> int:
    send(client, item, **chosen)
    return send(client, item, status="resolved", **chosen)


def retain(app: FastAPI, now: datetime = LATER) -> Removed | None:
    rooms = app.state.rooms
    return retain_incidents(rooms.incidents.retention, rooms.settings, now=now)


def numbers(client: TestClient) -> set[int]:
    listed = client.get("/v1/incidents", params={"limit": 200}).json()["incidents"]
    return {each["id"] for each in listed}


def test_an_old_incident_goes_and_what_is_open_judged_or_recent_stays(
    app: FastAPI, client: TestClient, clock: StillClock, caplog: pytest.LogCaptureFixture
) -> None:
    gone, judged, opened = closed(client, "db-a"), closed(client, "db-b"), send(client, "db-c")
    client.post(f"/v1/incidents/{judged}/verdict", json={"causes": ["order"]}).raise_for_status()
    assert len({gone, judged, opened}) == 3
    clock.at = LATER
    recent = closed(client, "db-d", starts_at=LATER - timedelta(minutes=9))
    with caplog.at_level(logging.INFO):
        assert retain(app) == Removed(n_incidents=1, n_alerts=1)
    assert "old incidents removed" in caplog.text
    assert numbers(client) == {judged, opened, recent}
    assert client.get(f"/v1/incidents/{gone}").status_code == 404
    assert client.get("/incidents").status_code == 200
    assert send(client, "db-e", starts_at=LATER) > recent, "a number is never given twice"


def test_a_clock_that_is_ahead_removes_nothing_and_neither_does_an_empty_store(
    app: FastAPI, client: TestClient
) -> None:
    assert retain(app) is None
    incident = closed(client, "db-a")
    assert retain(app, now=LATER) == Removed()
    assert numbers(client) == {incident}


def test_an_incident_of_very_many_alerts_is_removed_in_short_transactions_over_several_rounds(
    app: FastAPI, client: TestClient, clock: StillClock
) -> None:
    storm: dict[str, Any] = {"alerts": []}
    for number in range(AT_ONCE + 20):
        storm["alerts"] += a_webhook("db-a", name=f"n{number}", status="resolved")["alerts"]
    client.post("/v1/alerts", json=storm).raise_for_status()
    clock.at = LATER
    recent = send(client, "db-z", starts_at=LATER)
    retention = app.state.rooms.incidents.retention
    before = LATER - timedelta(days=400)
    assert retention.remove_incidents(before, limit=1) == Removed(n_alerts=AT_ONCE)
    half = client.get("/v1/incidents/1").json()
    assert (half["n_alerts"], len(half["alerts"])) == (20, 20)
    assert retention.remove_incidents(before, limit=AT_ONCE) == Removed(n_incidents=1, n_alerts=20)
    assert numbers(client) == {recent}


def test_earlier_answers_go_and_the_last_one_stays(
    app: FastAPI, client: TestClient, clock: StillClock
) -> None:
    for item in ("funds", "order", "gateway"):
        send(client, item)
    for item in ("funds", "order", "gateway"):
        send(client, item, status="resolved")
    before = client.get("/v1/incidents/1/causes").json()
    clock.at = ONSET + timedelta(days=91)
    send(client, "db-z", starts_at=clock.at)
    assert retain(app, now=clock.at) == Removed(n_rankings=2)
    after = client.get("/v1/incidents/1/causes").json()
    assert after["ranking"] == before["ranking"] is not None
    assert client.get("/incidents/1").status_code == 200


def test_the_current_graph_and_those_that_an_answer_refers_to_stay(
    app: FastAPI, client: TestClient, clock: StillClock
) -> None:
    send(client, "gateway")
    used = client.get("/v1/cmdb").json()["graph_version"]
    for name in ("unused", "current"):
        client.post("/v1/cmdb", json=a_cmdb(items=(*ITEMS, name))).raise_for_status()
    clock.at = ONSET + timedelta(days=91)
    send(client, "db-z", starts_at=clock.at)
    assert retain(app, now=clock.at) == Removed(n_graphs=1)
    with app.state.rooms.incidents.store._database.reading() as connection:
        left = {row[0] for row in connection.exec_driver_sql("SELECT version FROM graphs")}
    assert left == {used, client.get("/v1/cmdb").json()["graph_version"]}


def test_messages_that_were_sent_or_given_up_go_and_those_that_wait_or_are_recent_stay(
    app: FastAPI, client: TestClient, clock: StillClock
) -> None:
    messages, old, recent = app.state.rooms.paging.messages, ONSET, LATER - timedelta(days=1)
    for number in range(1, AT_ONCE + 5):
        messages.add({"number": number}, at=old)
    with app.state.rooms.incidents.store._database.writing() as connection:
        connection.exec_driver_sql("UPDATE outbox SET sent_ms = due_ms WHERE id > 3")
    messages.give_up(1, "refused", at=old)
    messages.give_up(2, "refused", at=recent)
    assert retain(app) is None, "without alerts there is nothing to judge age by"
    clock.at = LATER
    send(client, "db-z", starts_at=LATER)
    assert retain(app) == Removed(n_messages=AT_ONCE + 2)
    assert [each.document["number"] for each in messages.due(LATER, limit=9)] == [3]
    assert messages.dead(since=old) == (1, "refused")
