"""Tokens as the store holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from service_builders import NOW
from sqlalchemy import event
from upgrade_builders import SECRETS, store_of_0_1_0

from service.data_directory import STORE
from service.store.database import Database
from service.store.tokens import TokenStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / STORE)
    yield opened
    opened.close()


def test_a_secret_is_found_among_many_by_its_hash_alone(database: Database) -> None:
    tokens = TokenStore(database)
    secrets = {name: tokens.create(name, ["read"], at=NOW, who="test") for name in ("a", "b", "c")}
    asked: list[tuple[str, Any]] = []

    def listen(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(database._engine, "before_cursor_execute", listen)
    for name, secret in secrets.items():
        holder = tokens.holder(secret)
        assert holder is not None
        assert holder.name == name
    lookups = [each for each in asked if each[0].startswith("SELECT")]
    assert len(lookups) == len(secrets)
    with database.reading() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {lookups[0][0]}", lookups[0][1]).all()
    assert [row[3] for row in plan] == [
        "SEARCH tokens USING INDEX sqlite_autoindex_tokens_2 (secret_sha256=?)"
    ]
    assert all(secret not in str(parameters) for _, parameters in lookups for secret in secrets.values())


@pytest.mark.parametrize("secret", ["", "sunspot_guess", "%", "' OR 1 = 1 --", "\udcff", "x" * 100_000])
def test_what_is_no_secret_finds_nobody(database: Database, secret: str) -> None:
    tokens = TokenStore(database)
    tokens.create("reader", ["read"], at=NOW, who="test")
    assert tokens.holder(secret) is None


def test_tokens_of_0_1_0_still_open_the_service_and_revoked_ones_do_not(tmp_path: Path) -> None:
    database = Database(store_of_0_1_0(tmp_path))
    tokens = TokenStore(database)
    for name, secret in SECRETS.items():
        holder = tokens.holder(secret)
        assert holder is not None
        assert holder.name == name
    assert tokens.holder("sunspot_of-old-for-tests") is None
    database.close()
