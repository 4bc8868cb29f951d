from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from builders import MINUTE_MS, a_frame
from service_builders import ITEMS, NOW, StillClock, a_bundle, a_client, an_app, an_incident_frame, as_columns

from service.health import HealthRegistry
from service.scoring.pipeline import TickConsumer, TickPipeline
from service.scoring.tick import ScoredTick, ServiceScore

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi import FastAPI

LAST_MS = int((NOW - timedelta(minutes=2)).timestamp() * 1000)
"""The newest tick of the incident's signals that is closed: 02:05 is still within the grace."""


class Consumer:
    """Processes ticks, but fails at some of them so many times."""

    def __init__(self, **failures: int) -> None:
        self.failures = {int(at_ms[1:]): times for at_ms, times in failures.items()}
        self.processed: list[int] = []

    def __call__(self, tick: ScoredTick) -> None:
        if self.failures.get(tick.tick_ms, 0):
            self.failures[tick.tick_ms] -= 1
            raise RuntimeError("cannot process this tick")
        self.processed.append(tick.tick_ms)


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    return an_app(tmp_path, bundle=a_bundle())


def run(app: FastAPI, health: HealthRegistry, **consumers: Consumer) -> int:
    rooms = app.state.rooms
    pipeline = TickPipeline(rooms.scoring.first_stage, rooms.scoring.second_stage, consumers, health)
    with a_client(app) as client:
        client.post("/v1/samples", json=as_columns(an_incident_frame())).raise_for_status()
        return pipeline.advance()


def test_a_consumer_that_fails_gets_the_tick_once_more_before_the_next(app: FastAPI) -> None:
    health = HealthRegistry(StillClock())
    failed_ms = LAST_MS - 3 * MINUTE_MS
    slow, sound = Consumer(**{f"t{failed_ms}": 1}), Consumer()
    n_ticks = run(app, health, slow=slow, sound=sound)
    assert slow.processed == sound.processed
    assert len(slow.processed) == n_ticks
    assert slow.processed[-1] == LAST_MS
    of_slow = health.record("slow").now
    assert (of_slow.n_failures, of_slow.n_skipped, of_slow.failing_since) == (1, 0, None)


def test_a_tick_that_fails_twice_is_skipped_and_no_other_consumer_notices(app: FastAPI) -> None:
    health = HealthRegistry(StillClock())
    failed_ms = LAST_MS - 3 * MINUTE_MS
    broken, sound = Consumer(**{f"t{failed_ms}": 2}), Consumer()
    run(app, health, broken=broken, sound=sound)
    assert [each for each in sound.processed if each not in broken.processed] == [failed_ms]
    of_broken = health.record("broken").now
    assert (of_broken.n_failures, of_broken.n_skipped) == (2, 1)
    assert (of_broken.position_ms, health.record("sound").now.position_ms) == (LAST_MS, LAST_MS)


def test_a_failing_second_stage_costs_paging_nothing_and_shows_on_readyz(app: FastAPI) -> None:
    rooms = app.state.rooms
    broken = Consumer(**{f"t{LAST_MS}": 9})
    rooms.scoring.pipeline._services = TickConsumer(broken, rooms.health.record("service scoring"))
    with a_client(app) as client:
        client.post("/v1/samples", json=as_columns(an_incident_frame())).raise_for_status()
        rooms.scoring.pipeline.advance()
        rooms.paging.dispatcher.deliver()
        assert client.get("/v1/pages").json()["pages"]
        ready = client.get("/readyz").json()
        metrics = client.get("/metrics").text
    assert any(each.startswith("service scoring: failing since") for each in ready["reasons"])
    by_name = {each["name"]: each for each in ready["parts"]}
    assert by_name["service scoring"]["last_error"] == "RuntimeError: cannot process this tick"
    assert by_name["paging"]["failing_since"] is None
    assert {"ticks", "outbox", "re-ranking", "watchdog", "paging checkpoint", "champion"} <= by_name.keys()
    assert 'sunspot_part_failing{part="service scoring"} 1.0' in metrics
    assert 'sunspot_part_failing{part="paging"} 0.0' in metrics


def test_a_tick_carries_the_scores_of_its_services(app: FastAPI) -> None:
    rooms, seen = app.state.rooms, list[object]()
    rooms.scoring.second_stage.scores_at = lambda tick_ms: {"order": tick_ms}
    consumers = {"c": lambda tick: seen.append(tick.services)}
    pipeline = TickPipeline(
        rooms.scoring.first_stage, rooms.scoring.second_stage, consumers, HealthRegistry(StillClock())
    )
    with a_client(app) as client:
        few = a_frame(ITEMS, n_ticks=3, end=NOW, seed=1)
        client.post("/v1/samples", json=as_columns(few)).raise_for_status()
        pipeline.advance()
    assert seen[-1] == {"order": LAST_MS}


class Stages:
    """Both stages: one tick closes, and its services are scored once it was processed."""

    def __init__(self, tick: ScoredTick) -> None:
        self.tick = tick
        self.processed_ms = 0

    def advance(self) -> list[ScoredTick]:
        return [self.tick]

    def process(self, tick: ScoredTick) -> None:
        self.processed_ms = tick.tick_ms

    def scores_at(self, tick_ms: int) -> dict[str, ServiceScore]:
        return {"order": ServiceScore("pca", 9.0, 4.0)} if tick_ms == self.processed_ms else {}


def test_services_are_scored_before_anyone_gets_the_tick() -> None:
    nothing = np.empty(0)
    tick = ScoredTick(None, None, None, 7, nothing, None, None)  # type: ignore[arg-type]
    stages, seen = Stages(tick), list[ScoredTick]()
    health = HealthRegistry(StillClock())
    pipeline = TickPipeline(stages, stages, {"paging": seen.append}, health)  # type: ignore[arg-type]
    assert pipeline.advance() == 1
    assert [each.services for each in seen] == [{"order": ServiceScore("pca", 9.0, 4.0)}]
    assert health.record("scoring").now.position_ms == 7
