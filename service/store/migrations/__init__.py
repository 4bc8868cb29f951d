"""Bring a store's file to the tables of this code, one revision after the other.

A revision is a module in ``versions``. To add one, write the module, change ``tables.py`` to match, and
append it to `KNOWN`.
Alembic is imported only where a file has to be migrated: a file that is up to date opens without it.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from service.errors import NewerStoreError, UnreadableStoreError
from service.store.tables import metadata

if TYPE_CHECKING:
    from alembic.script import Script, ScriptDirectory
    from sqlalchemy import Connection

KNOWN = tuple(f"{number:04d}" for number in range(1, 6))
"""Every revision, oldest first. The first is the tables of 0.1.0, whose files name no revision."""

HEAD = KNOWN[-1]
"""The revision of the tables in ``tables.py``."""

_ONE_AT_A_TIME = Lock()
"""Alembic's operations belong to the process, not to a connection."""


def revision_of(connection: Connection) -> str | None:
    """Return the revision that a store's file names, or ``None``: it is new, or of 0.1.0."""
    if not _table_exists(connection, "alembic_version"):
        return None
    revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return None if revision is None else str(revision)


def check_known(connection: Connection) -> str | None:
    """Return the revision of a store's file, which this code knows.

    Raises
    ------
    NewerStoreError
        If a later Sunspot wrote the file.
    """
    revision = revision_of(connection)
    if revision is not None and revision not in KNOWN:
        raise NewerStoreError(revision, _written_by(connection), newest=HEAD, running=version("sunspot"))
    return revision


def migrate(connection: Connection) -> None:
    """Apply every revision that a file lacks, within an open transaction.

    Raises
    ------
    NewerStoreError
        If a later Sunspot wrote the file.
    UnreadableStoreError
        If the tables are not what their revision says.
    """
    from alembic.operations import Operations  # noqa: PLC0415
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415

    missing = _missing(check_known(connection))
    context = MigrationContext.configure(connection)
    with _ONE_AT_A_TIME, Operations.context(context):
        for each in missing:
            each.module.upgrade()
    context.stamp(scripts(), HEAD)
    _check_columns(connection)
    connection.exec_driver_sql(f"PRAGMA user_version = {_packed(version('sunspot'))}")


def pending(connection: Connection) -> list[str]:
    """Return what each revision that a file lacks does, in the order in which they are applied."""
    return [each.doc for each in _missing(check_known(connection))]


def _missing(revision: str | None) -> list[Script]:
    return list(scripts().iterate_revisions(HEAD, revision or "base"))[::-1]


@cache
def scripts() -> ScriptDirectory:
    """Return the revisions in ``versions`` as Alembic sees them."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    return ScriptDirectory(str(Path(__file__).parent))


def _check_columns(connection: Connection) -> None:
    """Refuse a table that lacks a column now, rather than at the first write."""
    for table in metadata.sorted_tables:
        present = {row[1] for row in connection.exec_driver_sql(f"PRAGMA table_info({table.name})")}
        missing = sorted({column.name for column in table.columns} - present)
        if missing:
            raise UnreadableStoreError(f"the table {table.name} lacks {', '.join(missing)}")


def _table_exists(connection: Connection, name: str) -> bool:
    asked = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    return connection.exec_driver_sql(asked, (name,)).first() is not None


def _packed(release: str) -> int:
    """Return a release as SQLite's ``user_version`` holds it.

    >>> _packed("1.12.3"), _packed("0.2.0.dev1")
    (11203, 200)
    """
    major, minor, patch = (int(part) for part in re.findall(r"\d+", f"{release}.0.0")[:3])
    return major * 10_000 + minor * 100 + patch


def _written_by(connection: Connection) -> str:
    packed = int(connection.exec_driver_sql("PRAGMA user_version").scalar() or 0)
    return f"{packed // 10_000}.{packed // 100 % 100}.{packed % 100}"
