"""Log lines on disk: files that are safe once acknowledged, begun anew when long, removed when old.

The files are those of `telemetry.log_file`, with the same records, checksums and group commit as the
samples of `telemetry.history`. They are not sealed into another form: lines are read again from the
newest ones only, after a restart. They hold what the senders wrote, secrets included; nothing else does.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Self

from telemetry.damage import Damage, set_aside_bytes
from telemetry.durable import lock_directory, sync_directory
from telemetry.errors import HistoryClosedError, HistoryWriteError
from telemetry.group_commit import GroupCommit
from telemetry.log_file import LOG_SUFFIX, LogFile, log_number, position_after, read_log
from telemetry.log_records import decode_logs, encode_logs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from telemetry.logs import Logs

QUARANTINE = "quarantine"
FILE_BYTES = 64 * 2**20
DAY_S = 86_400.0


def paths_of(directory: Path) -> list[Path]:
    """The files of lines of a directory, oldest first."""
    return sorted(directory.glob(f"*{LOG_SUFFIX}"))


def read_lines(directory: Path) -> Iterator[Logs]:
    """Every batch of a directory, in the order they came, one file in memory at a time.

    Needs no lock and changes nothing: a service may be writing meanwhile. What is damaged, or not yet written
    to its end, is left out.
    """
    for path in paths_of(directory):
        try:
            data, records, _ = read_log(path)
        except FileNotFoundError:  # past its retention meanwhile
            continue
        for each in records:
            yield decode_logs(data[each.start : each.end])


class LogHistory:
    """The one writer of a directory's log lines.

    Parameters
    ----------
    directory
        Where the lines are; made if it is not there.
    file_bytes
        Length from which a new file is begun.
    sync
        Brings a file to disk by its descriptor.

    Raises
    ------
    HistoryLockedError
        If another writer has the directory.
    """

    def __init__(
        self, directory: Path, *, file_bytes: int = FILE_BYTES, sync: Callable[[int], None] = os.fsync
    ) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._lock = lock_directory(directory)
        self._file_bytes = file_bytes
        self._sync = sync
        self._io = threading.Lock()  # held while the file is written or replaced
        self._retaining = threading.Lock()  # held while files are removed
        self._damage: dict[tuple[str, int], Damage] = {}
        self._is_open = True
        self._group = GroupCommit(self._commit)
        try:
            sync_directory(directory)
            self._file = self._recover()
        except BaseException:
            self._lock.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def position(self) -> int:
        """Position of the last batch that was acknowledged, 0 before the first; it only rises."""
        return self._file.next_position - 1

    @property
    def damage(self) -> tuple[Damage, ...]:
        """What was found damaged since the history was opened."""
        return tuple(self._damage.values())

    def append(self, logs: Logs) -> int:
        """Store a batch and return its position once it is on disk; an empty one is not stored.

        Safe to call from many threads, which share their fsyncs.

        Raises
        ------
        BadBatchError
            If a text is none that UTF-8 can hold, or the batch is over 64 MiB.
        HistoryWriteError
            If the disk refuses; nothing of the batch is kept.
        HistoryClosedError
            If the history was closed.
        """
        if not self._is_open:
            raise HistoryClosedError(self.directory)
        if not len(logs):
            return self.position
        payload = encode_logs(logs)
        try:
            return self._group.submit(payload)
        except OSError as error:
            raise HistoryWriteError(self.directory, error) from error

    def replay(self, *, after: int = 0, since_s: float = 0.0) -> Iterator[tuple[int, Logs]]:
        """Every batch with a position above ``after``, and its position, in the order they came.

        Files last written before ``since_s``, in seconds since the epoch, are passed over. What is damaged is
        left out and listed in `damage`.
        """
        paths = self._paths()
        for path, following in zip(paths, [*paths[1:], None], strict=True):
            if following is not None and log_number(following) <= after + 1:
                continue
            is_written = path == self._file.path
            try:
                if path.stat().st_mtime < since_s:
                    continue
                data, records, gaps = read_log(path, n_bytes=self._file.n_bytes if is_written else None)
            except FileNotFoundError:  # past its retention meanwhile
                continue
            for gap in gaps:
                self._report(Damage(path.name, gap.start, gap.end, gap.reason))
            for each in records:
                if each.position > after:
                    yield each.position, decode_logs(data[each.start : each.end])

    def retain(self, days: float, *, now_s: float | None = None) -> int:
        """Remove the files last written over ``days`` ago, and return how many; begins a new one first."""
        now_s = time.time() if now_s is None else now_s
        with self._io:
            if not self._is_open:
                return 0
            self._begin()
            current = self._file.path
        with self._retaining:
            old = [
                path
                for path in self._paths()
                if path != current and path.stat().st_mtime < now_s - days * DAY_S
            ]
            for path in old:
                path.unlink()
        return len(old)

    def close(self) -> None:
        """Let another writer in; a second call does nothing."""
        with self._io:
            if not self._is_open:
                return
            self._is_open = False
        self._file.close()
        self._lock.close()

    def _commit(self, payloads: Sequence[bytes]) -> int:
        with self._io:
            if not self._is_open:
                raise HistoryClosedError(self.directory)
            if not self._file.is_sound or self._file.n_bytes >= self._file_bytes:
                self._begin()
            return self._file.add(payloads)

    def _begin(self) -> None:
        """Begin a new file unless the present one is empty."""
        if self._file.next_position > self._file.number:
            old = self._file
            self._file = LogFile.create(self.directory, old.next_position, sync=self._sync)
            old.close()

    def _recover(self) -> LogFile:
        """Set aside what a crash left unfinished, and return the file to go on with."""
        paths = self._paths()
        if not paths:
            return LogFile.create(self.directory, 1, sync=self._sync)
        newest = paths[-1]
        data, records, gaps = read_log(newest)
        for gap in gaps:
            kept_in = set_aside_bytes(self.directory / QUARANTINE, newest, data, gap.start, gap.end)
            self._report(Damage(newest.name, gap.start, gap.end, gap.reason, kept_in))
        after = position_after(log_number(newest), records, gaps)
        if not gaps:
            return LogFile(newest, next_position=after, n_bytes=len(data), sync=self._sync)
        if gaps[-1].end == len(data):
            os.truncate(newest, gaps[-1].start)
        return LogFile.create(self.directory, after, sync=self._sync)

    def _paths(self) -> list[Path]:
        return paths_of(self.directory)

    def _report(self, damage: Damage) -> None:
        self._damage.setdefault((damage.file, damage.start), damage)
