"""The bodies that routes read, each with an example."""

from __future__ import annotations

from service.http.request_schemas import binary_body, json_body
from service.intake.alertmanager import Webhook
from service.intake.changes import ChangesIn
from service.intake.cmdb import CmdbDocument
from service.routes.incident_documents import VerdictIn
from service.routes.paging_documents import MaintenanceIn
from telemetry.decoders.json_samples import SamplesBody
from telemetry.decoders.log_bodies import LogLine, LokiPush, OtlpExport
from telemetry.decoders.metric_bodies import OtlpMetricsExport
from telemetry.decoders.span_bodies import OtlpTracesExport, ZipkinSpan

TYPES = (
    SamplesBody,
    LogLine,
    LokiPush,
    OtlpExport,
    OtlpMetricsExport,
    OtlpTracesExport,
    ZipkinSpan,
    Webhook,
    CmdbDocument,
    ChangesIn,
    VerdictIn,
    MaintenanceIn,
)
"""Everything that describes a body."""

CHANGES_BODY, VERDICT_BODY, MAINTENANCE_BODY = (
    json_body(each) for each in (ChangesIn, VerdictIn, MaintenanceIn)
)
SAMPLES_BODY = json_body(
    SamplesBody,
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
LINES_BODY = json_body(
    LogLine,
    line={
        "service": "ledger-db",
        "time": "2026-03-04T02:05:30Z",
        "severity": "error",
        "message": "replication to standby 10.3.0.8 broken: stream ended at position 77121",
    },
)
PUSH_BODY = json_body(
    LokiPush,
    push={
        "streams": [
            {
                "stream": {"service_name": "order", "level": "warn"},
                "values": [["1772589930000000000", "call to funds timed out after 900 ms"]],
            }
        ]
    },
)
OTLP_BODY = json_body(
    OtlpExport,
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
REMOTE_WRITE_BODY = binary_body(
    "application/x-protobuf",
    "a `prometheus.WriteRequest` or an `io.prometheus.write.v2.Request`, which a sender packs by snappy",
    nothing="",
)
OTLP_METRICS_BODY = json_body(
    OtlpMetricsExport,
    export={
        "resourceMetrics": [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "order"}}]},
                "scopeMetrics": [
                    {
                        "metrics": [
                            {
                                "name": "http.server.requests",
                                "unit": "{request}",
                                "sum": {
                                    "aggregationTemporality": 2,
                                    "isMonotonic": True,
                                    "dataPoints": [{"timeUnixNano": "1772589930000000000", "asInt": "120"}],
                                },
                            }
                        ]
                    }
                ],
            }
        ]
    },
)
OTLP_METRICS_BODY["requestBody"]["content"] |= binary_body(
    "application/x-protobuf", "an `ExportMetricsServiceRequest`", nothing=""
)["requestBody"]["content"]
OTLP_TRACES_BODY = json_body(
    OtlpTracesExport,
    export={
        "resourceSpans": [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "order"}}]},
                "scopeSpans": [
                    {
                        "spans": [
                            {
                                "traceId": "5b8efff798038103d269b633813fc60c",
                                "spanId": "eee19b7ec3c1b174",
                                "name": "POST /orders",
                                "kind": 2,
                                "startTimeUnixNano": "1772589930000000000",
                                "endTimeUnixNano": "1772589930210000000",
                            }
                        ]
                    }
                ],
            }
        ]
    },
)
OTLP_TRACES_BODY["requestBody"]["content"] |= binary_body(
    "application/x-protobuf", "an `ExportTraceServiceRequest`", nothing=""
)["requestBody"]["content"]
ZIPKIN_BODY = json_body(
    ZipkinSpan,
    spans=[
        {
            "traceId": "5b8efff798038103d269b633813fc60c",
            "id": "eee19b7ec3c1b174",
            "name": "post /orders",
            "kind": "SERVER",
            "timestamp": 1772589930000000,
            "duration": 210000,
            "localEndpoint": {"serviceName": "order"},
        }
    ],
)
ZIPKIN_BODY["requestBody"]["content"]["application/json"]["schema"] = {
    "type": "array",
    "items": {"$ref": "#/components/schemas/ZipkinSpan"},
}
for each in (PUSH_BODY, OTLP_BODY):  # the same in Protocol Buffers
    each["requestBody"]["content"]["application/x-protobuf"] = {
        "schema": {"type": "string", "format": "binary"}
    }
BULK_TEXT = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-ndjson": {
                "schema": {"type": "string"},
                "examples": {
                    "documents": {
                        "value": '{"create": {"_index": "logs"}}\n'
                        '{"@timestamp": "2026-03-04T02:05:30Z", "log": {"level": "warn"}, '
                        '"service": {"name": "order"}, "message": "call to funds timed out after 900 ms"}\n'
                    }
                },
            }
        },
    }
}
"""Of Elasticsearch's bulk interface: an action and a document, a line each."""
WEBHOOK_BODY = json_body(
    Webhook,
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
CMDB_BODY = json_body(
    CmdbDocument,
    document={
        "items": [
            {"id": "order", "kind": "service", "name": "Order", "team": "trading"},
            {"id": "funds-db", "kind": "database", "name": "Funds database", "team": "funds"},
        ],
        "edges": [{"dependent": "order", "dependency": "funds-db", "kind": "calls"}],
    },
)
