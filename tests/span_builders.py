"""Traces as senders of OpenTelemetry and Zipkin make them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from telemetry.spans import NO_PARENT, SpanBatch, SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CLIENT, SERVER = 3, 2
CHAIN = ("gateway", "order", "funds", "funds-db")


def a_span(number: int = 1, **changed: Any) -> SpanRecord:
    """A root span with ids made of a number."""
    whole = SpanRecord(
        number.to_bytes(16, "big"), number.to_bytes(8, "big"), NO_PARENT, "order", "place", SERVER,
        1_772_589_600_000_000, 1500,
    )  # fmt: skip
    return whole._replace(**changed)


def a_trace(
    number: int,
    start_us: int,
    own_us: dict[str, float],
    *,
    chain: Sequence[str] = CHAIN,
    network_us: int = 500,
) -> list[SpanRecord]:
    """A call down a chain of services: each serves, works for its own time, then calls the next."""
    trace_id = number.to_bytes(16, "big")
    spans: list[SpanRecord] = []
    length_us = 0
    for depth in reversed(range(len(chain))):
        service, server_id = chain[depth], bytes([1, depth]) + number.to_bytes(6, "big")
        begins_us = start_us + depth * 2 * network_us
        if depth < len(chain) - 1:
            client_id, called = bytes([2, depth]) + number.to_bytes(6, "big"), chain[depth + 1]
            length_us += 2 * network_us
            spans.append(
                SpanRecord(
                    trace_id, client_id, server_id, service, f"call {called}", CLIENT,
                    begins_us + network_us, length_us,
                )
            )  # fmt: skip
        length_us += int(own_us[service])
        parent = bytes([2, depth - 1]) + number.to_bytes(6, "big") if depth else NO_PARENT
        spans.append(SpanRecord(trace_id, server_id, parent, service, "serve", SERVER, begins_us, length_us))
    return spans


def traces(
    start_ms: int,
    end_ms: int,
    *,
    slow: dict[str, float] | None = None,
    every_ms: int = 20_000,
    first: int = 0,
) -> list[SpanRecord]:
    """A trace every so often in which each service takes some 5 ms of its own, but for the slow ones."""
    rng = np.random.default_rng(7 + first)
    spans = []
    for number, at_ms in enumerate(range(start_ms, end_ms, every_ms), start=first + 1):
        own = {each: 5_000 * np.exp(rng.normal(0, 0.1)) * (slow or {}).get(each, 1.0) for each in CHAIN}
        spans += a_trace(number, at_ms * 1000, own)
    return spans


def an_export(spans: Iterable[SpanRecord]) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    of: dict[str, Any] = {}
    for each in spans:
        if each.service not in of:
            resource = request.resource_spans.add()
            if each.service:
                attribute = resource.resource.attributes.add(key="service.name")
                attribute.value.string_value = each.service
            of[each.service] = resource.scope_spans.add()
        span = of[each.service].spans.add(
            trace_id=each.trace_id,
            span_id=each.span_id,
            parent_span_id=b"" if each.parent_id == NO_PARENT else each.parent_id,
            name=each.operation,
            kind=each.kind,
            start_time_unix_nano=each.start_us * 1000,
            end_time_unix_nano=(each.start_us + each.duration_us) * 1000,
        )
        span.status.code = 2 if each.is_error else 0
    return request


def as_json(spans: Iterable[SpanRecord]) -> dict[str, Any]:
    """The same export in OpenTelemetry's JSON: ids are hexadecimal, numbers in quotes."""
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": each.service}}]},
                "scopeSpans": [
                    {
                        "spans": [
                            {
                                "traceId": each.trace_id.hex(),
                                "spanId": each.span_id.hex(),
                                "parentSpanId": "" if each.parent_id == NO_PARENT else each.parent_id.hex(),
                                "name": each.operation,
                                "kind": each.kind,
                                "startTimeUnixNano": str(each.start_us * 1000),
                                "endTimeUnixNano": str((each.start_us + each.duration_us) * 1000),
                                "status": {"code": 2 if each.is_error else 0},
                            }
                        ]
                    }
                ],
            }
            for each in spans
        ]
    }


def records(batch: SpanBatch) -> list[SpanRecord]:
    """The spans of a batch one by one."""
    return [
        SpanRecord(
            bytes(batch.trace_id[row]).ljust(16, b"\0"),
            bytes(batch.span_id[row]).ljust(8, b"\0"),
            bytes(batch.parent_id[row]).ljust(8, b"\0"),
            batch.services[batch.service[row]],
            batch.operations[batch.operation[row]],
            int(batch.kind[row]),
            int(batch.start_us[row]),
            int(batch.duration_us[row]),
            bool(batch.is_error[row]),
        )
        for row in range(len(batch))
    ]
