from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from service_builders import a_client, a_cmdb, an_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi.testclient import TestClient


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with a_client(an_app(tmp_path)) as running:
        yield running


def test_a_document_becomes_the_graph_and_the_report_lists_what_was_left_out(client: TestClient) -> None:
    document = a_cmdb(items=("a", "b/c"), edges=(("a", "b/c"), ("a", "a"), ("a", "ghost")))
    report = client.post("/v1/cmdb", json=document).json()
    assert (report["items"], report["edges"], report["rejected"]) == (2, 1, 2)
    assert {each["table"] for each in report["rejections"]} == {"edges"}
    assert client.get("/v1/cmdb/items/a/dependencies").json()["items"] == ["b/c"]
    assert client.get("/v1/cmdb/items/b/c/dependents").json()["items"] == ["a"]
    assert client.get("/v1/cmdb/items/b/c").json()["name"] == "B/c"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"items": [',
        b'{"items": 3}',
        b'{"items": {}, "edges": []}',
        b'{"items": [], "edges": []}',
    ],
)
def test_a_bad_document_changes_nothing(client: TestClient, body: bytes) -> None:
    version = client.post("/v1/cmdb", json=a_cmdb()).json()["graph_version"]
    answer = client.post("/v1/cmdb", content=body)
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"
    assert client.get("/v1/cmdb").json()["graph_version"] == version


@pytest.mark.parametrize("walk", ["", "/dependencies", "/dependents"])
def test_an_unknown_item_is_a_problem(client: TestClient, walk: str) -> None:
    answer = client.get(f"/v1/cmdb/items/ghost{walk}")
    assert answer.status_code == 404
    assert "ghost" in answer.json()["detail"]


def test_the_last_version_survives_a_restart_and_an_earlier_one_can_come_back(tmp_path: Path) -> None:
    with a_client(an_app(tmp_path)) as client:
        old = client.post("/v1/cmdb", json=a_cmdb()).json()["graph_version"]
        new = client.post("/v1/cmdb", json=a_cmdb(items=("solo",), edges=())).json()["graph_version"]
    app = an_app(tmp_path)
    cmdb = app.state.rooms.cmdb
    with a_client(app) as client:
        assert client.get("/v1/cmdb").json()["graph_version"] == new
        client.post("/v1/cmdb", json=a_cmdb())
        assert cmdb.current.graph.version == old
