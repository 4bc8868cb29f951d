from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from builders import MINUTE_MS, ONSET
from service_builders import (
    NOW,
    StillClock,
    a_bundle,
    a_client,
    a_cmdb,
    an_app,
    an_incident_frame,
    as_columns,
)

from models.detectors.three_scores import score
from models.state import ARRAYS
from service.data_directory import HISTORY, SCORING_CHECKPOINT
from service.scoring.checkpoint import Checkpoints, Scored
from telemetry.batches import SeriesKey
from telemetry.history import History

if TYPE_CHECKING:
    from pathlib import Path

ENOUGH = 10**9


def run(directory: Path, minutes: int, *, first: int = 0, **chosen: Any) -> Scored:
    """Send the incident's minutes ``[first, minutes)`` to a service, and return the tick it scored last."""
    clock = StillClock(NOW + timedelta(minutes=minutes - 60))
    frame = an_incident_frame()
    app = an_app(directory, bundle=chosen.pop("bundle", a_bundle()), clock=clock, **chosen)
    sent = frame.between(frame.start_ms + first * MINUTE_MS, frame.start_ms + minutes * MINUTE_MS)
    with a_client(app) as client:
        client.post("/v1/samples", json=as_columns(sent)).raise_for_status()
        app.state.rooms.scoring.pipeline.advance()
    checkpoint = Checkpoints(directory / SCORING_CHECKPOINT).read(position=ENOUGH)
    assert checkpoint is not None
    return checkpoint


def assert_equal(one: Scored, other: Scored) -> None:
    own, others = one.memory.state, other.memory.state
    assert (one.bundle_version, own.tick_ms) == (other.bundle_version, others.tick_ms)
    order = [others.keys.index(key) for key in own.keys]
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(own, name), getattr(others, name)[order])
    slower = zip(
        one.memory.severity + one.memory.novelty, other.memory.severity + other.memory.novelty, strict=True
    )
    for mine, array in slower:
        np.testing.assert_array_equal(mine, array[order])
    np.testing.assert_array_equal(one.scores.onset.values, other.scores.onset.values[order])
    np.testing.assert_array_equal(one.scores.severity, other.scores.severity[order])
    np.testing.assert_array_equal(one.scores.novelty, other.scores.novelty[order])


def test_a_restart_goes_on_where_it_was_whatever_came_late(tmp_path: Path) -> None:
    earlier = run(tmp_path / "straight", 40)
    straight_end = run(tmp_path / "straight", 60, first=40)
    assert earlier.memory.state.tick_ms < straight_end.memory.state.tick_ms
    assert straight_end.memory.severity.held.max() > 0
    assert straight_end.memory.novelty.visited.any()
    run(tmp_path / "late", 40)
    history = History(tmp_path / "late" / HISTORY)
    history.append(late_samples())
    history.close()
    assert_equal(run(tmp_path / "late", 60, first=40), straight_end)


def late_samples() -> Any:
    from telemetry.batches import Samples  # noqa: PLC0415

    at_ms = int(ONSET.timestamp() * 1000) - 30 * MINUTE_MS + 59_000
    return Samples.from_rows([("order", "latency_s", at_ms, 50.0), ("funds", "latency_s", at_ms, 50.0)])


def test_the_scores_are_there_again_before_the_next_tick_closes(tmp_path: Path) -> None:
    checkpoint = run(tmp_path, 60)
    app = an_app(tmp_path, bundle=a_bundle())
    with a_client(app):
        tick_at, version, scores = app.state.rooms.scoring.first_stage.scores_of("order")
        assert app.state.rooms.scoring.pipeline.advance() == 0
    assert (tick_at, version) == (ONSET + timedelta(minutes=4), checkpoint.bundle_version)
    assert len(scores) == 3
    assert [each.novelty for each in scores] == [None, None, None]  # not a day of values yet


def test_the_slower_scores_are_told_beside_onset(tmp_path: Path) -> None:
    checkpoint = run(tmp_path, 60)
    keys = checkpoint.memory.state.keys
    novelty = np.where([key.metric == "requests" for key in keys], np.nan, np.arange(len(keys)))
    scores = checkpoint.scores._replace(novelty=novelty.astype(np.float32))
    Checkpoints(tmp_path / SCORING_CHECKPOINT).write(replace(checkpoint, scores=scores), position=0)
    app = an_app(tmp_path, bundle=a_bundle())
    with a_client(app) as client:
        client.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
        series = client.get("/v1/items/order/scores").json()["series"]
    for each in series:
        place = keys.index(SeriesKey("order", each["metric"]))
        assert each["severity"] == checkpoint.memory.severity.held[place] > 0
        assert each["novelty"] == (None if each["metric"] == "requests" else place)


def test_another_champion_takes_over_what_was_kept(tmp_path: Path) -> None:
    run(tmp_path, 40)
    second = a_bundle(name="second")
    checkpoint = run(tmp_path, 60, first=40, bundle=second)
    assert checkpoint.bundle_version == second.version
    frame = an_incident_frame()
    found = checkpoint.memory
    memory, _ = score(
        frame.between(frame.start_ms, found.state.tick_ms + MINUTE_MS), second.baseline, second.clock_used
    )
    order = [found.state.keys.index(key) for key in memory.state.keys]
    np.testing.assert_array_equal(found.state.n_seen[order], memory.state.n_seen)
    np.testing.assert_array_equal(found.novelty.n[order], memory.novelty.n)
    np.testing.assert_array_equal(found.novelty.visited[order], memory.novelty.visited)


def test_a_checkpoint_of_another_history_is_left_unused(tmp_path: Path) -> None:
    checkpoint = run(tmp_path, 60)
    path = tmp_path / "other.state"
    Checkpoints(path).write(checkpoint, position=7)
    assert Checkpoints(path).read(position=6) is None
    assert Checkpoints(path).read(position=7) is not None


def test_what_is_no_checkpoint_is_left_unused(tmp_path: Path) -> None:
    run(tmp_path, 60)
    path = tmp_path / SCORING_CHECKPOINT
    complete = path.read_bytes()
    with np.load(io.BytesIO(complete)) as stored:
        arrays = dict(stored)
    assert Checkpoints(tmp_path / "ghost").read(position=ENOUGH) is None
    for content in (b"", b"nonsense", complete[:100], complete[:-40]):
        path.write_bytes(content)
        assert Checkpoints(path).read(position=ENOUGH) is None
    for name, array in (
        ("values", arrays["values"][1:]),
        ("state", arrays["state"][:50]),
        ("severity_held", arrays["severity_held"][1:]),
        ("novelty_visited", arrays["novelty_visited"][:, 1:]),
        ("novelty_n", arrays["novelty_n"].astype(np.float64)),
        ("header", np.frombuffer(json.dumps({"bundle": "x"}).encode(), dtype=np.uint8)),
    ):
        with path.open("wb") as file:
            np.savez(file, allow_pickle=False, **{**arrays, name: array})
        assert Checkpoints(path).read(position=ENOUGH) is None
    app = an_app(tmp_path, bundle=a_bundle())
    with a_client(app):
        app.state.rooms.scoring.pipeline.advance()
        assert app.state.rooms.scoring.first_stage.scores_of("order")[2]
