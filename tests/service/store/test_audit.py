"""The audit's chain: what breaks it is found, and the first row that does is named."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from service_builders import NOW
from upgrade_builders import store_of_0_1_0

from service.data_directory import STORE
from service.errors import BrokenAuditError
from service.store.audit import Audit, Head
from service.store.audit_chain import chained
from service.store.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

N_ROWS = 5
COLUMNS = "at_ms, who, action, subject, document"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / STORE)
    yield opened
    opened.close()


@pytest.fixture
def audit(database: Database) -> Audit:
    made = Audit(database)
    for each in range(N_ROWS):
        document = {"causes": [f"数据库-{each}", "\udcff"], "share": 0.1 * each, "b": 1, "a": None}
        made.add(at=NOW, who="周", action="verdict", subject=str(each), document=document)
    return made


def attack(path: Path, *statements: str) -> None:
    """Alter the file as somebody would who may write it: without the triggers."""
    with contextlib.closing(sqlite3.connect(path)) as plain:
        triggers = plain.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            plain.execute(f"DROP TRIGGER {name}")
        for each in statements:
            plain.execute(each)
        for _, sql in triggers:
            plain.execute(sql)
        plain.commit()


def test_a_whole_chain_gives_its_head(audit: Audit) -> None:
    head = audit.verify()
    assert head.position == N_ROWS
    assert audit.verify(anchor=head) == head
    assert Head.parse(f" {str(head).upper()}\n") == head
    audit.add(at=NOW, who="wang", action="verdict", subject="7", document={})
    assert audit.verify(anchor=head).position == N_ROWS + 1


def test_an_empty_audit_is_whole(database: Database) -> None:
    assert Audit(database).verify() == Head(0, "")


@pytest.mark.parametrize(
    ("statement", "first_wrong"),
    [
        ("UPDATE audit SET who = 'nobody' WHERE position = 2", 2),
        ("UPDATE audit SET at_ms = at_ms + 1 WHERE position = 1", 1),
        ("UPDATE audit SET action = 'x' WHERE position = 5", 5),
        ("UPDATE audit SET subject = '9' WHERE position = 3", 3),
        ("UPDATE audit SET document = '{}' WHERE position = 4", 4),
        ("UPDATE audit SET hash = 'x' WHERE position = 4", 4),
        ("UPDATE audit SET previous = 'x' WHERE position = 4", 4),
        ("UPDATE audit SET position = 77 WHERE position = 5", 77),
        ("DELETE FROM audit WHERE position = 1", 2),
        ("DELETE FROM audit WHERE position = 3", 4),
        ("DELETE FROM audit WHERE position = 5", 5),
        ("DELETE FROM audit", 1),
        (f"INSERT INTO audit (previous, hash, {COLUMNS}) SELECT previous, hash, {COLUMNS} FROM audit", 6),
        (f"INSERT INTO audit ({COLUMNS}) VALUES (0, '', '', '', '{{}}')", 6),
    ],
)
def test_what_was_altered_removed_or_put_in_is_found(
    tmp_path: Path, audit: Audit, statement: str, first_wrong: int
) -> None:
    attack(tmp_path / STORE, statement)
    with pytest.raises(BrokenAuditError) as caught:
        audit.verify()
    assert caught.value.position == first_wrong


@pytest.mark.parametrize(("first_removed", "first_wrong"), [(4, N_ROWS + 1), (1, N_ROWS + 1)])
def test_rows_removed_at_the_end_are_missed_after_others_follow(
    tmp_path: Path, audit: Audit, first_removed: int, first_wrong: int
) -> None:
    attack(tmp_path / STORE, f"DELETE FROM audit WHERE position >= {first_removed}")
    for each in range(N_ROWS):
        audit.add(at=NOW, who="wang", action="verdict", subject=str(each), document={})
    with pytest.raises(BrokenAuditError) as caught:
        audit.verify()
    assert caught.value.position == first_wrong


def test_a_noted_head_finds_what_the_chain_alone_cannot(tmp_path: Path, audit: Audit) -> None:
    head = audit.verify()
    attack(
        tmp_path / STORE,
        "DELETE FROM audit WHERE position > 3",
        "UPDATE sqlite_sequence SET seq = 3 WHERE name = 'audit'",
    )
    assert audit.verify().position == 3
    with pytest.raises(BrokenAuditError) as caught:
        audit.verify(anchor=head)
    assert caught.value.position == N_ROWS
    for each in (4, 5, 6):
        audit.add(at=NOW, who="forger", action="verdict", subject=str(each), document={})
    assert audit.verify().position == 6
    with pytest.raises(BrokenAuditError):
        audit.verify(anchor=head)


@pytest.mark.parametrize("text", ["", "7", "x:ab", "7:", ":ab"])
def test_what_is_no_head_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="POSITION:HASH"):
        Head.parse(text)


def test_rows_of_before_are_chained_as_they_are(tmp_path: Path) -> None:
    path = store_of_0_1_0(tmp_path / "old")
    with contextlib.closing(sqlite3.connect(path)) as plain:
        [(n_before,)] = plain.execute("SELECT count(*) FROM audit")
    database = Database(path)
    assert n_before > 0
    assert Audit(database).verify().position >= n_before
    Audit(database).add(at=NOW, who="zhou", action="verdict", subject="1", document={})
    Audit(database).verify()
    database.close()


def test_the_hash_covers_every_part() -> None:
    row = {"position": 1, "at_ms": 2, "who": "a", "action": "b", "subject": "c", "document": {"d": 1}}
    others = {"position": 2, "at_ms": 3, "who": "ab", "action": "", "subject": "", "document": {"d": 1.5}}
    hashes = {chained("", **row), chained("x", **row)}
    hashes |= {chained("", **{**row, name: other}) for name, other in others.items()}
    assert len(hashes) == 2 + len(others)


def test_an_action_is_added_once_since_an_instant(audit: Audit) -> None:
    for who, hours in (("zhou", 0), ("zhou", 0), ("wang", 0), ("zhou", 1), ("zhou", 1)):
        at = NOW + timedelta(hours=hours)
        audit.add_once(since=at, at=at, who=who, action="read_incident", subject="1")
    assert [each.who for each in audit.of("read_incident", "1")] == ["zhou", "wang", "zhou"]
    assert [each.who for each in audit.newest(limit=2)] == ["wang", "zhou"]
