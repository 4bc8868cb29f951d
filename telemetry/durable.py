"""Files that are on disk when the call returns, and the lock that admits only one writer."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from telemetry.errors import HistoryLockedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEMPORARY = ".tmp"


def sync_directory(directory: Path) -> None:
    """Write a directory's entries to disk; until then a new or renamed file is not safe."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Write a file atomically: after a crash at any point it is either complete or absent."""
    temporary = path.with_name(path.name + TEMPORARY)
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def lock_directory(directory: Path) -> IO[str]:
    """Lock a directory for writing until the returned file is closed or the process ends.

    Raises
    ------
    HistoryLockedError
        If the directory already has a writer.
    """
    file = (directory / "lock").open("a+", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        holder = file.read(20).strip()
        file.close()
        raise HistoryLockedError(directory, holder) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
