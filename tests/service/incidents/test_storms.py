"""Storms of alerts: taken whole, in short transactions, and ranked at a bounded pace."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from builders import ONSET
from service_builders import NOW, StillClock, a_client, a_service, a_webhook, an_app
from sqlalchemy import event

from service.errors import StoreUnavailableError
from service.incidents.recording import MAX_ALERTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from service.store.database import Database

N_STORM = 2_000
STEPS_A_COUNT = 100
"""SQLite counts so many steps of its machine at a time."""


def a_storm(n_alerts: int, *, n_items: int = 0, run: str = "s") -> dict[str, Any]:
    starts_at = ONSET.isoformat()
    return {
        "alerts": [
            {
                "labels": {"service": f"i{number % (n_items or n_alerts)}"},
                "startsAt": starts_at,
                "fingerprint": f"{run}{number}",
            }
            for number in range(n_alerts)
        ]
    }


def database_of(app: FastAPI) -> Database:
    database: Database = app.state.rooms.incidents.store._database
    return database


@contextmanager
def counted_transactions(app: FastAPI) -> Iterator[list[int]]:
    """Count the alerts that each transaction inserts."""
    sizes: list[int] = []
    engine = database_of(app)._engine

    def insertion(_c: Any, _cursor: Any, statement: str, rows: Any, _x: Any, many: bool) -> None:
        if statement.startswith("INSERT INTO alerts"):
            sizes.append(len(rows) if many else 1)

    event.listen(engine, "before_cursor_execute", insertion)
    yield sizes
    event.remove(engine, "before_cursor_execute", insertion)


class Steps:
    """Counts the steps of SQLite's machine: what statements cost, whatever the machine is."""

    def __init__(self, app: FastAPI) -> None:
        self.n_steps = 0
        engine = database_of(app)._engine
        engine.dispose()  # what is connected from now on is counted
        event.listen(engine, "connect", self._count)

    def _count(self, connection: Any, _record: Any) -> None:
        connection.set_progress_handler(self._counted, STEPS_A_COUNT)

    def _counted(self) -> int:
        self.n_steps += STEPS_A_COUNT
        return 0

    def of(self, client: TestClient, webhook: dict[str, Any]) -> int:
        before = self.n_steps
        client.post("/v1/alerts", json=webhook).raise_for_status()
        return self.n_steps - before


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    return an_app(tmp_path, clock=StillClock())


def test_a_storm_in_one_body_is_taken_whole_in_short_transactions(app: FastAPI) -> None:
    with a_client(app) as client, counted_transactions(app) as sizes:
        answers = client.post("/v1/alerts", json=a_storm(N_STORM)).json()["alerts"]
        assert client.get("/v1/incidents").json()["total"] == N_STORM
    assert [each["fingerprint"] for each in answers] == [f"s{number}" for number in range(N_STORM)]
    assert len({each["incident"] for each in answers}) == N_STORM
    assert sum(sizes) == N_STORM
    assert max(sizes) <= MAX_ALERTS


def test_others_write_between_the_parts_of_a_storm(app: FastAPI) -> None:
    handler, order = app.state.rooms.incidents.handler, []
    change = handler._incidents.change

    def noted(work: Any, *, at: Any) -> Any:
        found = change(work, at=at)
        order.append(len(found))
        if len(order) == 1:  # another alert comes in while the storm's first part is on disk
            with ThreadPoolExecutor(1) as threads:
                other = threads.submit(client.post, "/v1/alerts", json=a_webhook("other"))
                assert other.result(20).status_code == 200
        return found

    handler._incidents.change = noted
    with a_client(app) as client:
        client.post("/v1/alerts", json=a_storm(3 * MAX_ALERTS)).raise_for_status()
    assert order[0] <= MAX_ALERTS
    assert order[1] == 1
    assert sum(order) == 3 * MAX_ALERTS + 1


@pytest.mark.parametrize("item", ["i7", "elsewhere", "order", ""])
def test_an_alert_costs_the_same_however_many_are_stored(tmp_path: Path, item: str) -> None:
    app = an_app(tmp_path, clock=StillClock())
    with a_client(app) as client:
        steps = Steps(app)
        few = a_storm(50, n_items=9, run="few")
        client.post("/v1/alerts", json=few).raise_for_status()
        client.post("/v1/alerts", json=a_webhook("order")).raise_for_status()
        few_stored = steps.of(client, a_webhook(item, name="before"))
        for run in ("a", "b"):
            client.post("/v1/alerts", json=a_storm(1_000, n_items=9, run=run)).raise_for_status()
        client.post("/v1/alerts", json=a_storm(1_000, run="c")).raise_for_status()
        client.post("/v1/alerts", json=a_webhook("order")).raise_for_status()
        many_stored = steps.of(client, a_webhook(item, name="after"))
    assert many_stored <= 2 * few_stored + STEPS_A_COUNT


