"""The nearest stored alert, checked against looking at all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import ONSET
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert

from service.store.database import Database
from service.store.nearest_alerts import (
    FEW_ITEMS,
    N_NEAREST,
    Nearest,
    nearest_of_fingerprint,
    nearest_of_items,
)
from service.store.tables import alerts, incidents

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

AT_MS = int(ONSET.timestamp() * 1000)
Stored = tuple[str, int, int]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    path: Path = tmp_path_factory.mktemp("nearest") / "store.db"
    opened = Database(path)
    yield opened
    opened.close()


def store(connection: Connection, stored: Sequence[Stored]) -> None:
    connection.execute(delete(alerts))
    connection.execute(delete(incidents))
    for incident in {each[2] for each in stored}:
        connection.execute(insert(incidents).values(id=incident, opened_ms=0))
    text = dict.fromkeys(("status", "name", "severity", "unenriched"), "")
    numbers = {"first_received_ms": 0, "received_ms": 0, "n_received": 1, "labels": {}, "annotations": {}}
    for number, (item, starts_ms, incident) in enumerate(stored):
        row = {"item": item, "starts_ms": AT_MS + starts_ms, "incident": incident}
        fingerprint = "same" if not item else str(number)
        connection.execute(insert(alerts).values(**row, **text, **numbers, fingerprint=fingerprint))


def naive(stored: Sequence[Stored], items: set[str], within_ms: int) -> Nearest | None:
    near = [(abs(at), -incident) for item, at, incident in stored if item in items and abs(at) <= within_ms]
    return Nearest(min(near)[0], -min(near)[1]) if near else None


STORED = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(-12, 12), st.integers(1, 5)), max_size=12)


@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=60)
@given(stored=STORED, items=st.sets(st.sampled_from("abcde"), min_size=1))
def test_of_items_it_is_the_one_that_looking_at_all_finds(
    database: Database, stored: list[Stored], items: set[str]
) -> None:
    with database.writing() as connection:
        store(connection, stored)
        found = nearest_of_items(connection, items, AT_MS, within_ms=10)
    assert found == naive(stored, items, 10)


@pytest.mark.parametrize("n_others", [0, N_NEAREST, 3 * N_NEAREST])
@pytest.mark.parametrize("own_ms", [-7, 7, 0, 5_000])
def test_of_many_items_it_is_found_among_and_beyond_the_nearest_of_all(
    database: Database, n_others: int, own_ms: int
) -> None:
    items = {f"i{number}" for number in range(2 * FEW_ITEMS)}
    stored = [("other", number % 5, 1) for number in range(n_others)] + [("i7", own_ms, 2), ("i9", 9_000, 3)]
    with database.writing() as connection:
        store(connection, stored)
        found = nearest_of_items(connection, items, AT_MS, within_ms=10_000)
        nothing = nearest_of_items(connection, {f"x{each}" for each in items}, AT_MS, within_ms=10_000)
    assert found == Nearest(abs(own_ms), 2)
    assert nothing is None


def test_of_a_fingerprint_it_is_the_nearer_of_the_two_beside(database: Database) -> None:
    with database.writing() as connection:
        store(connection, [("", -3, 1), ("", -30, 2), ("", 4, 3), ("a", 0, 4)])
        found = [
            nearest_of_fingerprint(connection, "same", AT_MS + at, within_ms=9) for at in (0, 3, -20, 99)
        ]
        unknown = nearest_of_fingerprint(connection, "other", AT_MS, within_ms=9)
    assert found == [Nearest(3, 1), Nearest(1, 3), None, None]
    assert unknown is None
