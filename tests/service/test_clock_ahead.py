"""A clock that steps six hours ahead for some seconds, and what stood still afterwards."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from builders import a_frame, with_fault
from service_builders import (
    ITEMS,
    NOW,
    StillClock,
    a_bundle,
    a_client,
    a_cmdb,
    a_dull_bundle,
    a_webhook,
    an_app,
    as_columns,
    settings_for,
)

from service.health import HealthRegistry
from service.high_water import HighWaterMarks
from service.workers import checkpoint_all, score_closed
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from fastapi import FastAPI
    from fastapi.testclient import TestClient

AHEAD = timedelta(hours=6)
MINUTE = timedelta(minutes=1)


class Service:
    """A service whose clock, senders and background work are driven by hand."""

    def __init__(self, directory: Path, *, present: str = "wall") -> None:
        self.clock = StillClock()
        self.directory = directory
        self.present = present
        self.sent: list[dict[str, Any]] = []
        self.begin()

    def begin(self) -> None:
        """Start, also once more on the same data."""
        self.app: FastAPI = an_app(
            self.directory,
            bundle=a_bundle(),
            challenger=a_dull_bundle(),
            clock=self.clock,
            notify_url="http://pager.invalid/hook",
            window=timedelta(hours=3),
            present=self.present,
        )
        self.rooms = self.app.state.rooms
        self.rooms.paging.outbox._post = self.sent.append

    def send(self, client: TestClient, *, at: datetime, slow: bool = False) -> None:
        """Send the samples and log lines of the three minutes before an instant."""
        frame = a_frame(ITEMS, n_ticks=3, end=at, seed=5)
        if slow:
            slow_now = {(each, "latency_s"): 0.9 for each in ("gateway", "order", "funds", "funds-db")}
            frame = with_fault(frame, slow_now, last_ticks=2)
        client.post("/v1/samples", json=as_columns(frame)).raise_for_status()
        line = {"time": (at - MINUTE).isoformat(), "service": "order", "message": "order 7 was sent"}
        client.post("/v1/logs", json=line).raise_for_status()

    def work(self) -> None:
        """Do one round of what the background does."""
        score_closed(self.rooms)
        self.rooms.paging.dispatcher.deliver()
        self.rooms.incidents.reranker.advance()
        self.rooms.scoring.watchdog.look()
        self.rooms.paging.outbox.deliver()

    def step_ahead(self, client: TestClient) -> None:
        """Let the clock be ahead for some seconds, with everybody's stamps, and then right again."""
        self.clock.at += AHEAD
        self.send(client, at=self.clock.at)
        self.work()
        self.rooms.paging.outbox.put({"kind": "test", "title": "stored while the clock was ahead"})
        checkpoint_all(self.rooms)
        self.clock.at -= AHEAD

    def go_on(self, client: TestClient, *, minutes: int, slow: bool = False) -> None:
        """Let some minutes pass, each with its samples."""
        for _ in range(minutes):
            self.clock.at += MINUTE
            self.send(client, at=self.clock.at, slow=slow)
            self.work()


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path)


@pytest.fixture(params=["without a restart", "after a restart"])
def client(request: pytest.FixtureRequest, service: Service) -> Iterator[TestClient]:
    """Return a client of a service after its clock was ahead."""
    with a_client(service.app) as first:
        first.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
        hour = a_frame(ITEMS, n_ticks=60, end=NOW, seed=7)
        first.post("/v1/samples", json=as_columns(hour)).raise_for_status()
        service.go_on(first, minutes=2)
        service.step_ahead(first)
        if request.param == "without a restart":
            yield first
            return
    service.begin()
    with a_client(service.app) as second:
        yield second


def test_a_ranking_sees_the_samples_of_the_present(client: TestClient, service: Service) -> None:
    service.go_on(client, minutes=3, slow=True)
    window = service.rooms.signals.in_use.window
    assert window.end_ms == to_ms(service.clock.at)
    shown = window.frame({"funds-db"})
    assert np.isfinite(shown.values[-60:]).all(), "the hour before the clock was ahead is there too"
    answer = client.post("/v1/alerts", json=a_webhook(starts_at=service.clock.at - 2 * MINUTE)).json()[
        "alerts"
    ][0]
    assert answer["ranking"]["candidates"][0]["item"] == "funds-db"
    logs = service.rooms.logs.evidence.window({"order"}, since_ms=to_ms(service.clock.at - 5 * MINUTE))
    assert logs is not None
    assert logs.counts.counts.sum() >= 2


def test_scoring_goes_on(client: TestClient, service: Service) -> None:
    service.go_on(client, minutes=2)
    rooms = service.rooms
    assert rooms.scoring.first_stage.scored_until == service.clock.at - MINUTE  # less the grace
    _, _, scores = rooms.scoring.first_stage.scores_of("order")
    assert {each.status for each in scores} == {"scored"}
    assert rooms.logs.memory.minutes.closed_ms == to_ms(service.clock.at - MINUTE)


def test_paging_goes_on(client: TestClient, service: Service) -> None:
    service.go_on(client, minutes=2)
    before = len(service.sent)
    service.go_on(client, minutes=4, slow=True)
    pages = [each for each in service.sent[before:] if each["kind"] == "anomaly"]
    assert len(pages) == 1
    assert pages[0]["starts_at"] < service.clock.at.isoformat()
    state = service.rooms.paging.pager.state
    assert state is not None
    assert state.tick_ms <= to_ms(service.clock.at)


