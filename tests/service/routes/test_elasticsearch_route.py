from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from builders import ONSET
from service_builders import a_bundle, a_client, a_cmdb, an_app

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi.testclient import TestClient

AT = ONSET.isoformat()
DOCUMENT = {"@timestamp": AT, "service": {"name": "order"}, "log": {"level": "warn"}, "message": "late"}


@pytest.fixture
def client(tmp_path: Path) -> Any:
    with a_client(an_app(tmp_path, bundle=a_bundle())) as running:
        running.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
        yield running


def bulk(*lines: object) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in lines)


@pytest.mark.parametrize(
    "path", ["/elasticsearch/_bulk", "/elasticsearch/logs/_bulk", "/_bulk", "/logs/_bulk"]
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_documents_are_stored_and_answered_one_by_one(client: TestClient, path: str, method: str) -> None:
    body = bulk(
        *({"create": {"_index": "a", "_id": "17"}}, DOCUMENT),
        *({"index": {}}, {**DOCUMENT, "message": "later"}),
        *({"update": {"_id": "x"}}, {"doc": DOCUMENT}),
        {"delete": {"_id": "y"}},
        *({"create": {}}, {"message": "no time"}),
        *({"create": {}}, {"@timestamp": AT, "message": "nobody's"}),
        *({"create": {}}, {**DOCUMENT, "@timestamp": "2020-01-01T00:00:00Z"}),
        *({"create": {}}, DOCUMENT),
    )
    headers = {"content-type": "application/x-ndjson"}
    answer = client.request(method, path, content=body, headers=headers)
    assert answer.headers["x-elastic-product"] == "Elasticsearch"
    document = answer.json()
    assert (document["took"], document["errors"]) == (0, True)
    items = [(action, item["status"]) for each in document["items"] for action, item in each.items()]
    assert [status for _, status in items] == [201, 201, 201, 404, 400, 400, 400, 201]
    first = document["items"][0]["create"]
    assert first == {"_index": "a", "_id": "17", "status": 201, "result": "created"}
    reasons = [
        item["error"]["reason"] for each in document["items"] for item in each.values() if "error" in item
    ]
    for reason, word in zip(reasons, ("no time", "name the service", "older"), strict=True):
        assert word in reason
    metrics = client.get("/metrics").text
    assert 'sunspot_log_lines_total{outcome="accepted"} 4.0' in metrics


@pytest.mark.parametrize(
    "body",
    [b"x\n", b'{"create": {}}\n', b'{"create": {}, "index": {}}\n{}\n', b'{"drop": {}}\n{}\n', b"[1]\n{}\n"],
)
def test_actions_that_cannot_be_told_from_documents_are_a_problem(client: TestClient, body: bytes) -> None:
    answer = client.post("/elasticsearch/_bulk", content=body)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:sunspot:problem:bad-batch")


def test_a_document_that_is_no_json_costs_only_itself(client: TestClient) -> None:
    body = b'{"create": {}}\n{"message": \n' + bulk({"create": {}}, DOCUMENT)
    items = client.post("/elasticsearch/_bulk", content=body).json()["items"]
    assert [each["create"]["status"] for each in items] == [400, 201]
    assert client.post("/elasticsearch/_bulk", content=b"").json() == {
        "took": 0,
        "errors": False,
        "items": [],
    }


@pytest.mark.parametrize("path", ["", "/"])
def test_clients_are_told_a_version_and_the_product(client: TestClient, path: str) -> None:
    answer = client.get(f"/elasticsearch{path}")
    assert int(answer.json()["version"]["number"].partition(".")[0]) >= 9
    assert answer.headers["x-elastic-product"] == "Elasticsearch"
    assert client.head(f"/elasticsearch{path}").status_code == 200


def test_clients_are_told_a_licence_and_a_health(client: TestClient) -> None:
    for path in ("_license", "_xpack"):
        assert client.get(f"/elasticsearch/{path}").json()["license"]["status"] == "active"
    assert client.get("/elasticsearch/_cluster/health").json()["status"] == "green"


def test_a_token_may_be_a_password_or_an_api_key(client: TestClient) -> None:
    tokens = client.app.state.rooms.access.gate._tokens  # type: ignore[attr-defined]
    secret, reader = (tokens.create(each, [each], at=ONSET, who="test") for each in ("ingest", "read"))
    named, wrong = (base64.b64encode(f"shipper:{each}".encode()).decode() for each in (secret, "x"))
    expected = {
        f"Basic {named}": 200,
        f"ApiKey {named}": 200,
        f"ApiKey {secret}": 200,
        f"Bearer {secret}": 200,
        f"Bearer {reader}": 403,
        f"Basic {wrong}": 401,
        "Basic ===": 401,
        "": 401,
    }
    for authorization, status in expected.items():
        headers = {"authorization": authorization}
        assert client.get("/elasticsearch", headers=headers).status_code == status, authorization
        answer = client.post("/elasticsearch/_bulk", content=b"", headers=headers)
        assert answer.status_code == status, authorization


def test_names_with_half_a_surrogate_pair_are_answered(client: TestClient) -> None:
    body = bulk({"create": {"_index": "a\ud800", "_id": "\udfff"}}, DOCUMENT)
    answer = client.post("/elasticsearch/_bulk", content=body)
    assert answer.status_code == 200
    assert answer.json()["items"] == [
        {"create": {"_index": "a?", "_id": "?", "status": 201, "result": "created"}}
    ]
