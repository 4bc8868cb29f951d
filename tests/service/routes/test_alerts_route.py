from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from builders import ONSET, a_frame, a_graph, with_fault
from service_builders import (
    ITEMS,
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
from models.cases.case import Alert, build_case
from models.rankers import rank
from service.signals.in_use import InUse
from service.signals.recent_window import RecentWindow

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
    enriched: dict[str, Any] = answer.json()["alerts"][0]
    return enriched


def test_an_alert_comes_back_with_its_likely_cause_and_the_page(client: TestClient) -> None:
    enriched = send(client, a_webhook())
    assert enriched["unenriched"] == ""
    first = enriched["ranking"]["candidates"][0]
    assert first["item"] == "funds-db"
    assert first["probability"] > 0.5
    assert first["path"] == ["gateway", "order", "funds", "funds-db"]
    assert first["evidence"][0]["sentence"]
    assert enriched["page"].endswith(f"/incidents/{enriched['incident']}")
    causes = client.get(f"/v1/incidents/{enriched['incident']}/causes").json()
    assert causes["ranking"]["candidates"][0] == first
    versions = {"graph_version", "bundle_version", "code_version", "window_start_ms", "window_end_ms"}
    assert all(causes["ranking"][each] for each in versions)


def test_the_answer_is_the_ranking_of_the_case_that_offline_code_builds(client: TestClient) -> None:
    enriched = send(client, a_webhook())
    rooms = client.app.state.rooms  # type: ignore[attr-defined]
    bundle = rooms.signals.in_use.bundle
    alert = Alert("gateway", "SlowRequests", ONSET + timedelta(minutes=4), "SlowRequests-gateway")
    case = build_case(
        alert,
        NOW,
        rooms.cmdb.graph,
        an_incident_frame(),
        normal=bundle.normal,
        clock=CLOCKS[bundle.clock],
        bundle_version=bundle.version,
    )
    ranking = rank(case)
    assert [each["item"] for each in enriched["ranking"]["candidates"]] == [
        each.item for each in ranking.candidates
    ]
    assert enriched["ranking"]["candidates"][0]["score"] == ranking.candidates[0].score


@pytest.mark.parametrize(
    "body", [b"", b'{"alerts": [', b"[1]", b"{}", b'{"alerts": [1]}', b'{"alerts": "x"}']
)
def test_what_is_no_webhook_is_a_problem(client: TestClient, body: bytes) -> None:
    answer = client.post("/v1/alerts", content=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


def test_text_that_is_no_unicode_is_a_problem(client: TestClient) -> None:
    answer = client.post("/v1/alerts", content=rb'{"alerts": [{"labels": {"service": "\ud800"}}]}')
    assert answer.status_code == 400


def test_an_alert_about_nothing_known_is_answered_with_the_reason(client: TestClient) -> None:
    enriched = send(client, a_webhook("ghost"))
    assert enriched["ranking"] is None
    assert "ghost" in enriched["unenriched"]
    assert client.get(f"/v1/incidents/{enriched['incident']}").json()["alerts"][0]["unenriched"]


def test_an_alert_without_labels_is_answered_with_the_reason(client: TestClient) -> None:
    enriched = send(client, {"alerts": [{}]})
    assert enriched["unenriched"] == "no label of the alert names a configuration item"
    assert enriched["notes"]


def test_no_bundle_no_known_item_and_no_signals_are_each_the_reason(tmp_path: Path) -> None:
    app = an_app(tmp_path)
    with a_client(app) as client:
        assert "champion" in send(client, a_webhook())["unenriched"]
        app.state.source.bundle = a_bundle()
        app.state.rooms.models.champion.refresh()
        assert "no configuration item" in send(client, a_webhook("ghost"))["unenriched"]
        assert "signals" in send(client, a_webhook())["unenriched"]
        client.post("/v1/samples", json=as_columns(an_incident_frame()))
        assert send(client, a_webhook())["unenriched"] == ""
        assert client.get("/v1/incidents").json()["total"] == 2


def test_without_a_graph_items_are_ranked_on_their_own_signals_and_it_is_noted(tmp_path: Path) -> None:
    alone = with_fault(an_incident_frame(), {("funds-db", "latency_s"): 5.0}, last_ticks=7)
    with a_client(an_app(tmp_path, bundle=a_bundle())) as client:
        client.post("/v1/samples", json=as_columns(alone)).raise_for_status()
        ready = client.get("/readyz")
        enriched = send(client, a_webhook())
        known = send(client, a_webhook("ghost", fingerprint="other"))
    assert ready.status_code == 200
    assert any(each.startswith("no graph") for each in ready.json()["reasons"])
    assert enriched["unenriched"] == ""
    assert enriched["ranking"]["n_candidates"] == len(ITEMS)
    assert enriched["ranking"]["candidates"][0]["item"] == "funds-db"
    assert any("no edges" in each for each in enriched["ranking"]["unseen"])
    assert "no configuration item" in known["unenriched"]


def test_a_graph_without_edges_is_searched_completely_as_offline_code_does(tmp_path: Path) -> None:
    bundle, frame = a_bundle(), an_incident_frame()
    with a_client(an_app(tmp_path, bundle=bundle)) as client:
        client.post("/v1/cmdb", json=a_cmdb(edges=())).raise_for_status()
        client.post("/v1/samples", json=as_columns(frame)).raise_for_status()
        enriched = send(client, a_webhook())["ranking"]
    alert = Alert("gateway", "SlowRequests", ONSET + timedelta(minutes=4), "SlowRequests-gateway")
    graph = a_graph(alone=ITEMS)
    ranking = rank(build_case(alert, NOW, graph, frame, normal=bundle.normal, clock=CLOCKS[bundle.clock]))
    assert enriched["n_candidates"] == len(ranking.candidates) == len(ITEMS)
    assert enriched["unseen"] == list(ranking.unseen)
    for each, offline in zip(enriched["candidates"], ranking.candidates, strict=True):
        assert (each["item"], each["score"]) == (offline.item, offline.score)


def test_the_alerts_of_one_incident_are_evidence_for_each_other(client: TestClient) -> None:
    webhook = a_webhook()
    webhook["alerts"] += a_webhook("funds-db", name="SlowQueries")["alerts"]
    enriched = send(client, webhook)["ranking"]
    kinds = {each["item"]: [one["kind"] for one in each["evidence"]] for each in enriched["candidates"]}
    assert "alerts" in kinds["funds-db"]
    assert not any("alerts" in found for item, found in kinds.items() if item != "funds-db")
    assert enriched["causes"] == ["funds-db"]


def test_a_ranking_that_fails_does_not_cost_the_alert_its_answer(client: TestClient) -> None:
    send(client, a_webhook())
    rooms = client.app.state.rooms  # type: ignore[attr-defined]
    (known,) = rooms.incidents.store.alerts_of(1)
    window = RecentWindow(step_ms=1000, length_ms=60_000, max_series=10)  # not on the bundle's step
    window.add(as_samples(an_incident_frame()))
    found = rooms.incidents.handler._enricher.enrich(known, rooms.graph, InUse(a_bundle(), window))
    assert found.document is None
    assert "failed" in found.unenriched


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
    enriched = send(client, a_webhook("order", status="resolved"))
    assert client.get("/v1/incidents/1").json()["status"] == "open"
    assert enriched["ranking"]["candidates"][0]["item"] == "funds-db"
    send(client, a_webhook("gateway", status="resolved"))
    incident = client.get("/v1/incidents/1").json()
    assert incident["status"] == "closed"
    assert incident["closed_at"] == "2026-03-04T02:13:00Z"
    send(client, a_webhook("gateway"))  # of the same start: it was only late
    assert client.get("/v1/incidents/1").json()["status"] == "closed"
    send(client, a_webhook("gateway", starts_at=ONSET + timedelta(minutes=6)))
    assert client.get("/v1/incidents/1").json()["status"] == "open"


def test_alerts_beyond_the_limit_are_stored_unranked_and_retain_their_earlier_answer(tmp_path: Path) -> None:
    with a_service(tmp_path, max_alerts=1) as client:
        webhook = a_webhook("order")
        webhook["alerts"] += a_webhook("quotes")["alerts"]
        answers = client.post("/v1/alerts", json=webhook).json()["alerts"]
        stored = client.get("/v1/incidents").json()
        webhook["alerts"].reverse()
        again = client.post("/v1/alerts", json=webhook).json()["alerts"]
    assert answers[0]["ranking"]
    assert "first 1 alerts" in answers[1]["unenriched"]
    assert stored["total"] == 2
    assert {each["id"] for each in stored["incidents"]} == {each["incident"] for each in answers}
    assert [each["unenriched"] for each in again] == ["", ""]
    assert again[1]["ranking"] == answers[0]["ranking"]


def test_a_late_alert_retains_its_ranking(tmp_path: Path) -> None:
    with a_service(tmp_path) as client:
        before = send(client, a_webhook())
    with a_client(an_app(tmp_path, bundle=a_bundle(), ranking_budget_s=1e-9)) as client:
        again = send(client, a_webhook())
        [alert] = client.get("/v1/incidents/1").json()["alerts"]
    assert again["ranking"] == before["ranking"]
    assert (again["unenriched"], alert["unenriched"]) == ("", "")


@pytest.mark.parametrize(
    ("later", "is_ranked_again"),
    [(timedelta(minutes=30), True), (timedelta(hours=3), False), (timedelta(hours=7), False)],
)
def test_a_notification_that_comes_again_is_ranked_while_all_of_it_can_be_seen(
    tmp_path: Path, later: timedelta, is_ranked_again: bool
) -> None:
    clock = StillClock()
    with a_service(tmp_path, clock=clock) as client:
        before = send(client, a_webhook())
        clock.at = NOW + later
        normal = a_frame(ITEMS, n_ticks=int(later / timedelta(minutes=1)), end=clock.at, seed=3)
        client.post("/v1/samples", json=as_columns(normal)).raise_for_status()
        again = send(client, a_webhook())
    assert (again["ranking"] != before["ranking"]) == is_ranked_again
    assert again["ranking"]["candidates"][0]["item"] == "funds-db"


def test_alerts_without_an_item_are_apart_but_for_the_same_one_again(client: TestClient) -> None:
    one = send(client, a_webhook("", name="DeadMan"))
    other = send(client, a_webhook("", name="Watchdog"))
    again = send(client, a_webhook("", name="DeadMan", starts_at=ONSET + timedelta(minutes=9)))
    assert one["incident"] == again["incident"] != other["incident"]
    assert client.get(f"/v1/incidents/{one['incident']}").json()["title"] == "DeadMan"


def without_start(**chosen: Any) -> dict[str, Any]:
    webhook = a_webhook(**chosen)
    del webhook["alerts"][0]["startsAt"]
    return webhook


def test_an_alert_without_a_start_is_one_alert_until_it_is_resolved(tmp_path: Path) -> None:
    clock = StillClock()
    with a_service(tmp_path, clock=clock) as client:
        for minutes in range(3):
            clock.at = NOW + timedelta(minutes=minutes)
            send(client, without_start())
        incident = client.get("/v1/incidents/1").json()
        assert [each["n_received"] for each in incident["alerts"]] == [3]
        assert incident["alerts"][0]["starts_at"] == "2026-03-04T02:06:00Z"
        for _ in range(2):
            send(client, without_start(status="resolved"))
        incident = client.get("/v1/incidents/1").json()
        assert (incident["status"], incident["n_alerts"]) == ("closed", 1)
        anew = send(client, without_start())
        assert anew["starts_at"] == "2026-03-04T02:08:00Z"
        for status in ("resolved", "firing", "firing"):
            send(client, without_start(status=status))
        assert client.get("/v1/incidents/1").json()["n_alerts"] == 2


def test_a_webhook_that_takes_too_long_answers_the_rest_unenriched(tmp_path: Path) -> None:
    with a_service(tmp_path, ranking_budget_s=1e-9) as client:
        enriched = send(client, a_webhook())
    assert "time" in enriched["unenriched"]
    assert enriched["incident"] == 1


def test_what_was_explained_stays_explained_when_it_cannot_be_again(tmp_path: Path) -> None:
    clock = StillClock()
    with a_service(tmp_path, clock=clock) as client:
        before = send(client, a_webhook())
        client.post("/v1/cmdb", json=a_cmdb(items=("quotes",), edges=()))
        after = send(client, a_webhook())
    assert after["ranking"]["candidates"] == before["ranking"]["candidates"]


def test_an_empty_webhook_is_answered(client: TestClient) -> None:
    assert client.post("/v1/alerts", json={"alerts": []}).json() == {"alerts": []}
