"""An answer gets better while its evidence comes in, and everybody is shown the same."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from builders import MINUTE_MS, ONSET, a_frame, with_fault
from service_builders import (
    ITEMS,
    NOW,
    StillClock,
    a_bundle,
    a_client,
    a_cmdb,
    a_webhook,
    an_app,
    as_columns,
)

from features.frame import Frame
from service.errors import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from fastapi import FastAPI
    from fastapi.testclient import TestClient

END = ONSET + timedelta(minutes=40)
LATE = "funds-db"


class Locked:
    """A publisher whose store is locked."""

    def publish(self, _made: object) -> None:
        raise StoreUnavailableError("database is locked")


@pytest.fixture(scope="module")
def incident() -> Frame:
    normal = a_frame(ITEMS, n_ticks=100, end=END, seed=7)
    slow = {(each, "latency_s"): 0.9 for each in ("gateway", "order", "funds", LATE)}
    return with_fault(normal, slow, last_ticks=41)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def app(tmp_path: Path, clock: StillClock) -> FastAPI:
    return an_app(tmp_path, bundle=a_bundle(), clock=clock, notify_url="http://127.0.0.1:9/pages")


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with a_client(app) as client:
        client.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
        yield client


def send(
    client: TestClient, frame: Frame, start: datetime, end: datetime, *, only: str = "", but: str = ""
) -> None:
    part = frame.between(int(start.timestamp() * 1000), int(end.timestamp() * 1000))
    columns = as_columns(part)
    columns["series"] = [
        each for each in columns["series"] if (not only or each["item"] == only) and each["item"] != but
    ]
    client.post("/v1/samples", json=columns).raise_for_status()


def causes(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/v1/incidents/1/causes").json()
    return found


def announced(app: FastAPI) -> list[dict[str, Any]]:
    due = app.state.rooms.paging.messages.due(END + timedelta(days=1), limit=99)
    return [dict(each.document) for each in due]


def test_samples_that_come_late_change_the_answer_and_everybody_is_shown_it(
    app: FastAPI, client: TestClient, clock: StillClock, incident: Frame
) -> None:
    rooms = app.state.rooms
    early = ONSET - timedelta(minutes=59)
    send(client, incident, early, NOW, but=LATE)
    send(client, incident, early, ONSET - timedelta(minutes=1), only=LATE)
    rooms.scoring.pipeline.advance()
    first = client.post("/v1/alerts", json=a_webhook(summary="The app is slow")).json()["alerts"][0][
        "ranking"
    ]
    assert first["candidates"][0]["item"] != LATE or first["abstained"]
    assert causes(client)["reason"] == "the alert arrived"
    for minute in range(1, 8):
        clock.at = NOW + timedelta(minutes=minute)
        send(client, incident, clock.at - timedelta(minutes=1), clock.at, but=LATE)
        send(client, incident, ONSET - timedelta(minutes=1), clock.at - timedelta(minutes=2), only=LATE)
        rooms.scoring.pipeline.advance()
        rooms.incidents.reranker.advance()
    found = causes(client)
    assert found["ranking"]["candidates"][0]["item"] == LATE
    assert found["ranking"]["abstained"] == ""
    assert found["as_of"] == found["ranking"]["ranked_at"] == "2026-03-04T02:13:00Z"
    assert found["reason"] == "new signals"
    assert found["changed"]
    assert len(found["history"]) >= 2
    assert found["history"][-1]["reason"] == "the alert arrived"
    page = client.get("/incidents/1").text
    assert "As of" in page
    assert found["changed"][0] in page
    assert client.get("/v1/incidents/1").json()["cause"] == LATE
    messages = announced(app)
    assert [each["kind"] for each in messages] == ["ranking"] * len(messages)
    assert messages[-1]["likely_causes"][0]["item"] == LATE
    assert messages[-1]["title"] == "The app is slow"
    assert messages[-1]["changed"]
    assert messages[0]["as_of"] == "2026-03-04T02:06:00+00:00"


def test_the_same_answer_again_is_confirmed_not_repeated(
    app: FastAPI, client: TestClient, clock: StillClock, incident: Frame
) -> None:
    rooms = app.state.rooms
    send(client, incident, ONSET - timedelta(minutes=59), NOW)
    rooms.scoring.pipeline.advance()
    client.post("/v1/alerts", json=a_webhook()).raise_for_status()
    before = causes(client)
    clock.at = NOW + timedelta(minutes=5)
    send(client, incident, NOW, clock.at)
    rooms.scoring.pipeline.advance()
    assert rooms.incidents.reranker.advance() == 1
    assert rooms.incidents.reranker.advance() == 0, "nothing is new: at most once per tick"
    after = causes(client)
    assert after["as_of"] > before["as_of"]
    assert len(after["history"]) == 1
    assert after["history"][0]["made_at"] == before["history"][0]["made_at"]
    assert after["ranking"]["window_end_ms"] == before["ranking"]["window_end_ms"] + 5 * MINUTE_MS
    assert len(announced(app)) == 1


def test_another_alert_and_the_end_are_reasons_too(
    app: FastAPI, client: TestClient, clock: StillClock, incident: Frame
) -> None:
    rooms = app.state.rooms
    send(client, incident, ONSET - timedelta(minutes=59), NOW)
    rooms.scoring.pipeline.advance()
    client.post("/v1/alerts", json=a_webhook()).raise_for_status()
    rooms.incidents.reranker.advance()
    client.post("/v1/alerts", json=a_webhook(LATE, name="SlowQueries")).raise_for_status()
    assert rooms.incidents.reranker.advance() == 1
    top = causes(client)["ranking"]["candidates"][0]
    assert "alerts" in [each["kind"] for each in top["evidence"]]
    for item, name in (("gateway", "SlowRequests"), (LATE, "SlowQueries")):
        client.post("/v1/alerts", json=a_webhook(item, name=name, status="resolved")).raise_for_status()
    assert rooms.incidents.reranker.advance() == 1
    assert client.get("/v1/incidents/1").json()["status"] == "closed"
    clock.at = NOW + timedelta(minutes=9)
    send(client, incident, NOW, clock.at)
    rooms.scoring.pipeline.advance()
    assert rooms.incidents.reranker.advance() == 0, "a closed incident is left alone"


def test_an_open_incident_is_ranked_for_two_hours_and_no_longer(
    app: FastAPI, client: TestClient, clock: StillClock, incident: Frame
) -> None:
    rooms = app.state.rooms
    send(client, incident, ONSET - timedelta(minutes=59), NOW)
    client.post("/v1/alerts", json=a_webhook()).raise_for_status()
    for hours, n_ranked in ((1.9, 1), (2.2, 0)):
        clock.at = ONSET + timedelta(hours=hours)
        later = a_frame(ITEMS, n_ticks=5, end=clock.at, seed=3)
        client.post("/v1/samples", json=as_columns(later)).raise_for_status()
        rooms.scoring.pipeline.advance()
        assert rooms.incidents.reranker.advance() == n_ranked


def test_a_budget_that_is_spent_leaves_the_rest_for_the_next_round(
    app: FastAPI, client: TestClient, incident: Frame
) -> None:
    rooms = app.state.rooms
    send(client, incident, ONSET - timedelta(minutes=59), NOW)
    for item in ("funds", "quotes"):
        client.post("/v1/alerts", json=a_webhook(item)).raise_for_status()
    seconds = iter((0.0, 0.0, 99.0, 100.0, 100.0, 199.0))
    rooms.incidents.reranker._elapsed_s = lambda: next(seconds)
    rooms.scoring.pipeline.advance()
    assert [rooms.incidents.reranker.advance() for _ in range(2)] == [1, 1]


def test_a_persons_words_title_the_incident_that_sunspot_opened(
    app: FastAPI, client: TestClient, incident: Frame
) -> None:
    rooms = app.state.rooms
    send(client, incident, ONSET - timedelta(minutes=59), NOW)
    rooms.scoring.pipeline.advance()
    rooms.paging.dispatcher.deliver()
    opened = client.get("/v1/incidents/1").json()
    assert opened["title"] == "Latency of gateway is " + opened["title"].removeprefix(
        "Latency of gateway is "
    )
    assert "standard deviations" not in opened["title"]
    [page] = [each for each in announced(app) if each["kind"] == "anomaly"]
    assert page["likely_causes"][0]["item"] == LATE
    assert page["as_of"]
    words = {"summary": "Orders cannot be placed", "runbook_url": "https://wiki.example/orders"}
    client.post("/v1/alerts", json=a_webhook("order", **words)).raise_for_status()
    incident = client.get("/v1/incidents/1").json()
    assert (incident["title"], incident["runbook_url"]) == (words["summary"], words["runbook_url"])
    html = client.get("/incidents/1").text
    assert 'href="https://wiki.example/orders"' in html
    assert "<h1>Orders cannot be placed</h1>" in html


def test_a_runbook_that_is_no_address_is_not_linked(client: TestClient) -> None:
    client.post("/v1/alerts", json=a_webhook("order", runbook_url="javascript:alert(1)")).raise_for_status()
    assert client.get("/v1/incidents/1").json()["runbook_url"] == ""
    assert 'href="javascript' not in client.get("/incidents/1").text


def test_what_nobody_can_be_told_is_not_stored_for_sending(tmp_path: Path, incident: Frame) -> None:
    app = an_app(tmp_path, bundle=a_bundle())
    with a_client(app) as client:
        client.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
        send(client, incident, ONSET - timedelta(minutes=59), NOW)
        client.post("/v1/alerts", json=a_webhook()).raise_for_status()
        assert announced(app) == []


def test_a_new_answer_is_announced_however_many_alerts_the_incident_has(
    app: FastAPI, client: TestClient, clock: StillClock, incident: Frame
) -> None:
    rooms = app.state.rooms
    early = ONSET - timedelta(minutes=59)
    send(client, incident, early, NOW, but=LATE)
    send(client, incident, early, ONSET - timedelta(minutes=1), only=LATE)
    rooms.scoring.pipeline.advance()
    storm = a_webhook()
    [alert] = storm["alerts"]
    storm["alerts"] = [{**alert, "fingerprint": str(number)} for number in range(12)]
    client.post("/v1/alerts", json=storm).raise_for_status()
    assert len(announced(app)) == 1
    clock.at = NOW + timedelta(minutes=2)
    send(client, incident, NOW, clock.at)
    send(client, incident, ONSET - timedelta(minutes=1), NOW, only=LATE)
    rooms.scoring.pipeline.advance()
    assert rooms.incidents.reranker.advance() == 1
    messages = announced(app)
    assert len(messages) == 2
    assert messages[1]["likely_causes"][0]["item"] == LATE


def test_the_first_answer_is_announced_even_if_the_leading_alert_was_not_ranked_yet(
    tmp_path: Path, incident: Frame
) -> None:
    app = an_app(tmp_path, bundle=a_bundle(), notify_url="http://127.0.0.1:9/pages", max_alerts=1)
    with a_client(app) as client:
        client.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
        send(client, incident, ONSET - timedelta(minutes=59), NOW)
        webhook = a_webhook("order")
        webhook["alerts"] += a_webhook("gateway")["alerts"]
        client.post("/v1/alerts", json=webhook).raise_for_status()
        [message] = announced(app)
        assert message["likely_causes"][0]["item"] == causes(client)["ranking"]["candidates"][0]["item"]
        assert app.state.rooms.incidents.reranker.advance() == 1
        assert client.get("/v1/incidents/1").json()["alerts"][0]["unenriched"] == ""
        assert len(announced(app)) == 1, "the leader's ranking gives the same answer"


def test_a_store_that_is_locked_only_puts_off_the_ranking_of_a_resolved_incident(
    app: FastAPI, client: TestClient, clock: StillClock, incident: Frame
) -> None:
    rooms = app.state.rooms
    early = ONSET - timedelta(minutes=59)
    send(client, incident, early, NOW, but=LATE)
    send(client, incident, early, ONSET - timedelta(minutes=1), only=LATE)
    rooms.scoring.pipeline.advance()
    client.post("/v1/alerts", json=a_webhook()).raise_for_status()
    clock.at = NOW + timedelta(minutes=2)
    send(client, incident, NOW, clock.at)
    send(client, incident, ONSET - timedelta(minutes=1), NOW, only=LATE)
    client.post("/v1/alerts", json=a_webhook(status="resolved")).raise_for_status()
    publisher = rooms.incidents.reranker._publisher
    rooms.incidents.reranker._publisher = Locked()
    with pytest.raises(StoreUnavailableError):
        rooms.incidents.reranker.advance()
    rooms.incidents.reranker._publisher = publisher
    assert rooms.incidents.reranker.advance() == 1
    assert causes(client)["reason"] == "the incident was resolved"
    assert causes(client)["ranking"]["candidates"][0]["item"] == LATE


def test_the_end_of_an_incident_is_the_reason_even_if_it_was_about_to_be_ranked(
    app: FastAPI, client: TestClient, clock: StillClock, incident: Frame
) -> None:
    rooms = app.state.rooms
    early = ONSET - timedelta(minutes=59)
    send(client, incident, early, NOW, but=LATE)
    send(client, incident, early, ONSET - timedelta(minutes=1), only=LATE)
    rooms.scoring.pipeline.advance()
    client.post("/v1/alerts", json=a_webhook()).raise_for_status()
    clock.at = NOW + timedelta(minutes=2)
    send(client, incident, NOW, clock.at)
    send(client, incident, ONSET - timedelta(minutes=1), NOW, only=LATE)
    client.post("/v1/alerts", json=a_webhook(LATE, name="SlowQueries")).raise_for_status()
    for item, name in (("gateway", "SlowRequests"), (LATE, "SlowQueries")):
        client.post("/v1/alerts", json=a_webhook(item, name=name, status="resolved")).raise_for_status()
    assert rooms.incidents.reranker.advance() == 1
    assert causes(client)["reason"] == "the incident was resolved"


def test_a_service_that_was_killed_after_the_end_of_an_incident_ranks_it_at_its_next_start(
    tmp_path: Path, clock: StillClock, incident: Frame
) -> None:
    early, bundle = ONSET - timedelta(minutes=59), a_bundle()
    killed = an_app(tmp_path, bundle=bundle, clock=clock)
    with a_client(killed) as client:
        client.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
        send(client, incident, early, NOW, but=LATE)
        send(client, incident, early, ONSET - timedelta(minutes=1), only=LATE)
        client.post("/v1/alerts", json=a_webhook()).raise_for_status()
        client.post("/v1/alerts", json=a_webhook("no-such-item")).raise_for_status()
        clock.at = NOW + timedelta(minutes=2)
        send(client, incident, NOW, clock.at)
        send(client, incident, ONSET - timedelta(minutes=1), NOW, only=LATE)
        for item in ("gateway", "no-such-item"):
            client.post("/v1/alerts", json=a_webhook(item, status="resolved")).raise_for_status()
        before = causes(client)
    clock.at = NOW + timedelta(minutes=5)
    with a_client(an_app(tmp_path, bundle=bundle, clock=clock)) as client:
        reranker = client.app.state.rooms.incidents.reranker  # type: ignore[attr-defined]
        assert [reranker.advance() for _ in range(2)] == [1, 0]
        assert before["reason"] == "the alert arrived"
        assert causes(client)["reason"] == "the incident was resolved"
        assert causes(client)["ranking"]["candidates"][0]["item"] == LATE
    with a_client(an_app(tmp_path, bundle=bundle, clock=clock)) as client:
        reranker = client.app.state.rooms.incidents.reranker  # type: ignore[attr-defined]
        assert reranker.advance() == 0, "it was ranked after its end"


def test_what_was_left_waiting_at_a_stop_waits_for_the_bundle_too(
    tmp_path: Path, clock: StillClock, incident: Frame
) -> None:
    with a_client(an_app(tmp_path, bundle=a_bundle(), clock=clock)) as client:
        client.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
        send(client, incident, ONSET - timedelta(minutes=59), NOW)
        client.post("/v1/alerts", json=a_webhook()).raise_for_status()
        clock.at = NOW + timedelta(minutes=1)
        client.post("/v1/alerts", json=a_webhook(status="resolved")).raise_for_status()
    app = an_app(tmp_path, clock=clock)
    with a_client(app):
        rooms = app.state.rooms
        assert rooms.incidents.reranker.advance() == 0
        rooms.signals.holder.adopt(a_bundle())
        assert rooms.incidents.reranker.advance() == 1


def test_samples_that_come_late_all_the_time_rank_an_incident_once_per_tick(
    app: FastAPI, client: TestClient, clock: StillClock, incident: Frame
) -> None:
    rooms = app.state.rooms
    send(client, incident, ONSET - timedelta(minutes=59), NOW, but=LATE)
    rooms.scoring.pipeline.advance()
    client.post("/v1/alerts", json=a_webhook()).raise_for_status()
    ranked = []
    for second in range(0, 120, 10):
        clock.at = NOW + timedelta(seconds=second)
        send(client, incident, NOW - timedelta(minutes=2), NOW - timedelta(minutes=1), only=LATE)
        ranked.append(rooms.incidents.reranker.advance())
    assert ranked == [1, 0, 0, 0, 0, 0] * 2


def test_the_history_has_what_spoke_for_the_incident_and_nothing_else(
    app: FastAPI, client: TestClient, clock: StillClock, incident: Frame
) -> None:
    rooms = app.state.rooms
    send(client, incident, ONSET - timedelta(minutes=59), NOW)
    client.post("/v1/alerts", json=a_webhook()).raise_for_status()
    for item in ("order", "funds", LATE):
        client.post("/v1/alerts", json=a_webhook(item, name=f"Slow {item}")).raise_for_status()
    clock.at = NOW + timedelta(minutes=1)
    send(client, incident, NOW, clock.at)
    rooms.scoring.pipeline.advance()
    rooms.incidents.reranker.advance()
    found = causes(client)
    assert [each["made_at"] for each in found["history"]] == ["2026-03-04T02:06:00Z"]
    html = client.get("/incidents/1").text
    assert "Earlier answers" not in html
    assert "This cause was first named at" in html
