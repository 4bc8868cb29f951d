"""Spans in Zipkin's JSON, version 2.

Zipkin API 2.0, ``ListOfSpans``. The two sides of a call may share one span id, with ``shared`` set by the
server: its side then becomes a span of its own below the client's, so that both are measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from telemetry.decoders.documents import mapped, read_json
from telemetry.decoders.gathering_logs import MAX_BODY_BYTES, storable
from telemetry.decoders.gathering_spans import DecodedSpans, SpanGathering
from telemetry.decoders.otlp_spans import id_of, integer_of
from telemetry.errors import BadBatchError
from telemetry.spans import KINDS, SPAN_ID_BYTES, TRACE_ID_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

KIND_NAMES = {name.upper(): number for number, name in enumerate(KINDS)}
SHARED = 0xFF
"""What the first byte of a shared id is changed by."""


def decode(body: bytes, *, max_bytes: int = MAX_BODY_BYTES) -> DecodedSpans:
    """Spans of a list in JSON; a bad span is rejected alone.

    Raises
    ------
    BadBatchError
        If the body is over ``max_bytes``, or is not a JSON list.
    """
    document = read_json(body, max_bytes=max_bytes)
    if not isinstance(document, list):
        raise BadBatchError("it is not a list of spans")
    gathering = SpanGathering()
    sides = [_is_server_side(each) for each in document]
    shared = {
        (each.get("traceId"), each.get("id"))
        for each, is_server in zip(document, sides, strict=True)
        if is_server and isinstance(each.get("traceId"), str) and isinstance(each.get("id"), str)
    }
    for span, is_server in zip(document, sides, strict=True):
        if isinstance(span, dict):
            _add(gathering, span, is_server=is_server, shared=shared)
        else:
            gathering.reject("it is not an object")
    return gathering.decoded()


def _is_server_side(span: object) -> bool:
    return isinstance(span, dict) and span.get("shared") is True


def _add(
    gathering: SpanGathering, span: Mapping[str, Any], *, is_server: bool, shared: set[tuple[object, object]]
) -> None:
    try:
        trace_id = id_of(span.get("traceId"), "traceId").rjust(TRACE_ID_BYTES, b"\0")  # 64-bit ids
        span_id, parent_id = id_of(span.get("id"), "id"), id_of(span.get("parentId"), "parentId")
        start_us, duration_us = integer_of(span.get("timestamp"), "timestamp"), 0
        if span.get("duration") is not None:
            duration_us = integer_of(span["duration"], "duration")
    except ValueError as error:
        gathering.reject(str(error))
        return
    if is_server and len(span_id) == SPAN_ID_BYTES:
        span_id, parent_id = _server_side(span_id), span_id
    service, name = mapped(span.get("localEndpoint")).get("serviceName"), span.get("name")
    parent_key = span.get("traceId"), span.get("parentId")
    if not is_server and isinstance(span.get("parentId"), str) and parent_key in shared:
        parent_id = _server_side(parent_id)  # whoever calls from within a shared span is the server
    gathering.add(
        trace_id,
        span_id,
        parent_id,
        service=gathering.service(storable(service) if isinstance(service, str) else ""),
        operation=gathering.operation(storable(name) if isinstance(name, str) else ""),
        kind=KIND_NAMES.get(str(span.get("kind")), KIND_NAMES["INTERNAL"]),
        start_us=start_us,
        end_us=start_us + duration_us,
        is_error="error" in mapped(span.get("tags")),
    )


def _server_side(span_id: bytes) -> bytes:
    """Return the id that the server's side of a shared span gets."""
    return bytes([span_id[0] ^ SHARED]) + span_id[1:] if span_id else span_id
