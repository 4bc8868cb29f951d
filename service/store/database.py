"""The SQLite file: opened for durability, read and written in short transactions."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from sqlalchemy import URL, Connection, NullPool, QueuePool, create_engine, event, literal, select
from sqlalchemy.exc import DatabaseError, IntegrityError

from service.errors import StoreUnavailableError
from service.store.migrations import HEAD, migrate, revision_of
from service.store.tables import metadata
from service.store.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from service.health import HealthRecord
    from service.store.turns import Job

BUSY_TIMEOUT_S = 10
"""How long a writer waits for another process; within this one, for its turn."""

PROBE_TIMEOUT_S = 1

Result = TypeVar("Result")


class Database:
    """The store's file. Readers never wait; writers wait for each other, first come, first served.

    Parameters
    ----------
    path
        The file, made with its directory where missing, and migrated where an earlier version wrote it.
    health
        Where it is recorded whether the file can be used.

    Raises
    ------
    StoreUnavailableError
        If the file cannot be opened as a database.
    NewerStoreError
        If a later version wrote it.
    UnreadableStoreError
        If its tables are not what its revision says.
    """

    def __init__(self, path: Path, *, health: HealthRecord | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._health = health
        path.touch()
        name = f"file:{quote(str(path))}"
        url = URL.create("sqlite", database=name, query={"mode": "rw", "uri": "true"})  # never made anew
        self._engine = create_engine(
            url,
            connect_args={"timeout": BUSY_TIMEOUT_S},
            poolclass=QueuePool,
            max_overflow=-1,  # one connection per thread at most: readers do not wait for each other
        )
        self._prober = create_engine(url, connect_args={"timeout": PROBE_TIMEOUT_S}, poolclass=NullPool)
        self._turns: Turns[Connection] = Turns(self._write_together, patience_s=BUSY_TIMEOUT_S)
        for engine in (self._engine, self._prober):
            event.listen(engine, "connect", _prepare)
            event.listen(engine, "begin", _begin)
        try:
            self._migrate_if_needed()
            self._file = self._identity()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that sees one state of the store and changes nothing."""
        with self._errors_as_unavailable(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that is on disk when the block ends, or leaves nothing behind.

        Raises
        ------
        StoreUnavailableError
            If the store cannot be written, or the turn to write does not come in time.
        """
        with self._turns.alone(), self._transaction() as writer:
            yield writer

    def write(self, work: Callable[[Connection], Result]) -> Result:
        """Do work in a transaction that it may share with other writers; it is on disk when this returns.

        Work that fails leaves nothing behind, and does not affect that of others. It must be short: others
        wait for it.

        Raises
        ------
        StoreUnavailableError
            If the store cannot be written, or the turn to write does not come in time.
        """
        return self._turns.do(work)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        self._check_file()
        with self._errors_as_unavailable(), self._engine.connect() as connection:
            writer = connection.execution_options(is_writer=True)
            with writer.begin():
                yield writer
        if self._health is not None:
            self._health.succeeded()

    def probe(self) -> None:
        """Read from every table and write a page, through a connection of its own.

        Raises
        ------
        StoreUnavailableError
            If that fails, or the file is not the one that was opened. Later connections open it anew.
        """
        self._check_file()
        with self._errors_as_unavailable(), self._prober.connect() as connection:
            writer = connection.execution_options(is_writer=True)
            with writer.begin():
                for table in metadata.sorted_tables:
                    writer.execute(select(literal(1)).select_from(table).limit(1)).all()
                version = writer.exec_driver_sql("PRAGMA user_version").scalar_one()
                writer.exec_driver_sql(f"PRAGMA user_version = {version:d}")

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()
        self._prober.dispose()

    def _write_together(self, jobs: Sequence[Job[Connection]]) -> None:
        with self._transaction() as writer:
            if len(jobs) == 1:
                _do(jobs[0], writer)
                return
            for each in jobs:
                try:
                    with writer.begin_nested():  # what one leaves behind is undone without the others
                        _do(each, writer)
                except Exception as error:
                    if isinstance(error, DatabaseError) and not isinstance(error, IntegrityError):
                        raise  # such as a full disk, after which SQLite may have undone all of it
                    each.error = error

    def _check_file(self) -> None:
        """Refuse to write to a file that its path does not name any more: what is written would be lost."""
        opened, self._file = self._file, self._identity()
        if opened != self._file:
            self._engine.dispose()
            unavailable = StoreUnavailableError("the store's file was removed or replaced")
            if self._health is not None:
                self._health.failed(unavailable)
            raise unavailable

    def _identity(self) -> tuple[int, int]:
        """Which file the path names; it is not opened, because closing it would drop SQLite's locks on it."""
        try:
            found = self._path.stat()
        except OSError:
            return 0, 0
        return found.st_dev, found.st_ino

    @contextmanager
    def _errors_as_unavailable(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise  # a constraint of the tables, which the caller handles
        except DatabaseError as error:
            unavailable = StoreUnavailableError(f"the store cannot be used: {error.orig}")
            if not _is_busy(error):
                self._engine.dispose()  # what comes next opens the file anew: it may have been restored
                if self._health is not None:
                    self._health.failed(unavailable)
            raise unavailable from error

    def _migrate_if_needed(self) -> None:
        with self.reading() as connection:
            if revision_of(connection) == HEAD:
                return
        with self._errors_as_unavailable(), self._engine.connect() as connection:
            # a table that is made anew is dropped on the way, which must not drop what refers to it
            _run(connection, "PRAGMA foreign_keys=OFF")
            writer = connection.execution_options(is_writer=True)
            with writer.begin():
                migrate(writer)
            _run(connection, "PRAGMA foreign_keys=ON")


def _run(connection: Connection, statement: str) -> None:
    """Run a statement outside any transaction."""
    driver = connection.connection.driver_connection
    if driver is not None:
        driver.execute(statement)


def _do(job: Job[Connection], connection: Connection) -> None:
    if job.work is not None:
        job.result = job.work(connection)


def _is_busy(error: DatabaseError) -> bool:
    """Whether another writer had the file for too long, which says nothing against the file."""
    return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin below, not where the driver guesses
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # a writer takes its lock at once: a reader that turned writer would fail instead of waiting
    is_writer = connection.get_execution_options().get("is_writer", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")
