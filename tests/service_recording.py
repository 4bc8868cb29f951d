"""The answers of every route about one small incident: the examples of the API's reference.

``PYTHONPATH=tests:. python -m service_recording`` writes them to ``service/http/examples.json``.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service_builders import a_cmdb, a_dull_bundle, a_service, a_webhook
from wire_builders import a_body

from service.http.openapi import EXAMPLES

if TYPE_CHECKING:
    from httpx2 import Response

N_CANDIDATES = 2
"""So many candidates are left in an example: more would only make it longer."""

PARTS = {"scoring", "paging"}
"""The parts whose health is left in the example of readiness."""

SAMPLE = {"item": "order", "metric": "latency_s", "time": "2026-03-04T02:05:30Z", "value": 0.21}
LINE = {"time": "2026-03-04T02:05:30Z", "severity": "warn", "message": "call to funds timed out"}
DOCUMENT = {"@timestamp": LINE["time"], "service": {"name": "order"}, "message": LINE["message"]}
LINE_NS = "1772589930000000000"
CHANGE = {
    "id": "deploy-4711",
    "item": "funds-db",
    "at": "2026-03-04T01:55:00Z",
    "kind": "config",
    "summary": "connection pool from 200 to 60",
}
MAINTENANCE = {
    "items": ["funds-db"],
    "start": "2026-03-06T07:00:00Z",
    "end": "2026-03-09T01:00:00Z",
    "phases": ["after_hours", "batch", "night", "non_trading_day"],
    "note": "new storage, between the close on Friday and Monday's open",
}
VERDICT = {"causes": ["funds-db"], "note": "lock wait after the change"}

JSON = {"content-type": "application/json"}
POSTED = {
    "/v1/cmdb": a_cmdb(),
    "/v1/samples": {"samples": [SAMPLE, {**SAMPLE, "value": None}]},
    "/v1/logs": {**LINE, "service": "order"},
    "/loki/api/v1/push": {
        "streams": [{"stream": {"app": "order"}, "values": [[LINE_NS, LINE["message"]], ["yesterday", ""]]}]
    },
    "/otlp/v1/logs": {
        "resourceLogs": [
            {
                "resource": {"attributes": []},
                "scopeLogs": [
                    {"logRecords": [{"timeUnixNano": LINE_NS, "body": {"stringValue": LINE["message"]}}]}
                ],
            }
        ]
    },
    "/otlp/v1/metrics": {
        "resourceMetrics": [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "order"}}]},
                "scopeMetrics": [
                    {
                        "metrics": [
                            {"name": "memory", "gauge": {"dataPoints": [{"timeUnixNano": "1", "asInt": "2"}]}}
                        ]
                    }
                ],
            }
        ]
    },
    "/otlp/v1/traces": {
        "resourceSpans": [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "order"}}]},
                "scopeSpans": [{"spans": [{"traceId": "5b8efff798038103", "spanId": "eee19b7ec3c1b174"}]}],
            }
        ]
    },
    "/elasticsearch/_bulk": [{"create": {"_index": "logs"}}, DOCUMENT, {"create": {}}, {"message": "late"}],
    "/elasticsearch/{index}/_bulk": [{"create": {}}, DOCUMENT],
    "/v1/changes": {"changes": [CHANGE]},
    "/v1/alerts": a_webhook(summary="The app is slow"),
    "/v1/alerts/api/v2/alerts": json.dumps(a_webhook(summary="The app is slow")["alerts"]).encode(),
    "/api/v2/alerts": json.dumps(a_webhook(summary="The app is slow")["alerts"]).encode(),
    "/v1/incidents/{incident}/verdict": VERDICT,
    "/v1/maintenance": MAINTENANCE,
}
SPAN = {
    "traceId": "5b8efff798038103d269b633813fc60c",
    "id": "eee19b7ec3c1b174",
    "timestamp": int(LINE_NS) // 1000,
    "duration": 210_000,
    "localEndpoint": {"serviceName": "order"},
}
WRITTEN = a_body(
    ({"__name__": "http_requests_total", "job": "order", "code": "200"}, [(int(LINE_NS) // 1_000_000, 120.0)])
)
READ = (
    "/elasticsearch",
    "/elasticsearch/_license",
    "/elasticsearch/_cluster/health",
    "/v1/items/{item}/scores",
    "/v1/incidents",
    "/v1/incidents/{incident}",
    "/v1/incidents/{incident}/alerts",
    "/v1/incidents/{incident}/causes",
    "/v1/teams",
    "/v1/pages",
    "/v1/shadow",
    "/v1/maintenance",
    "/v1/cmdb",
    "/v1/cmdb/items/{item}/dependencies",
    "/v1/cmdb/items/{item}/dependents",
    "/v1/cmdb/items/{item}",
    "/v1/changes",
    "/healthz",
    "/readyz",
    "/metrics",
)


def recorded(directory: Path) -> dict[str, Any]:
    """Return the answer of each operation, by a name such as ``GET /healthz``."""
    with a_service(directory, challenger=a_dull_bundle()) as client:
        client.app.state.rooms.scoring.pipeline.advance()  # type: ignore[attr-defined]
        client.app.state.rooms.paging.dispatcher.deliver()  # type: ignore[attr-defined]
        posted = {
            f"POST {path}": client.post(_address(path), content=_packed(body), headers=JSON)
            for path, body in POSTED.items()
        }
        posted["POST /api/v1/write"] = client.post("/api/v1/write", content=WRITTEN)
        posted["POST /api/v2/spans"] = client.post("/api/v2/spans", json=[SPAN, {**SPAN, "id": "7"}])
        read = {f"GET {path}": client.get(_address(path)) for path in READ}
        ended = {"DELETE /v1/maintenance/{window}": client.delete("/v1/maintenance/1")}
    return {name: _shortened(answer) for name, answer in (posted | read | ended).items()}


def _address(path: str) -> str:
    return path.format(item="order", incident=1, index="logs")


def _packed(body: Any) -> bytes:
    """A body as JSON; a list as one document a line; bytes as they are."""
    if isinstance(body, bytes):
        return body
    return "".join(f"{json.dumps(each)}\n" for each in (body if isinstance(body, list) else [body])).encode()


def _shortened(answer: Response) -> Any:
    answer.raise_for_status()
    if answer.headers["content-type"].startswith("text/plain"):
        return "\n".join(line for line in answer.text.splitlines() if "sunspot_incidents" in line) + "\n"
    document = answer.json()
    if "parts" in document:  # the others depend on which thread was first
        document["parts"] = [each for each in document["parts"] if each["name"] in PARTS]
    for each in [document, *document.get("alerts", ())]:
        if each.get("ranking"):
            del each["ranking"]["candidates"][N_CANDIDATES:]
    return document


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        answers = recorded(Path(folder))
    EXAMPLES.write_text(json.dumps(answers, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
