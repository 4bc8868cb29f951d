"""OpenTelemetry's protocol over gRPC: real calls on loopback."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from builders import ONSET
from google.protobuf.any_pb2 import Any as PackedAny
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from service_builders import NOW, a_bundle, a_client, a_cmdb, an_app
from span_builders import a_span, an_export

from service.doors.grpc_callers import admitted
from service.doors.grpc_door import LONGEST_MESSAGE_S, GrpcDoor
from service.doors.grpc_status import refusal_of
from service.errors import BodyTooLargeError, ForeignHostError
from service.store.tokens import TokenStore
from telemetry.errors import HistoryWriteError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi.testclient import TestClient

ONSET_NS = int(ONSET.timestamp()) * 1_000_000_000
METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
LIMIT = 100_000
Code = grpc.StatusCode


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    app = an_app(tmp_path, bundle=a_bundle(), otlp_grpc_port=0, body_limit_bytes=LIMIT)
    with a_client(app) as running:
        running.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
        yield running


@pytest.fixture
def channel(client: TestClient) -> Iterator[grpc.Channel]:
    with a_channel(client) as channel:
        yield channel


@contextmanager
def a_channel(client: TestClient) -> Iterator[grpc.Channel]:
    port = client.app.state.doors.grpc.port  # type: ignore[attr-defined]
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.enable_http_proxy", 0)]) as channel:
        yield channel


def rooms_of(client: TestClient) -> Any:
    return client.app.state.rooms  # type: ignore[attr-defined]


def resource() -> dict[str, Any]:
    return {"attributes": [{"key": "service.name", "value": {"stringValue": "order"}}]}


def some_metrics(*times_ns: int) -> Any:
    points = [{"timeUnixNano": str(each), "asDouble": 0.25} for each in times_ns]
    metrics = [{"name": "memory", "unit": "1", "gauge": {"dataPoints": points}}]
    document = {"resourceMetrics": [{"resource": resource(), "scopeMetrics": [{"metrics": metrics}]}]}
    return ParseDict(document, ExportMetricsServiceRequest())


def some_lines(*times_ns: int, text: str = "order 17 placed") -> Any:
    records = [{"timeUnixNano": str(each), "body": {"stringValue": text}} for each in times_ns]
    document = {"resourceLogs": [{"resource": resource(), "scopeLogs": [{"logRecords": records}]}]}
    return ParseDict(document, ExportLogsServiceRequest())


@pytest.mark.parametrize("packing", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_metrics_are_in_the_window_when_they_are_answered(
    client: TestClient, channel: grpc.Channel, packing: grpc.Compression
) -> None:
    answer = MetricsServiceStub(channel).Export(some_metrics(ONSET_NS), compression=packing)
    assert not answer.HasField("partial_success")
    frame = rooms_of(client).signals.in_use.window.frame()
    assert (frame.keys, frame.values[-1, 0]) == ((("order", "memory_ratio"),), 0.25)


def test_what_cannot_be_stored_is_told(channel: grpc.Channel) -> None:
    told = MetricsServiceStub(channel).Export(some_metrics(ONSET_NS, 0)).partial_success
    assert told.rejected_data_points == 1
    assert "the time is not in the years" in told.error_message
    told = LogsServiceStub(channel).Export(some_lines(ONSET_NS, 1)).partial_success
    assert told.rejected_log_records == 1


def test_lines_are_masked_on_disk_when_they_are_answered(client: TestClient, channel: grpc.Channel) -> None:
    answer = LogsServiceStub(channel).Export(some_lines(ONSET_NS, text="password=hunter22"))
    assert answer == ExportLogsServiceResponse()
    stored = client.get("/metrics").text
    assert 'sunspot_log_lines_total{outcome="accepted"} 1.0' in stored
    directory = rooms_of(client).settings.data_dir
    assert b"hunter22" not in b"".join(each.read_bytes() for each in directory.rglob("*") if each.is_file())


def test_spans_are_with_their_traces_when_they_are_answered(
    client: TestClient, channel: grpc.Channel
) -> None:
    good = a_span(start_us=ONSET_NS // 1000)
    told = TraceServiceStub(channel).Export(an_export([good, good._replace(span_id=b"short")]))
    assert told.partial_success.rejected_spans == 1
    assert rooms_of(client).spans.memory.open.n_spans == 1


def refusal_by(call: Any, *args: Any, **options: Any) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as refused:
        call(*args, **options)
    return refused.value


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"\xff" * 10, Code.INVALID_ARGUMENT),
        (b"\n" * (LIMIT + 1), Code.RESOURCE_EXHAUSTED),
    ],
)
def test_a_bad_message_is_refused_for_good(
    client: TestClient, channel: grpc.Channel, message: bytes, code: grpc.StatusCode
) -> None:
    refused = refusal_by(channel.unary_unary(METRICS), message)
    assert refused.code() is code
    assert dict(refused.trailing_metadata()) == {}
    assert MetricsServiceStub(channel).Export(some_metrics(ONSET_NS)).ByteSize() == 0
    assert client.get("/readyz").json()["parts"]


def test_a_bomb_is_not_unpacked(channel: grpc.Channel) -> None:
    bomb = refusal_by(channel.unary_unary(METRICS), bytes(500 * LIMIT), compression=grpc.Compression.Gzip)
    assert bomb.code() is Code.RESOURCE_EXHAUSTED


def test_a_method_that_is_not_offered_is_said_to_be(channel: grpc.Channel) -> None:
    assert refusal_by(channel.unary_unary("/x.Y/Export"), b"").code() is Code.UNIMPLEMENTED


def test_a_sender_is_told_when_to_try_again_when_the_disk_refuses(
    client: TestClient, channel: grpc.Channel
) -> None:
    history = rooms_of(client).signals.history

    def refuse(_samples: object) -> int:
        raise HistoryWriteError(history.directory, OSError(28, "No space left on device"))

    whole, history.append = history.append, refuse
    refused = refusal_by(MetricsServiceStub(channel).Export, some_metrics(ONSET_NS))
    assert refused.code() is Code.UNAVAILABLE
    assert "No space left" in refused.details()
    details = dict(refused.trailing_metadata())["grpc-status-details-bin"]
    _, _, info = details.rpartition(b"\x1a" + bytes([len(details) - details.rindex(b"\x1a") - 2]))
    packed = PackedAny.FromString(info)
    assert packed.type_url == "type.googleapis.com/google.rpc.RetryInfo"
    assert Duration.FromString(packed.value[2:]).seconds == 5
    history.append = whole
    assert MetricsServiceStub(channel).Export(some_metrics(ONSET_NS)).ByteSize() == 0


def test_only_a_token_that_may_send_is_let_in(client: TestClient, channel: grpc.Channel) -> None:
    tokens = rooms_of(client).access.gate._tokens
    assert isinstance(tokens, TokenStore)
    may = tokens.create("collector", ["ingest"], at=NOW, who="test")
    may_not = tokens.create("reader", ["read"], at=NOW, who="test")
    export = MetricsServiceStub(channel).Export

    def code_of(*metadata: tuple[str, str]) -> grpc.StatusCode:
        code: grpc.StatusCode = refusal_by(export, some_metrics(ONSET_NS), metadata=metadata).code()
        return code

    assert code_of() is Code.UNAUTHENTICATED
    assert code_of(("authorization", "Bearer wrong")) is Code.UNAUTHENTICATED
    assert code_of(("authorization", f"Bearer {may_not}")) is Code.PERMISSION_DENIED
    assert export(some_metrics(ONSET_NS), metadata=(("authorization", f"Bearer {may}"),)).ByteSize() == 0
    assert list(rooms_of(client).signals.in_use.window.series_by_sender) == ["collector"]
    codes = [code_of() for _ in range(40)]
    assert codes[-1] is Code.RESOURCE_EXHAUSTED  # too many without a token


def test_an_open_service_answers_this_machine_alone(client: TestClient) -> None:
    rooms = rooms_of(client)
    assert admitted(rooms, "ipv6:%5B::1%5D:52808", [], METRICS).name == "local"
    with pytest.raises(ForeignHostError):
        admitted(rooms, "ipv4:192.0.2.7:50978", [], METRICS)


def test_a_refusal_for_good_has_no_details_and_a_fault_tells_nothing() -> None:
    assert refusal_of(BodyTooLargeError(5))[::2] == (Code.RESOURCE_EXHAUSTED, b"")
    fault = refusal_of(KeyError("secret"))
    assert fault.code is Code.INTERNAL
    assert "secret" not in fault.message


def test_a_message_that_does_not_arrive_is_given_up(tmp_path: Path) -> None:
    now_s = [0.0]

    class Call:
        is_cancelled = False

        def cancel(self) -> None:
            self.is_cancelled = True

    with a_client(an_app(tmp_path, bundle=a_bundle(), otlp_grpc_port=0)) as client:
        door = GrpcDoor(rooms_of(client), elapsed_s=lambda: now_s[0])
        call = Call()
        with door._arriving(call):
            door.sweep()
            assert not call.is_cancelled
            now_s[0] = LONGEST_MESSAGE_S + 1
            door.sweep()
            assert call.is_cancelled
        door.stop()


def test_it_is_off_unless_it_is_set(tmp_path: Path) -> None:
    with a_client(an_app(tmp_path, bundle=a_bundle())) as client:
        assert client.app.state.doors.grpc is None  # type: ignore[attr-defined]
        assert "grpc" not in client.get("/readyz").text


def test_its_health_is_shown(client: TestClient) -> None:
    assert "grpc" in client.get("/readyz").text


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"port {port}.*SUNSPOT_OTLP_GRPC_PORT"):
            an_app(tmp_path, bundle=a_bundle(), otlp_grpc_port=port)
