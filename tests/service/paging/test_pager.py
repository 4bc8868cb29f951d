from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from builders import MINUTE_MS, ONSET, a_frame
from service_builders import (
    ITEMS,
    NOW,
    StillClock,
    a_bundle,
    a_client,
    a_cmdb,
    an_app,
    an_incident_frame,
    as_columns,
)

from features.frame import Frame
from models.paging.rules import Call
from service.errors import StoreUnavailableError
from service.notify.outbox import Outbox
from service.paging.notifications import anomaly_notice
from service.paging.state import initial_paging, read_paging, write_paging
from service.store.database import Database
from service.store.outbox import OutboxStore
from service.workers import checkpoint_all
from telemetry.batches import SeriesKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from fastapi import FastAPI
    from fastapi.testclient import TestClient


def teams_cmdb() -> dict[str, Any]:
    document = a_cmdb()
    for each in document["items"]:
        each["team"] = {"funds-db": "funds", "funds": "funds", "quotes": ""}.get(each["id"], "trading")
    return document


def without_gaps(frame: Frame) -> dict[str, Any]:
    """Columns of a frame whose missing ticks were never sent."""
    columns = as_columns(frame)
    for each in columns["series"]:
        seen = [place for place, value in enumerate(each["values"]) if not np.isnan(value)]
        each["time_ms"], each["values"] = (
            [each[name][place] for place in seen] for name in ("time_ms", "values")
        )
    return columns


def advance(app: FastAPI) -> None:
    app.state.rooms.scoring.pipeline.advance()
    app.state.rooms.paging.dispatcher.deliver()


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def app(tmp_path: Path, clock: StillClock) -> FastAPI:
    return an_app(
        tmp_path,
        bundle=a_bundle(),
        clock=clock,
        team_budgets={"funds": 3.0},
        notify_url="http://127.0.0.1:9/pages",
    )


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with a_client(app) as client:
        client.post("/v1/cmdb", json=teams_cmdb()).raise_for_status()
        yield client


def test_an_incident_pages_one_team_and_is_ranked_like_an_alert(app: FastAPI, client: TestClient) -> None:
    client.post("/v1/samples", json=as_columns(an_incident_frame())).raise_for_status()
    advance(app)
    [page] = client.get("/v1/pages").json()["pages"]
    assert (page["kind"], page["outcome"], page["spent_this_week"]) == ("anomaly", "unknown", 1)
    assert page["score"] > page["threshold"] > 4
    assert 0 < page["tail_probability"] < 1e-4
    incident = client.get(f"/v1/incidents/{page['incident']}").json()
    items = {each["item"] for each in incident["alerts"]}
    assert items == {"gateway", "order", "funds", "funds-db"}  # the others joined
    assert client.get(f"/v1/incidents/{page['incident']}/causes").json()["ranking"]["candidates"]
    html = client.get(f"/incidents/{page['incident']}").text
    assert f"1 of {page['budget_per_week']:g} false pages accepted that week, no verdict yet" in html
    assert page["metric"] in client.get("/teams").text
    [message] = app.state.rooms.paging.messages.due(NOW, limit=9)
    assert message.document["team"] == page["team"]
    assert message.document["incident_url"].endswith(f"/incidents/{page['incident']}")


def test_a_page_is_sent_once_even_if_its_message_could_not_be_stored_at_first(
    app: FastAPI, client: TestClient, tmp_path: Path
) -> None:
    client.post("/v1/samples", json=as_columns(an_incident_frame())).raise_for_status()
    app.state.rooms.scoring.pipeline.advance()
    with closing(sqlite3.connect(tmp_path / "store.sqlite")) as store:
        store.execute("ALTER TABLE outbox RENAME TO away")
        with pytest.raises(StoreUnavailableError):
            app.state.rooms.paging.dispatcher.deliver()
        store.execute("ALTER TABLE away RENAME TO outbox")
    app.state.rooms.paging.dispatcher.deliver()
    assert len(client.get("/v1/pages").json()["pages"]) == 1
    [message] = app.state.rooms.paging.messages.due(NOW, limit=9)
    assert message.document["kind"] == "anomaly"


