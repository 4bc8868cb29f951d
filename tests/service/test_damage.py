"""Damage of the histories on disk: found, told, and survived."""

from __future__ import annotations

import logging
import os
import shutil
from typing import TYPE_CHECKING

import pytest
from builders import a_frame
from service_builders import ITEMS, NOW, a_bundle, a_client, an_app, as_columns

from service.data_directory import HISTORY, LINES
from service.workers import checkpoint_all, score_closed
from telemetry.noted_lengths import NOTES

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi.testclient import TestClient


def send(client: TestClient) -> None:
    client.post("/v1/samples", json=as_columns(a_frame(ITEMS, n_ticks=5, end=NOW))).raise_for_status()
    line = {"time": NOW.isoformat(), "service": "order", "message": "order 7 was sent"}
    client.post("/v1/logs", json=line).raise_for_status()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return the data of a service that stored samples, lines and checkpoints, and was stopped."""
    app = an_app(tmp_path, bundle=a_bundle())
    with a_client(app) as client:
        send(client)
        score_closed(app.state.rooms)
        checkpoint_all(app.state.rooms)
    return tmp_path


@pytest.mark.parametrize(
    ("folder", "name"), [(f"{HISTORY}/log", "history"), (LINES, "log lines")], ids=["samples", "lines"]
)
@pytest.mark.parametrize("is_removed", [True, False], ids=["removed", "truncated"])
def test_an_emptied_journal_is_told_at_the_next_start(
    directory: Path, folder: str, name: str, is_removed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    (journal,) = (directory / folder).glob("*.log")
    if is_removed:
        journal.unlink()
    else:
        os.truncate(journal, 0)
    app = an_app(directory, bundle=a_bundle())
    with a_client(app) as client, caplog.at_level(logging.ERROR):
        app.state.rooms.damage.look()
        (reason,) = (each for each in client.get("/readyz").json()["reasons"] if journal.name in each)
        assert reason.startswith(f"{name}: damage was found")
        assert [each.__dict__["damage"] for each in caplog.records] == [str(damage_of(app, name))]
        assert "sunspot_history_damaged 1.0" in client.get("/metrics").text
        send(client)
        app.state.rooms.damage.look()
        assert len(caplog.records) == 1, "each piece is told once"


@pytest.mark.parametrize(
    ("folder", "name"), [(HISTORY, "history"), (LINES, "log lines")], ids=["samples", "lines"]
)
def test_a_history_that_is_shorter_than_its_checkpoint_is_told(
    directory: Path, folder: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.rmtree(directory / folder)  # the notes of its lengths, too
    with caplog.at_level(logging.ERROR):
        app = an_app(directory, bundle=a_bundle())
    assert "were stored and are gone" in caplog.records[0].__dict__["reason"]
    with a_client(app) as client:
        reasons = client.get("/readyz").json()["reasons"]
        assert any(each.startswith(f"{name}: batches 1 to ") for each in reasons)
        send(client)


def test_a_damaged_older_file_of_lines_is_told(directory: Path, caplog: pytest.LogCaptureFixture) -> None:
    (older,) = (directory / LINES).glob("*.log")
    app = an_app(directory, bundle=a_bundle())
    app.state.rooms.logs.history.retain(30)  # begins a new file
    data = bytearray(older.read_bytes())
    data[-3] ^= 0xFF
    older.write_bytes(bytes(data))
    with a_client(app) as client, caplog.at_level(logging.ERROR):
        app.state.rooms.damage.look()
        assert "the checksum does not match" in caplog.records[0].__dict__["damage"]
        assert any(older.name in each for each in client.get("/readyz").json()["reasons"])


def test_a_service_of_before_the_notes_starts_without_a_word(directory: Path) -> None:
    for folder in (HISTORY, LINES):
        (directory / folder / NOTES).unlink()
    with a_client(an_app(directory, bundle=a_bundle())) as client:
        assert not [each for each in client.get("/readyz").json()["reasons"] if "damage" in each]


def damage_of(app: object, name: str) -> object:
    rooms = app.state.rooms  # type: ignore[attr-defined]
    histories = {"history": rooms.signals.history, "log lines": rooms.logs.history}
    (damage,) = histories[name].damage
    return damage
