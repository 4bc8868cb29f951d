"""Log lines in: as JSON lines, as to Grafana Loki, and by OpenTelemetry's protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Request, Response

from service.dependencies import Logs, RawBody, ServiceMetrics, ServiceSettings
from service.errors import BadMediaTypeError
from service.http.problems import BODY_ERRORS, READ_ERRORS, problems
from service.http.writer_gate import WRITES_SIGNALS
from service.receiving import receive_lines
from service.routes.log_documents import ExportLogsOut, LogsOut
from service.routes.request_bodies import LINES_BODY, OTLP_BODY, PUSH_BODY
from telemetry.decoders import json_logs, loki_logs, otlp_logs
from telemetry.errors import BadBatchError

if TYPE_CHECKING:
    from service.logs.room import LogsRoom
    from service.metrics import Metrics
    from service.settings import Settings
    from telemetry.decoders.gathering_logs import DecodedLogs

router = APIRouter(tags=["signals"], dependencies=[WRITES_SIGNALS])

ANSWERS = problems(BadBatchError, BadMediaTypeError, *BODY_ERRORS, *READ_ERRORS)


PROTOBUF = "application/x-protobuf"


async def _media_type_of(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


MediaType = Annotated[str, Depends(_media_type_of)]


async def _text_of(request: Request, media_type: MediaType) -> bytes:
    """Return the body, unless its media type is a binary one."""
    if "protobuf" in media_type or "snappy" in media_type:
        raise BadMediaTypeError(media_type)
    return await request.body()


Text = Annotated[bytes, Depends(_text_of)]


@router.post("/v1/logs", openapi_extra=LINES_BODY, responses=ANSWERS)
def send_logs(logs: Logs, metrics: ServiceMetrics, settings: ServiceSettings, body: Text) -> LogsOut:
    """Send log lines as JSON, one object a line.

    The answer comes when every accepted line is on disk, and reports the others.
    `Content-Encoding: gzip` is understood.
    """
    decoded = json_logs.decode(body, service_keys=settings.service_labels)
    return _receive(decoded, logs, metrics, settings)


@router.post("/loki/api/v1/push", openapi_extra=PUSH_BODY, responses=ANSWERS)
def push_logs(
    logs: Logs, metrics: ServiceMetrics, settings: ServiceSettings, media_type: MediaType, body: RawBody
) -> LogsOut:
    """Push log lines as to Grafana Loki, in JSON or in Protocol Buffers packed by snappy.

    A label names the service; a setting lists the labels that may. `Content-Encoding: gzip` is understood.
    """
    decode = loki_logs.decode_packed if media_type == PROTOBUF else loki_logs.decode
    decoded = decode(body, service_keys=settings.service_labels, max_bytes=settings.body_limit_bytes)
    return _receive(decoded, logs, metrics, settings)


@router.post(
    "/otlp/v1/logs",
    openapi_extra=OTLP_BODY,
    responses=ANSWERS | {200: {"content": {PROTOBUF: {"schema": {"type": "string", "format": "binary"}}}}},
    response_model=ExportLogsOut,
    response_model_exclude_none=True,
)
def export_logs(
    logs: Logs, metrics: ServiceMetrics, settings: ServiceSettings, media_type: MediaType, body: RawBody
) -> ExportLogsOut | Response:
    """Export log lines by OpenTelemetry's protocol: a sender's endpoint is the address with `/otlp`.

    In JSON or Protocol Buffers, and so is the answer. An attribute such as `service.name` or
    `k8s.deployment.name`, of the resource or of a record, names the service. `Content-Encoding: gzip` is
    understood.
    """
    is_binary = media_type == PROTOBUF
    decode = otlp_logs.decode_protobuf if is_binary else otlp_logs.decode
    decoded = decode(body, service_keys=settings.service_labels, max_bytes=settings.body_limit_bytes)
    answer = ExportLogsOut.of(_receive(decoded, logs, metrics, settings))
    return Response(answer.packed(), media_type=PROTOBUF) if is_binary else answer


def _receive(decoded: DecodedLogs, logs: LogsRoom, metrics: Metrics, settings: Settings) -> LogsOut:
    return LogsOut.of(decoded, receive_lines(decoded, logs, metrics), settings)
