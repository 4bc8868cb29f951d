"""Batches on disk: safe once acknowledged, in files that are replaced when long and removed when old.

The files are those of a `telemetry.journal`, like the samples of `telemetry.history`. They are not sealed
into another form, since only the newest ones are read again, after a restart.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from telemetry.damage import Damage, DamageLog
from telemetry.durable import lock_directory, sync_directory
from telemetry.errors import HistoryClosedError
from telemetry.journal import LOG_BYTES, Journal
from telemetry.log_file import LOG_NAMES, log_number, read_log
from telemetry.noted_lengths import NotedLengths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sized
    from pathlib import Path

    from telemetry.records import Record

Batch = TypeVar("Batch", bound="Sized")

DAY_S = 86_400.0
CHECKED_BYTES = 256 * 2**20
MAX_REMOVED = 8
"""Files that are removed at once, so that a mistake is seen before all is gone."""


class BatchHistory(Generic[Batch]):
    """The only writer of a directory's batches of one kind.

    Parameters
    ----------
    directory
        Where the batches are; created if missing.
    encode, decode
        A batch as a payload, and back.
    file_bytes
        Length at which a new file is started.
    sync
        Writes a file to disk, given its descriptor.

    Raises
    ------
    HistoryLockedError
        If another writer has the directory.
    """

    def __init__(
        self,
        directory: Path,
        *,
        encode: Callable[[Batch], bytes],
        decode: Callable[[bytes], Batch],
        file_bytes: int = LOG_BYTES,
        sync: Callable[[int], None] = os.fsync,
    ) -> None:
        self.directory = directory
        self._encode, self._decode = encode, decode
        directory.mkdir(parents=True, exist_ok=True)
        self._lock = lock_directory(directory)
        self._retaining = threading.Lock()  # held while files are removed
        self._damage = DamageLog()
        self._checked: set[str] = set()
        try:
            sync_directory(directory)
            self._lengths = NotedLengths(directory)
            for missing in self._lengths.renew(directory.glob(LOG_NAMES)):
                self._damage.add(missing)
            self._journal = Journal(
                directory, directory, self._damage, log_bytes=file_bytes, lengths=self._lengths, sync=sync
            )
        except BaseException:
            self._lock.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def position(self) -> int:
        """Position of the last acknowledged batch, 0 before the first; it only rises."""
        return self._journal.position

    @property
    def damage(self) -> tuple[Damage, ...]:
        """Damage found since the history was opened."""
        return self._damage.entries

    def append(self, batch: Batch) -> int:
        """Store a batch and return its position once it is on disk; an empty batch is not stored.

        Safe to call from many threads; they share fsyncs.

        Raises
        ------
        BadBatchError
            If a text cannot be encoded as UTF-8, or the batch is over 64 MiB.
        HistoryWriteError
            If the disk refuses; nothing of the batch is stored.
        HistoryClosedError
            If the history was closed.
        """
        if not self._journal.is_open:
            raise HistoryClosedError(self.directory)
        return self._journal.append(self._encode(batch)) if len(batch) else self.position

    def replay(self, *, after: int = 0, since_s: float = 0.0) -> Iterator[tuple[int, Batch]]:
        """Every batch with a position above ``after``, with its position, in order of arrival.

        Files last written before ``since_s``, in seconds since the epoch, are skipped. Damaged records are
        left out and listed in `damage`.
        """
        paths = self._journal.paths()
        for path, following in zip(paths, [*paths[1:], None], strict=True):
            if following is not None and log_number(following) <= after + 1:
                continue
            written = self._journal.written
            try:
                if path.stat().st_mtime < since_s:
                    continue
            except FileNotFoundError:  # removed meanwhile, past its retention
                continue
            data, records = self._read(path, n_bytes=written.n_bytes if path == written.path else None)
            for each in records:
                if each.position > after:
                    yield each.position, self._decode(data[each.start : each.end])

    def check(self, *, n_bytes: int = CHECKED_BYTES) -> None:
        """Read some of the older files, each once, and report what is damaged in them.

        A current file that was cut or removed from outside is reported and replaced.

        Parameters
        ----------
        n_bytes
            No further file is read after so many.
        """
        self._journal.check()
        current = self._journal.written.path
        for path in reversed(self._journal.paths()):
            if n_bytes <= 0:
                return
            if path != current and path.name not in self._checked:
                self._checked.add(path.name)
                n_bytes -= len(self._read(path)[0])

    def retain(self, days: float, *, now_s: float | None = None) -> int:
        """Start a new file, remove the files last written over ``days`` ago, and return how many.

        The present is no later than the last write to any other file: a machine whose clock is ahead removes
        nothing that is recent, and never the last file with batches. At most `MAX_REMOVED` files, the oldest,
        are removed at once.
        """
        now_s = time.time() if now_s is None else now_s
        self._journal.begin()
        with self._retaining:
            if not self._journal.is_open:
                return 0
            current = self._journal.written.path
            written = sorted(
                (path.stat().st_mtime, path) for path in self._journal.paths() if path != current
            )
            present_s = min(now_s, written[-1][0]) if written else now_s
            old = [path for at_s, path in written[:-1] if at_s < present_s - days * DAY_S][:MAX_REMOVED]
            self._lengths.forget(old)
            for path in old:
                path.unlink()
        return len(old)

    def _read(self, path: Path, *, n_bytes: int | None = None) -> tuple[bytes, list[Record]]:
        """Return a file's bytes and its records; what cannot be read is reported and left out."""
        try:
            data, records, gaps = read_log(path, n_bytes=n_bytes)
        except FileNotFoundError:  # removed meanwhile, past its retention
            return b"", []
        except OSError as error:
            self._damage.add(Damage(path.name, 0, 0, f"the file cannot be read: {error.strerror}"))
            return b"", []
        for gap in gaps:
            self._damage.add(Damage(path.name, gap.start, gap.end, gap.reason))
        return data, records

    def close(self) -> None:
        """Release the lock; a second call does nothing."""
        if self._journal.close():
            self._lock.close()
