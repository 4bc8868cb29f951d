"""The SQLite file: opened for durability, read and written in short transactions."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.exc import DatabaseError, IntegrityError

from service.errors import StoreUnavailableError
from service.store.migrations import HEAD, migrate, revision_of
from service.store.turns import Turns

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from service.store.turns import Job

BUSY_TIMEOUT_S = 10
"""How long a writer waits for another process; within this one, for its turn."""

Result = TypeVar("Result")


class Database:
    """The store's file. Readers never wait; writers wait for each other, first come, first served.

    Parameters
    ----------
    path
        The file, made with its directory where missing, and migrated where an earlier version wrote it.

    Raises
    ------
    StoreUnavailableError
        If the file cannot be opened as a database.
    NewerStoreError
        If a later version wrote it.
    UnreadableStoreError
        If its tables are not what its revision says.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._engine = create_engine(
            URL.create("sqlite", database=str(path)),
            connect_args={"timeout": BUSY_TIMEOUT_S},
            max_overflow=-1,  # one connection per thread at most: readers do not wait for each other
        )
        self._turns: Turns[Connection] = Turns(self._write_together, patience_s=BUSY_TIMEOUT_S)
        event.listen(self._engine, "connect", _prepare)
        event.listen(self._engine, "begin", _begin)
        try:
            self._migrate_if_needed()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that sees one state of the store and changes nothing."""
        with _errors_as_unavailable(), self._engine.connect() as connection, connection.begin():
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

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with _errors_as_unavailable(), self._engine.connect() as connection:
            writer = connection.execution_options(is_writer=True)
            with writer.begin():
                yield writer

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

    def _migrate_if_needed(self) -> None:
        with self.reading() as connection:
            if revision_of(connection) == HEAD:
                return
        with _errors_as_unavailable(), self._engine.connect() as connection:
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


@contextmanager
def _errors_as_unavailable() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise  # a constraint of the tables, which the caller handles
    except DatabaseError as error:
        raise StoreUnavailableError(f"the store cannot be used: {error.orig}") from error


def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin below, not where the driver guesses
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # a writer takes its lock at once: a reader that turned writer would fail instead of waiting
    is_writer = connection.get_execution_options().get("is_writer", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")
