"""Metrics that are sent by OpenTelemetry's protocol, as Protocol Buffers or as JSON.

OpenTelemetry Protocol Specification 1.x, and its data model of metrics. Exemplars are passed over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from telemetry.decoders.documents import listed, mapped, read_document
from telemetry.decoders.otlp_names import resource_texts
from telemetry.decoders.otlp_reader import MetricReader
from telemetry.decoders.otlp_scan import scan
from telemetry.decoders.wire_format import UnusualLayoutError
from telemetry.errors import BadBatchError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from telemetry.decoders.labelled import Labelled
    from telemetry.series_book import SeriesBook

NOT_AN_EXPORT = "it is not an ExportMetricsServiceRequest"
MAX_BODY_BYTES = 32 * 2**20


def decode(body: bytes, book: SeriesBook) -> Labelled:
    """The contents of an export request in Protocol Buffers.

    Raises
    ------
    BadBatchError
        If the body is not such a message.
    """
    try:
        return scan(body, book)
    except (UnusualLayoutError, DecodeError):
        return walk(body, book)


def walk(body: bytes, book: SeriesBook) -> Labelled:
    """The same as `decode`, read by the library from the first byte to the last.

    Raises
    ------
    BadBatchError
        If the body is not such a message.
    """
    try:
        return _walk(ExportMetricsServiceRequest.FromString(body), book)
    except DecodeError as error:
        raise BadBatchError(NOT_AN_EXPORT) from error


def decode_json(body: bytes, book: SeriesBook, *, max_bytes: int = MAX_BODY_BYTES) -> Labelled:
    """The contents of an export request in JSON.

    Ids in JSON are hexadecimal, which the library would take for Base64: exemplars, which alone have ids, are
    left out before it reads the rest.

    Raises
    ------
    BadBatchError
        If the body is over ``max_bytes``, or is not such a document.
    """
    document = read_document(body, max_bytes=max_bytes)
    for points in _points_in(document):
        for point in points:
            mapped(point).pop("exemplars", None)
    try:
        return _walk(ParseDict(document, ExportMetricsServiceRequest(), ignore_unknown_fields=True), book)
    except (ParseError, RecursionError, SystemError) as error:  # the last: half a surrogate pair in a name
        raise BadBatchError(f"{NOT_AN_EXPORT}: {error}") from error


def _points_in(document: Mapping[str, Any]) -> Iterator[list[Any]]:
    """The data points of every metric in JSON."""
    for resource in listed(document.get("resourceMetrics")):
        for scope in listed(mapped(resource).get("scopeMetrics")):
            for metric in listed(mapped(scope).get("metrics")):
                for data in mapped(metric).values():
                    yield listed(mapped(data).get("dataPoints"))


def _walk(request: ExportMetricsServiceRequest, book: SeriesBook) -> Labelled:
    reader = MetricReader(book)
    for resource in request.resource_metrics:
        shared = resource_texts(resource.resource.attributes)
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                reader.read(metric, shared)
    return reader.labelled()
