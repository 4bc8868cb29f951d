from __future__ import annotations

from itertools import pairwise
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


def test_nothing_good_is_replaced_by_less_without_being_asked(client: TestClient) -> None:
    names = [f"s{number}" for number in range(120)]
    whole = a_cmdb(items=names, edges=list(pairwise(names)))
    version = client.post("/v1/cmdb", json=whole).json()["graph_version"]
    for less, reason in (
        (a_cmdb(items=names, edges=()), "all 119 edges would be gone"),
        (a_cmdb(items=names[:100], edges=list(pairwise(names[:100]))), "20 of 120 items"),
        (a_cmdb(items=names, edges=list(pairwise(names[:90]))), "30 of 119 edges"),
    ):
        refused = client.post("/v1/cmdb", json=less)
        assert (refused.status_code, refused.json()["title"]) == (409, "Much less than the graph in use")
        assert reason in refused.json()["detail"]
        assert client.post("/v1/cmdb?dry_run=true", json=less).status_code == 200
        assert client.get("/v1/cmdb").json()["graph_version"] == version
    a_little = a_cmdb(items=names[:115], edges=list(pairwise(names[:115])))
    found = client.post("/v1/cmdb", json=a_little).json()["difference"]
    assert (found["items_retired"], found["retired"]) == (5, ["s115", "s116", "s117", "s118", "s119"])
    assert found["edges_retired"] == 5
    assert client.post("/v1/cmdb?allow_shrink=true", json=a_cmdb()).status_code == 200


def test_importing_twice_changes_nothing_and_says_so(client: TestClient) -> None:
    first = client.post("/v1/cmdb", json=a_cmdb()).json()
    again = client.post("/v1/cmdb", json=a_cmdb()).json()
    assert again["graph_version"] == first["graph_version"]
    assert first["difference"]["items_added"] > 0
    assert not any(again["difference"].values())


def test_a_document_of_another_system_is_read(client: TestClient) -> None:
    answer = client.post("/v1/cmdb", json={"data": [{"parent": "web", "child": "order", "callCount": 7}]})
    assert answer.json()["notes"] == ["read as a document of jaeger: parent → child"]
    assert client.get("/v1/cmdb/items/web/dependencies").json()["items"] == ["order"]


@pytest.mark.parametrize("walk", ["", "/dependencies", "/dependents"])
def test_an_unknown_item_is_a_problem(client: TestClient, walk: str) -> None:
    answer = client.get(f"/v1/cmdb/items/ghost{walk}")
    assert answer.status_code == 404
    assert "ghost" in answer.json()["detail"]


def test_the_last_version_survives_a_restart_and_an_earlier_one_can_come_back(tmp_path: Path) -> None:
    with a_client(an_app(tmp_path)) as client:
        old = client.post("/v1/cmdb", json=a_cmdb()).json()["graph_version"]
        solo = a_cmdb(items=("solo",), edges=())
        new = client.post("/v1/cmdb?allow_shrink=true", json=solo).json()["graph_version"]
    app = an_app(tmp_path)
    cmdb = app.state.rooms.cmdb
    with a_client(app) as client:
        assert client.get("/v1/cmdb").json()["graph_version"] == new
        client.post("/v1/cmdb", json=a_cmdb())
        assert cmdb.current.graph.version == old
