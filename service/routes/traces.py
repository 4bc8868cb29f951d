"""Traces in, by OpenTelemetry's protocol over HTTP and in Zipkin's JSON."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from service.dependencies import RawBody, ReceivedTraces, ServiceMetrics, ServiceSettings
from service.errors import BadMediaTypeError
from service.http.problems import BODY_ERRORS, READ_ERRORS, problems, statuses
from service.http.rpc_status import PROTOBUF
from service.http.writer_gate import WRITES_SIGNALS
from service.receiving import receive_spans
from service.routes.otlp_metrics import PACKED_ANSWER, is_packed_body
from service.routes.request_bodies import OTLP_TRACES_BODY, ZIPKIN_BODY
from service.routes.span_documents import ExportTracesOut, SpansOut
from telemetry.decoders import otlp_spans, zipkin_spans
from telemetry.errors import BadBatchError, HistoryWriteError

router = APIRouter(tags=["signals"], dependencies=[WRITES_SIGNALS])


@router.post(
    "/otlp/v1/traces",
    openapi_extra=OTLP_TRACES_BODY,
    response_model=ExportTracesOut,
    response_model_exclude_none=True,
    responses={
        200: {"content": PACKED_ANSWER},
        **statuses(BadBatchError, BadMediaTypeError, HistoryWriteError, *BODY_ERRORS, *READ_ERRORS),
    },
)
def export_traces(
    spans: ReceivedTraces,
    metrics: ServiceMetrics,
    settings: ServiceSettings,
    is_packed: Annotated[bool, Depends(is_packed_body)],
    body: RawBody,
) -> Any:
    """Export traces by OpenTelemetry's protocol: a sender's endpoint is the address with `/otlp`.

    Protocol Buffers and JSON are answered alike, each in its own type. An attribute of the resource, such as
    `service.name`, names the service. `Content-Encoding: gzip` is understood.
    """
    decode = otlp_spans.decode_protobuf if is_packed else otlp_spans.decode
    decoded = decode(body, service_keys=settings.service_labels, max_bytes=settings.body_limit_bytes)
    answer = ExportTracesOut.of(SpansOut.of(decoded, receive_spans(decoded, spans, metrics), settings))
    return Response(answer.packed(), media_type=PROTOBUF) if is_packed else answer


@router.post(
    "/api/v2/spans",
    openapi_extra=ZIPKIN_BODY,
    responses=problems(BadBatchError, HistoryWriteError, *BODY_ERRORS, *READ_ERRORS),
)
def send_spans(
    spans: ReceivedTraces, metrics: ServiceMetrics, settings: ServiceSettings, body: RawBody
) -> SpansOut:
    """Send spans as to Zipkin, in its JSON, version 2.

    `localEndpoint.serviceName` names the service. `Content-Encoding: gzip` is understood.
    """
    decoded = zipkin_spans.decode(body, max_bytes=settings.body_limit_bytes)
    return SpansOut.of(decoded, receive_spans(decoded, spans, metrics), settings)
