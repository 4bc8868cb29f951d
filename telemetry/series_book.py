"""A book of the series that senders name again and again, so that each is read and named once."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from telemetry.metric_names import Namer, Series

MAX_SERIES = 300_000

USUAL_BYTES = 512
"""Of what identifies a series on the wire; a longer one takes the room of several."""


class SeriesBook:
    """Numbers of series by what identifies them on the wire; safe to use from many threads.

    Parameters
    ----------
    namer
        Names each new series.
    max_series
        Most series it holds. One that is full begins anew, which costs time and nothing else.
    """

    def __init__(self, namer: Namer, *, max_series: int = MAX_SERIES) -> None:
        self.namer = namer
        self._max_series = max_series
        self._page = BookPage()
        self._lock = Lock()

    def page(self) -> BookPage:
        """The series known so far; a decoder uses one page for a whole body."""
        with self._lock:
            if self._page.n_held >= self._max_series:
                self._page = BookPage()
            return self._page


class BookPage:
    """Series and their numbers; numbers are only ever added.

    Attributes
    ----------
    numbers
        Number of a series by what identifies it.
    series
        The series by number.
    n_scoped
        Number of what identifies a series within a scope only: see `known_in`.
    n_bytes
        Length of all that identifies series.
    """

    def __init__(self) -> None:
        self.numbers: dict[str | bytes, int] = {}
        self.series: list[Series] = []
        self.n_scoped = self.n_bytes = 0
        self._scopes: dict[tuple[str | bytes, ...], dict[bytes, int]] = {}
        self._number_of: dict[Series, int] = {}
        self._lock = Lock()

    @property
    def n_held(self) -> int:
        """Size of what is held, in series."""
        return max(len(self.series), len(self.numbers), self.n_scoped, self.n_bytes // USUAL_BYTES)

    def known_in(self, scope: tuple[str | bytes, ...]) -> dict[bytes, int]:
        """Numbers of the series of a scope, such as a resource and a metric, by the rest of what they are.

        Whoever adds one adds it to ``n_scoped`` and ``n_bytes``, too.
        """
        known = self._scopes.get(scope)
        if known is None:
            known = self._scopes.setdefault(scope, {})
            self.n_scoped += 1
            self.n_bytes += sum(map(len, scope))
        return known

    def number_of(self, series: Series) -> int:
        """Number of a series, a new one if it is new."""
        with self._lock:
            number = self._number_of.get(series)
            if number is None:
                number = self._number_of[series] = len(self.series)
                self.series.append(series)
            return number

    def learn(self, identity: str | bytes, name: Callable[[], Series]) -> int:
        """Number of what identifies a series, which is named if it was never seen."""
        number = self.numbers.get(identity)
        if number is None:
            number = self.numbers[identity] = self.number_of(name())
            self.n_bytes += len(identity)
        return number
