"""OpenTelemetry's metrics over HTTP: each request is answered in its own type, errors too."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from builders import ONSET
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from service_builders import a_bundle, a_client, a_cmdb, an_app

from telemetry.errors import HistoryWriteError
from telemetry.wire.rpc_status_pb2 import Status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi.testclient import TestClient

ONSET_MS = int(ONSET.timestamp() * 1000)
PATH = "/otlp/v1/metrics"
PROTOBUF, JSON = "application/x-protobuf", "application/json"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with a_client(an_app(tmp_path, bundle=a_bundle())) as running:
        running.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
        yield running


def an_export(*times_ms: int) -> dict[str, Any]:
    points = [{"timeUnixNano": str(each * 1_000_000), "asDouble": 0.25} for each in times_ms]
    return {
        "resourceMetrics": [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "order"}}]},
                "scopeMetrics": [
                    {"metrics": [{"name": "memory", "unit": "1", "gauge": {"dataPoints": points}}]}
                ],
            }
        ]
    }


def export(client: TestClient, document: dict[str, Any], media_type: str, **headers: str) -> Any:
    message = ParseDict(document, ExportMetricsServiceRequest())
    body = json.dumps(document).encode() if media_type == JSON else message.SerializeToString()
    if headers.get("Content-Encoding") == "gzip":
        body = gzip.compress(body)
    return client.post(PATH, content=body, headers={"Content-Type": media_type, **headers})


@pytest.mark.parametrize("media_type", [PROTOBUF, JSON])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_an_export_is_stored_and_answered_in_its_type(
    client: TestClient, media_type: str, encoding: str
) -> None:
    answer = export(client, an_export(ONSET_MS), media_type, **{"Content-Encoding": encoding})
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    assert answer.content == (b"{}" if media_type == JSON else b"")
    frame = client.app.state.rooms.signals.in_use.window.frame()  # type: ignore[attr-defined]
    assert (frame.keys, frame.values[-1, 0]) == ((("order", "memory_ratio"),), 0.25)


def test_a_partial_success_is_told_in_json(client: TestClient) -> None:
    answer = export(client, an_export(ONSET_MS, 0), JSON).json()
    assert answer["partialSuccess"]["rejectedDataPoints"] == "1"
    assert "the time is not in the years" in answer["partialSuccess"]["errorMessage"]


def test_a_partial_success_is_told_in_protocol_buffers(client: TestClient) -> None:
    answer = ExportMetricsServiceResponse.FromString(export(client, an_export(ONSET_MS, 0), PROTOBUF).content)
    assert answer.partial_success.rejected_data_points == 1
    assert "the time is not in the years" in answer.partial_success.error_message


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"\x00", {"Content-Type": PROTOBUF}, 400, 3),
        (b"{", {"Content-Type": JSON}, 400, 3),
        (b"", {"Content-Type": "text/plain"}, 415, 3),
        (b"x", {"Content-Type": PROTOBUF, "Content-Encoding": "br"}, 415, 3),
        (b"\xff\xff\xff\xff\x0f\0\0\0", {"Content-Type": PROTOBUF, "Content-Encoding": "snappy"}, 413, 3),
    ],
)
def test_errors_are_a_status_in_the_type_of_the_request(
    client: TestClient, content: bytes, headers: dict[str, str], status: int, code: int
) -> None:
    answer = client.post(PATH, content=content, headers=headers)
    assert answer.status_code == status
    if headers["Content-Type"] == PROTOBUF:
        assert answer.headers["content-type"] == PROTOBUF
        told = Status.FromString(answer.content)
        assert told.code == code
        assert told.message
    else:
        assert answer.headers["content-type"] == JSON
        assert answer.json()["code"] == code


def test_a_sender_tries_again_when_the_disk_refuses(client: TestClient) -> None:
    history = client.app.state.rooms.signals.history  # type: ignore[attr-defined]

    def refuse(_samples: object) -> int:
        raise HistoryWriteError(history.directory, OSError(28, "No space left on device"))

    history.append = refuse
    answer = export(client, an_export(ONSET_MS), PROTOBUF)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert Status.FromString(answer.content).code == 14
