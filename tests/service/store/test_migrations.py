"""Stores that earlier and later versions wrote."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from service_builders import a_client, a_webhook, an_app
from upgrade_builders import SECRETS, store_of_0_1_0

from service.data_directory import STORE
from service.errors import NewerStoreError, StoreUnavailableError, UnreadableStoreError
from service.store.audit import Audit
from service.store.database import Database
from service.store.incidents import IncidentStore
from service.store.maintenance import MaintenanceStore
from service.store.migrations import HEAD, KNOWN, revision_of, scripts
from service.store.pages import PageStore
from service.store.tables import metadata

if TYPE_CHECKING:
    from pathlib import Path

FORGED = "UPDATE audit SET who = 'nobody'", "DELETE FROM audit", "REPLACE INTO audit SELECT * FROM audit"


def schema(path: Path) -> set[tuple[str, str, str]]:
    """Return every table, index and trigger of a file, with its statement in one line."""
    plain = sqlite3.connect(path)
    rows = plain.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master").fetchall()
    plain.close()
    return {(kind, name, " ".join(sql.split())) for kind, name, sql in rows}


def run(path: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as plain:
        for each in statements:
            plain.execute(each)
        plain.commit()


def test_the_migrations_lead_to_the_tables_of_this_code(tmp_path: Path) -> None:
    database = Database(tmp_path / STORE)
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.close()


def test_every_revision_is_known_and_the_last_one_is_the_head() -> None:
    revisions = [each.revision for each in scripts().walk_revisions()]
    assert tuple(reversed(revisions)) == KNOWN
    assert scripts().get_current_head() == HEAD


def test_a_store_of_0_1_0_becomes_what_a_new_one_is(tmp_path: Path) -> None:
    old = store_of_0_1_0(tmp_path / "old")
    for path in (old, tmp_path / STORE):
        Database(path).close()
    assert schema(old) == schema(tmp_path / STORE)


def test_a_store_of_0_1_0_is_read(tmp_path: Path) -> None:
    store_of_0_1_0(tmp_path)
    database = Database(tmp_path / STORE)
    incidents = IncidentStore(database)
    found = [incidents.get(each) for each in (1, 2)]
    assert [each.closed_at is None for each in found] == [True, False]
    assert [len(incidents.alerts_of(each.id)) for each in found] == [3, 1]
    assert [each.facts.item for each in PageStore(database).of_incident(1)] == ["order"]
    assert [each.document["causes"] for each in Audit(database).of("verdict", "1")] == [["order"]]
    assert [each.items for each in MaintenanceStore(database).windows(0)] == [frozenset({"order"})]
    ranking = incidents.ranking_of(found[0])
    assert ranking is not None
    assert ranking.document.candidates[0].item == "order"
    assert ranking.document.page_snapshot.items, "0.1.0 called it the picture"
    assert (ranking.as_of, ranking.reason, ranking.changed) == (ranking.made_at, "", ())
    with database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    database.close()


def test_a_store_of_0_1_0_serves(tmp_path: Path) -> None:
    store_of_0_1_0(tmp_path)
    headers = {"Authorization": f"Bearer {SECRETS['zhou']}"}
    with a_client(an_app(tmp_path), headers=headers) as client:
        assert client.get("/v1/incidents/1/causes").json()["ranking"]["causes"] == ["order"]
        page = client.get("/incidents/1")
        client.post("/v1/alerts", json=a_webhook("order", name="New")).raise_for_status()
        client.post("/v1/incidents/1/verdict", json={"causes": "none"}).raise_for_status()
        verdicts = client.get("/v1/incidents/1").json()["verdicts"]
        assert client.get("/v1/pages").json()["pages"][0]["outcome"] == "false"
    assert page.status_code == 200
    assert "<svg" in page.text, "the plots of the stored ranking"
    assert [each["causes"] for each in verdicts] == [["order"], "none"]


def test_the_audit_stays_append_only_across_a_migration(tmp_path: Path) -> None:
    path = store_of_0_1_0(tmp_path)
    Database(path).close()
    for attack in FORGED:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            run(path, attack)


def test_opening_twice_changes_nothing(tmp_path: Path) -> None:
    Database(tmp_path / STORE).close()
    before = schema(tmp_path / STORE)
    database = Database(tmp_path / STORE)
    with database.reading() as connection:
        assert revision_of(connection) == HEAD
    database.close()
    assert schema(tmp_path / STORE) == before


def test_a_store_that_several_open_at_once_is_migrated_once(tmp_path: Path) -> None:
    path = store_of_0_1_0(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        for each in pool.map(Database, [path] * 8):
            each.close()
    Database(tmp_path / "new" / STORE).close()
    assert schema(path) == schema(tmp_path / "new" / STORE)


def test_a_store_of_an_older_schema_gets_the_tables_that_it_lacks(tmp_path: Path) -> None:
    path = store_of_0_1_0(tmp_path)
    run(path, "DROP TABLE pages", "DROP TABLE maintenance", "DROP TABLE outbox")
    database = Database(path)
    assert PageStore(database).newest(limit=1) == []
    assert IncidentStore(database).count() == 2
    database.close()


def test_a_table_that_lacks_a_column_is_refused_when_opened(tmp_path: Path) -> None:
    path = store_of_0_1_0(tmp_path)
    run(path, "ALTER TABLE alerts DROP COLUMN unenriched")
    before = schema(path)
    with pytest.raises(UnreadableStoreError, match="the table alerts lacks unenriched"):
        Database(path)
    assert schema(path) == before, "the migration leaves nothing behind"


def test_a_store_of_a_later_version_names_it_and_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / STORE
    Database(path).close()
    run(path, "UPDATE alembic_version SET version_num = '0999'", "PRAGMA user_version = 10203")
    with pytest.raises(NewerStoreError, match=r"Sunspot 1\.2\.3 at revision 0999.*run the newer") as caught:
        Database(path)
    assert isinstance(caught.value, StoreUnavailableError)
    assert (caught.value.written_by, caught.value.revision) == ("1.2.3", "0999")


def test_a_store_that_is_up_to_date_opens_without_alembic(tmp_path: Path) -> None:
    Database(tmp_path / STORE).close()
    code = """
import sys
from pathlib import Path
from service.store.database import Database
Database(Path(sys.argv[1])).close()
print("alembic" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / STORE)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_a_migration_logs_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Database(store_of_0_1_0(tmp_path)).close()
    assert caplog.records == []