def test_the_challenger_is_compared_on(client: TestClient, service: Service) -> None:
    service.go_on(client, minutes=4)
    record = service.rooms.shadow.record
    assert record is not None
    assert record.until_ms <= to_ms(service.clock.at)
    assert record.n_ticks >= 1


def test_nothing_that_is_sent_waits_for_the_wrong_time(client: TestClient, service: Service) -> None:
    service.work()
    assert "stored while the clock was ahead" in [each["title"] for each in service.sent]


def test_it_is_told(client: TestClient, service: Service, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        service.work()
    brought = {each.__dict__["mark"] for each in caplog.records if each.message == "mark brought back"}
    assert brought >= {"scoring", "paging", "outbox"}
    answer = client.get("/readyz").json()
    (reason,) = (each for each in answer["reasons"] if each.startswith("clock:"))
    assert "a clock was ahead by 6 h" in reason
    part = next(each for each in answer["parts"] if each["name"] == "high-water marks")
    assert part["failures"] == 0
    assert 'sunspot_marks_brought_back{mark="scoring"} 1.0' in client.get("/metrics").text
    service.clock.at += timedelta(days=2)
    assert not [each for each in client.get("/readyz").json()["reasons"] if each.startswith("clock:")]


def test_a_start_with_the_clock_ahead_is_healed_too(service: Service) -> None:
    with a_client(service.app) as first:
        first.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
        first.post("/v1/samples", json=as_columns(a_frame(ITEMS, n_ticks=60, end=NOW))).raise_for_status()
        checkpoint_all(service.rooms)
    service.clock.at += AHEAD
    service.begin()
    with a_client(service.app) as second:
        service.work()
        assert service.rooms.signals.in_use.window.newest_tick is None, "nothing is that recent"
        service.clock.at -= AHEAD
        service.go_on(second, minutes=1)
        assert np.isfinite(service.rooms.signals.in_use.window.frame({"order"}).values[-60:]).all()


def test_a_sender_whose_clock_is_ahead_blinds_nobody_else(service: Service) -> None:
    with a_client(service.app) as client:
        client.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
        client.post("/v1/samples", json=as_columns(a_frame(ITEMS, n_ticks=60, end=NOW))).raise_for_status()
        for ahead, n_accepted in ((timedelta(minutes=4), 1), (timedelta(hours=6), 0)):
            service.go_on(client, minutes=1)
            at = service.clock.at + ahead
            sample = {"item": "quotes", "metric": "queue_length", "time": at.isoformat(), "value": 1.0}
            line = {"time": at.isoformat(), "service": "quotes", "message": "sent by a wrong clock"}
            answer = client.post("/v1/samples", json={"samples": [sample]}).json()
            assert answer["accepted"] == n_accepted
            assert client.post("/v1/logs", json=line).json()["accepted"] == n_accepted
        service.go_on(client, minutes=2)
        assert service.rooms.scoring.first_stage.scored_until == service.clock.at - MINUTE
        _, _, scores = service.rooms.scoring.first_stage.scores_of("order")
        assert {each.status for each in scores} == {"scored"}
        assert service.rooms.logs.memory.minutes.closed_ms == to_ms(service.clock.at - MINUTE)
        assert not service.rooms.marks.health_problems()


def test_a_clock_that_is_ahead_for_seconds_pages_nobody(service: Service) -> None:
    with a_client(service.app) as client:
        client.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
        client.post("/v1/samples", json=as_columns(a_frame(ITEMS, n_ticks=60, end=NOW))).raise_for_status()
        service.go_on(client, minutes=1)
        service.clock.at += AHEAD
        service.work()  # the senders' clocks are right
        service.clock.at -= AHEAD
        service.go_on(client, minutes=2)
        assert not service.sent
        assert not client.get("/v1/pages").json()["pages"]


def test_where_signals_date_the_present_it_comes_back_with_them(tmp_path: Path) -> None:
    service = Service(tmp_path, present="signals")
    with a_client(service.app) as client:
        client.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
        client.post("/v1/samples", json=as_columns(a_frame(ITEMS, n_ticks=60, end=NOW))).raise_for_status()
        service.go_on(client, minutes=1)
        service.step_ahead(client)
        service.go_on(client, minutes=2)
        assert service.rooms.signals.present() == service.clock.at
        assert service.rooms.scoring.first_stage.scored_until == service.clock.at - MINUTE


class Stubborn:
    """A mark that cannot be brought back."""

    def bring_back(self, latest_ms: int) -> int | None:
        raise OSError(f"it is locked at {latest_ms}")


class Ahead:
    """A mark that is ahead by a minute more than is possible."""

    def bring_back(self, latest_ms: int) -> int | None:
        return latest_ms + 60_000


def test_a_mark_that_cannot_be_brought_back_stops_no_other(tmp_path: Path) -> None:
    clock = StillClock()
    health = HealthRegistry(clock)
    marks = HighWaterMarks(
        settings_for(tmp_path), clock, health, {"stubborn": Stubborn(), "present": Ahead()}
    )
    assert marks.bring_back() == 1
    assert marks.n_brought_back == {"stubborn": 0, "present": 1}
    assert marks.health_problems() == [
        "clock: at 2026-03-04 02:06:00 UTC a clock was ahead by 6 min; brought back to the present: present"
    ]
    assert "it is locked" in health.record("high-water marks").now.last_error
