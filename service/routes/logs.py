"""Log lines in, in the formats of three kinds of sender."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Request

from service.dependencies import Logs, ServiceMetrics, ServiceSettings
from service.errors import BadMediaTypeError
from service.http.problems import BODY_ERRORS, READ_ERRORS, problems
from service.http.writer_gate import WRITES_SIGNALS
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


async def _text_of(request: Request) -> bytes:
    """Return the body, unless its media type is a binary one."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
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
def push_logs(logs: Logs, metrics: ServiceMetrics, settings: ServiceSettings, body: Text) -> LogsOut:
    """Push log lines as to Grafana Loki, in JSON.

    A label names the service; a setting lists the labels that may. `Content-Encoding: gzip` is understood.
    """
    decoded = loki_logs.decode(body, service_keys=settings.service_labels)
    return _receive(decoded, logs, metrics, settings)


@router.post("/otlp/v1/logs", openapi_extra=OTLP_BODY, responses=ANSWERS, response_model_exclude_none=True)
def export_logs(logs: Logs, metrics: ServiceMetrics, settings: ServiceSettings, body: Text) -> ExportLogsOut:
    """Export log lines by OpenTelemetry's protocol, in JSON: a sender's endpoint is the address with `/otlp`.

    The resource's attribute `service.name` names the service. `Content-Encoding: gzip` is understood.
    """
    decoded = otlp_logs.decode(body, service_keys=settings.service_labels)
    return ExportLogsOut.of(_receive(decoded, logs, metrics, settings))


def _receive(decoded: DecodedLogs, logs: LogsRoom, metrics: Metrics, settings: Settings) -> LogsOut:
    received = logs.intake.receive(decoded.logs)
    metrics.count_lines(received, n_rejected=decoded.n_rejected, n_garbled=decoded.n_garbled)
    return LogsOut.of(decoded, received, settings)