def test_a_body_with_one_alert_that_is_none_is_refused_whole(app: FastAPI) -> None:
    storm = a_storm(N_STORM)
    storm["alerts"].append(7)
    with a_client(app) as client:
        answer = client.post("/v1/alerts", json=storm)
        assert (answer.status_code, client.get("/v1/incidents").json()["total"]) == (400, 0)
    assert "alert 2000 must be an object" in answer.json()["detail"]


def test_a_body_beyond_the_limit_is_refused_whole(tmp_path: Path) -> None:
    with a_client(an_app(tmp_path, body_limit_bytes=10_000)) as client:
        assert client.post("/v1/alerts", json=a_storm(N_STORM)).status_code == 413
        assert client.get("/v1/incidents").json()["total"] == 0


def test_a_storm_that_failed_in_between_is_not_doubled_when_it_is_sent_again(app: FastAPI) -> None:
    incidents, parts = app.state.rooms.incidents.handler._incidents, []
    change = incidents.change

    def failing_once(work: Any, *, at: Any) -> Any:
        parts.append(at)
        if len(parts) == 2:
            raise StoreUnavailableError("disk full")
        return change(work, at=at)

    incidents.change = failing_once
    storm = a_storm(500, n_items=50)
    with a_client(app) as client:
        assert client.post("/v1/alerts", json=storm).status_code == 503
        assert client.post("/v1/alerts", json=storm).status_code == 200
        found = client.get("/v1/incidents", params={"limit": 200}).json()
    assert found["total"] == 50
    assert {each["n_alerts"] for each in found["incidents"]} == {10}


def counted_rankings(client: TestClient) -> list[str]:
    ranked: list[str] = []
    handler = client.app.state.rooms.incidents.handler  # type: ignore[attr-defined]
    enrich = handler._enricher.enrich

    def counted(known: Any, graph: Any, in_use: Any) -> Any:
        ranked.append(known.alert.item)
        return enrich(known, graph, in_use)

    handler._enricher.enrich = counted
    return ranked


def test_alerts_on_one_item_of_an_incident_share_an_answer_until_there_is_more_to_see(tmp_path: Path) -> None:
    clock = StillClock()
    with a_service(tmp_path, clock=clock) as client:
        ranked = counted_rankings(client)
        storm = {"alerts": []}
        for number in range(40):
            item = ("gateway", "order", "funds")[number % 3]
            storm["alerts"] += a_webhook(item, name=f"n{number}")["alerts"]
        answers = client.post("/v1/alerts", json=storm).json()["alerts"]
        single = client.post("/v1/alerts", json=a_webhook(name="another")).json()["alerts"][0]
        assert sorted(ranked) == ["funds", "gateway", "order"]
        assert {each["unenriched"] for each in answers} == {""}
        assert single["ranking"] == answers[0]["ranking"]
        change = {"id": "1", "item": "funds-db", "at": ONSET.isoformat(), "kind": "config"}
        client.post("/v1/changes", json={"changes": [change]}).raise_for_status()
        client.post("/v1/alerts", json=a_webhook(name="after a change")).raise_for_status()
        assert len(ranked) == 4
        clock.at = NOW + timedelta(minutes=1)
        client.post("/v1/alerts", json=a_webhook(name="later")).raise_for_status()
        assert len(ranked) == 5
        incident = client.get("/v1/incidents/1").json()
    assert (incident["n_alerts"], incident["cause"]) == (43, "funds-db")
    assert all(each["unenriched"] == "" for each in incident["alerts"])


def test_a_ranking_looks_at_a_bounded_number_of_other_alerts_and_says_so(tmp_path: Path) -> None:
    storm = {"alerts": []}
    for number in range(502):
        storm["alerts"] += a_webhook("funds-db", name=f"n{number}")["alerts"]
    with a_service(tmp_path) as client:
        client.post("/v1/alerts", json=storm).raise_for_status()
        ranking = client.post("/v1/alerts", json=a_webhook()).json()["alerts"][0]["ranking"]
    assert ranking["causes"] == ["funds-db"]
    assert any("only the first 500" in each for each in ranking["unseen"])


