"""Changes of pipelines: the good ones of a body are stored, and what changed no production is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from service_builders import a_client, a_cmdb, an_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi.testclient import TestClient

AT = "2026-03-04T01:55:00Z"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with a_client(an_app(tmp_path)) as running:
        running.post("/v1/cmdb", json=a_cmdb(items=("order", "bank/pay"), edges=())).raise_for_status()
        yield running


def ids(client: TestClient) -> list[str]:
    return [each["id"] for each in client.get("/v1/changes").json()["changes"]]


def a_change(number: str, **more: object) -> dict[str, object]:
    return {"id": number, "item": "order", "at": AT, **more}


def test_the_good_events_of_a_body_are_stored_and_the_bad_ones_told(client: TestClient) -> None:
    bad = a_change("b", at="2026-11-28 10:00:00")
    answer = client.post("/v1/changes", json={"changes": [a_change("a"), bad, "none", a_change("c")]}).json()
    assert (answer["accepted"], answer["rejected"]) == (2, 2)
    assert [each["index"] for each in answer["rejections"]] == [1, 2]
    assert answer["rejections"][0]["reason"] == "at: Input should have timezone info"
    assert set(ids(client)) == {"a", "c"}


def test_a_body_without_a_good_event_is_refused(client: TestClient) -> None:
    for body in ({"changes": [{"id": "x"}]}, {"changes": {}}, {}, [], {"changes": [1]}):
        answer = client.post("/v1/changes", json=body)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert client.post("/v1/changes", json={"changes": []}).json()["accepted"] == 0
    assert ids(client) == []


@pytest.mark.parametrize(
    ("fields", "stored"),
    [
        ({"status": "failure"}, False),
        ({"state": "pending"}, False),
        ({"status": "success", "environment": "staging"}, False),
        ({"environment": "non-production"}, False),
        ({"status": "Success", "environment": "Production"}, True),
        ({"environment": "prod-eu"}, True),
        ({"environment": "生产"}, True),
        ({}, True),
    ],
)
def test_only_what_reached_production_is_a_change(
    client: TestClient, fields: dict[str, str], stored: bool
) -> None:
    answer = client.post("/v1/changes", json={"changes": [a_change("one", **fields), a_change("two")]}).json()
    assert set(ids(client)) == ({"one", "two"} if stored else {"two"})
    assert answer["rejected"] == (not stored)


def a_status(**fields: object) -> dict[str, Any]:
    status = {"state": "success", "environment": "production", "created_at": AT} | fields
    return {
        "action": "created",
        "deployment": {"id": 7, "sha": "f95f852bd8fca8fcc58a9a2d6c842781e32a215e", "ref": "main"},
        "deployment_status": status,
        "repository": {"name": "pay", "full_name": "bank/pay"},
    }


def test_a_deployment_of_github_is_a_change_once_it_succeeded(client: TestClient) -> None:
    created = {name: value for name, value in a_status().items() if name != "deployment_status"}
    for none in (created, a_status(state="pending"), a_status(state="failure"), a_status(environment="qa")):
        answer = client.post("/v1/changes", json=none)
        assert (answer.status_code, answer.json()["accepted"], answer.json()["rejected"]) == (200, 0, 1)
    for n_new in (1, 0):
        assert client.post("/v1/changes", json=a_status()).json()["accepted"] == n_new
    (change,) = client.get("/v1/changes").json()["changes"]
    assert (change["item"], change["at"], change["summary"]) == ("bank/pay", AT, "main f95f852bd8fc")


def test_a_published_sample_of_github_is_read(client: TestClient, public_data: Path) -> None:
    body = (public_data / "payloads" / "github" / "deployment_status.json").read_bytes()
    answer = client.post("/v1/changes", content=body).json()
    assert (answer["accepted"], answer["unknown_items"]) == (1, ["Hello-World"])
