from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from schemathesis import checks
from schemathesis.core.result import Ok
from service_builders import LOCAL, a_bundle, a_service, a_webhook
from service_recording import recorded

from service.http.openapi import EXAMPLES as ANSWERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi.testclient import TestClient
    from schemathesis.specs.openapi.schemas import OpenApiSchema

N_OPERATIONS = 38
EXAMPLES = 20
FORMS = ("/incidents/1/verdict", "/sign-in", "/sign-out")
NAMES = st.sampled_from(["cause", "other", "note", "token", "to"])
VALUES = st.sampled_from(["none", "another item", "item:", "/", "//x", "\x00"]) | st.text()
CHECKS = (
    checks.not_a_server_error,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.status_code_conformance,
)

schemathesis.serializer.alias("application/x-protobuf", "application/octet-stream")
schemathesis.serializer.alias("application/x-ndjson", "text/plain")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    directory = tmp_path_factory.mktemp("fuzzed")
    with a_service(directory, bundle=a_bundle()) as running:
        running.post("/v1/alerts", json=a_webhook()).raise_for_status()
        yield running


@pytest.fixture(scope="module")
def schema(client: TestClient) -> OpenApiSchema:
    return schemathesis.openapi.from_dict(client.get("/openapi.json").json())


def test_no_request_makes_the_service_fail_or_answer_what_it_did_not_declare(
    client: TestClient, schema: OpenApiSchema
) -> None:
    operations = list(schema.get_all_operations())
    assert len(operations) == N_OPERATIONS
    n_answered = 0
    for found in operations:
        assert isinstance(found, Ok)
        operation = found.ok()

        @seed(20260304)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def answered(case: Any) -> None:
            asked = requests.Request(**case.as_transport_kwargs(base_url=LOCAL)).prepare()
            headers = {name: value for name, value in asked.headers.items() if name != "Content-Length"}
            answer = client.request(str(asked.method), str(asked.url), headers=headers, content=asked.body)  # type: ignore[arg-type]
            case.validate_response(answer, checks=list(CHECKS))
            nonlocal n_answered
            n_answered += 1

        answered()
    assert n_answered >= EXAMPLES


@seed(20260304)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    path=st.sampled_from(FORMS),
    body=st.binary(max_size=200)
    | st.lists(st.tuples(NAMES, VALUES), max_size=30).map(
        lambda fields: urlencode(fields, errors="replace").encode()
    ),
)
def test_no_form_makes_a_page_fail(client: TestClient, path: str, body: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = client.post(path, content=body, headers=headers, follow_redirects=False)
    assert answer.status_code in {303, 422}
    if answer.status_code == 303:
        to = answer.headers["location"]
        assert to.startswith("/")
        assert not to.startswith(("//", "/\\"))


@given(offset=st.text(max_size=20), to=st.text(max_size=20))
@settings(max_examples=EXAMPLES, deadline=None, database=None)
@seed(20260304)
def test_no_query_makes_a_page_fail(client: TestClient, offset: str, to: str) -> None:
    for path, query in (("/", {"offset": offset}), ("/sign-in", {"to": to}), ("/docs", {"offset": offset})):
        assert client.get(path, params=query).status_code in {200, 422}


def test_the_examples_of_answers_look_like_what_a_service_answers(tmp_path: Path) -> None:
    assert shape(recorded(tmp_path)) == shape(json.loads(ANSWERS.read_text(encoding="utf-8")))


def shape(document: Any) -> Any:
    """Names and kinds of values: what they are may change with the ranker and the version."""
    if isinstance(document, dict):
        return {name: shape(each) if name != "figures" else {} for name, each in document.items()}
    if isinstance(document, list):
        return [shape(each) for each in document[:1]]
    return type(document)


def test_every_route_is_described_with_examples_and_problems(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    operations = [
        (path, method, each)
        for path, methods in document["paths"].items()
        for method, each in methods.items()
    ]
    tags = {each["name"] for each in document["tags"]}
    for path, method, operation in operations:
        assert set(operation["tags"]) <= tags, path
        assert operation["summary"], path
        assert operation["description"], path
        answers = operation["responses"]["200"]["content"].values()
        [answer] = [each for each in answers if each["schema"].get("format") != "binary"]
        assert "example" in answer, path
        problem = operation["responses"]["default"]["content"]["application/problem+json"]
        assert problem["schema"]["$ref"] == "#/components/schemas/Problem"
        if method == "post":
            content = next(iter(operation["requestBody"]["content"].values()))
            name = content["schema"].get("$ref", "").rpartition("/")[2]
            assert content.get("examples") or document["components"]["schemas"][name]["examples"], path


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/v1/incidents/", 404),
        ("PUT", "/v1/incidents", 405),
        ("DELETE", "/", 405),
        ("GET", "/v1/incidents?limit=0", 422),
        ("GET", "/v1/incidents/99999999999999999999", 422),
        ("GET", "/v1/incidents/%00", 422),
        ("GET", "/v1/changes?item=%ff%00", 200),
        ("GET", "/v1/cmdb/items/%ff", 404),
    ],
)
def test_what_no_route_answers_is_a_problem_too(
    client: TestClient, method: str, path: str, status: int
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
