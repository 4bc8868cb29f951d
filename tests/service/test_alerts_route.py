from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from builders import ONSET
from service_builders import (
    NOW,
    StillClock,
    a_bundle,
    a_client,
    a_cmdb,
    a_service,
    a_webhook,
    an_app,
    an_incident_frame,
    as_columns,
)

from cmdb.graph import DependencyGraph
from features.calendar import CLOCKS
from features.frame import Frame
from models.case import Alert, build_case
from models.rankers import rank
from service.incidents.enrichment import enrich
from service.live import InUse
from service.windows import RecentWindow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi.testclient import TestClient


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with a_service(tmp_path) as running:
        yield running


def send(client: TestClient, webhook: dict[str, Any]) -> dict[str, Any]:
    answer = client.post("/v1/alerts", json=webhook)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()["alerts"][0]
    return told


def test_an_alert_comes_back_with_its_likely_cause_and_the_page(client: TestClient) -> None:
    told = send(client, a_webhook())
    assert told["unenriched"] == ""
    first = told["ranking"]["candidates"][0]
    assert first["item"] == "funds-db"
    assert first["probability"] > 0.5
    assert first["path"] == ["gateway", "order", "funds", "funds-db"]
    assert first["evidence"][0]["sentence"]
    assert told["page"].endswith(f"/incidents/{told['incident']}")
    causes = client.get(f"/v1/incidents/{told['incident']}/causes").json()
    assert causes["ranking"]["candidates"][0] == first
    versions = {"graph_version", "bundle_version", "code_version", "window_start_ms", "window_end_ms"}
    assert all(causes["ranking"][each] for each in versions)


def test_the_answer_is_the_ranking_of_the_case_that_offline_code_builds(client: TestClient) -> None:
    told = send(client, a_webhook())
    parts = client.app.state.parts  # type: ignore[attr-defined]
    bundle = parts.live.in_use.bundle
    alert = Alert("gateway", "SlowRequests", ONSET + timedelta(minutes=4), "SlowRequests-gateway")
    case = build_case(
        alert,
        NOW,
        parts.cmdb.graph,
        an_incident_frame(),
        normal=bundle.normal,
        clock=CLOCKS[bundle.clock],
        bundle_version=bundle.version,
    )
    ranking = rank(case)
    assert [each["item"] for each in told["ranking"]["candidates"]] == [
        each.item for each in ranking.candidates
    ]
    assert told["ranking"]["candidates"][0]["score"] == ranking.candidates[0].score