def test_a_verdict_decides_on_the_fate_and_the_budget(app: FastAPI, client: TestClient) -> None:
    client.post("/v1/samples", json=as_columns(an_incident_frame())).raise_for_status()
    advance(app)
    [page] = client.get("/v1/pages").json()["pages"]
    app.state.rooms.clock.at = NOW + timedelta(minutes=20)
    for causes, outcome, false in ((["funds-db"], "useful", 0), ("none", "false", 1)):
        verdict = {"causes": causes}
        client.post(f"/v1/incidents/{page['incident']}/verdict", json=verdict).raise_for_status()
        assert client.get("/v1/pages").json()["pages"][0]["outcome"] == outcome
        team = next(each for each in client.get("/v1/teams").json()["teams"] if each["team"] == page["team"])
        assert (team[outcome], team["false"], team["spent_this_week"]) == (1, false, false)
        assert team["by_verdicts"]["low"] <= team["by_verdicts"]["per_week"] <= team["by_verdicts"]["high"]
        assert team["by_replay"]["weeks"] == 8


def test_items_without_a_team_belong_to_the_default_one(client: TestClient) -> None:
    teams = {each["team"]: each for each in client.get("/v1/teams").json()["teams"]}
    assert set(teams) == {"trading", "funds", "operations"}
    assert teams["funds"]["budget_per_week"] == 3.0
    assert teams["trading"]["budget_per_week"] == 1.0
    assert teams["funds"]["highest_threshold"] < teams["trading"]["lowest_threshold"]
    replayed = {name: each["by_replay"] for name, each in teams.items()}
    assert all(0 < each["low"] < each["per_week"] < each["high"] for each in replayed.values())
    assert replayed["funds"]["per_week"] > replayed["trading"]["per_week"]  # it accepts three times as much


def test_maintenance_mutes_until_it_is_taken_back(app: FastAPI, client: TestClient) -> None:
    window = {
        "start": (ONSET - timedelta(hours=1)).isoformat(),
        "end": (NOW + timedelta(hours=1)).isoformat(),
    }
    assert client.post("/v1/maintenance", json=window).status_code == 422
    assert (
        client.post("/v1/maintenance", json={**window, "items": ["a"], "end": window["start"]}).status_code
        == 422
    )
    for names in ({"teams": ["trading", "funds", "operations"]}, {"items": ["order"]}):
        client.post("/v1/maintenance", json={**window, **names}).raise_for_status()
    client.post("/v1/samples", json=as_columns(an_incident_frame())).raise_for_status()
    advance(app)
    assert client.get("/v1/pages").json()["pages"] == []
    assert [each["id"] for each in client.get("/v1/maintenance").json()["windows"]] == [1, 2]
    assert client.delete("/v1/maintenance/1").json()["teams"] == ["funds", "operations", "trading"]
    assert client.delete("/v1/maintenance/1").status_code == 404
    assert client.delete("/v1/maintenance/2").status_code == 200


def test_a_restart_forgets_nothing_and_pages_nothing_twice(tmp_path: Path) -> None:
    for _ in range(2):
        app = an_app(tmp_path, bundle=a_bundle())
        with a_client(app) as client:
            client.post("/v1/cmdb", json=teams_cmdb()).raise_for_status()
            client.post("/v1/samples", json=as_columns(an_incident_frame())).raise_for_status()
            advance(app)
            assert len(client.get("/v1/pages").json()["pages"]) == 1
            since_ms = app.state.rooms.paging.pager.since_ms
    stored = read_paging(tmp_path / "paging.state")
    assert stored is not None
    assert stored.memory.anomaly_groups
    assert stored.since_ms == since_ms
    other = stored.moved_to((*stored.keys[3:], stored.keys[0]))
    np.testing.assert_array_equal(
        other.memory.governor.height,
        np.append(stored.memory.governor.height[3:], stored.memory.governor.height[0]),
    )
    assert stored.moved_to(stored.keys) is stored


class Tardy:
    """A dispatcher beside which a tick closes as soon as it has delivered what waits."""

    def __init__(self, app: FastAPI) -> None:
        self.rooms = app.state.rooms

    def deliver(self) -> int:
        n_delivered: int = self.rooms.paging.dispatcher.deliver()
        self.rooms.scoring.pipeline.advance()
        return n_delivered


