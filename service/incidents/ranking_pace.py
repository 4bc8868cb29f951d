"""How often alerts are ranked while many arrive: ranking must not take the time that taking them needs."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import contextmanager
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator
    from datetime import datetime

    from service.incidents.ranking_document import StoredRankingDocument
    from service.incidents.records import StoredAlert

RANKING_SHARE, RERANKING_SHARE = 0.4, 0.2
"""Parts of the time that may go into ranking alerts as they arrive, and into ranking incidents again."""

MAX_PER_MINUTE = 60
"""Rankings of one incident within a minute, when alerts arrive."""

NEAR = timedelta(minutes=1)
"""Alerts on one item that start no further apart are judged by the same window."""

MAX_REMEMBERED = 256
"""Latest answers that other alerts may share."""

MAX_COUNTED = 1_000
"""Incidents whose rankings are counted, the last ranked."""


class TimeShare:
    """A share of the time, of which some can be saved up.

    Parameters
    ----------
    elapsed_s
        A steady clock in seconds.
    share
        Part of the time that may be spent in the long run.
    saved_s
        How many seconds can be saved up; there are as many at the beginning.
    """

    def __init__(self, elapsed_s: Callable[[], float], *, share: float, saved_s: float) -> None:
        self._elapsed_s = elapsed_s
        self._share = share
        self._most_s = self._left_s = saved_s
        self._counted_s = elapsed_s()
        self._changing = Lock()

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left at the moment."""
        return self._after(0.0) <= 0

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Take the time that the block needs."""
        self._after(0.0)
        began_s = self._elapsed_s()
        try:
            yield
        finally:
            self._after(self._elapsed_s() - began_s)

    def _after(self, spent_s: float) -> float:
        """Return what is left after some time was spent."""
        with self._changing:
            now_s = self._elapsed_s()
            earned_s = self._share * (now_s - self._counted_s)
            self._left_s = min(self._most_s, self._left_s + earned_s - spent_s)
            self._counted_s = now_s
            return self._left_s


class _Remembered(NamedTuple):
    evidence: Hashable
    starts_at: datetime
    document: StoredRankingDocument


class RankingPace:
    """Decides which arriving alerts are ranked, and which share the answer of another.

    Parameters
    ----------
    elapsed_s
        A steady clock in seconds.
    time
        The time there is for ranking.
    """

    def __init__(self, elapsed_s: Callable[[], float], time: TimeShare) -> None:
        self._elapsed_s = elapsed_s
        self._time = time
        self._changing = Lock()
        self._minutes: OrderedDict[int, tuple[float, int]] = OrderedDict()
        self._answers: OrderedDict[tuple[int, str], _Remembered] = OrderedDict()

    def obstacle(self, incident: int) -> str:
        """Return why no further alert of an incident is ranked now; empty if one may be."""
        if self._time.is_spent:
            return "so many alerts arrive that ranking the others took all the time there was"
        since_s, count = self._minutes.get(incident, (0.0, 0))
        if count >= MAX_PER_MINUTE and self._elapsed_s() < since_s + 60:
            return f"its incident was ranked {MAX_PER_MINUTE} times within a minute, for other alerts"
        return ""

    @contextmanager
    def ranking(self, incident: int) -> Iterator[None]:
        """Count the ranking that the block makes, and the time that it takes."""
        with self._changing:
            since_s, count = self._minutes.pop(incident, (self._elapsed_s(), 0))
            if self._elapsed_s() >= since_s + 60:
                since_s, count = self._elapsed_s(), 0
            self._minutes[incident] = since_s, count + 1
            if len(self._minutes) > MAX_COUNTED:
                self._minutes.popitem(last=False)
        with self._time.spending():
            yield

    def answer_for(self, known: StoredAlert, evidence: Hashable) -> StoredRankingDocument | None:
        """Return the answer for another alert on an incident's item, made with the same evidence."""
        found = self._answers.get((known.incident, known.alert.item))
        if found is None or found.evidence != evidence:
            return None
        return found.document if abs(known.alert.starts_at - found.starts_at) <= NEAR else None

    def remember(self, known: StoredAlert, evidence: Hashable, document: StoredRankingDocument) -> None:
        """Let other alerts share an answer."""
        with self._changing:
            key = known.incident, known.alert.item
            self._answers.pop(key, None)
            self._answers[key] = _Remembered(evidence, known.alert.starts_at, document)
            if len(self._answers) > MAX_REMEMBERED:
                self._answers.popitem(last=False)
