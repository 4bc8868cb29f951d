"""Spans in both forms of OpenTelemetry's protocol over HTTP.

OpenTelemetry Protocol Specification 1.x. In its JSON, 64-bit numbers are in quotes and ids are hexadecimal.
The service is an attribute of the resource.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from telemetry.decoders.documents import listed, mapped, read_document
from telemetry.decoders.gathering_logs import MAX_BODY_BYTES, storable
from telemetry.decoders.gathering_spans import DecodedSpans, SpanGathering
from telemetry.decoders.lenient_protobuf import read_export
from telemetry.decoders.text_bytes import text_of
from telemetry.log_text.fields import SERVICE
from telemetry.spans import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ERROR = 2
"""Status code of a span that failed."""

ERROR_NAME, KIND_NAMES = "STATUS_CODE_ERROR", {f"SPAN_KIND_{name.upper()}": n for n, name in enumerate(KINDS)}
MAX_ID_CHARACTERS = 64
MICROSECOND_NS = 1000


def decode(
    body: bytes, *, service_keys: Sequence[str] = SERVICE, max_bytes: int = MAX_BODY_BYTES
) -> DecodedSpans:
    """Spans of an export request in JSON; a bad span is rejected alone.

    Raises
    ------
    BadBatchError
        If the body is over ``max_bytes``, is not a JSON object, or its ``resourceSpans`` are not a list.
    """
    document = read_document(body, max_bytes=max_bytes, has_list="resourceSpans")
    gathering = SpanGathering()
    for resource_spans in listed(document.get("resourceSpans")):
        resource = mapped(mapped(resource_spans).get("resource"))
        service = gathering.service(_service_of(_texts(resource.get("attributes")), service_keys))
        for scope_spans in listed(mapped(resource_spans).get("scopeSpans")):
            for span in listed(mapped(scope_spans).get("spans")):
                if isinstance(span, dict):
                    _add(gathering, span, service)
                else:
                    gathering.reject("it is not an object")
    return gathering.decoded()


def decode_protobuf(
    body: bytes, *, service_keys: Sequence[str] = SERVICE, max_bytes: int = MAX_BODY_BYTES
) -> DecodedSpans:
    """Spans of an export request as a message of Protocol Buffers; a bad span is rejected alone.

    Raises
    ------
    BadBatchError
        If the body is over ``max_bytes``, or is no such message.
    """
    request = read_export(body, ExportTraceServiceRequest, max_bytes=max_bytes)
    gathering = SpanGathering()
    operations: dict[bytes, int] = {}
    for resource_spans in request.resource_spans:
        attributes = {
            text_of(each.key): text_of(each.value.string_value)
            for each in resource_spans.resource.attributes
            if each.value.HasField("string_value")
        }
        service = gathering.service(_service_of(attributes, service_keys))
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                name = span.name
                operation = operations.get(name)
                if operation is None:
                    operation = operations[name] = gathering.operation(text_of(name))
                gathering.add(
                    span.trace_id,
                    span.span_id,
                    span.parent_span_id,
                    service=service,
                    operation=operation,
                    kind=span.kind,
                    start_us=span.start_time_unix_nano // MICROSECOND_NS,
                    end_us=span.end_time_unix_nano // MICROSECOND_NS,
                    is_error=span.status.code == ERROR,
                )
    return gathering.decoded()


def _service_of(attributes: Mapping[str, str], service_keys: Sequence[str]) -> str:
    """Return the value of the first attribute that may name the service; empty if there is none."""
    return next((attributes[key] for key in service_keys if attributes.get(key)), "")


def _texts(pairs: object) -> dict[str, str]:
    """Return the attributes whose values are texts."""
    found: dict[str, str] = {}
    for each in map(mapped, listed(pairs)):
        key, value = each.get("key"), mapped(each.get("value")).get("stringValue")
        if isinstance(key, str) and isinstance(value, str):
            found[key] = storable(value)
    return found


def _add(gathering: SpanGathering, span: Mapping[str, Any], service: int) -> None:
    try:
        trace_id, span_id, parent_id = (
            id_of(span.get(name), name) for name in ("traceId", "spanId", "parentSpanId")
        )
        start_us, end_us = (
            integer_of(span.get(name), name) // MICROSECOND_NS
            for name in ("startTimeUnixNano", "endTimeUnixNano")
        )
    except ValueError as error:
        gathering.reject(str(error))
        return
    name, kind, code = span.get("name"), span.get("kind"), mapped(span.get("status")).get("code")
    gathering.add(
        trace_id,
        span_id,
        parent_id,
        service=service,
        operation=gathering.operation(storable(name) if isinstance(name, str) else ""),
        kind=kind if type(kind) is int else KIND_NAMES.get(str(kind), 0),
        start_us=start_us,
        end_us=end_us,
        is_error=code in (ERROR, ERROR_NAME),
    )


def id_of(value: object, name: str) -> bytes:
    """Bytes of a hexadecimal id; none if it is missing.

    Raises
    ------
    ValueError
        If it is not hexadecimal.
    """
    if value is None:
        return b""
    if isinstance(value, str) and len(value) <= MAX_ID_CHARACTERS:
        try:
            return bytes.fromhex(value)
        except ValueError:
            pass
    raise ValueError(f"its {name} is not hexadecimal")


def integer_of(value: object, name: str) -> int:
    """Return a number that may be in quotes.

    Raises
    ------
    ValueError
        If it is none.
    """
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return int(value)
        except (ValueError, OverflowError):
            pass
    raise ValueError(f"its {name} is not a number")
