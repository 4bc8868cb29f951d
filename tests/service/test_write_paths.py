"""Whatever cannot be written shows on /readyz, is answered with 503, and heals without a restart."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from service_builders import NOW, StillClock, a_bundle, a_client, a_cmdb, a_webhook, an_app

from service.data_directory import HISTORY, STORE
from service.health import HealthRegistry
from service.write_paths import STEADY, WritePaths, write_probe
from telemetry.errors import HistoryWriteError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI
    from fastapi.testclient import TestClient

SAMPLES = {"samples": [{"item": "order", "metric": "m", "time": "2026-03-04T02:00:00Z", "value": 1}]}
LINE = {"time": "2026-03-04T02:05:30Z", "service": "order", "message": "x"}


class FullDisk:
    """Refuses to write while it is full."""

    def __init__(self) -> None:
        self.is_full = True

    def __call__(self, descriptor: int) -> None:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    return an_app(tmp_path, bundle=a_bundle())


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with a_client(app) as running:
        running.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
        yield running


def failing(client: TestClient) -> set[str]:
    """Names of the parts that make /readyz red, which tells them unless the store cannot say who asks."""
    answer = client.get("/readyz")
    health: HealthRegistry = client.app.state.rooms.health  # type: ignore[attr-defined]
    names = {each.name for each in health.parts() if each.failing_since is not None}
    assert answer.status_code == (503 if names else 200)
    told = {each.partition(":")[0] for each in answer.json().get("reasons", []) if "failing since" in each}
    assert told == names or ("store" in names and not told)
    return names


def look(app: FastAPI, *, after: timedelta = STEADY) -> None:
    """Have every path tried, some time after what failed last."""
    registry: Any = app.state.rooms.health
    for each in registry._records.values():
        each._ended_s -= after.total_seconds()
    app.state.rooms.write_paths.look()


@pytest.mark.parametrize(
    ("room", "part", "request_"),
    [("signals", "history", ("/v1/samples", SAMPLES)), ("logs", "log lines", ("/v1/logs", LINE))],
)
def test_a_full_disk_is_told_and_forgotten(
    app: FastAPI, client: TestClient, room: str, part: str, request_: tuple[str, object]
) -> None:
    path, body = request_
    disk = FullDisk()
    journal = getattr(app.state.rooms, room).history._journal
    journal._log._sync, sync = disk, journal._log._sync
    journal._sync = disk
    refused = client.post(path, json=body)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert failing(client) == {part}
    assert f'sunspot_part_failing{{part="{part}"}} 1.0' in client.get("/metrics").text
    look(app, after=timedelta(0))
    assert failing(client) == {part}
    disk.is_full = False
    journal._sync = sync
    client.post(path, json=body).raise_for_status()
    assert failing(client) == set()


def test_a_disk_is_tried_while_nobody_writes(app: FastAPI, client: TestClient, tmp_path: Path) -> None:
    shutil.move(tmp_path / HISTORY, tmp_path / "elsewhere")
    app.state.rooms.write_paths.look()
    assert failing(client) == {"history"}
    shutil.move(tmp_path / "elsewhere", tmp_path / HISTORY)
    look(app)
    assert failing(client) == set()


def test_a_store_of_garbage_is_told_and_a_restored_one_used(
    app: FastAPI, client: TestClient, tmp_path: Path
) -> None:
    store = tmp_path / STORE
    client.post("/v1/alerts", json=a_webhook()).raise_for_status()
    app.state.rooms.write_paths.look()
    assert failing(client) == set()
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = store.read_bytes()
    store.write_bytes(b"garbage!" * (len(content) // 8))
    app.state.rooms.write_paths.look()
    assert failing(client) == {"store"}
    assert client.post("/v1/alerts", json=a_webhook("order")).status_code == 503
    store.write_bytes(content)
    look(app)
    assert failing(client) == set()
    client.post("/v1/alerts", json=a_webhook("order")).raise_for_status()


@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_store_that_was_removed_or_replaced_is_told(
    app: FastAPI, client: TestClient, tmp_path: Path, is_replaced: bool
) -> None:
    store = tmp_path / STORE
    if is_replaced:
        shutil.copy(store, tmp_path / "other.db")
        shutil.move(tmp_path / "other.db", store)
    else:
        store.unlink()
    app.state.rooms.write_paths.look()
    assert failing(client) == {"store"}


def test_a_store_that_is_busy_is_not_broken(app: FastAPI, client: TestClient) -> None:
    database = app.state.rooms.incidents.store._database
    with database.writing() as _, pytest.raises(OSError, match="locked"):
        database.probe()
    assert failing(client) == set()


def test_a_checkpoint_that_cannot_be_saved_makes_the_service_not_ready(
    app: FastAPI, client: TestClient
) -> None:
    app.state.rooms.health.record("checkpoint").failed(OSError("no space left"))
    app.state.rooms.health.record("cases").failed(OSError("no space left"))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["reasons"][0].startswith("checkpoint: failing since")


def test_a_failure_at_work_outlasts_the_next_probe() -> None:
    now_s = [0.0]
    health = HealthRegistry(StillClock(NOW), elapsed_s=lambda: now_s[0])
    paths = WritePaths(health, {}, {"history": lambda: None})
    record = health.record("history")
    with pytest.raises(HistoryWriteError), record.watching():
        raise HistoryWriteError(Path("x"), OSError(errno.ENOSPC, "full"))
    paths.look()
    assert record.now.failing_since == NOW
    now_s[0] = STEADY.total_seconds()
    paths.look()
    assert record.now.failing_since is None


def test_a_probe_leaves_nothing_behind(tmp_path: Path) -> None:
    write_probe(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="No such file"):
        write_probe(tmp_path / "missing")
