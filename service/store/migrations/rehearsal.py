"""What opening a store would change, found out without changing it."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy import create_engine
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import StaticPool

from service.errors import UnreadableStoreError
from service.store.migrations import HEAD, check_known, migrate, pending

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid"


def rehearse(path: Path) -> tuple[str | None, list[str]]:
    """Migrate an empty copy of a store, and return the file's revision and what each missing one does.

    The file is opened for reading only.

    Returns
    -------
    The revision is ``None`` in a file of 0.1.0. There is nothing to do for a file that is up to date.

    Raises
    ------
    StoreUnavailableError
        If this code cannot open the store: its message says why.
    """
    # without a write-ahead file beside it nothing is in use, and SQLite need not even make a lock
    mode = "mode=ro" if path.with_name(f"{path.name}-wal").is_file() else "immutable=1"
    address = f"file:{quote(str(path))}?{mode}"
    stored = create_engine("sqlite://", creator=lambda: sqlite3.connect(address, uri=True))
    copy = create_engine("sqlite://", poolclass=StaticPool)
    try:
        with stored.connect() as reader, copy.begin() as writer:
            revision = check_known(reader)
            for statement in reader.exec_driver_sql(SCHEMA).scalars():
                writer.exec_driver_sql(statement)
            if revision is not None:
                writer.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (revision,))
            steps = pending(writer) if revision != HEAD else []
            migrate(writer)
    except DatabaseError as error:
        raise UnreadableStoreError(str(error.orig)) from error
    finally:
        stored.dispose()
        copy.dispose()
    return revision, steps
