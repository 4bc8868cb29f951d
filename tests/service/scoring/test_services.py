from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from builders import MINUTE_MS
from service_builders import (
    ITEMS,
    StillClock,
    a_bundle,
    a_client,
    a_cmdb,
    an_app,
    an_incident_frame,
    as_columns,
)
from training_builders import a_detector

from features.calendar import CLOCKS
from features.frame import Frame
from features.service_rows import service_rows
from models.artifacts.bundle import SECOND_STAGE, make_bundle
from models.detectors import DETECTORS
from models.detectors.baseline import expected_values
from models.detectors.first_stage import score
from models.paging.rules import Call
from service.paging.notifications import anomaly_notice
from service.scoring.checkpoint import Checkpoints
from service.scoring.series import FirstStage
from service.scoring.services import FLAGGED_SHARE, SecondStage
from service.scoring.tick import ServiceScore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from models.artifacts.bundle import Bundle
    from service.scoring.tick import ScoredTick


def with_second_stage(name: str, *, named: str | None = None, unseen: Sequence[int] = ()) -> Bundle:
    plain = a_bundle()
    n_seen = plain.baseline.n_seen.copy()
    n_seen[list(unseen)] = 0  # their profile is the shape of their siblings, in no unit
    return make_bundle(
        clock=plain.clock,
        normal=plain.normal,
        baseline=replace(plain.baseline, n_seen=n_seen),
        threshold=plain.threshold,
        detectors={name: a_detector(name)},
        row_thresholds={name: 1.0},
        metadata={SECOND_STAGE: name if named is None else named},
        pages=plain.pages,
    )


@pytest.mark.parametrize("unseen", [(), (0, 1, 2)])
@pytest.mark.parametrize("name", DETECTORS)
def test_flagged_services_get_the_score_that_training_would_give_them(
    tmp_path: Path, name: str, unseen: Sequence[int]
) -> None:
    bundle, frame = with_second_stage(name, unseen=unseen), an_incident_frame()
    app = an_app(tmp_path, bundle=bundle, clock=StillClock())
    rooms, clock = app.state.rooms, CLOCKS[bundle.clock]
    with a_client(app) as client:
        client.post("/v1/cmdb", json=a_cmdb())
        client.post("/v1/samples", json=as_columns(frame)).raise_for_status()
        rooms.scoring.pipeline.advance()
        scores = {item: client.get(f"/v1/items/{item}/scores").json()["service"] for item in ITEMS}
    closed = frame.between(frame.start_ms, frame.end_ms - MINUTE_MS)
    by_key = {key: closed.values[:, column] for column, key in enumerate(closed.keys)}
    keys = bundle.baseline.keys
    values = np.column_stack([by_key.get(key, np.full(closed.n_ticks, np.nan)) for key in keys])
    aligned = Frame(closed.start_ms, closed.step_ms, keys, values)
    _, onset = score(aligned, bundle.baseline, clock)
    rows = service_rows(aligned, onset.values, expected_values(aligned, bundle.baseline, clock))
    expected = bundle.detectors[name].score(rows.values[-1])
    is_over = onset.values[-1] > FLAGGED_SHARE * bundle.threshold
    flagged = {key.item for key, over in zip(keys, is_over, strict=True) if over}
    assert "funds-db" in flagged < set(ITEMS)
    for item, wanted in zip(rows.items, expected, strict=True):
        if item in flagged:
            assert scores[item]["score"] == pytest.approx(wanted, rel=1e-6)
            assert scores[item]["detector"] == name
            assert scores[item]["is_anomalous"] == (wanted > 1.0)
        else:
            assert scores[item] is None


@pytest.mark.parametrize("bundle", [a_bundle(), with_second_stage("mad", named="pca")])
def test_a_bundle_that_chose_nothing_it_holds_scores_no_service(tmp_path: Path, bundle: Bundle) -> None:
    app = an_app(tmp_path, bundle=bundle, clock=StillClock())
    with a_client(app) as client:
        client.post("/v1/samples", json=as_columns(an_incident_frame())).raise_for_status()
        app.state.rooms.scoring.pipeline.advance()
        assert client.get("/v1/items/funds-db/scores").json()["service"] is None


def test_a_service_that_is_calm_again_has_no_score(tmp_path: Path) -> None:
    app = an_app(tmp_path, bundle=with_second_stage("top_scores"), clock=StillClock())
    seen: list[ScoredTick] = []
    with a_client(app) as client:
        client.post("/v1/samples", json=as_columns(an_incident_frame())).raise_for_status()
        checkpoints = Checkpoints(tmp_path / "other.state")
        seen += FirstStage(app.state.rooms.signals, checkpoints, grace=timedelta(0)).advance()
    second_stage = SecondStage()
    second_stage.process(seen[-1])
    assert second_stage.score_of("funds-db") is not None
    onset = seen[-1].scores.onset
    normal = seen[-1].scores._replace(onset=replace(onset, values=np.zeros_like(onset.values)))
    second_stage.process(replace(seen[-1], scores=normal))
    assert second_stage.score_of("funds-db") is None


def test_a_page_gives_the_score_of_the_service_beside_what_is_wrong() -> None:
    call = Call("order", "trading", 0, 0, score=12.0, threshold=10.0, severity=5.0, is_page=True)
    service_score = ServiceScore("top_scores", 2.31, 1.9)
    notice = anomaly_notice(
        call,
        metric="latency_s",
        value=0.9,
        usual=0.1,
        novelty=0.0,
        tail=1e-5,
        budget_per_week=1.0,
        service_score=service_score,
    )
    assert notice.notification.alert.annotations == {
        "summary": "Latency of order is 9 times its usual 100 ms",
        "detection": "latency_s scores 12; its threshold is 10. "
        "order as a service scores 2.3 by top_scores; its threshold is 1.9",
    }
    assert service_score.is_anomalous
