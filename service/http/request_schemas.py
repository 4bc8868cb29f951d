"""Bodies that routes read as bytes: what OpenAPI says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel

COMPONENT = "#/components/schemas/{model}"
"""Where OpenAPI has the schema of a model."""


def json_body(schema: dict[str, Any], **examples: Any) -> dict[str, Any]:
    """OpenAPI of a required JSON body with examples by name."""
    named = {name: {"value": value} for name, value in examples.items()}
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema, "examples": named}},
        }
    }


def model_body(model: type[BaseModel]) -> dict[str, Any]:
    """OpenAPI of a required JSON body that a model describes; `service.http.openapi` adds its schema."""
    schema = {"$ref": COMPONENT.format(model=model.__name__)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


_TEXT = {"type": "string"}
_KEY = {"item": _TEXT, "metric": {**_TEXT, "description": "its name ends in its unit: latency_s"}}
_VALUE = {"type": ["number", "null"], "description": "null is counted and rejected"}
_INSTANT = {"type": "string", "format": "date-time"}
_MS = {"type": "integer", "description": "milliseconds since the epoch, UTC"}

SAMPLES_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "Samples one by one, or as columns per series.",
    "anyOf": [
        {
            "required": ["samples"],
            "properties": {
                "samples": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["item", "metric", "value"],
                        "properties": {**_KEY, "time": _INSTANT, "time_ms": _MS, "value": _VALUE},
                    },
                }
            },
        },
        {
            "required": ["series"],
            "properties": {
                "series": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["item", "metric", "time_ms", "values"],
                        "properties": {
                            **_KEY,
                            "time_ms": {"type": "array", "items": _MS},
                            "values": {"type": "array", "items": _VALUE},
                        },
                    },
                }
            },
        },
    ],
}
SAMPLES_BODY = json_body(
    SAMPLES_SCHEMA,
    samples={
        "samples": [{"item": "order", "metric": "latency_s", "time": "2026-03-04T02:00:00Z", "value": 0.21}]
    },
    columns={
        "series": [
            {
                "item": "order",
                "metric": "requests",
                "time_ms": [1772589600000, 1772589660000],
                "values": [120, 134],
            }
        ]
    },
)

_TEXTS = {"type": "object", "additionalProperties": _TEXT}
WEBHOOK_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["alerts"],
    "description": "Alertmanager's webhook, version 4, or Grafana's; unknown fields are passed over.",
    "properties": {
        "alerts": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "status": {"enum": ["firing", "resolved"]},
                    "labels": _TEXTS,
                    "annotations": _TEXTS,
                    "startsAt": _INSTANT,
                    "endsAt": _INSTANT,
                    "fingerprint": _TEXT,
                },
            },
        }
    },
}
WEBHOOK_BODY = json_body(
    WEBHOOK_SCHEMA,
    alertmanager={
        "version": "4",
        "groupKey": '{}:{alertname="SlowRequests"}',
        "status": "firing",
        "receiver": "sunspot",
        "alerts": [
            {
                "status": "firing",
                "labels": {"alertname": "SlowRequests", "service": "order", "severity": "critical"},
                "annotations": {"summary": "Orders take longer than a second"},
                "startsAt": "2026-03-04T02:03:00Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "fingerprint": "9a1b2c3d4e5f6071",
            }
        ],
    },
)

CMDB_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["items", "edges"],
    "properties": {
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id"],
                "properties": {"id": _TEXT, "kind": _TEXT, "name": _TEXT, "team": _TEXT},
            },
        },
        "edges": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["dependent", "dependency"],
                "properties": {
                    "dependent": _TEXT,
                    "dependency": _TEXT,
                    "kind": {"enum": ["calls", "async", "runs_on", "member_of", "connects"]},
                },
            },
        },
    },
}
CMDB_BODY = json_body(
    CMDB_SCHEMA,
    document={
        "items": [
            {"id": "order", "kind": "service", "name": "Order", "team": "trading"},
            {"id": "funds-db", "kind": "database", "name": "Funds database", "team": "funds"},
        ],
        "edges": [{"dependent": "order", "dependency": "funds-db", "kind": "calls"}],
    },
)