def test_a_checkpoint_counts_no_tick_whose_pages_still_wait(
    app: FastAPI, client: TestClient, tmp_path: Path
) -> None:
    rooms = app.state.rooms
    frame = an_incident_frame()
    calm_ms = frame.start_ms + 50 * MINUTE_MS
    client.post("/v1/samples", json=as_columns(frame.between(frame.start_ms, calm_ms))).raise_for_status()
    advance(app)
    client.post("/v1/samples", json=as_columns(frame.between(calm_ms, frame.end_ms))).raise_for_status()
    checkpoint_all(replace(rooms, paging=replace(rooms.paging, dispatcher=Tardy(app))))
    assert rooms.paging.pager.state.tick_ms > calm_ms
    assert client.get("/v1/pages").json()["pages"] == [], "the page still waits"
    stored = read_paging(tmp_path / "paging.state")
    assert stored is not None
    assert stored.tick_ms < calm_ms


@pytest.mark.parametrize(
    ("novelty", "end"),
    [
        (7.4, "10. No value near it was seen before: 7.4 times as far off as new ones usually are"),
        (0.9, "10"),
        (np.nan, "10"),
    ],
)
def test_a_value_never_seen_is_told_with_the_anomaly(novelty: float, end: str) -> None:
    call = Call("order", "trading", 0, 0, score=12.0, threshold=10.0, severity=5.0, is_page=True)
    notice = anomaly_notice(
        call,
        metric="latency_s",
        value=0.16,
        usual=0.02,
        novelty=novelty,
        tail=1e-5,
        budget_per_week=1.0,
    )
    assert notice.notification.alert.annotations == {
        "summary": "Latency of order is 8 times its usual 20.0 ms",
        "detection": f"latency_s scores 12; its threshold is {end}",
    }


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x05\x06" + bytes(18)])
def test_a_damaged_memory_is_left_unused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "paging.state"
    path.write_bytes(content)
    assert read_paging(path) is None
    assert read_paging(tmp_path / "none") is None


def test_a_trouble_that_is_over_resolves_its_alerts(
    app: FastAPI, client: TestClient, clock: StillClock
) -> None:
    client.post("/v1/samples", json=as_columns(an_incident_frame())).raise_for_status()
    advance(app)
    [page] = client.get("/v1/pages").json()["pages"]
    clock.at = NOW + timedelta(minutes=59)
    normal = a_frame(ITEMS, n_ticks=59, end=clock.at, seed=3)
    client.post("/v1/samples", json=as_columns(normal)).raise_for_status()
    advance(app)
    incident = client.get(f"/v1/incidents/{page['incident']}").json()
    assert incident["closed_at"] is not None
    assert {each["status"] for each in incident["alerts"]} == {"resolved"}
    assert all(each["severity"] for each in incident["alerts"])
    assert "times its usual" in incident["title"]


def test_what_began_long_ago_pages_nobody(app: FastAPI, client: TestClient, clock: StillClock) -> None:
    clock.at = NOW + timedelta(hours=2)
    client.post("/v1/samples", json=as_columns(an_incident_frame())).raise_for_status()
    advance(app)
    assert client.get("/v1/pages").json()["pages"] == []
    assert app.state.rooms.paging.pager.since_ms is not None


def test_a_silent_source_pages_and_says_when_it_is_back(
    app: FastAPI, client: TestClient, clock: StillClock
) -> None:
    normal = a_frame(ITEMS, n_ticks=120, end=ONSET + timedelta(hours=1), seed=7)
    is_quiet = np.array([key.item in {"funds", "funds-db"} for key in normal.keys])
    values = normal.values.copy()
    values[-40:-5, is_quiet] = np.nan
    frame = Frame(normal.start_ms, normal.step_ms, normal.keys, values)
    clock.at = ONSET + timedelta(minutes=40)
    early = frame.between(frame.start_ms, frame.end_ms - 20 * MINUTE_MS)
    client.post("/v1/samples", json=without_gaps(early)).raise_for_status()
    advance(app)
    [page] = client.get("/v1/pages").json()["pages"]
    assert (page["kind"], page["team"], page["score"]) == ("silent_source", "funds", None)
    clock.at = ONSET + timedelta(hours=1, minutes=1)
    client.post("/v1/samples", json=without_gaps(frame)).raise_for_status()
    advance(app)
    assert len(client.get("/v1/pages").json()["pages"]) == 1
    incident = client.get(f"/v1/incidents/{page['incident']}").json()
    assert [each["status"] for each in incident["alerts"]] == ["resolved", "resolved"]


