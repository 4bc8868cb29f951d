from __future__ import annotations

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

from features.calendar import CLOCKS
from models.detectors.first_stage import Status, score

if TYPE_CHECKING:
    from pathlib import Path

    from service.scoring.series import SeriesScore


def scores_by_metric(scores: list[SeriesScore]) -> dict[str, float | None]:
    return {each.metric: each.score for each in scores}


def test_online_scores_are_the_offline_ones_and_late_samples_do_not_change_them(tmp_path: Path) -> None:
    clock, bundle, frame = StillClock(), a_bundle(), an_incident_frame()
    app = an_app(tmp_path, bundle=bundle, clock=clock)
    first_stage = app.state.rooms.scoring.first_stage
    with a_client(app) as client:
        client.post("/v1/cmdb", json=a_cmdb())
        client.post("/v1/samples", json=as_columns(frame)).raise_for_status()
        app.state.rooms.scoring.pipeline.advance()
        tick_at, version, online = first_stage.scores_of("funds-db")
        assert tick_at == ONSET + timedelta(minutes=4)  # 02:06 less the grace: 02:05 is still open
        assert version == bundle.version
        closed = frame.between(frame.start_ms, frame.end_ms - MINUTE_MS)
        _, offline = score(closed, bundle.baseline, CLOCKS[bundle.clock])
        for key in (key for key in bundle.baseline.keys if key.item == "funds-db"):
            column = bundle.baseline.keys.index(key)
            assert offline.status[-1, column] == Status.SCORED
            assert scores_by_metric(online)[key.metric] == pytest.approx(offline.values[-1, column])

        late = [{"item": "funds-db", "metric": "latency_s", "time": "2026-03-04T02:04:30Z", "value": 9e9}]
        answer = client.post("/v1/samples", json={"samples": late}).json()
        assert (answer["accepted"], answer["late"]) == (1, 1)
        assert app.state.rooms.scoring.pipeline.advance() == 0
        assert first_stage.scores_of("funds-db")[2] == online

        answer = client.get("/v1/items/funds-db/scores").json()
        latency = next(each for each in answer["series"] if each["metric"] == "latency_s")
        assert latency["status"] == "scored"
        assert latency["is_anomalous"]


def test_a_missing_series_has_a_status_and_no_score(tmp_path: Path) -> None:
    app = an_app(tmp_path, bundle=a_bundle())
    with a_client(app) as client:
        client.post("/v1/cmdb", json=a_cmdb())
        client.post("/v1/samples", json=as_columns(an_incident_frame(("quotes",))))
        app.state.rooms.scoring.pipeline.advance()
        series: list[dict[str, Any]] = client.get("/v1/items/order/scores").json()["series"]
        assert {each["status"] for each in series} <= {"missing", "stale"}
        assert all(each["score"] is None and not each["is_anomalous"] for each in series)
        assert client.get("/v1/items/ghost/scores").status_code == 404


def test_another_champion_on_the_same_step_takes_the_memory_over(tmp_path: Path) -> None:
    clock = StillClock()
    app = an_app(tmp_path, bundle=a_bundle(), clock=clock)
    first_stage = app.state.rooms.scoring.first_stage
    with a_client(app) as client:
        client.post("/v1/samples", json=as_columns(an_incident_frame()))
        app.state.rooms.scoring.pipeline.advance()
        app.state.source.bundle = a_bundle(name="second")
        app.state.rooms.models.champion.refresh()
        assert app.state.rooms.scoring.pipeline.advance() == 0
        clock.at = NOW + timedelta(seconds=30)
        app.state.rooms.scoring.pipeline.advance()
        assert first_stage.scores_of("order")[0] == ONSET + timedelta(minutes=5)
        assert first_stage.scores_of("order")[1] == a_bundle(name="second").version


def test_a_champion_on_another_step_gets_a_window_on_its_own(tmp_path: Path) -> None:
    app = an_app(tmp_path, bundle=a_bundle())
    signals, first_stage = app.state.rooms.signals, app.state.rooms.scoring.first_stage
    with a_client(app) as client:
        client.post("/v1/samples", json=as_columns(an_incident_frame()))
        app.state.rooms.scoring.pipeline.advance()
        app.state.source.bundle = a_bundle(step_ms=5 * MINUTE_MS)
        app.state.rooms.models.champion.refresh()
        window = signals.in_use.window
        assert window.step_ms == 5 * MINUTE_MS
        assert np.isfinite(window.frame().values).any()
        assert window.n_series == 3 * len(ITEMS)
        app.state.rooms.scoring.pipeline.advance()
        assert first_stage.scores_of("order")[1] == signals.in_use.bundle.version


def test_a_tick_that_leaves_the_window_while_others_are_scored_is_not_taken_for_silence(
    tmp_path: Path,
) -> None:
    clock = StillClock()
    app = an_app(tmp_path, bundle=a_bundle(), clock=clock)
    first_stage = app.state.rooms.scoring.first_stage
    with a_client(app) as client:
        client.post("/v1/samples", json=as_columns(an_incident_frame())).raise_for_status()
        ticks = first_stage.advance()
        next(ticks)
        clock.at = NOW + timedelta(hours=7)
        later = a_frame(ITEMS, n_ticks=5, end=clock.at, seed=3)
        client.post("/v1/samples", json=as_columns(later)).raise_for_status()
        assert list(ticks) == []
        assert [np.isfinite(each.values).any() for each in first_stage.advance()][-4:] == [True] * 4
