from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from builders import ONSET
from service_builders import a_service, a_webhook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi.testclient import TestClient


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with a_service(tmp_path) as running:
        running.post("/v1/alerts", json=a_webhook()).raise_for_status()
        yield running


def test_incidents_are_listed_newest_first_in_stretches(client: TestClient) -> None:
    for hours in (1, 2, 3):
        client.post("/v1/alerts", json=a_webhook(starts_at=ONSET - timedelta(hours=hours)))
    first = client.get("/v1/incidents", params={"limit": 3}).json()
    rest = client.get("/v1/incidents", params={"limit": 3, "offset": first["next_offset"]}).json()
    opened = [each["opened_at"] for each in first["incidents"] + rest["incidents"]]
    assert opened == sorted(opened, reverse=True)
    assert (first["total"], len(opened), rest["next_offset"]) == (4, 4, None)
    assert first["incidents"][0]["cause"] == "funds-db"


@pytest.mark.parametrize("route", ["/v1/incidents/77", "/v1/incidents/77/causes", "/incidents/77"])
def test_an_unknown_incident_is_a_problem(client: TestClient, route: str) -> None:
    answer = client.get(route)
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:sunspot:problem:unknown-incident"


def test_a_verdict_is_recorded_with_who_and_when(client: TestClient) -> None:
    answer = client.post("/v1/incidents/1/verdict", json={"causes": ["funds-db"], "note": "locks"})
    recorded = answer.json()
    assert (recorded["causes"], recorded["who"], recorded["note"]) == (["funds-db"], "local", "locks")
    client.post("/v1/incidents/1/verdict", json={"causes": "none"})
    verdicts = client.get("/v1/incidents/1").json()["verdicts"]
    assert [each["causes"] for each in verdicts] == [["funds-db"], "none"]


def test_a_cause_that_the_graph_lacks_is_recorded_and_reported(client: TestClient) -> None:
    recorded = client.post("/v1/incidents/1/verdict", json={"causes": ["the carrier"]}).json()
    assert recorded["unknown_items"] == ["the carrier"]


@pytest.mark.parametrize(
    "verdict",
    [
        {},
        {"causes": "perhaps"},
        {"causes": [""]},
        {"causes": ["x" * 501]},
        {"causes": [str(each) for each in range(51)]},
        {"causes": []},
        {"causes": "none", "note": 1},
        {"causes": "none", "by": "me"},
    ],
)
def test_what_is_no_verdict_is_a_problem(client: TestClient, verdict: dict[str, Any]) -> None:
    answer = client.post("/v1/incidents/1/verdict", json=verdict)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert client.get("/v1/incidents/1").json()["verdicts"] == []


@pytest.mark.parametrize("body", [b"", b"{", b"nonsense", rb'{"causes": ["\ud800"]}'])
@pytest.mark.parametrize(
    "path", ["/v1/samples", "/v1/alerts", "/v1/cmdb", "/v1/changes", "/v1/incidents/1/verdict"]
)
def test_what_is_no_json_has_one_answer_everywhere(client: TestClient, path: str, body: bytes) -> None:
    answer = client.post(path, content=body)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:sunspot:problem:bad-json")


def test_a_verdict_on_an_unknown_incident_is_a_problem(client: TestClient) -> None:
    assert client.post("/v1/incidents/8/verdict", json={"causes": "none"}).status_code == 404


def test_changes_near_an_incident_are_shown_with_its_causes(client: TestClient) -> None:
    near = {"id": "c1", "item": "funds-db", "at": "2026-03-04T01:50:00Z", "summary": "pool 200 → 60"}
    elsewhere = {"id": "c2", "item": "ghost", "at": "2026-03-04T01:50:00Z"}
    early = {"id": "c3", "item": "funds-db", "at": "2026-03-01T01:50:00Z"}
    client.post("/v1/changes", json={"changes": [near, elsewhere, early]}).raise_for_status()
    changes = client.get("/v1/incidents/1/causes").json()["changes"]
    assert [each["id"] for each in changes] == ["c1"]


def test_a_change_counts_once(client: TestClient) -> None:
    change = {"id": "c1", "item": "ghost", "at": "2026-03-04T09:50:00+08:00"}
    first = client.post("/v1/changes", json={"changes": [change]}).json()
    again = client.post("/v1/changes", json={"changes": [{**change, "summary": "other"}]}).json()
    assert (first["accepted"], first["known"], first["unknown_items"]) == (1, 0, ["ghost"])
    assert (again["accepted"], again["known"]) == (0, 1)
    listed = client.get("/v1/changes", params={"item": "ghost"}).json()["changes"]
    assert listed == [
        {"id": "c1", "item": "ghost", "at": "2026-03-04T01:50:00Z", "kind": "deploy", "summary": ""}
    ]
    assert client.get("/v1/changes").json()["changes"] == listed


@pytest.mark.parametrize(
    "at", ["yesterday", "2026-03-04T01:50:00", "0001-01-01T00:00:00+14:00", "3000-01-01T00:00:00Z"]
)
def test_a_change_at_no_usable_time_is_a_problem(client: TestClient, at: str) -> None:
    answer = client.post("/v1/changes", json={"changes": [{"id": "c", "item": "x", "at": at}]})
    assert answer.status_code == 422
    assert answer.json()["title"] == "Not what this route reads"
    assert "at" in answer.json()["detail"]
