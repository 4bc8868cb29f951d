"""Log lines in, from whatever sends them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Request

from service.errors import (
    BadEncodingError,
    BadMediaTypeError,
    BodyTooLargeError,
    MissingScopeError,
    NoTokenError,
    StoreUnavailableError,
    problems,
)
from service.http.log_request_schemas import LINES_BODY, OTLP_BODY, PUSH_BODY
from service.http.security import Scope, requires
from service.parts import Parts, ServiceParts
from service.routes.log_documents import ExportLogsOut, LogsOut
from telemetry.decoders import json_logs, loki_logs, otlp_logs
from telemetry.errors import BadBatchError

if TYPE_CHECKING:
    from telemetry.decoders.gathering_logs import DecodedLogs

router = APIRouter(tags=["signals"], dependencies=[Depends(requires(Scope.INGEST))])

ANSWERS = problems(
    BadBatchError,
    BodyTooLargeError,
    BadEncodingError,
    BadMediaTypeError,
    StoreUnavailableError,
    NoTokenError,
    MissingScopeError,
)


async def _text_of(request: Request) -> bytes:
    """Return the body, unless it says that it is in a binary form."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if "protobuf" in media_type or "snappy" in media_type:
        raise BadMediaTypeError(media_type)
    return await request.body()


Text = Annotated[bytes, Depends(_text_of)]


@router.post("/v1/logs", openapi_extra=LINES_BODY, responses=ANSWERS)
def send_logs(parts: Parts, body: Text) -> LogsOut:
    """Send log lines as JSON, one object a line.

    The answer comes when every accepted line is on disk, and says what became of the others.
    `Content-Encoding: gzip` is understood.
    """
    return _received(parts, json_logs.decode(body, service_keys=parts.settings.service_labels))


@router.post("/loki/api/v1/push", openapi_extra=PUSH_BODY, responses=ANSWERS)
def push_logs(parts: Parts, body: Text) -> LogsOut:
    """Push log lines as to Grafana Loki, in JSON.

    A label names the service: which ones may is a setting. `Content-Encoding: gzip` is understood.
    """
    return _received(parts, loki_logs.decode(body, service_keys=parts.settings.service_labels))


@router.post("/otlp/v1/logs", openapi_extra=OTLP_BODY, responses=ANSWERS, response_model_exclude_none=True)
def export_logs(parts: Parts, body: Text) -> ExportLogsOut:
    """Export log lines by OpenTelemetry's protocol, in JSON: a sender's endpoint is the address with `/otlp`.

    The resource's attribute `service.name` names the service. `Content-Encoding: gzip` is understood.
    """
    told = _received(parts, otlp_logs.decode(body, service_keys=parts.settings.service_labels))
    return ExportLogsOut.of(told)


def _received(parts: ServiceParts, decoded: DecodedLogs) -> LogsOut:
    received = parts.logs.receive(decoded.logs)
    parts.measures.count_lines(received, n_rejected=decoded.n_rejected, n_garbled=decoded.n_garbled)
    return LogsOut.of(decoded, received, parts.settings)
