"""Metrics in, by OpenTelemetry's protocol over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from service.dependencies import Graph, RawBody, SentBy, ServiceMetrics, ServiceSettings, Signals
from service.errors import BadMediaTypeError, TooManySeriesError
from service.http.problems import BODY_ERRORS, READ_ERRORS, statuses
from service.http.rpc_status import JSON, PROTOBUF, is_protobuf
from service.http.writer_gate import WRITES_SIGNALS
from service.receiving import receive_samples
from service.routes.documents import SamplesOut
from service.routes.metric_documents import ExportMetricsOut
from service.routes.request_bodies import OTLP_METRICS_BODY
from telemetry.decoders import otlp_metrics
from telemetry.errors import BadBatchError, HistoryWriteError

router = APIRouter(tags=["signals"], dependencies=[WRITES_SIGNALS])

PACKED_ANSWER: dict[str, Any] = {PROTOBUF: {"schema": {"type": "string", "format": "binary"}}}


async def is_packed_body(request: Request) -> bool:
    """Whether the body is in Protocol Buffers, and not in JSON.

    Raises
    ------
    BadMediaTypeError
        If it is in neither.
    """
    sent = request.headers.get("content-type", "")
    if is_protobuf(sent):
        return True
    if sent.partition(";")[0].strip().lower() != JSON:
        raise BadMediaTypeError(sent, f"{PROTOBUF} or {JSON}")
    return False


@router.post(
    "/otlp/v1/metrics",
    openapi_extra=OTLP_METRICS_BODY,
    response_model=ExportMetricsOut,
    response_model_exclude_none=True,
    responses={
        200: {"content": PACKED_ANSWER},
        **statuses(
            BadBatchError,
            BadMediaTypeError,
            HistoryWriteError,
            TooManySeriesError,
            *BODY_ERRORS,
            *READ_ERRORS,
        ),
    },
)
def export_metrics(
    signals: Signals,
    graph: Graph,
    metrics: ServiceMetrics,
    settings: ServiceSettings,
    sender: SentBy,
    is_packed: Annotated[bool, Depends(is_packed_body)],
    body: RawBody,
) -> Any:
    """Export metrics by OpenTelemetry's protocol: a sender's endpoint is the address with `/otlp`.

    Protocol Buffers and JSON are answered alike, each in its own type. The resource's attribute
    `service.name` names the item. `Content-Encoding: gzip` is understood.
    """
    book = signals.names.book(graph)
    labelled = otlp_metrics.decode(body, book) if is_packed else otlp_metrics.decode_json(body, book)
    outcome = receive_samples(labelled, signals, graph, metrics, sender=sender.name)
    answer = ExportMetricsOut.of(SamplesOut.of(outcome, settings))
    return Response(answer.packed(), media_type=PROTOBUF) if is_packed else answer
