"""The logs of a directory: records go to the newest, a long log gets a successor, crashes are repaired.

A log is named by the position of its first record. When the newest log is opened again, bytes that hold
no complete record are copied to ``quarantine`` and reported.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from telemetry.damage import Damage, set_aside_bytes
from telemetry.errors import HistoryClosedError, HistoryWriteError
from telemetry.group_commit import GroupCommit
from telemetry.log_file import LOG_NAMES, LogFile, log_number, position_after, read_log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from telemetry.damage import DamageLog
    from telemetry.noted_lengths import NotedLengths
    from telemetry.records import Gap

QUARANTINE = "quarantine"
LOG_BYTES = 64 * 2**20


class Journal:
    """The only writer of a directory's logs; its owner holds the lock.

    Parameters
    ----------
    home
        Directory of the history; the logs may be in the same one.
    logs
        Directory of its logs.
    log_bytes
        Length at which a new log is started.
    lengths
        Notes of how long the logs were.
    first_position
        Position of the first record if there is no log yet.
    sync
        Writes a file to disk, given its descriptor.
    on_begun
        Called after a new log was started.

    Attributes
    ----------
    failure
        Why the last attempt to start a new log failed; empty if it succeeded. The current log then
        continues to grow.
    """

    def __init__(
        self,
        home: Path,
        logs: Path,
        damage: DamageLog,
        *,
        log_bytes: int = LOG_BYTES,
        lengths: NotedLengths,
        first_position: int = 1,
        sync: Callable[[int], None] = os.fsync,
        on_begun: Callable[[], object] = lambda: None,
    ) -> None:
        self.failure = ""
        self._home = home
        self._logs = logs
        self._damage = damage
        self._log_bytes = log_bytes
        self._lengths = lengths
        self._sync = sync
        self._on_begun = on_begun
        self._io = threading.Lock()  # held while the log is written or replaced
        self._group = GroupCommit(self._commit)
        self._log = self._recover(max(first_position, lengths.next_position))
        self.is_open = True

    @property
    def position(self) -> int:
        """Position of the last acknowledged record, 0 before the first; it only rises."""
        return self._log.next_position - 1

    @property
    def written(self) -> LogFile:
        """The log that records are written to."""
        return self._log

    def paths(self) -> list[Path]:
        """Every log, oldest first."""
        return sorted(self._logs.glob(LOG_NAMES))

    def append(self, payload: bytes) -> int:
        """Store a record and return its position once it is on disk.

        Safe to call from many threads; they share fsyncs.

        Raises
        ------
        HistoryWriteError
            If the disk refuses; nothing of the record is stored, and the next call tries again.
        HistoryClosedError
            If the journal was closed.
        """
        try:
            return self._group.submit(payload)
        except OSError as error:
            raise HistoryWriteError(self._home, error) from error

    def begin(self) -> None:
        """Start a new log, unless the current one is empty or the journal was closed."""
        with self._io:
            if self.is_open:
                self._begin()

    def check(self) -> None:
        """Note how long the current log is; one that was cut or removed from outside is replaced."""
        with self._io:
            if not self.is_open:
                return
            log = self._log
            if not log.is_in_place():
                if log.n_bytes:
                    reason = "the file was cut or removed while it was written"
                    self._damage.add(Damage(log.path.name, 0, log.n_bytes, reason))
                self._succeed()
                self._lengths.forget([log.path])  # it is reported
            self._note()

    def set_aside(self, path: Path, data: bytes, gaps: Sequence[Gap]) -> None:
        """Copy the bytes of a log that hold no complete record, and report them."""
        for gap in gaps:
            quarantined_in = set_aside_bytes(self._home / QUARANTINE, path, data, gap.start, gap.end)
            self._damage.add(Damage(path.name, gap.start, gap.end, gap.reason, quarantined_in))

    def close(self) -> bool:
        """Accept no more records; return whether the journal was open. Acknowledged records are on disk."""
        with self._io:
            was_open, self.is_open = self.is_open, False
            if was_open:
                self._note()
                self._log.close()
        return was_open

    def _commit(self, payloads: Sequence[bytes]) -> int:
        with self._io:
            if not self.is_open:
                raise HistoryClosedError(self._home)
            if not self._log.is_sound:
                self._begin()
            first = self._log.add(payloads)
            if self._log.n_bytes >= self._log_bytes:
                try:
                    self._begin()
                except OSError as error:  # the records are safe, and the log may continue to grow
                    self.failure = str(error)
            return first

    def _begin(self) -> None:
        if self._log.next_position > self._log.number:
            self._succeed()

    def _succeed(self) -> None:
        """Replace the current log by its successor."""
        old = self._log
        self._log = LogFile.create(self._logs, old.next_position, sync=self._sync)
        self._note(old)
        old.close()
        self.failure = ""
        self._on_begun()

    def _note(self, log: LogFile | None = None) -> None:
        """Note the length of a log, by default the current one, if it holds anything."""
        log = log or self._log
        if log.next_position > log.number:
            self._lengths.note(log.path, log.n_bytes, next_position=log.next_position)

    def _recover(self, first_position: int) -> LogFile:
        """Set aside what a crash left unfinished, and return the log to continue with.

        Parameters
        ----------
        first_position
            A position that was never used, nor any after it. If the newest log ends before it, records are
            gone, and the next log begins there.
        """
        paths = self.paths()
        if not paths:
            return LogFile.create(self._logs, first_position, sync=self._sync)
        newest = paths[-1]
        data, records, gaps = read_log(newest)
        self.set_aside(newest, data, gaps)
        after = position_after(log_number(newest), records, gaps)
        if gaps and gaps[-1].end == len(data):
            os.truncate(newest, gaps[-1].start)
            with newest.open("rb") as file:
                os.fsync(file.fileno())
            return LogFile.create(self._logs, max(after, first_position), sync=self._sync)
        if after < first_position:
            return LogFile.create(self._logs, first_position, sync=self._sync)
        return LogFile(newest, next_position=after, n_bytes=len(data), sync=self._sync)
