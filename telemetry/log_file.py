"""One log file: records are appended, and are on disk when `LogFile.add` returns."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from telemetry.durable import sync_directory
from telemetry.records import HEADER, Gap, Record, find_records, frame

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

LOG_SUFFIX = ".log"
LOG_NAMES = f"{'[0-9]' * 20}{LOG_SUFFIX}"
"""Pattern of the names of logs; a file of another name is somebody else's."""


class LogFile:
    """A log open for writing, named by the position of its first record.

    Attributes
    ----------
    number
        Position of its first record, written or not.
    next_position
        Position of the next record.
    n_bytes
        Length of the part that is certainly on disk.
    is_sound
        False after a write to disk failed half-way: the content beyond ``n_bytes`` is then unknown, and
        nothing may be added.
    """

    def __init__(
        self,
        path: Path,
        *,
        next_position: int | None = None,
        n_bytes: int = 0,
        sync: Callable[[int], None] = os.fsync,
    ) -> None:
        self.path = path
        self.number = log_number(path)
        self.next_position = self.number if next_position is None else next_position
        self.n_bytes = n_bytes
        self.is_sound = True
        self._sync = sync
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)

    @classmethod
    def create(cls, directory: Path, number: int, *, sync: Callable[[int], None] = os.fsync) -> LogFile:
        """Create an empty log whose first record will have the position ``number``."""
        log = cls(directory / f"{number:020d}{LOG_SUFFIX}", sync=sync)
        sync_directory(directory)
        return log

    def add(self, payloads: Sequence[bytes]) -> int:
        """Write records to disk with one write and one fsync; return the position of the first.

        Raises
        ------
        OSError
            If the disk refuses; none of the records is then stored.
        """
        first = self.next_position
        data = b"".join(
            frame(payload, position=first + index, log=self.number) for index, payload in enumerate(payloads)
        )
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError:
            self._cut()
            raise
        try:
            self._sync(self._descriptor)
        except OSError:
            self.is_sound = False  # a second fsync may succeed without having written anything
            self.next_position += len(payloads)  # a lost position is never used again
            self._cut()
            raise
        self.n_bytes += len(data)
        self.next_position += len(payloads)
        return first

    def is_in_place(self) -> bool:
        """Whether the file that is written to is still the one of its name, and has all its bytes."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return False
        written = os.fstat(self._descriptor)
        return (found.st_dev, found.st_ino) == (written.st_dev, written.st_ino) and (
            found.st_size >= self.n_bytes
        )

    def close(self) -> None:
        """Close the file; acknowledged records are already on disk."""
        os.close(self._descriptor)

    def _cut(self) -> None:
        try:
            os.ftruncate(self._descriptor, self.n_bytes)
        except OSError:
            self.is_sound = False


def log_number(path: Path) -> int:
    """Position of the first record of a log or segment, from the file's name."""
    return int(path.stem)


def read_log(path: Path, *, n_bytes: int | None = None) -> tuple[bytes, list[Record], list[Gap]]:
    """A log's bytes up to ``n_bytes``, and the records and gaps among them."""
    with path.open("rb") as file:
        data = file.read(-1 if n_bytes is None else n_bytes)
    found = list(find_records(data, log=log_number(path)))
    records = [each for each in found if isinstance(each, Record)]
    return data, records, [each for each in found if isinstance(each, Gap)]


def position_after(number: int, records: Sequence[Record], gaps: Sequence[Gap]) -> int:
    """The first position after every record of a log, including those that its gaps may have held."""
    last = records[-1].position + 1 if records else number
    end = records[-1].end if records else 0
    lost_bytes = sum(gap.end - gap.start for gap in gaps if gap.start >= end)
    return last + -(-lost_bytes // HEADER.size)
