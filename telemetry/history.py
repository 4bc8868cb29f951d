"""The history of signals on disk: a log that is safe once acknowledged, sealed into Parquet segments.

When a log of the journal is long enough, a new one is started and the old one becomes the segment of
the same number. The segment is written under a temporary name, synced to disk and renamed; only then is
the log removed. Where both exist, the segment counts. A crash at any point neither loses nor duplicates
a sample.
"""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

from telemetry.damage import Damage, set_aside_file
from telemetry.durable import TEMPORARY, lock_directory, sync_directory
from telemetry.errors import HistoryClosedError
from telemetry.history_reader import LOGS, SEGMENTS, HistoryReader
from telemetry.journal import LOG_BYTES, QUARANTINE, Journal
from telemetry.log_file import LOG_NAMES, LOG_SUFFIX, log_number, read_log
from telemetry.noted_lengths import NotedLengths
from telemetry.records import decode, encode
from telemetry.segments import SEGMENT_NAMES, SEGMENT_SUFFIX, arrivals_of, read_span, write_segment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from telemetry.batches import Samples

DAY_MS = 86_400_000


MAX_REMOVED = 24
"""Segments that are removed at once: six days of history, so that a mistake is seen before all is gone."""


class History:
    """The only writer of a directory's history; others may read it at the same time.

    Parameters
    ----------
    directory
        Where the history is; created if missing.
    seal_bytes
        Length at which a log is sealed.
    sync
        Writes a file to disk, given its descriptor.

    Raises
    ------
    HistoryLockedError
        If another writer has the directory.
    """

    def __init__(
        self, directory: Path, *, seal_bytes: int = LOG_BYTES, sync: Callable[[int], None] = os.fsync
    ) -> None:
        self.directory = directory
        for each in (directory, directory / LOGS, directory / SEGMENTS):
            each.mkdir(parents=True, exist_ok=True)
        self._lock = lock_directory(directory)
        self._retaining = threading.Lock()  # held while segments are removed
        self._reader = HistoryReader(directory, n_safe_bytes=self._n_safe_bytes)
        self._sealing_failure = ""
        self._sealer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="seal")
        self._lengths = NotedLengths(directory)
        try:
            sync_directory(directory)
            last_position = self._check_segments()
            for missing in self._lengths.renew(self._files()):
                self._reader.found.add(missing)
            self._journal = Journal(
                directory,
                directory / LOGS,
                self._reader.found,
                log_bytes=seal_bytes,
                lengths=self._lengths,
                first_position=1 + last_position,
                sync=sync,
                on_begun=self._seal_soon,
            )
        except BaseException:
            self._lock.close()
            raise
        self._seal_soon()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def position(self) -> int:
        """Position of the last acknowledged record, 0 before the first; it only rises."""
        return self._journal.position

    @property
    def damage(self) -> tuple[Damage, ...]:
        """Damage found since the history was opened."""
        return self._reader.damage

    @property
    def sealing_failure(self) -> str:
        """Why the last attempt to seal logs failed; empty if it succeeded.

        Such logs can still be read, and the next sealing tries them again.
        """
        return self._journal.failure or self._sealing_failure

    def append(self, samples: Samples) -> int:
        """Store a batch and return its position once it is on disk.

        Safe to call from many threads; they share fsyncs. An empty batch is not stored.

        Raises
        ------
        BadBatchError
            If the batch is inconsistent, has a name that is not valid text, or is over 64 MiB.
        HistoryWriteError
            If the disk refuses, for example when it is full. Nothing of the batch is stored,
            acknowledged batches remain, and the next call tries again.
        HistoryClosedError
            If the history was closed.
        """
        if not self._journal.is_open:
            raise HistoryClosedError(self.directory)
        payload = encode(samples)
        return self._journal.append(payload) if len(samples) else self.position

    def read(self, start_ms: int | None = None, end_ms: int | None = None) -> Samples:
        """Samples with a time in ``[start_ms, end_ms)``: see `HistoryReader.read`."""
        return self._reader.read(start_ms, end_ms)

    def replay(self, since_ms: int = 0, *, after: int = 0) -> Iterator[Samples]:
        """Samples from ``since_ms`` on in order of arrival: see `HistoryReader.replay`."""
        return self._reader.replay(since_ms, after=after)

    def check(self) -> None:
        """Report a current log that was cut or removed from outside, and replace it."""
        self._journal.check()

    def seal(self) -> None:
        """Seal everything acknowledged so far into segments, and wait until that is done."""
        self._journal.begin()
        self._seal_soon().result()

    def retry_sealing(self) -> None:
        """Try again to seal what could not be sealed.

        Raises
        ------
        OSError
            If the last attempt failed; another one has begun.
        """
        if self._sealing_failure:
            failure = self._sealing_failure
            self._seal_soon()
            raise OSError(failure)
        if self._journal.failure:
            raise OSError(self._journal.failure)

    def retain(self, days: float, *, now_ms: int | None = None) -> int:
        """Remove the segments whose samples are all older than ``days``; return how many.

        The present is no later than the newest data: a machine whose clock is ahead removes nothing that is
        recent, and never the last segment. A sample counts as no later than the sealing of its segment, so
        that a sender with a wrong clock cannot preserve a segment for ever. At most `MAX_REMOVED` segments,
        the oldest, are removed at once.
        """
        now_ms = int(time.time() * 1000) if now_ms is None else now_ms
        with self._retaining:
            ends: list[tuple[int, Path]] = []
            for path in sorted((self.directory / SEGMENTS).glob(SEGMENT_NAMES)):
                sealed_ms = int(path.stat().st_mtime * 1000)
                try:
                    ends.append((min(read_span(path).end_ms, sealed_ms), path))
                except ValueError as error:  # not removed: its age is unknown
                    self._reader.found.add(Damage(path.name, 0, path.stat().st_size, str(error)))
            ends.sort()
            present_ms = min(now_ms, ends[-1][0]) if ends else now_ms
            old = [path for end_ms, path in ends[:-1] if end_ms < present_ms - days * DAY_MS][:MAX_REMOVED]
            self._lengths.forget(old)
            for path in old:
                path.unlink()
        return len(old)

    def close(self) -> None:
        """Finish the sealing in progress and release the lock; a second call does nothing."""
        if self._journal.close():
            self._sealer.shutdown()
            self._lock.close()

    def _n_safe_bytes(self, number: int) -> int | None:
        written = self._journal.written
        return written.n_bytes if number == written.number else None

    def _check_segments(self) -> int:
        """Remove what a crash left behind, set broken segments aside, and return the last position."""
        for leftover in self.directory.glob(f"*/*{TEMPORARY}"):
            leftover.unlink()
        last_position = 0
        for path in sorted((self.directory / SEGMENTS).glob(SEGMENT_NAMES)):
            size = path.stat().st_size
            try:
                last_position = read_span(path).last_position
            except ValueError as error:
                self._lengths.forget([path])
                quarantined_in = set_aside_file(self.directory / QUARANTINE, path)
                self._reader.found.add(Damage(path.name, 0, size, str(error), quarantined_in))
            else:
                sealed = self.directory / LOGS / f"{path.stem}{LOG_SUFFIX}"
                self._lengths.forget([sealed])
                sealed.unlink(missing_ok=True)
        return last_position

    def _seal_soon(self) -> Future[None]:
        return self._sealer.submit(self._seal_old_logs)

    def _seal_old_logs(self) -> None:
        self._sealing_failure = ""
        for path in self._journal.paths():
            if log_number(path) < self._journal.written.number:
                try:
                    self._seal_log(path)
                except OSError as error:
                    self._sealing_failure = f"{path.name} could not be sealed: {error}"

    def _seal_log(self, path: Path) -> None:
        data, records, gaps = read_log(path)
        self._journal.set_aside(path, data, gaps)
        arrivals = arrivals_of([(each.position, decode(data[each.start : each.end])) for each in records])
        if len(arrivals.samples):
            segment = self.directory / SEGMENTS / f"{path.stem}{SEGMENT_SUFFIX}"
            write_segment(segment, arrivals)
            self._lengths.note(segment, segment.stat().st_size)
        self._lengths.forget([path])
        path.unlink()

    def _files(self) -> list[Path]:
        logs, segments = self.directory / LOGS, self.directory / SEGMENTS
        return [*logs.glob(LOG_NAMES), *segments.glob(SEGMENT_NAMES)]
