"""The logs of a directory, of which the newest is written, begun anew when long, recovered after a crash.

A log is named by the position of its first record. What holds no whole record is copied to ``quarantine``
when the newest log is opened again, and reported.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from telemetry.damage import Damage, set_aside_bytes
from telemetry.errors import HistoryClosedError, HistoryWriteError
from telemetry.group_commit import GroupCommit
from telemetry.log_file import LOG_SUFFIX, LogFile, log_number, position_after, read_log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from telemetry.damage import DamageFound
    from telemetry.records import Gap

QUARANTINE = "quarantine"
LOG_BYTES = 64 * 2**20


class Journal:
    """The one writer of a directory's logs; whoever opens it holds the lock.

    Parameters
    ----------
    home
        Directory of the history, which may be that of its logs.
    logs
        Directory of its logs.
    log_bytes
        Length from which a new log is begun.
    first_position
        What the first record gets if there is no log.
    sync
        Brings a file to disk by its descriptor.
    on_begun
        Called whenever a new log was begun.

    Attributes
    ----------
    failure
        Why no new log could be begun when it was last tried; empty if it could. The present one grows on.
    """

    def __init__(
        self,
        home: Path,
        logs: Path,
        damage: DamageFound,
        *,
        log_bytes: int = LOG_BYTES,
        first_position: int = 1,
        sync: Callable[[int], None] = os.fsync,
        on_begun: Callable[[], object] = lambda: None,
    ) -> None:
        self.failure = ""
        self._home = home
        self._logs = logs
        self._damage = damage
        self._log_bytes = log_bytes
        self._sync = sync
        self._on_begun = on_begun
        self._io = threading.Lock()  # held while the log is written or replaced
        self._group = GroupCommit(self._commit)
        self._log = self._recover(first_position)
        self.is_open = True

    @property
    def position(self) -> int:
        """Position of the last record that was acknowledged, 0 before the first; it only rises."""
        return self._log.next_position - 1

    @property
    def written(self) -> LogFile:
        """The log that is being written."""
        return self._log

    def paths(self) -> list[Path]:
        """Every log, oldest first."""
        return sorted(self._logs.glob(f"*{LOG_SUFFIX}"))

    def append(self, payload: bytes) -> int:
        """Store a record and return its position once it is on disk.

        Safe to call from many threads, which share their fsyncs.

        Raises
        ------
        HistoryWriteError
            If the disk refuses; nothing of the record is kept, and the next call tries anew.
        HistoryClosedError
            If the journal was closed.
        """
        try:
            return self._group.submit(payload)
        except OSError as error:
            raise HistoryWriteError(self._home, error) from error

    def begin(self) -> None:
        """Begin a new log, unless the present one is empty or the journal was closed."""
        with self._io:
            if self.is_open:
                self._begin()

    def set_aside(self, path: Path, data: bytes, gaps: Sequence[Gap]) -> None:
        """Copy the bytes of a log that hold no whole record, and report them."""
        for gap in gaps:
            kept_in = set_aside_bytes(self._home / QUARANTINE, path, data, gap.start, gap.end)
            self._damage.add(Damage(path.name, gap.start, gap.end, gap.reason, kept_in))

    def close(self) -> bool:
        """Take no more records; say whether it was open. Everything acknowledged is on disk already."""
        with self._io:
            was_open, self.is_open = self.is_open, False
            if was_open:
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
                except OSError as error:  # the records are safe, and the log may grow on
                    self.failure = str(error)
            return first

    def _begin(self) -> None:
        if self._log.next_position > self._log.number:
            old = self._log
            self._log = LogFile.create(self._logs, old.next_position, sync=self._sync)
            old.close()
            self.failure = ""
            self._on_begun()

    def _recover(self, first_position: int) -> LogFile:
        """Set aside what a crash left unfinished, and return the log to go on with."""
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
            return LogFile.create(self._logs, after, sync=self._sync)
        return LogFile(newest, next_position=after, n_bytes=len(data), sync=self._sync)
