"""Everything that 0.1.0 left on disk, read by the code of today."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import ONSET
from service_builders import NOW, StillClock, a_client, a_frame, as_columns, settings_for
from upgrade_builders import SECRETS, data_of_0_1_0

from models.artifacts.model_kinds import DETECTORS_MODEL, LOGS_MODEL, RANKER_MODEL
from models.cases.library import case_paths, path_of, read_case
from models.rankers import rank
from service.app import create_app
from service.data_directory import (
    BUNDLES,
    CASES,
    LOG_BUNDLES,
    LOG_CHECKPOINT,
    PAGING_CHECKPOINT,
    RANKERS,
    SCORING_CHECKPOINT,
)
from service.logs.checkpoint import LogCheckpoints
from service.model_registry.mlflow_source import ModelSource
from service.model_registry.sources import Sources
from service.paging.state import read_paging
from service.scoring.checkpoint import Checkpoints
from service.shadow.record import RECORD, SHADOW, read_record
from telemetry.batches import SeriesKey

if TYPE_CHECKING:
    from pathlib import Path

KEYS = {
    SeriesKey(item, metric)
    for item in ("gateway", "order")
    for metric in ("requests", "latency_s", "error_ratio")
}
ONSET_MS = int(ONSET.timestamp() * 1000)
ANY = 2**62
NOWHERE = "sqlite:////nowhere/at/all/mlflow.db"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return data_of_0_1_0(tmp_path / "data")


def test_the_memory_of_the_first_stage(data: Path) -> None:
    scored = Checkpoints(data / SCORING_CHECKPOINT).read(position=ANY)
    assert scored is not None
    assert set(scored.memory.state.keys) >= KEYS
    assert scored.memory.state.tick_ms == ONSET_MS + 4 * 60_000
    assert scored.scores.onset.values.max() > 100


def test_the_memory_of_log_lines(data: Path) -> None:
    memory = LogCheckpoints(data / LOG_CHECKPOINT).read(position=ANY)
    assert memory is not None
    assert set(memory.minutes) >= {ONSET_MS - 60_000, ONSET_MS}
    assert memory.bundle_version.startswith("sha256:c8ab5a44")


def test_the_memory_of_paging(data: Path) -> None:
    state = read_paging(data / PAGING_CHECKPOINT)
    assert state is not None
    assert set(state.keys) >= KEYS
    [group] = state.memory.anomaly_groups
    assert dict(group.since_ms) == {"order": ONSET_MS - 60_000, "gateway": ONSET_MS - 60_000}


def test_the_record_and_the_paging_of_the_shadow(data: Path) -> None:
    record, state = read_record(data / SHADOW / RECORD), read_paging(data / SHADOW / PAGING_CHECKPOINT)
    assert record is not None
    assert state is not None
    assert (record.n_ticks, record.n_champion, len(record.alone)) == (358, 1, 1)


def test_the_bundles_in_use(data: Path) -> None:
    detectors = ModelSource(NOWHERE, DETECTORS_MODEL, data / BUNDLES).current()
    logs = ModelSource(NOWHERE, LOGS_MODEL, data / LOG_BUNDLES).current()
    ranker = ModelSource(NOWHERE, RANKER_MODEL, data / RANKERS).current()
    assert detectors is not None
    assert detectors.pages is not None
    assert set(detectors.normal.keys) == KEYS
    assert logs is not None
    assert logs.sessions is not None
    assert logs.threshold == 6.0
    assert ranker is not None
    assert ranker.weights["own"] == 1.5


def test_a_case_of_each_form(data: Path) -> None:
    cases = {path.name: read_case(path) for path in case_paths(data / CASES)}
    assert len(cases) == 4
    causes = {each.case.cause for each in cases.values()}
    assert causes == {("order",), ("stock",), ("db",)}
    assert sum(each.case.window_spans is not None for each in cases.values()) == 1
    assert sum(each.case.window_logs is not None for each in cases.values()) == 2
    ranked = read_case(path_of(data / CASES, f"SlowRequests-gateway-{ONSET_MS + 240_000}"))
    assert ranked.ranking is not None
    assert ranked.ranking["candidates"][0]["item"] == rank(ranked.case).candidates[0].item == "order"


def test_a_service_goes_on_where_0_1_0_was(data: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = StillClock(NOW)
    app = create_app(
        settings_for(data),
        sources=Sources(
            lambda: ModelSource(NOWHERE, DETECTORS_MODEL, data / BUNDLES),
            lambda: ModelSource(NOWHERE, RANKER_MODEL, data / RANKERS),
            lambda: ModelSource(NOWHERE, LOGS_MODEL, data / LOG_BUNDLES),
        ),
        clock=clock,
    )
    rooms = app.state.rooms
    for each in (rooms.models.champion, rooms.models.ranker, rooms.models.log_champion):
        each.refresh()
    with a_client(app, headers={"Authorization": f"Bearer {SECRETS['zhou']}"}) as client:
        assert rooms.scoring.pipeline.advance() == 0, "every tick was scored before the upgrade"
        assert rooms.logs.closing.advance() == 0
        assert rooms.paging.pager.since_ms is not None
        ready = client.get("/readyz").json()
        later = a_frame(("gateway", "order"), n_ticks=3, end=NOW.replace(minute=9), seed=8)
        client.post("/v1/samples", json=as_columns(later)).raise_for_status()
        clock.at = NOW.replace(minute=10)
        assert rooms.scoring.pipeline.advance() > 0
    assert ready["ready"] is True
    assert not [each for each in ready["reasons"] if "damage" in each or "history" in each]
    assert not [each for each in caplog.messages if "unused" in each]
