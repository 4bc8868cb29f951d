"""Batches that a room writes before it acknowledges them, and which of them its memory holds.

A checkpoint of that memory skips none of them, and a replay doubles none.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from threading import RLock

    from telemetry.damage import Damage

logger = logging.getLogger(__name__)

Batch = TypeVar("Batch")


class BatchLog(Protocol[Batch]):
    """The history of accepted batches of one kind on disk."""

    @property
    def position(self) -> int:
        """Position of the last batch that is safe."""
        ...

    @property
    def damage(self) -> Sequence[Damage]:
        """Damage found since it was opened."""
        ...

    def append(self, batch: Batch, /) -> int:
        """Write a batch and return its position; it is safe when this returns."""
        ...

    def replay(self, *, after: int = 0, since_s: float = 0.0) -> Iterator[tuple[int, Batch]]:
        """Read the batches after a position again, in order of arrival."""
        ...

    def retain(self, days: float) -> int:
        """Remove what is older; return how many files that were."""
        ...


def retain_batches(history: BatchLog[Batch], retention: timedelta, *, what: str) -> int:
    """Remove the batches that are older; return how many files that were.

    Parameters
    ----------
    what
        What the batches hold, for the service's log.
    """
    n_removed = history.retain(retention / timedelta(days=1))
    if n_removed:
        logger.info("old files removed", extra={"what": what, "files": n_removed})
    return n_removed


class CountedBatches:
    """The positions of the batches that are part of the memory, while several threads append.

    Batches are counted in another order than they were appended, and a position stays without a batch if the
    disk refused it. So positions alone do not show whether a batch is still to come. This does: a batch whose
    append began at position ``p`` of the history lies beyond ``p``. Up to the smallest such position, and
    everywhere while nothing is being appended, every batch is counted. Its owner's lock guards it.

    Parameters
    ----------
    until, beyond
        As in a checkpoint.

    Attributes
    ----------
    until
        Every batch up to this position is counted.
    beyond
        Positions of the batches beyond ``until`` that are counted, too.
    """

    def __init__(self, until: int = 0, beyond: frozenset[int] = frozenset()) -> None:
        self.until = until
        self.beyond = beyond
        self._appending: list[int] = []

    @contextmanager
    def appending(self, history: BatchLog[Batch], lock: RLock) -> Iterator[None]:
        """Append a batch in the block, and count it there if it was stored.

        Parameters
        ----------
        lock
            The owner's.
        """
        with lock:
            before = history.position
            self.begin(before)
        try:
            yield
        finally:
            with lock:
                self.end(before)

    def begin(self, position: int) -> None:
        """Note that an append begins, with the position of the history at that moment."""
        self._appending.append(position)

    def add(self, position: int) -> bool:
        """Count a batch; return ``False`` if it is counted already, because a replay read it."""
        if position <= self.until or position in self.beyond:
            return False
        self.beyond |= {position}
        return True

    def end(self, position: int) -> None:
        """Note that an append that began at this position was counted, or failed."""
        self._appending.remove(position)
        self._raise(min(self._appending, default=max(self.beyond, default=self.until)))

    def replayed(self, until: int) -> None:
        """Count every batch up to a position, which were all read from the history."""
        self._raise(until)

    def _raise(self, until: int) -> None:
        self.until = max(self.until, until)
        self.beyond = frozenset(each for each in self.beyond if each > self.until)
