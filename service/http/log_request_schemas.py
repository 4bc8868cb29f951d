"""What OpenAPI says of the bodies that bring log lines."""

from __future__ import annotations

from typing import Any

from service.http.request_schemas import json_body

_TEXT = {"type": "string"}
_TEXTS = {"type": "object", "additionalProperties": _TEXT}
_NANOSECONDS = {"type": "string", "pattern": "^[0-9]{1,20}$", "description": "since the epoch, in quotes"}

LINES_BODY = json_body(
    {
        "type": "object",
        "description": "One line; a body may hold any number of such objects, one a line.",
        "required": ["service", "message"],
        "properties": {
            "service": _TEXT,
            "time": {"type": "string", "format": "date-time"},
            "time_ms": {"type": "integer", "description": "instead of time: milliseconds since the epoch"},
            "severity": {"enum": ["trace", "debug", "info", "warn", "error", "fatal"]},
            "logger": _TEXT,
            "message": _TEXT,
            "trace_id": _TEXT,
        },
    },
    line={
        "service": "ledger-db",
        "time": "2026-03-04T02:05:30Z",
        "severity": "error",
        "message": "replication to standby 10.3.0.8 broken: stream ended at position 77121",
    },
)

PUSH_BODY = json_body(
    {
        "type": "object",
        "required": ["streams"],
        "properties": {
            "streams": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["stream", "values"],
                    "properties": {
                        "stream": _TEXTS,
                        "values": {
                            "type": "array",
                            "items": {
                                "type": "array",
                                "minItems": 2,
                                "maxItems": 3,
                                "prefixItems": [_NANOSECONDS, _TEXT, _TEXTS],
                            },
                        },
                    },
                },
            }
        },
    },
    push={
        "streams": [
            {
                "stream": {"service_name": "order", "level": "warn"},
                "values": [["1772589930000000000", "call to funds timed out after 900 ms"]],
            }
        ]
    },
)

_ANY = {"type": "object", "properties": {"stringValue": _TEXT}}
_ATTRIBUTES: dict[str, Any] = {
    "type": "array",
    "items": {"type": "object", "properties": {"key": _TEXT, "value": _ANY}},
}
OTLP_BODY = json_body(
    {
        "type": "object",
        "properties": {
            "resourceLogs": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "resource": {"type": "object", "properties": {"attributes": _ATTRIBUTES}},
                        "scopeLogs": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "properties": {
                                    "logRecords": {
                                        "type": "array",
                                        "items": {
                                            "type": "object",
                                            "properties": {
                                                "timeUnixNano": _NANOSECONDS,
                                                "severityNumber": {"type": "integer"},
                                                "body": _ANY,
                                                "attributes": _ATTRIBUTES,
                                                "traceId": {**_TEXT, "description": "hexadecimal"},
                                            },
                                        },
                                    }
                                },
                            },
                        },
                    },
                },
            }
        },
    },
    export={
        "resourceLogs": [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "order"}}]},
                "scopeLogs": [
                    {
                        "logRecords": [
                            {
                                "timeUnixNano": "1772589930000000000",
                                "severityNumber": 13,
                                "body": {"stringValue": "call to funds timed out after 900 ms"},
                                "traceId": "5b8efff798038103d269b633813fc60c",
                            }
                        ]
                    }
                ],
            }
        ]
    },
)