def test_the_default_team_is_notified_once_when_scoring_stops(
    app: FastAPI, client: TestClient, clock: StillClock
) -> None:
    rooms = app.state.rooms
    rooms.scoring.watchdog.look()
    normal = a_frame(ITEMS, n_ticks=60, end=NOW, seed=7)
    client.post("/v1/samples", json=as_columns(normal)).raise_for_status()
    advance(app)
    rooms.scoring.watchdog.look()
    clock.at = NOW + timedelta(minutes=10)
    for _ in range(2):
        rooms.scoring.watchdog.look()
        rooms.paging.dispatcher.deliver()
    [page] = client.get("/v1/pages").json()["pages"]
    assert (page["kind"], page["team"], page["item"]) == ("scoring_stopped", "operations", "")
    later = a_frame(ITEMS, n_ticks=10, end=clock.at, seed=8)
    client.post("/v1/samples", json=as_columns(later)).raise_for_status()
    advance(app)
    rooms.scoring.watchdog.look()
    rooms.paging.dispatcher.deliver()
    incident = client.get(f"/v1/incidents/{page['incident']}").json()
    assert incident["alerts"][0]["status"] == "resolved"
    assert "sunspot_scored_until_seconds" in client.get("/metrics").text


def test_a_page_for_a_part_that_fails_is_shown(app: FastAPI, client: TestClient, clock: StillClock) -> None:
    rooms = app.state.rooms
    rooms.health.record("retention").failed(OSError("disk full"))
    clock.at = NOW + timedelta(minutes=10)
    rooms.scoring.watchdog.look()
    rooms.paging.dispatcher.deliver()
    [page] = client.get("/v1/pages").json()["pages"]
    assert (page["kind"], page["team"], page["item"]) == ("part_failing", "operations", "")
    assert "A part of Sunspot has failed" in client.get("/teams").text
    shown = client.get(f"/incidents/{page['incident']}").text
    assert "Sunspot paged operations for a part of its own that failed" in shown


def test_what_works_again_after_a_restart_is_resolved(tmp_path: Path, clock: StillClock) -> None:
    statuses = []
    for minutes in (30, 31):
        app = an_app(tmp_path, bundle=a_bundle(), clock=clock)
        with a_client(app) as client:
            rooms = app.state.rooms
            calm = a_frame(ITEMS, n_ticks=20, end=clock.at, seed=7)
            client.post("/v1/samples", json=as_columns(calm)).raise_for_status()
            advance(app)
            if minutes == 30:
                rooms.health.record("retention").failed(OSError("the disk is full"))
                clock.at = NOW + timedelta(minutes=minutes)
            for _ in range(2):  # a first look may be deceived by a clock
                rooms.scoring.watchdog.look()
            rooms.paging.dispatcher.deliver()
            found = client.get("/v1/incidents").json()["incidents"]
            statuses.append({each["title"].split(":")[0]: each["status"] for each in found})
    own = ("Scoring has stopped", "A part of Sunspot has failed")
    assert [[each[title] for title in own] for each in statuses] == [["open"] * 2, ["closed"] * 2]


def test_without_a_bundle_there_are_no_budgets(tmp_path: Path) -> None:
    with a_client(an_app(tmp_path)) as client:
        assert client.get("/v1/teams").json() == {"teams": [], "reason": "no champion was found yet"}
        assert "no champion" in client.get("/teams").text


class Receiver:
    """Accepts messages, or refuses so many first."""

    def __init__(self, n_refused: int) -> None:
        self.n_refused = n_refused
        self.accepted: list[Mapping[str, Any]] = []

    def __call__(self, document: Mapping[str, Any]) -> None:
        if self.n_refused:
            self.n_refused -= 1
            raise ConnectionRefusedError("nobody listens")
        self.accepted.append(document)


