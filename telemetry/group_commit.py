"""Writes the records of many threads to disk together, with one write and one fsync per group.

No thread waits for a timer. While one thread writes, the others queue; the next one to run
commits the complete queue (Gawlick and Kinkade, Varieties of Concurrency Control in IMS/VS Fast Path, IEEE
Database Engineering Bulletin, 1985). The wait is at most two writes to disk.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class _Waiting:
    """A payload and, after the commit, its position or the error that prevented it."""

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self.position: int | None = None
        self.failure: BaseException | None = None

    @property
    def is_done(self) -> bool:
        return self.position is not None or self.failure is not None


class GroupCommit:
    """Collects payloads from many threads and commits them in groups.

    Parameters
    ----------
    commit
        Stores payloads and returns the position of the first; the others follow it. Called by one
        thread at a time. Every thread of the group gets the exception that it raises.
    """

    def __init__(self, commit: Callable[[Sequence[bytes]], int]) -> None:
        self._commit = commit
        self._turn = threading.Condition()
        self._queue: list[_Waiting] = []
        self._is_committing = False

    def submit(self, payload: bytes) -> int:
        """Store a payload and return its position."""
        mine = _Waiting(payload)
        with self._turn:
            self._queue.append(mine)
            self._turn.wait_for(lambda: mine.is_done or not self._is_committing)
            if not mine.is_done:
                self._is_committing = True
                group, self._queue = self._queue, []
        if not mine.is_done:
            self._store(group)
        if mine.position is None:
            raise mine.failure or RuntimeError("a group was neither stored nor rejected")
        return mine.position

    def _store(self, group: Sequence[_Waiting]) -> None:
        first, failure = 0, None
        try:
            first = self._commit([each.payload for each in group])
        except BaseException as error:  # noqa: BLE001  every thread of the group raises it
            failure = error
        with self._turn:
            for index, each in enumerate(group):
                each.position, each.failure = (None if failure else first + index), failure
            self._is_committing = False
            self._turn.notify_all()