def test_lists_and_pages_stay_small_however_many_alerts_an_incident_has(app: FastAPI) -> None:
    storm = a_storm(300, n_items=1)
    for each in storm["alerts"]:
        each["annotations"] = {"summary": "long " * 2_000}
    with a_client(app) as client:
        client.post("/v1/alerts", json=storm).raise_for_status()
        listed = [client.get(path) for path in ("/v1/incidents", "/incidents", "/incidents/1")]
        detail = client.get("/v1/incidents/1").json()
        seen, after = [], ""
        while after is not None:
            part = client.get("/v1/incidents/1/alerts", params={"after": after, "limit": 70}).json()
            seen += [each["fingerprint"] for each in part["alerts"]]
            after = part["next_after"]
        page = client.get("/incidents/1").text
        (place,) = re.findall(r'href="/incidents/1\?after=([0-9-]+)"', page)
        later = client.get("/incidents/1", params={"after": place})
        unknown = client.get("/v1/incidents/99/alerts")
    assert max(len(each.content) for each in listed) < 50_000
    assert (detail["n_alerts"], len(detail["alerts"])) == (300, 100)
    assert "more characters)" in detail["alerts"][0]["annotations"]["summary"]
    assert seen == [f"s{number}" for number in range(300)]
    assert (later.status_code, unknown.status_code) == (200, 404)
    assert "First alerts" in later.text


def test_the_list_of_incidents_goes_on_where_it_stopped_while_others_are_opened(app: FastAPI) -> None:
    with a_client(app) as client:
        client.post("/v1/alerts", json=a_storm(5)).raise_for_status()
        first = client.get("/v1/incidents", params={"limit": 3}).json()
        client.post("/v1/alerts", json=a_storm(2, run="t")).raise_for_status()
        client.post("/v1/alerts", json=a_webhook("new")).raise_for_status()
        rest = client.get("/v1/incidents", params={"limit": 9, "after": first["next_after"]}).json()
        bad = client.get("/v1/incidents", params={"after": "x"})
    assert [each["id"] for each in (*first["incidents"], *rest["incidents"])] == [5, 4, 3, 2, 1]
    assert (rest["next_after"], rest["next_offset"], bad.status_code) == (None, None, 422)


@pytest.mark.timeout(60)
def test_the_service_says_that_it_lives_and_is_read_while_every_writer_waits(app: FastAPI) -> None:
    n_writers = 60
    with a_client(app) as client, ThreadPoolExecutor(n_writers) as senders:
        with database_of(app).writing():
            waiting = [
                senders.submit(client.post, "/v1/alerts", json=a_webhook(f"w{number}"))
                for number in range(n_writers)
            ]
            for path in ("/healthz", "/v1/incidents", "/incidents"):
                assert client.get(path).status_code == 200
            assert not any(each.done() for each in waiting)
        assert {each.result(30).status_code for each in waiting} == {200}
        assert client.get("/v1/incidents").json()["total"] == n_writers


def test_a_character_that_ends_texts_in_the_store_does_not_make_an_alert_a_second_one(app: FastAPI) -> None:
    with a_client(app) as client:
        for _ in range(2):
            answer = client.post("/v1/alerts", json=a_webhook("a\0b", fingerprint="f\0g"))
            assert answer.status_code == 200
        [alert] = client.get("/v1/incidents/1").json()["alerts"]
    assert (alert["fingerprint"], alert["n_received"]) == ("f\N{REPLACEMENT CHARACTER}g", 2)


def test_many_changes_in_one_body_are_taken_in_short_transactions_and_read_by_item(app: FastAPI) -> None:
    changes, parts = app.state.rooms.incidents.changes, []
    write = changes._database.write

    def noted(work: Any) -> Any:
        parts.append(work)
        return write(work)

    events = [{"id": str(each), "item": f"i{each % 7}", "at": ONSET.isoformat()} for each in range(1_200)]
    changes._database.write = noted
    with a_client(app) as client:
        accepted = [client.post("/v1/changes", json={"changes": events}).json() for _ in range(2)]
        assert [each["accepted"] for each in accepted] == [1_200, 0]
    assert len(parts) == 6
    end = ONSET + timedelta(minutes=1)
    found = changes.between(ONSET, end, items={"i3", "unknown"})
    assert {each.item for each in found} == {"i3"}
    assert len(found) == 171
    assert changes.between(ONSET, end, items=()) == []