@pytest.mark.parametrize("body", [b"", b'{"alerts": [', b"[]", b"{}", b'{"alerts": [1]}', b'{"alerts": "x"}'])
def test_what_is_no_webhook_is_a_problem(client: TestClient, body: bytes) -> None:
    answer = client.post("/v1/alerts", content=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


def test_text_that_is_no_unicode_is_a_problem(client: TestClient) -> None:
    answer = client.post("/v1/alerts", content=rb'{"alerts": [{"labels": {"service": "\ud800"}}]}')
    assert answer.status_code == 400


def test_an_alert_about_nothing_known_is_answered_with_the_reason(client: TestClient) -> None:
    told = send(client, a_webhook("ghost"))
    assert told["ranking"] is None
    assert "ghost" in told["unenriched"]
    assert client.get(f"/v1/incidents/{told['incident']}").json()["alerts"][0]["unenriched"]


def test_an_alert_without_labels_is_answered_with_the_reason(client: TestClient) -> None:
    told = send(client, {"alerts": [{}]})
    assert told["unenriched"] == "no label of the alert names a configuration item"
    assert told["notes"]


def test_no_graph_no_bundle_and_no_signals_are_each_the_reason(tmp_path: Path) -> None:
    app = an_app(tmp_path)
    with a_client(app) as client:
        assert "graph" in send(client, a_webhook())["unenriched"]
        client.post("/v1/cmdb", json=a_cmdb())
        assert "champion" in send(client, a_webhook())["unenriched"]
        app.state.source.bundle = a_bundle()
        app.state.parts.champion.refresh()
        assert "signals" in send(client, a_webhook())["unenriched"]
        client.post("/v1/samples", json=as_columns(an_incident_frame()))
        assert send(client, a_webhook())["unenriched"] == ""
        assert client.get("/v1/incidents").json()["total"] == 1


def test_a_ranking_that_fails_does_not_cost_the_alert_its_answer() -> None:
    window = RecentWindow(step_ms=1000, length_ms=60_000, max_series=10)  # not on the bundle's step
    window.add(as_samples(an_incident_frame()))
    found = enrich(
        Alert("gateway", "Slow", ONSET), NOW, a_graph_of_items(), InUse(a_bundle(), window), changes=()
    )
    assert found.document is None
    assert "failed" in found.unenriched
    assert (found.cause, found.probability) == ("", 0.0)


def as_samples(frame: Frame) -> Any:
    from telemetry.batches import Samples  # noqa: PLC0415

    rows = (
        (key.item, key.metric, int(at_ms), float(frame.values[row, column]))
        for column, key in enumerate(frame.keys)
        for row, at_ms in enumerate(frame.times_ms)
        if np.isfinite(frame.values[row, column])
    )
    return Samples.from_rows(rows)


def a_graph_of_items() -> DependencyGraph:
    from cmdb.importers.tables import read_document  # noqa: PLC0415

    return read_document(a_cmdb()).graph


def test_the_same_alert_again_updates_its_incident(client: TestClient) -> None:
    first, again = send(client, a_webhook()), send(client, a_webhook())
    assert first["incident"] == again["incident"]
    incident = client.get(f"/v1/incidents/{first['incident']}").json()
    assert (incident["n_alerts"], incident["alerts"][0]["n_received"]) == (1, 2)


def test_alerts_twice_in_one_webhook_are_one(client: TestClient) -> None:
    webhook = a_webhook()
    webhook["alerts"] *= 2
    answers = client.post("/v1/alerts", json=webhook).json()["alerts"]
    assert answers[0]["incident"] == answers[1]["incident"]
    assert client.get("/v1/incidents/1").json()["n_alerts"] == 1


def test_related_alerts_share_an_incident_that_the_furthest_seeing_leads(client: TestClient) -> None:
    deep = send(client, a_webhook("funds"))
    wide = send(client, a_webhook("gateway", summary="The app is slow"))
    apart = send(client, a_webhook("quotes"))
    assert deep["incident"] == wide["incident"]
    incident = client.get(f"/v1/incidents/{deep['incident']}").json()
    assert (incident["n_alerts"], incident["item"], incident["title"]) == (3, "gateway", "The app is slow")
    assert apart["incident"] == deep["incident"]  # the gateway depends on quotes as well


def test_alerts_far_apart_in_time_or_unrelated_do_not(client: TestClient) -> None:
    now = send(client, a_webhook("order"))
    early = send(client, a_webhook("order", starts_at=ONSET - timedelta(minutes=40)))
    other = send(client, a_webhook("quotes"))
    assert len({now["incident"], early["incident"], other["incident"]}) == 3


def test_an_incident_closes_when_the_last_of_its_alerts_is_resolved(client: TestClient) -> None:
    for item in ("gateway", "order"):
        send(client, a_webhook(item))
    told = send(client, a_webhook("order", status="resolved"))
    assert client.get("/v1/incidents/1").json()["status"] == "open"
    assert told["ranking"]["candidates"][0]["item"] == "funds-db"
    send(client, a_webhook("gateway", status="resolved"))
    incident = client.get("/v1/incidents/1").json()
    assert incident["status"] == "closed"
    assert incident["closed_at"] == "2026-03-04T02:13:00Z"
    send(client, a_webhook("gateway"))
    assert client.get("/v1/incidents/1").json()["status"] == "open"


def test_alerts_beyond_the_limit_are_answered_unlooked_at(tmp_path: Path) -> None:
    with a_service(tmp_path, max_alerts=1) as client:
        webhook = a_webhook()
        webhook["alerts"] += a_webhook("order")["alerts"]
        answers = client.post("/v1/alerts", json=webhook).json()["alerts"]
    assert answers[0]["ranking"]
    assert answers[1]["incident"] is None
    assert "first 1 alerts" in answers[1]["unenriched"]


def test_a_webhook_that_takes_too_long_answers_the_rest_unenriched(tmp_path: Path) -> None:
    with a_service(tmp_path, ranking_budget_s=1e-9) as client:
        told = send(client, a_webhook())
    assert "time" in told["unenriched"]
    assert told["incident"] == 1


def test_what_was_explained_stays_explained_when_it_cannot_be_again(tmp_path: Path) -> None:
    clock = StillClock()
    with a_service(tmp_path, clock=clock) as client:
        before = send(client, a_webhook())
        client.post("/v1/cmdb", json=a_cmdb(items=("quotes",), edges=()))
        after = send(client, a_webhook())
    assert after["ranking"]["candidates"] == before["ranking"]["candidates"]


def test_an_empty_webhook_is_answered(client: TestClient) -> None:
    assert client.post("/v1/alerts", json={"alerts": []}).json() == {"alerts": []}
