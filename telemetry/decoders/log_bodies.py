"""The bodies that bring log lines, as types: a sender's well-formed body looks like this.

The decoders read them leniently, field by field, because one bad line must not cost the others.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from telemetry.decoders.json_lenient import Instant

Nanoseconds = Annotated[
    str, msgspec.Meta(pattern="^[0-9]{1,20}$", description="nanoseconds since the epoch, in quotes")
]


class LogLine(msgspec.Struct):
    """One line; a body may hold any number of such objects, one a line."""

    service: str
    message: str
    time: Instant | UnsetType = UNSET
    time_ms: (
        Annotated[int, msgspec.Meta(description="instead of time: milliseconds since the epoch")] | UnsetType
    ) = UNSET
    severity: Literal["trace", "debug", "info", "warn", "error", "fatal"] | UnsetType = UNSET
    logger: str | UnsetType = UNSET
    trace_id: str | UnsetType = UNSET


class LokiEntry(msgspec.Struct, array_like=True):
    """A time, a line, and perhaps structured metadata."""

    time_ns: Nanoseconds
    line: str
    metadata: dict[str, str] | UnsetType = UNSET


class LokiStream(msgspec.Struct):
    """Lines that share their labels."""

    stream: dict[str, str]
    values: list[LokiEntry]


class LokiPush(msgspec.Struct):
    """A push to Grafana Loki."""

    streams: list[LokiStream]


class OtlpValue(msgspec.Struct, rename="camel"):
    """A value of OpenTelemetry's; other kinds of value are understood too."""

    string_value: str | UnsetType = UNSET


class OtlpAttribute(msgspec.Struct):
    """An attribute of a resource or of a record."""

    key: str | UnsetType = UNSET
    value: OtlpValue | UnsetType = UNSET


class OtlpLogRecord(msgspec.Struct, rename="camel"):
    """One line of OpenTelemetry's."""

    time_unix_nano: Nanoseconds | UnsetType = UNSET
    severity_number: int | UnsetType = UNSET
    body: OtlpValue | UnsetType = UNSET
    attributes: list[OtlpAttribute] | UnsetType = UNSET
    trace_id: Annotated[str, msgspec.Meta(description="hexadecimal")] | UnsetType = UNSET


class OtlpScopeLogs(msgspec.Struct, rename="camel"):
    """The records of one instrumentation scope."""

    log_records: list[OtlpLogRecord] | UnsetType = UNSET


class OtlpResource(msgspec.Struct):
    """What wrote the lines; its attribute service.name names the service."""

    attributes: list[OtlpAttribute] | UnsetType = UNSET


class OtlpResourceLogs(msgspec.Struct, rename="camel"):
    """The records of one resource."""

    resource: OtlpResource | UnsetType = UNSET
    scope_logs: list[OtlpScopeLogs] | UnsetType = UNSET


class OtlpExport(msgspec.Struct, rename="camel"):
    """An export request of OpenTelemetry's."""

    resource_logs: list[OtlpResourceLogs] | UnsetType = UNSET
