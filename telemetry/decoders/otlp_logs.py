"""Log lines in both forms of OpenTelemetry's protocol over HTTP.

OpenTelemetry Protocol Specification 1.x. In its JSON, 64-bit numbers are in quotes and ids are hexadecimal.
The service is an attribute of the resource, of the record, or in the record's body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from telemetry.decoders.documents import listed, mapped, read_document
from telemetry.decoders.gathering import BadSampleError
from telemetry.decoders.gathering_logs import (
    MAX_BODY_BYTES,
    MAX_LINE_BYTES,
    DecodedLogs,
    LogGathering,
    milliseconds_of,
)
from telemetry.decoders.lenient_protobuf import read_export
from telemetry.decoders.text_bytes import text_of
from telemetry.log_lines import read_line, read_object, severity_of
from telemetry.log_text.fields import MAX_NAME, SERVICE, fields_of
from telemetry.log_text.levels import severity_of_opentelemetry
from telemetry.log_text.line import Line, merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MAX_NESTING = 8


class _Record(NamedTuple):
    """A record in either form, with the attributes of its resource and the name of its scope."""

    resource: Line
    time_ns: object
    observed_ns: object
    severity_number: object
    severity_text: object
    body: object
    attributes: dict[str, Any]
    trace_id: object


def decode(
    body: bytes, *, service_keys: Sequence[str] = SERVICE, max_bytes: int = MAX_BODY_BYTES
) -> DecodedLogs:
    """Log lines of an export request in JSON; a bad line is rejected alone.

    Line numbers run through resources and scopes in their order.

    Raises
    ------
    BadBatchError
        If the body is over ``max_bytes``, is not a JSON object, or its ``resourceLogs`` are not a list.
    """
    document = read_document(body, max_bytes=max_bytes, has_list="resourceLogs")
    keys = tuple(service_keys)
    return _gathered(_records_of_json(document, keys), keys)


def decode_protobuf(
    body: bytes, *, service_keys: Sequence[str] = SERVICE, max_bytes: int = MAX_BODY_BYTES
) -> DecodedLogs:
    """Log lines of an export request as a message of Protocol Buffers; a bad line is rejected alone.

    Raises
    ------
    BadBatchError
        If the body is over ``max_bytes``, or is no such message.
    """
    request = read_export(body, ExportLogsServiceRequest, max_bytes=max_bytes)
    keys = tuple(service_keys)
    return _gathered(_records_of_protobuf(request, keys), keys)


def _gathered(records: Iterable[_Record | None], service_keys: tuple[str, ...]) -> DecodedLogs:
    gathering = LogGathering()
    for index, record in enumerate(records):
        try:
            gathering.add(_line_of(record, service_keys))
        except BadSampleError as error:
            gathering.reject(index, str(error))
    return gathering.decoded()


def _line_of(record: _Record | None, service_keys: tuple[str, ...]) -> Line:
    """The line of a record.

    Raises
    ------
    BadSampleError
        If it is no object, is too long, or has no time.
    """
    if record is None:
        raise BadSampleError("it is not an object")
    around = record.resource
    if record.attributes:
        around = merged(fields_of(record.attributes, service_keys).line, around)
    severity = severity_of_opentelemetry(record.severity_number) or severity_of(record.severity_text)
    trace_id = record.trace_id[:MAX_NAME] if isinstance(record.trace_id, str) else ""
    around = Line(
        severity or around.severity,
        around.logger,
        "",
        trace_id or around.trace_id,
        around.template,
        around.service,
        around.host,
        None if record.time_ns in (None, 0, "0", "") else milliseconds_of(record.time_ns),
    )
    line = _read(record, around, service_keys)
    return line if line.time_ms is not None else line._replace(time_ms=milliseconds_of(record.observed_ns))


def _read(record: _Record, around: Line, service_keys: tuple[str, ...]) -> Line:
    body = record.body
    if isinstance(body, dict):
        return read_object(body, around, service_keys=service_keys)
    text = " ".join(map(str, body)) if isinstance(body, list) else "" if body is None else str(body)
    if len(text) > MAX_LINE_BYTES:
        raise BadSampleError(f"its {len(text)} characters are over the limit of {MAX_LINE_BYTES}")
    if not text:  # the message may be among the attributes
        return read_object(record.attributes, around, service_keys=service_keys)
    return read_line(text, around, service_keys=service_keys)


def _around(resource: Mapping[str, Any], scope: object, service_keys: tuple[str, ...]) -> Line:
    """What the resource and the scope of records say of each of them."""
    line = fields_of(resource, service_keys).line
    return line._replace(logger=scope[:MAX_NAME]) if isinstance(scope, str) and scope else line


def _records_of_json(document: Mapping[str, Any], service_keys: tuple[str, ...]) -> Iterator[_Record | None]:
    for resource_logs in listed(document.get("resourceLogs")):
        resource = _attributes(mapped(mapped(resource_logs).get("resource")).get("attributes"))
        for scope_logs in listed(mapped(resource_logs).get("scopeLogs")):
            scope = mapped(mapped(scope_logs).get("scope")).get("name")
            around = _around(resource, scope, service_keys)
            for record in listed(mapped(scope_logs).get("logRecords")):
                yield _record_of_json(record, around) if isinstance(record, dict) else None


def _record_of_json(record: Mapping[str, Any], around: Line) -> _Record:
    return _Record(
        around,
        record.get("timeUnixNano"),
        record.get("observedTimeUnixNano"),
        record.get("severityNumber"),
        record.get("severityText"),
        _value(record.get("body"), MAX_NESTING),
        _attributes(record.get("attributes")),
        record.get("traceId"),
    )


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
    if "arrayValue" in value:
        return [_value(each, depth - 1) for each in listed(mapped(value["arrayValue"]).get("values"))]
    if "kvlistValue" in value:
        pairs = (mapped(each) for each in listed(mapped(value["kvlistValue"]).get("values")))
        return {str(each.get("key")): _value(each.get("value"), depth - 1) for each in pairs}
    return None


def _records_of_protobuf(request: Any, service_keys: tuple[str, ...]) -> Iterator[_Record]:
    for resource_logs in request.resource_logs:
        resource = _plain_pairs(resource_logs.resource.attributes, MAX_NESTING)
        for scope_logs in resource_logs.scope_logs:
            around = _around(resource, text_of(scope_logs.scope.name), service_keys)
            for record in scope_logs.log_records:
                yield _Record(
                    around,
                    record.time_unix_nano,
                    record.observed_time_unix_nano,
                    record.severity_number,
                    text_of(record.severity_text),
                    _plain_value(record.body, MAX_NESTING),
                    _plain_pairs(record.attributes, MAX_NESTING),
                    record.trace_id.hex(),
                )


def _plain_pairs(pairs: Any, depth: int) -> dict[str, Any]:
    return {text_of(each.key): _plain_value(each.value, depth) for each in pairs}


def _plain_value(value: Any, depth: int) -> Any:
    """The plain form of a value in Protocol Buffers, as `_value` has it."""
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return text_of(value.string_value)
    if kind is None or not depth:
        return None
    if kind == "array_value":
        return [_plain_value(each, depth - 1) for each in value.array_value.values]
    if kind == "kvlist_value":
        return _plain_pairs(value.kvlist_value.values, depth - 1)
    return None if kind == "bytes_value" else getattr(value, kind)
