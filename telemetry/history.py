"""The history of signals on disk: a log that is safe once acknowledged, sealed into Parquet segments.

A log is named by the position of its first record. When it is long enough a new one is begun, and
the old one becomes the segment of the same number: written under a temporary name, brought to disk,
renamed, and only then is the log removed. Where both are there, the segment counts. So a crash at any
point loses nothing and doubles nothing.
"""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

from telemetry.damage import Damage, set_aside_bytes, set_aside_file
from telemetry.durable import TEMPORARY, lock_directory, sync_directory
from telemetry.errors import HistoryClosedError, HistoryWriteError
from telemetry.group_commit import GroupCommit
from telemetry.history_reader import LOGS, SEGMENTS, HistoryReader
from telemetry.log_file import LOG_SUFFIX, LogFile, log_number, position_after, read_log
from telemetry.records import Gap, decode, encode
from telemetry.segments import SEGMENT_SUFFIX, arrivals_of, read_span, write_segment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from telemetry.batches import Samples

QUARANTINE = "quarantine"
SEAL_BYTES = 64 * 2**20
DAY_MS = 86_400_000


class History:
    """The one writer of a directory's history, which may be read at the same time.

    Parameters
    ----------
    directory
        Where the history is; made if it is not there.
    seal_bytes
        Length from which a log is sealed.
    sync
        Brings a file to disk by its descriptor.

    Raises
    ------
    HistoryLockedError
        If another writer has the directory.

    Attributes
    ----------
    sealing_failure
        Why logs could not be sealed when it was last tried; empty if they could. They stay logs, which can
        be read all the same, and the next sealing tries them again.
    """

    def __init__(
        self, directory: Path, *, seal_bytes: int = SEAL_BYTES, sync: Callable[[int], None] = os.fsync
    ) -> None:
        self.directory = directory
        self.sealing_failure = ""
        for each in (directory, directory / LOGS, directory / SEGMENTS):
            each.mkdir(parents=True, exist_ok=True)
        self._lock = lock_directory(directory)
        self._seal_bytes = seal_bytes
        self._sync = sync
        self._io = threading.Lock()  # held while the log is written or replaced
        self._retaining = threading.Lock()  # held while segments are removed
        self._reader = HistoryReader(directory, n_safe_bytes=self._n_safe_bytes)
        self._is_open = True
        self._group = GroupCommit(self._commit)
        try:
            sync_directory(directory)
            self._log = self._recover()
        except BaseException:
            self._lock.close()
            raise
        self._sealer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="seal")
        self._sealer.submit(self._seal_old_logs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def position(self) -> int:
        """Position of the last record that was acknowledged, 0 before the first; it only rises."""
        return self._log.next_position - 1

    @property
    def damage(self) -> tuple[Damage, ...]:
        """What was found damaged since the history was opened."""
        return self._reader.damage

    def append(self, samples: Samples) -> int:
        """Store a batch and return its position once it is on disk.

        Safe to call from many threads, which share their fsyncs. An empty batch is not stored.

        Raises
        ------
        BadBatchError
            If the batch is inconsistent, holds a name that is not text, or is over 64 MiB.
        HistoryWriteError
            If the disk refuses, when it is full say; nothing of the batch is kept, what was acknowledged
            is, and the next call tries anew.
        HistoryClosedError
            If the history was closed.
        """
        if not self._is_open:
            raise HistoryClosedError(self.directory)
        payload = encode(samples)
        if not len(samples):
            return self.position
        try:
            return self._group.submit(payload)
        except OSError as error:
            raise HistoryWriteError(self.directory, error) from error

    def read(self, start_ms: int | None = None, end_ms: int | None = None) -> Samples:
        """Samples with a time in ``[start_ms, end_ms)``: see `HistoryReader.read`."""
        return self._reader.read(start_ms, end_ms)

    def replay(self, since_ms: int = 0, *, after: int = 0) -> Iterator[Samples]:
        """Samples from ``since_ms`` on in the order they arrived in: see `HistoryReader.replay`."""
        return self._reader.replay(since_ms, after=after)

    def seal(self) -> None:
        """Seal everything acknowledged so far into segments, and wait for it."""
        with self._io:
            done = self._rotate()
        done.result()

    def retain(self, days: float, *, now_ms: int | None = None) -> int:
        """Remove the segments whose samples are all older than ``days``; return how many.

        A sample counts as no later than the sealing of its segment, so that one from a sender with a
        wrong clock does not keep a segment for ever.
        """
        now_ms = int(time.time() * 1000) if now_ms is None else now_ms
        n_removed = 0
        with self._retaining:
            for path in sorted((self.directory / SEGMENTS).glob(f"*{SEGMENT_SUFFIX}")):
                sealed_ms = int(path.stat().st_mtime * 1000)
                try:
                    end_ms = read_span(path).end_ms
                except ValueError as error:  # kept: what cannot be read cannot be called old
                    self._reader.report(Damage(path.name, 0, path.stat().st_size, str(error)))
                    continue
                if min(end_ms, sealed_ms) < now_ms - days * DAY_MS:
                    path.unlink()
                    n_removed += 1
        return n_removed

    def close(self) -> None:
        """Finish what is being sealed and let another writer in; a second call does nothing."""
        with self._io:
            if not self._is_open:
                return
            self._is_open = False
        self._sealer.shutdown()
        self._log.close()
        self._lock.close()

    def _commit(self, payloads: Sequence[bytes]) -> int:
        with self._io:
            if not self._is_open:
                raise HistoryClosedError(self.directory)
            if not self._log.is_sound:
                self._rotate()
            first = self._log.add(payloads)
            if self._log.n_bytes >= self._seal_bytes:
                try:
                    self._rotate()
                except OSError as error:  # the records are safe, and the log may grow on
                    self.sealing_failure = str(error)
            return first

    def _rotate(self) -> Future[None]:
        """Begin a new log unless the present one is empty, and have the old ones sealed."""
        if self._log.next_position > self._log.number:
            old = self._log
            self._log = LogFile.create(old.path.parent, old.next_position, sync=self._sync)
            old.close()
        return self._sealer.submit(self._seal_old_logs)

    def _n_safe_bytes(self, number: int) -> int | None:
        log = self._log
        return log.n_bytes if number == log.number else None

    def _recover(self) -> LogFile:
        """Clear away what a crash left behind, and return the log to go on with."""
        for leftover in self.directory.glob(f"*/*{TEMPORARY}"):
            leftover.unlink()
        next_position = 1 + self._check_segments()
        logs = sorted((self.directory / LOGS).glob(f"*{LOG_SUFFIX}"))
        if not logs:
            return LogFile.create(self.directory / LOGS, next_position, sync=self._sync)
        newest = logs[-1]
        data, records, gaps = read_log(newest)
        self._set_aside(newest, data, gaps)
        after = position_after(log_number(newest), records, gaps)
        is_torn = bool(gaps) and gaps[-1].end == len(data)
        if is_torn:
            os.truncate(newest, gaps[-1].start)
            with newest.open("rb") as file:
                os.fsync(file.fileno())
            return LogFile.create(newest.parent, after, sync=self._sync)
        return LogFile(newest, next_position=after, n_bytes=len(data), sync=self._sync)

    def _check_segments(self) -> int:
        """Remove the logs that are sealed, set broken segments aside; return the last position."""
        last_position = 0
        for path in sorted((self.directory / SEGMENTS).glob(f"*{SEGMENT_SUFFIX}")):
            size = path.stat().st_size
            try:
                last_position = read_span(path).last_position
            except ValueError as error:
                kept_in = set_aside_file(self.directory / QUARANTINE, path)
                self._reader.report(Damage(path.name, 0, size, str(error), kept_in))
            else:
                (self.directory / LOGS / f"{path.stem}{LOG_SUFFIX}").unlink(missing_ok=True)
        return last_position

    def _seal_old_logs(self) -> None:
        self.sealing_failure = ""
        for path in sorted((self.directory / LOGS).glob(f"*{LOG_SUFFIX}")):
            if log_number(path) < self._log.number:
                try:
                    self._seal_log(path)
                except OSError as error:
                    self.sealing_failure = f"{path.name} could not be sealed: {error}"

    def _seal_log(self, path: Path) -> None:
        data, records, gaps = read_log(path)
        self._set_aside(path, data, gaps)
        arrivals = arrivals_of([(each.position, decode(data[each.start : each.end])) for each in records])
        if len(arrivals.samples):
            write_segment(self.directory / SEGMENTS / f"{path.stem}{SEGMENT_SUFFIX}", arrivals)
        path.unlink()

    def _set_aside(self, path: Path, data: bytes, gaps: Sequence[Gap]) -> None:
        for gap in gaps:
            kept_in = set_aside_bytes(self.directory / QUARANTINE, path, data, gap.start, gap.end)
            self._reader.report(Damage(path.name, gap.start, gap.end, gap.reason, kept_in))
