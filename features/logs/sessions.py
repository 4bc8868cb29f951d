"""Sessions of log events, such as those of one trace or one block, as count vectors."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

MAX_KINDS: Final = 2_000
"""Kinds of event that get their own column: those that occur in the most sessions."""


@dataclass(frozen=True)
class Vocabulary:
    """The column of each kind of event; all unknown kinds share one more column.

    Attributes
    ----------
    kinds
        Template ids, or any other names of events.
    """

    kinds: tuple[str, ...]

    @classmethod
    def of(cls, sessions: Iterable[Sequence[str]]) -> Self:
        """The kinds of event in some sessions.

        >>> Vocabulary.of([["open", "read"], ["open"]]).kinds
        ('open', 'read')
        """
        n_sessions = Counter(kind for session in sessions for kind in set(session))
        most = sorted(n_sessions, key=lambda kind: (-n_sessions[kind], kind))[:MAX_KINDS]
        return cls(tuple(most))

    def counts(self, sessions: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        """Events of each kind per session, shape ``(n_sessions, n_kinds + 1)``; unknown kinds come last.

        >>> Vocabulary(("open", "read")).counts([["open", "seek", "open"]])
        array([[2., 0., 1.]])
        """
        column = {kind: index for index, kind in enumerate(self.kinds)}
        last = len(self.kinds)
        counts = np.zeros((len(sessions), last + 1))
        for row, session in enumerate(sessions):
            for kind, n_events in Counter(session).items():
                counts[row, column.get(kind, last)] += n_events
        return counts
