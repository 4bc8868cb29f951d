"""Which sender brought each series that is held, and what a sender over its share was refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

UNKNOWN: Final = ""
"""Sender of a series that was read from history; its next sample says who sends it."""

IDLE_MS: Final = 15 * 60_000
"""A series that is silent for longer makes room for new ones of its own sender."""


@dataclass(frozen=True, slots=True)
class Refused:
    """What a sender was refused for want of room.

    Attributes
    ----------
    n_series
        Series of its last batch that was not held completely.
    n_samples
        Samples of such series since the window was made.
    at_ms
        Instant of the newest of them.
    """

    n_series: int
    n_samples: int
    at_ms: int


class SeriesShares:
    """Counts the series of each sender; the caller's lock guards it.

    Parameters
    ----------
    per_sender
        Most series of one sender, so that its flood leaves the others theirs.
    """

    def __init__(self, *, per_sender: int) -> None:
        self.per_sender = per_sender
        self._held: Counter[str] = Counter()
        self._sender: dict[int, str] = {}
        self._refused: dict[str, Refused] = {}

    @property
    def held(self) -> Mapping[str, int]:
        """Number of series of each sender that has any."""
        return {sender: n_series for sender, n_series in self._held.items() if n_series}

    @property
    def refused(self) -> Mapping[str, Refused]:
        """What each sender was refused."""
        return dict(self._refused)

    def left(self, sender: str) -> int:
        """Number of series that a sender may still bring; what was read from history is not limited."""
        return self.per_sender - self._held[sender] if sender != UNKNOWN else self.per_sender

    def give(self, column: int, sender: str) -> None:
        """Note who brought the series of a column."""
        self._sender[column] = sender
        self._held[sender] += 1

    def take(self, columns: Iterable[int]) -> None:
        """Note that columns are free."""
        for column in columns:
            self._held[self._sender.pop(column)] -= 1

    @property
    def n_unclaimed(self) -> int:
        """Number of series that were read from history and not sent since."""
        return self._held[UNKNOWN]

    def is_unclaimed(self, column: int) -> bool:
        """Whether the series of a column was read from history and not sent since."""
        return self._sender[column] == UNKNOWN

    def may_make_room(self, column: int, sender: str) -> bool:
        """Whether an idle series may be forgotten for a new one of a sender."""
        return self._sender[column] in {sender, UNKNOWN}

    def refuse(self, sender: str, *, n_series: int, n_samples: int, at_ms: int) -> None:
        """Note what a sender was refused."""
        before = self._refused.get(sender, Refused(0, 0, at_ms))
        self._refused[sender] = Refused(n_series, before.n_samples + n_samples, max(before.at_ms, at_ms))
