"""What an upgrade would read, migrate or lose is reported beforehand."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from upgrade_builders import data_of_0_1_0, store_of_0_1_0

from service.data_directory import (
    BUNDLES,
    CASES,
    LOG_CHECKPOINT,
    PAGING_CHECKPOINT,
    SCORING_CHECKPOINT,
    STORE,
)
from service.shadow.record import RECORD, SHADOW
from service.store.database import Database
from service.store.migrations import HEAD
from sunspot.upgrade import ABSENT, LOST, MIGRATED, READ, all_findings, command

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


def check(data: Path) -> Result:
    return CliRunner().invoke(command, ["--check", "--data", str(data)])


def contents(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


def lost(data: Path) -> dict[str, str]:
    return {each.name: each.detail for each in all_findings(data) if each.outcome == LOST}


def test_data_of_0_1_0_is_read_or_migrated_and_nothing_is_changed(tmp_path: Path) -> None:
    data = data_of_0_1_0(tmp_path / "data")
    before = contents(data)
    result = check(data)
    assert result.exit_code == 0, result.output
    assert contents(data) == before
    lines = result.output.splitlines()
    assert lines[0].startswith(f"store: migrated: from 0.1.0 to revision {HEAD}: Make the tables")
    assert "first-stage checkpoint: read: 6 series" in lines
    assert "cases: read: 4 of 4" in lines
    assert "ranked cases: not there" in lines
    outcomes = {each.name: each.outcome for each in all_findings(data)}
    assert [name for name, outcome in outcomes.items() if outcome == MIGRATED] == ["store"]
    assert {name for name, outcome in outcomes.items() if outcome == ABSENT} == {
        "checkpoint in shadow",
        "detectors in shadow",
        "ranked cases",
    }


def test_a_store_that_is_up_to_date_or_in_use_is_read(tmp_path: Path) -> None:
    database = Database(tmp_path / STORE)
    assert next(all_findings(tmp_path)) == ("store", READ, f"revision {HEAD}")
    database.close()
    assert next(all_findings(tmp_path)) == ("store", READ, f"revision {HEAD}")


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("CREATE TABLE alembic_version AS SELECT '0999' AS version_num", "at revision 0999"),
        ("ALTER TABLE alerts DROP COLUMN unenriched", "the table alerts lacks unenriched"),
    ],
)
def test_a_store_that_cannot_be_migrated_would_be_lost(tmp_path: Path, statement: str, reason: str) -> None:
    path = store_of_0_1_0(tmp_path)
    with closing(sqlite3.connect(path)) as plain:
        plain.execute(statement)
    assert reason in lost(tmp_path)["store"]


def test_what_is_damaged_would_be_lost_and_the_reason_is_shown(tmp_path: Path) -> None:
    data = data_of_0_1_0(tmp_path / "data")
    for name in (STORE, SCORING_CHECKPOINT, LOG_CHECKPOINT, PAGING_CHECKPOINT, f"{SHADOW}/{RECORD}"):
        (data / name).write_bytes(b"no such thing" * 99)
    (data / BUNDLES / "current.json").write_text('{"directory": "sha256-0"}')
    (data / CASES / "case-orders-slow.json").write_text("{}")
    result = check(data)
    assert result.exit_code == 1
    found = lost(data)
    assert set(found) == {
        "store",
        "first-stage checkpoint",
        "log checkpoint",
        "paging state",
        "shadow record",
        "detectors",
        "cases",
    }
    assert all(found.values())
    assert "case-orders-slow.json" in found["cases"]
    assert "cases: read: 3 of 4" in result.output


def test_an_empty_data_directory_loses_nothing(tmp_path: Path) -> None:
    assert check(tmp_path).exit_code == 0
    assert {each.outcome for each in all_findings(tmp_path)} == {ABSENT}


def test_without_check_or_a_data_directory_it_says_what_to_do(tmp_path: Path) -> None:
    assert "only --check" in CliRunner().invoke(command, ["--data", str(tmp_path)]).output
    assert "no data directory" in check(tmp_path / "none").output
