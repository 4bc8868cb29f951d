"""The bodies that bring spans, as types: what a sender's well-formed body in JSON looks like.

The decoders read them leniently, field by field, because one bad span must not cost the others.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from telemetry.decoders.log_bodies import Nanoseconds, OtlpAttribute, OtlpResource

TraceId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$", description="hexadecimal")]
SpanId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$", description="hexadecimal")]
ZipkinTraceId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16,32}$")]


class OtlpStatus(msgspec.Struct):
    """How a span ended: 2 is an error."""

    code: int | UnsetType = UNSET


class OtlpSpan(msgspec.Struct, rename="camel"):
    """One timed operation of one service."""

    trace_id: TraceId
    span_id: SpanId
    start_time_unix_nano: Nanoseconds
    end_time_unix_nano: Nanoseconds
    parent_span_id: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    kind: int | UnsetType = UNSET
    status: OtlpStatus | UnsetType = UNSET
    attributes: list[OtlpAttribute] | UnsetType = UNSET


class OtlpScopeSpans(msgspec.Struct, rename="camel"):
    """The spans of one instrumentation scope."""

    spans: list[OtlpSpan] | UnsetType = UNSET


class OtlpResourceSpans(msgspec.Struct, rename="camel"):
    """The spans of one service."""

    resource: OtlpResource | UnsetType = UNSET
    scope_spans: list[OtlpScopeSpans] | UnsetType = UNSET


class OtlpTracesExport(msgspec.Struct, rename="camel"):
    """An export request of OpenTelemetry's for traces."""

    resource_spans: list[OtlpResourceSpans] | UnsetType = UNSET


class ZipkinEndpoint(msgspec.Struct, rename="camel"):
    """Where a span was measured."""

    service_name: str


class ZipkinSpan(msgspec.Struct, rename="camel"):
    """One span of a list in Zipkin's JSON, version 2."""

    trace_id: ZipkinTraceId
    id: SpanId
    timestamp: Annotated[int, msgspec.Meta(description="microseconds since the epoch")]
    local_endpoint: ZipkinEndpoint
    parent_id: SpanId | UnsetType = UNSET
    name: str | UnsetType = UNSET
    kind: Literal["CLIENT", "SERVER", "PRODUCER", "CONSUMER"] | UnsetType = UNSET
    duration: Annotated[int, msgspec.Meta(description="microseconds")] | UnsetType = UNSET
    shared: bool | UnsetType = UNSET
    tags: dict[str, str] | UnsetType = UNSET
