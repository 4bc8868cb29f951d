from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import pytest
from service_builders import NOW, a_client, an_app

from service.data_directory import STORE
from service.errors import StoreUnavailableError
from service.store.audit import Audit
from service.store.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORGED = """(position, at_ms, who, action, subject, document)
VALUES (1, 0, 'nobody', 'verdict', '1', '{}')"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / STORE)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE audit SET who = 'nobody'",
        "DELETE FROM audit",
        f"INSERT OR REPLACE INTO audit {FORGED}",
        f"REPLACE INTO audit {FORGED}",
    ],
)
def test_the_audit_is_append_only(tmp_path: Path, database: Database, attack: str) -> None:
    audit = Audit(database)
    entry = audit.add(at=NOW, who="zhou", action="verdict", subject="1", document={"causes": ["db"]})
    plain = sqlite3.connect(tmp_path / STORE)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        plain.execute(attack)
    plain.close()
    assert audit.of("verdict", "1") == [entry]


def test_the_store_is_written_for_good(database: Database) -> None:
    with database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_block_that_fails_leaves_nothing_behind(database: Database) -> None:
    audit = Audit(database)
    with contextlib.suppress(RuntimeError), database.writing() as connection:
        connection.exec_driver_sql(f"INSERT INTO audit {FORGED}")
        raise RuntimeError("half way")
    assert audit.of("verdict", "1") == []


def test_a_store_that_cannot_be_used_is_a_problem_to_try_again(tmp_path: Path) -> None:
    with a_client(an_app(tmp_path)) as client:
        plain = sqlite3.connect(tmp_path / STORE)
        plain.execute("DROP TABLE changes")
        plain.close()
        change = {"id": "c", "item": "x", "at": "2026-03-04T01:50:00Z"}
        answer = client.post("/v1/changes", json={"changes": [change]})
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / STORE).write_bytes(b"not a database at all, by any means" * 100)
    with pytest.raises(StoreUnavailableError):
        Database(tmp_path / STORE)
