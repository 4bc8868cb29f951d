from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from builders import ONSET
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from service_builders import a_bundle, a_client, a_cmdb, an_app

from telemetry.wire.loki_push_pb2 import Entry, Instant, Push, Stream

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi.testclient import TestClient

PROTOBUF = {"content-type": "application/x-protobuf"}
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


def push(labels: str, *sent: bytes) -> bytes:
    entries = [Entry(at=Instant(seconds=ONSET_MS // 1000), line=line) for line in sent]
    packed: bytes = Push(streams=[Stream(labels=labels.encode(), entries=entries)]).SerializeToString()
    return packed


def attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def export(resource: dict[str, str], *sent: str) -> bytes:
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    for key, value in resource.items():
        resource_logs.resource.attributes.add(key=key).value.string_value = value
    records = resource_logs.scope_logs.add().log_records
    for line in sent:
        records.add(time_unix_nano=int(NS), severity_number=13).body.string_value = line
    packed: bytes = request.SerializeToString()
    return packed


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


def test_gzip_is_unpacked_and_a_binary_form_of_our_own_is_refused(client: TestClient) -> None:
    packed = client.post("/v1/logs", content=gzip.compress(lines(LINE)), headers={"content-encoding": "gzip"})
    assert packed.json()["accepted"] == 1
    answer = client.post("/v1/logs", content=b"\x0a", headers=PROTOBUF)
    assert (answer.status_code, answer.json()["type"]) == (415, "urn:sunspot:problem:bad-media-type")


def test_promtail_s_form_becomes_the_same_record(client: TestClient) -> None:
    sent = push('{app="order", level="warn"}', b"order 17 is late")
    for body in (pa.Codec("snappy").compress(sent, asbytes=True), sent):  # packed, or unpacked before
        assert client.post("/loki/api/v1/push", content=body, headers=PROTOBUF).json()["accepted"] == 1
    assert stored_lines(client) == [("order", "WARN", "order 17 is late")] * 2


def test_a_line_in_another_encoding_costs_no_other(client: TestClient) -> None:
    sent = push('{app="order"}', "委托失败".encode("gb18030"), b"\xff", b"fine")
    answer = client.post("/loki/api/v1/push", content=sent, headers=PROTOBUF).json()
    assert (answer["accepted"], answer["garbled"]) == (3, 1)
    request = export({"service.name": "order"}, "late", "DDDD").replace(b"DDDD", "失败".encode("gb18030"))
    assert client.post("/otlp/v1/logs", content=request, headers=PROTOBUF).status_code == 200
    assert [text for _, _, text in stored_lines(client)] == ["委托失败", "\ufffd", "fine", "late", "失败"]


def test_an_export_in_protocol_buffers_is_answered_in_them(client: TestClient) -> None:
    good = client.post("/otlp/v1/logs", content=export({"service.name": "order"}, "late"), headers=PROTOBUF)
    assert (good.headers["content-type"], good.content) == (PROTOBUF["content-type"], b"")
    bad = client.post("/otlp/v1/logs", content=export({}, "late"), headers=PROTOBUF)
    partial = ExportLogsServiceResponse.FromString(bad.content).partial_success
    assert partial.rejected_log_records == 1
    assert "name the service" in partial.error_message
    assert stored_lines(client) == [("order", "WARN", "late")]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/loki/api/v1/push", b"\x0a\x10"),
        ("/loki/api/v1/push", b"\xff\xff\xff\xff\x0f"),  # claims four GiB
        ("/otlp/v1/logs", b"\x0a\x10"),
        ("/otlp/v1/logs", b"{}"),
    ],
)
def test_bytes_that_are_no_message_are_a_problem(client: TestClient, path: str, body: bytes) -> None:
    answer = client.post(path, content=body, headers=PROTOBUF)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:sunspot:problem:bad-batch")


@pytest.mark.parametrize(
    ("resource", "record"),
    [
        ({"k8s.deployment.name": "order", "k8s.pod.name": "order-558-66fdv"}, {}),
        ({"k8s.container.name": "order"}, {}),
        ({"k8s.statefulset.name": "order"}, {}),
        ({"host.name": "order"}, {}),
        ({"service.name": "unknown_service:java", "k8s.container.name": "order"}, {}),
        ({}, {"attributes": [attribute("service.name", "order")]}),
        ({}, {"body": {"stringValue": '{"log": "late", "kubernetes": {"labels": {"app": "order"}}}'}}),
        ({}, {"body": {"kvlistValue": {"values": [attribute("app", "order"), attribute("msg", "late")]}}}),
        ({"service.name": "order"}, {"body": {"arrayValue": {"values": [{"stringValue": "late"}]}}}),
    ],
)
def test_an_export_names_its_service_in_many_places(
    client: TestClient, resource: dict[str, str], record: dict[str, Any]
) -> None:
    record = {"timeUnixNano": NS, "body": {"stringValue": "late"}, **record}
    attributes = [attribute(*each) for each in resource.items()]
    body = {"resource": {"attributes": attributes}, "scopeLogs": [{"logRecords": [record]}]}
    assert client.post("/otlp/v1/logs", json={"resourceLogs": [body]}).json() == {}
    assert stored_lines(client) == [("order", "", "late")]


def test_a_stream_may_be_named_by_any_usual_label(client: TestClient) -> None:
    labels = (
        "job container k8s_container_name service_name app_kubernetes_io_name host unit pod compose_service"
    )
    for label in [*labels.split(), "container_name", "filename"]:
        answer = client.post("/loki/api/v1/push", content=loki({label: "order"}, [NS, "late"])).json()
        assert answer["accepted"] == 1, label


@pytest.mark.parametrize(
    ("labels", "metadata"),
    [
        ({"app": "order", "detected_level": "error"}, {}),
        ({"app": "order"}, {"severity_number": "17"}),
        ({"app": "order"}, {"severity_text": "ERROR"}),
    ],
)
def test_the_level_may_be_a_label(
    client: TestClient, labels: dict[str, str], metadata: dict[str, str]
) -> None:
    client.post("/loki/api/v1/push", content=loki(labels, [NS, "late", metadata])).raise_for_status()
    assert stored_lines(client) == [("order", "ERROR", "late")]


def test_arrays_marks_and_other_encodings_are_read(client: TestClient) -> None:
    text = json.dumps([LINE, {**LINE, "message": "委托失败"}], ensure_ascii=False)
    for encoding in ("utf-8", "utf-8-sig", "gb18030", "utf-16"):
        answer = client.post("/v1/logs", content=text.encode(encoding)).json()
        assert (answer["accepted"], answer["garbled"]) == (2, 0)
    assert [body for _, _, body in stored_lines(client)] == ["order 17 is late", "委托失败"] * 4


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
    path=st.sampled_from(["/v1/logs", "/loki/api/v1/push", "/otlp/v1/logs", "/elasticsearch/_bulk"]),
    body=st.binary(max_size=100)
    | ANY.map(lambda each: json.dumps(each).encode())
    | st.lists(ANY, max_size=3).map(lambda each: loki({"app": "order"}, *each))
    | st.lists(ANY, max_size=3).map(lambda each: otlp(*each)),
)
def test_no_body_makes_the_intake_fail(fuzzed: TestClient, path: str, body: bytes) -> None:
    assert fuzzed.post(path, content=body).status_code in {200, 400}


@seed(20260304)
@settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    path=st.sampled_from(["/loki/api/v1/push", "/otlp/v1/logs"]),
    body=st.binary(max_size=100),
    sent=st.lists(st.binary(max_size=20), max_size=3),
    cut=st.integers(0, 40),
)
def test_no_message_makes_the_intake_fail(
    fuzzed: TestClient, path: str, body: bytes, sent: list[bytes], cut: int
) -> None:
    request = export({"app": "order"}, body.hex())
    for each in (body, push('{app="order"}', *sent)[cut:], request[: len(request) - cut]):
        assert fuzzed.post(path, content=each, headers=PROTOBUF).status_code in {200, 400}