def test_a_message_is_tried_until_it_arrives_and_then_never_again(tmp_path: Path, clock: StillClock) -> None:
    messages, receiver = OutboxStore(Database(tmp_path / "store.sqlite")), Receiver(2)
    outbox = Outbox(messages, receiver, clock)
    outbox.put({"item": "order"})
    outbox.put({"item": "funds"})
    assert outbox.deliver() == 0
    assert messages.waiting() == (1, "nobody listens")
    for wait_s in (5, 10):
        clock.at += timedelta(seconds=wait_s)
        outbox.deliver()
    assert sorted(each["item"] for each in receiver.accepted) == ["funds", "order"]
    assert len({each["delivery"] for each in receiver.accepted}) == 2
    clock.at += timedelta(days=1)
    assert outbox.deliver() == 0
    assert messages.waiting() == (0, "")


def test_nothing_is_kept_where_there_is_nowhere_to_send_it(tmp_path: Path, clock: StillClock) -> None:
    messages = OutboxStore(Database(tmp_path / "store.sqlite"))
    outbox = Outbox(messages, None, clock)
    outbox.put({"item": "order"})
    assert outbox.deliver() == 0
    assert not messages.due(clock.now(), limit=1)


def test_a_bundle_without_counts_pages_nobody_and_says_so(tmp_path: Path) -> None:
    app = an_app(tmp_path, bundle=replace(a_bundle(), pages=None))
    with a_client(app) as client:
        client.post("/v1/cmdb", json=teams_cmdb()).raise_for_status()
        client.post("/v1/samples", json=as_columns(an_incident_frame())).raise_for_status()
        advance(app)
        assert client.get("/v1/pages").json()["pages"] == []
        assert "train again" in client.get("/v1/teams").json()["reason"]
        assert any(each.startswith("paging:") for each in client.get("/readyz").json()["reasons"])


def test_an_address_where_nobody_listens_is_a_failure_that_is_told(app: FastAPI, client: TestClient) -> None:
    app.state.rooms.paging.outbox.put({"item": "order"})
    assert app.state.rooms.paging.outbox.deliver() == 0
    assert any(each.startswith("notify: 1 page(s)") for each in client.get("/readyz").json()["reasons"])


def test_a_memory_of_another_version_is_left_unused(tmp_path: Path) -> None:
    path = tmp_path / "paging.state"
    state = initial_paging((SeriesKey("order", "latency_s"),))
    write_paging(state, path)
    assert read_paging(path) is not None
    for changed in ({"spec": 99}, {"keys": []}):
        with np.load(path) as stored:
            arrays = dict(stored)
        header = json.loads(arrays["header"].tobytes()) | changed
        other = tmp_path / "other.state"
        with other.open("wb") as file:
            np.savez(file, **arrays | {"header": np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)})
        assert read_paging(other) is None


def test_a_source_whose_samples_come_late_is_not_silent(
    app: FastAPI, client: TestClient, clock: StillClock
) -> None:
    frame = a_frame(ITEMS, n_ticks=120, end=ONSET + timedelta(hours=1), seed=7)
    is_late = np.array([key.item == "funds-db" for key in frame.keys])
    for minute in range(40):
        clock.at = ONSET + timedelta(minutes=minute + 1)
        end_ms = frame.start_ms + (61 + minute) * MINUTE_MS
        start_ms = frame.start_ms if not minute else end_ms - MINUTE_MS
        for shift_ms, chosen in ((0, ~is_late), (2 * MINUTE_MS, is_late)):
            part = frame.between(max(start_ms - shift_ms, frame.start_ms), end_ms - shift_ms)
            keys = tuple(key for key, is_one in zip(frame.keys, chosen, strict=True) if is_one)
            own = Frame(part.start_ms, part.step_ms, keys, part.values[:, chosen])
            client.post("/v1/samples", json=without_gaps(own)).raise_for_status()
        advance(app)
    assert client.get("/v1/items/funds-db/scores").json()["status"] == "late"
    assert client.get("/v1/pages").json()["pages"] == []
