"""Logs in rankings: over HTTP as offline, in the API and on the page."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from builders import ONSET, a_frame
from log_builders import ONSET_MS, SERVICES, a_log_bundle, requests
from service_builders import StillClock, a_bundle, a_client, a_cmdb, a_webhook, an_app, as_columns

from features.logs.sums import sum_logs
from models.cases.case import Alert, build_case
from models.rankers import rank
from telemetry.decoders import json_logs

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi.testclient import TestClient

    from telemetry.logs import LogRecord

EDGES = (("gateway", "order"), ("order", "stock"))
NOW = ONSET + timedelta(minutes=4)
ALERT_AT = ONSET + timedelta(minutes=3)


def body_of(records: list[LogRecord]) -> bytes:
    named = ("service", "severity", "logger", "time_ms", "message", "trace_id")
    ordered = sorted(records, key=lambda each: each.time_ms)
    return "\n".join(json.dumps(dict(zip(named, each[:-1], strict=True))) for each in ordered).encode()


def broken_lines() -> bytes:
    secret = replace_body(requests(ONSET_MS, ONSET_MS + 200_000, seed=1, broken="stock"))
    return body_of([*requests(ONSET_MS - 3_600_000, ONSET_MS), *secret])


def replace_body(records: list[LogRecord]) -> list[LogRecord]:
    return [each._replace(body=each.body.replace("badly", "with token=abc123")) for each in records]


def a_client_with(client: TestClient, lines: bytes) -> dict[str, Any]:
    """Bring a graph, signals without any fault, and lines; answer the alert's ranking."""
    client.post("/v1/cmdb", json=a_cmdb(SERVICES, EDGES)).raise_for_status()
    normal = a_frame(SERVICES, n_ticks=60, end=NOW)
    client.post("/v1/samples", json=as_columns(normal)).raise_for_status()
    client.post("/v1/logs", content=lines).raise_for_status()
    alerts: list[dict[str, Any]] = client.post(
        "/v1/alerts", json=a_webhook("gateway", starts_at=ALERT_AT)
    ).json()["alerts"]
    return alerts[0]


def test_a_ranking_over_http_is_the_offline_one(tmp_path: Path) -> None:
    lines, bundle, log_bundle = broken_lines(), a_bundle(items=SERVICES), a_log_bundle()
    app = an_app(tmp_path, bundle=bundle, clock=StillClock(NOW))
    app.state.rooms.logs.adoption.adopt(log_bundle)
    with a_client(app) as client:
        alert = a_client_with(client, lines)
    logs = json_logs.decode(lines).logs
    sums = sum_logs(logs, log_bundle.miner().mine(logs), step_ms=60_000)
    case = build_case(
        Alert("gateway", "SlowRequests", ALERT_AT, fingerprint="SlowRequests-gateway"),
        NOW,
        app.state.rooms.cmdb.graph,
        a_frame(SERVICES, n_ticks=60, end=NOW),
        normal=bundle.normal,
        clock=bundle.clock_used,
        bundle_version=bundle.version,
        logs=sums,
        normal_logs=log_bundle.normal,
    )
    offline = rank(case)
    online = alert["ranking"]["candidates"]
    assert [each["item"] for each in online] == [each.item for each in offline.candidates]
    assert [each["probability"] for each in online] == [each.probability for each in offline.candidates]
    assert [each["weight"] for each in online[0]["evidence"]] == [
        each.weight for each in offline.candidates[0].evidence
    ]


def test_a_fault_that_only_lines_show_is_ranked_first_and_told_by_its_templates(tmp_path: Path) -> None:
    with a_client(an_app(tmp_path, bundle=a_bundle(items=SERVICES), clock=StillClock(NOW))) as client:
        client.app.state.rooms.logs.closing.advance()  # type: ignore[attr-defined]
        client.post("/v1/logs", content=body_of(requests(ONSET_MS - 3_600_000, ONSET_MS))).raise_for_status()
        client.app.state.rooms.logs.closing.advance()  # type: ignore[attr-defined]
        fault = replace_body(requests(ONSET_MS, ONSET_MS + 200_000, seed=1, broken="stock"))
        alert = a_client_with(client, body_of(fault))
        page = client.get(f"/incidents/{alert['incident']}").text
        ranking = client.get(f"/v1/incidents/{alert['incident']}/causes").json()["ranking"]
    best = ranking["candidates"][0]
    assert best["item"] == "stock"
    found = {each["kind"]: each for evidence in best["evidence"] for each in evidence["templates"]}
    assert {"missing", "new"} <= found.keys()
    new = found["new"]
    assert (new["severity"], new["unit"], new["first_seen_ms"]) == ("ERROR", "lines", ONSET_MS)
    assert new["template"].startswith("request failed with")
    assert len(new["examples"]) == len(new["trace_ids"]) == 3
    assert "abc123" not in page + json.dumps(ranking)
    assert "token=&lt;masked:secret&gt; after" in page
    assert "What its log lines show" in page
    assert "<b>New</b>" in page


def test_an_alert_without_any_sample_is_ranked_by_lines_alone(tmp_path: Path) -> None:
    app = an_app(tmp_path, bundle=a_bundle(items=SERVICES), clock=StillClock(NOW))
    app.state.rooms.logs.adoption.adopt(a_log_bundle())
    with a_client(app) as client:
        client.post("/v1/cmdb", json=a_cmdb(SERVICES, EDGES)).raise_for_status()
        client.post("/v1/logs", content=broken_lines()).raise_for_status()
        [alert] = client.post("/v1/alerts", json=a_webhook("gateway", starts_at=ALERT_AT)).json()["alerts"]
    assert alert["ranking"]["candidates"][0]["item"] == "stock"
