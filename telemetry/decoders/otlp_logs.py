"""Log lines in the JSON that OpenTelemetry's protocol sends over HTTP.

OpenTelemetry Protocol Specification 1.x, "JSON Protobuf Encoding": 64-bit numbers are in quotes, ids are
hexadecimal. The service is an attribute of the resource.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from telemetry.decoders.documents import listed, mapped, read_document
from telemetry.decoders.gathering import BadSampleError
from telemetry.decoders.gathering_logs import (
    MAX_BODY_BYTES,
    MAX_LINE_BYTES,
    REPLACED,
    SERVICE_KEYS,
    DecodedLogs,
    LogGathering,
    milliseconds_of,
    service_of,
)
from telemetry.errors import BadBatchError
from telemetry.log_lines import read_labelled, severity_of
from telemetry.logs import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LEVELS_A_SEVERITY = 4
"""Severity numbers go from 1 to 24, four for each severity: OpenTelemetry, Logs Data Model."""

MAX_NESTING = 8


def decode(
    body: bytes, *, service_keys: Sequence[str] = SERVICE_KEYS, max_bytes: int = MAX_BODY_BYTES
) -> DecodedLogs:
    """Log lines of an export request; a bad line is rejected alone.

    Line numbers run through resources and scopes in their order.

    Raises
    ------
    BadBatchError
        If the body is over ``max_bytes``, is not a JSON object, or its ``resourceLogs`` are not a list.
    """
    document = read_document(body, max_bytes=max_bytes)
    if not isinstance(document.get("resourceLogs", []), list):
        raise BadBatchError("its resourceLogs are not a list")
    gathering = LogGathering()
    for index, (fields, record) in enumerate(_records(document)):
        try:
            _add(gathering, fields, record, service_keys)
        except BadSampleError as error:
            gathering.reject(index, str(error))
    return gathering.decoded()


def _records(document: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], object]]:
    """Every record, with the attributes of its resource and the name of its scope."""
    for resource_logs in listed(document.get("resourceLogs")):
        resource = _attributes(mapped(mapped(resource_logs).get("resource")).get("attributes"))
        for scope_logs in listed(mapped(resource_logs).get("scopeLogs")):
            scope = mapped(mapped(scope_logs).get("scope")).get("name")
            fields = {**resource, "logger": scope} if scope else resource
            for record in listed(mapped(scope_logs).get("logRecords")):
                yield fields, record


def _add(
    gathering: LogGathering, fields: Mapping[str, Any], record: object, service_keys: Sequence[str]
) -> None:
    if not isinstance(record, dict):
        raise BadSampleError("it is not an object")
    time = record.get("timeUnixNano")
    if time in (None, 0, "0", ""):
        time = record.get("observedTimeUnixNano")
    body = _value(record.get("body"), MAX_NESTING)
    text = "" if body is None or isinstance(body, dict) else str(body)
    if len(text) > MAX_LINE_BYTES:
        raise BadSampleError(f"its {len(text)} characters are over the limit of {MAX_LINE_BYTES}")
    labels = {**fields, **_attributes(record.get("attributes"))}
    if isinstance(body, dict):
        labels |= body
    labels["severity"] = _severity(record)
    if record.get("traceId"):
        labels["trace_id"] = record["traceId"]
    gathering.add(
        service_of(fields, service_keys),
        milliseconds_of(time),
        read_labelled(text, labels),
        is_garbled=REPLACED in text,
    )


def _severity(record: Mapping[str, Any]) -> str:
    number = record.get("severityNumber")
    if isinstance(number, int) and 0 < number <= LEVELS_A_SEVERITY * (len(SEVERITIES) - 1):
        return SEVERITIES[1 + (number - 1) // LEVELS_A_SEVERITY]
    return severity_of(record.get("severityText"))


def _attributes(pairs: object) -> dict[str, Any]:
    found = (mapped(each) for each in listed(pairs))
    return {
        each["key"]: _value(each.get("value"), MAX_NESTING)
        for each in found
        if isinstance(each.get("key"), str)
    }


def _value(value: object, depth: int) -> Any:
    """The plain form of an OpenTelemetry value; ``None`` if its kind is unknown or it is nested too deep."""
    if not isinstance(value, dict) or not depth:
        return None
    for name in ("stringValue", "intValue", "doubleValue", "boolValue"):
        if name in value:
            return value[name]
    if "kvlistValue" in value:
        pairs = (mapped(each) for each in listed(mapped(value["kvlistValue"]).get("values")))
        return {str(each.get("key")): _value(each.get("value"), depth - 1) for each in pairs}
    return None
