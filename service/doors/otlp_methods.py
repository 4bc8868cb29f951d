"""What OpenTelemetry's protocol offers over gRPC, one function per service: a message in, its answer out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from service.receiving import receive_lines, receive_samples, receive_spans
from service.routes.documents import SamplesOut
from service.routes.log_documents import ExportLogsOut, LogsOut
from service.routes.metric_documents import ExportMetricsOut
from service.routes.span_documents import ExportTracesOut, SpansOut
from telemetry.decoders import otlp_logs, otlp_metrics, otlp_spans

if TYPE_CHECKING:
    from service.rooms import Rooms

Export: TypeAlias = "Callable[[bytes, Rooms, str], bytes]"
"""Stores a message from a sender, and returns its answer once that is on disk."""


def export_metrics(message: bytes, rooms: Rooms, sender: str) -> bytes:
    """Store metrics; errors are those of the decoder and of `receive_samples`."""
    graph = rooms.graph
    labelled = otlp_metrics.decode(message, rooms.signals.names.book(graph))
    body = receive_samples(labelled, rooms.signals, graph, rooms.metrics, sender=sender)
    return ExportMetricsOut.of(SamplesOut.of(body, rooms.settings)).packed()


def export_logs(message: bytes, rooms: Rooms, _sender: str) -> bytes:
    """Store log lines; errors are those of the decoder and of `receive_lines`."""
    settings = rooms.settings
    decoded = otlp_logs.decode_protobuf(
        message, service_keys=settings.service_labels, max_bytes=settings.body_limit_bytes
    )
    received = receive_lines(decoded, rooms.logs, rooms.metrics)
    return ExportLogsOut.of(LogsOut.of(decoded, received, settings)).packed()


def export_traces(message: bytes, rooms: Rooms, _sender: str) -> bytes:
    """Store spans; errors are those of the decoder and of `receive_spans`."""
    settings = rooms.settings
    decoded = otlp_spans.decode_protobuf(
        message, service_keys=settings.service_labels, max_bytes=settings.body_limit_bytes
    )
    received = receive_spans(decoded, rooms.spans, rooms.metrics)
    return ExportTracesOut.of(SpansOut.of(decoded, received, settings)).packed()


EXPORTS: Mapping[str, Export] = {
    "opentelemetry.proto.collector.metrics.v1.MetricsService": export_metrics,
    "opentelemetry.proto.collector.logs.v1.LogsService": export_logs,
    "opentelemetry.proto.collector.trace.v1.TraceService": export_traces,
}
"""The method ``Export`` of each service that is offered."""
