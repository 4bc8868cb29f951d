from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from builders import ONSET
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from service_builders import a_bundle, a_client, a_cmdb, an_app

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi.testclient import TestClient

ONSET_MS = int(ONSET.timestamp() * 1000)
NS = f"{ONSET_MS}000000"
LINE = {"service": "order", "time_ms": ONSET_MS, "level": "warn", "message": "order 17 is late"}


def lines(*records: object) -> bytes:
    return "\n".join(json.dumps(each) for each in records).encode()


def loki(labels: dict[str, Any], *values: Any) -> bytes:
    return json.dumps({"streams": [{"stream": labels, "values": list(values)}]}).encode()


def otlp(*records: Any, service: str = "order") -> bytes:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    scope = [{"scope": {"name": "o.s.Orders"}, "logRecords": list(records)}]
    return json.dumps({"resourceLogs": [{"resource": resource, "scopeLogs": scope}]}).encode()


@pytest.fixture
def client(tmp_path: Path) -> Any:
    with a_client(an_app(tmp_path, bundle=a_bundle())) as running:
        running.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
        yield running


def stored_lines(client: TestClient) -> list[tuple[str, str, str]]:
    """Service, severity and text of every line the service holds."""
    history = client.app.state.rooms.logs.history  # type: ignore[attr-defined]
    return [
        (*logs.streams[stream][:2], body)
        for _, logs in history.replay()
        for stream, body in zip(logs.stream.tolist(), logs.bodies, strict=True)
    ]


def test_every_sender_s_line_becomes_the_same_record(client: TestClient) -> None:
    record = {"timeUnixNano": NS, "severityNumber": 13, "body": {"stringValue": "order 17 is late"}}
    posted = {
        "/v1/logs": lines(LINE),
        "/loki/api/v1/push": loki({"service_name": "order", "level": "warn"}, [NS, "order 17 is late"]),
        "/otlp/v1/logs": otlp(record),
    }
    answers = {path: client.post(path, content=body).json() for path, body in posted.items()}
    assert answers["/v1/logs"]["accepted"] == answers["/loki/api/v1/push"]["accepted"] == 1
    assert answers["/otlp/v1/logs"] == {}
    assert stored_lines(client) == [("order", "WARN", "order 17 is late")] * 3


def test_a_bad_line_costs_only_itself_and_is_reported(client: TestClient) -> None:
    wrong = [
        {**LINE, "service": None},
        {**LINE, "time_ms": ONSET_MS - 8 * 86_400_000},
        {**LINE, "time_ms": ONSET_MS + 86_400_000},
        {**LINE, "time_ms": "soon"},
        {**LINE, "message": "x" * 2**20},
    ]
    outcome = client.post("/v1/logs", content=lines(LINE, *wrong) + b"\n\x00\xff\x89PNG\n").json()
    assert (outcome["accepted"], outcome["rejected"]) == (1, 6)
    reasons = " / ".join(each["reason"] for each in outcome["rejections"])
    for word in ("older", "future", "name the service", "no time", "limit", "not JSON"):
        assert word in reasons
    metrics = client.get("/metrics").text
    for outcome, count in {
        "accepted": 1,
        "rejected": 3,
        "too_old": 1,
        "too_new": 1,
        "without_service": 1,
    }.items():
        assert f'sunspot_log_lines_total{{outcome="{outcome}"}} {count}.0' in metrics


def test_wrong_bytes_are_replaced_and_counted(client: TestClient) -> None:
    body = (
        lines(LINE).replace(b"late", b"\xff\xfe") + b"\n" + lines({**LINE, "message": "half \ud800 a letter"})
    )
    outcome = client.post("/v1/logs", content=body).json()
    assert (outcome["accepted"], outcome["garbled"]) == (2, 1)
    assert [text for _, _, text in stored_lines(client)] == ["order 17 is \ufffd\ufffd", "half ? a letter"]


def test_gzip_is_unpacked_and_binary_forms_are_refused(client: TestClient) -> None:
    packed = client.post("/v1/logs", content=gzip.compress(lines(LINE)), headers={"content-encoding": "gzip"})
    assert packed.json()["accepted"] == 1
    for path in ("/loki/api/v1/push", "/otlp/v1/logs"):
        answer = client.post(path, content=b"\x0a", headers={"content-type": "application/x-protobuf"})
        assert (answer.status_code, answer.json()["type"]) == (415, "urn:sunspot:problem:bad-media-type")


@pytest.mark.parametrize("path", ["/loki/api/v1/push", "/otlp/v1/logs"])
@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"streams": 3, "resourceLogs": 3}', b"[" * 100_000])
def test_a_document_that_is_none_is_a_problem(client: TestClient, path: str, body: bytes) -> None:
    answer = client.post(path, content=body)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:sunspot:problem:bad-batch")


def test_an_export_reports_what_it_did_not_deliver(client: TestClient) -> None:
    good = {"timeUnixNano": "0", "observedTimeUnixNano": NS, "body": {"stringValue": "fine"}}
    outcome = client.post("/otlp/v1/logs", content=otlp(good, {"timeUnixNano": "x"}, 7)).json()[
        "partialSuccess"
    ]
    assert outcome["rejectedLogRecords"] == "2"
    assert "no time" in outcome["errorMessage"]


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(NS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "streams",
                    "stream",
                    "values",
                    "resourceLogs",
                    "resource",
                    "attributes",
                    "scopeLogs",
                    "scope",
                    "logRecords",
                    "body",
                    "key",
                    "value",
                    "stringValue",
                    "kvlistValue",
                    "timeUnixNano",
                    "app",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with a_client(an_app(tmp_path_factory.mktemp("fuzzed"))) as running:
        yield running


@seed(20260304)
@settings(max_examples=80, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    path=st.sampled_from(["/v1/logs", "/loki/api/v1/push", "/otlp/v1/logs"]),
    body=st.binary(max_size=100)
    | ANY.map(lambda each: json.dumps(each).encode())
    | st.lists(ANY, max_size=3).map(lambda each: loki({"app": "order"}, *each))
    | st.lists(ANY, max_size=3).map(lambda each: otlp(*each)),
)
def test_no_body_makes_the_intake_fail(fuzzed: TestClient, path: str, body: bytes) -> None:
    assert fuzzed.post(path, content=body).status_code in {200, 400}
