"""Which batches of log lines are counted: a checkpoint skips none of them, and a replay doubles none."""

from __future__ import annotations


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
