"""The sums of spans of many buckets of time, to which more are added as traces end; bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from features.span_sums import QUANTITIES, Cells, SpanSums

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_CELLS: Final = 1_000_000
"""Cells of each book; beyond it the oldest buckets are forgotten. They take 32 bytes each."""

MAX_KINDS: Final = 50_000
"""Kinds of each quantity; cells of further ones are left out and counted."""


class _Bucket(NamedTuple):
    """The cells of one bucket, by the numbers of their kinds, which rise."""

    kind: NDArray[np.int64]
    n: NDArray[np.float64]
    total: NDArray[np.float64]
    squares: NDArray[np.float64]


class CellBook:
    """The cells of one quantity by the start of their buckets.

    Attributes
    ----------
    n_left_out
        Cells for whose kinds there was no room.
    """

    def __init__(self, *, max_kinds: int = MAX_KINDS) -> None:
        self.n_cells = self.n_left_out = 0
        self.by_start: dict[int, _Bucket] = {}
        self._kinds: dict[tuple[str, ...], int] = {}
        self._max_kinds = max_kinds

    def add(self, cells: Cells, *, step_ms: int) -> None:
        """Add cells, each to the bucket of ``step_ms`` that its own bucket starts in."""
        code = np.full(len(cells.kinds), -1)
        used = np.unique(cells.kind).tolist()
        if len(self._kinds) + len(used) > self._max_kinds:
            self._forget_unused_kinds()
        for row in used:
            name = cells.kinds[row]
            if name in self._kinds or len(self._kinds) < self._max_kinds:
                code[row] = self._kinds.setdefault(name, len(self._kinds))
        known = code[cells.kind] >= 0
        self.n_left_out += int((~known).sum())
        cells = cells.where(known)
        kind, start_ms = code[cells.kind], cells.bucket_ms // step_ms * step_ms
        for start in np.unique(start_ms).tolist():
            rows = start_ms == start
            new = _Bucket(kind[rows], cells.n[rows], cells.total[rows], cells.squares[rows])
            old = self.by_start.get(start)
            merged = _merged([new] if old is None else [old, new])
            self.n_cells += len(merged.kind) - (0 if old is None else len(old.kind))
            self.by_start[start] = merged

    def forget(self, start_ms: int) -> None:
        """Forget a bucket."""
        found = self.by_start.pop(start_ms, None)
        self.n_cells -= 0 if found is None else len(found.kind)

    def cells(self, *, since_ms: int, until_ms: int) -> Cells:
        """Return the cells of the buckets that start in ``[since_ms, until_ms)``."""
        starts = sorted(each for each in self.by_start if since_ms <= each < until_ms)
        buckets = [self.by_start[each] for each in starts]
        lengths = [len(each.kind) for each in buckets]
        empty = np.zeros(0)
        return Cells(
            tuple(self._kinds),
            np.concatenate([np.zeros(0, dtype=np.int64), *(each.kind for each in buckets)]),
            np.repeat(np.array(starts, dtype=np.int64), lengths),
            np.concatenate([empty, *(each.n for each in buckets)]),
            np.concatenate([empty, *(each.total for each in buckets)]),
            np.concatenate([empty, *(each.squares for each in buckets)]),
        )

    def _forget_unused_kinds(self) -> None:
        used = np.unique(np.concatenate([[], *(each.kind for each in self.by_start.values())])).astype(int)
        names = list(self._kinds)
        self._kinds = {names[old]: new for new, old in enumerate(used.tolist())}
        self.by_start = {
            start: each._replace(kind=np.searchsorted(used, each.kind))
            for start, each in self.by_start.items()
        }


class SpanBook:
    """Sums of spans by the start of their buckets.

    Parameters
    ----------
    step_ms
        Width of a bucket.
    """

    def __init__(self, *, step_ms: int, max_cells: int = MAX_CELLS, max_kinds: int = MAX_KINDS) -> None:
        self.step_ms = step_ms
        self._max_cells = max_cells
        self._books = {name: CellBook(max_kinds=max_kinds) for name in QUANTITIES}

    @property
    def n_cells(self) -> int:
        """Cells held."""
        return sum(each.n_cells for each in self._books.values())

    @property
    def n_left_out(self) -> int:
        """Cells for whose kinds there was no room."""
        return sum(each.n_left_out for each in self._books.values())

    @property
    def starts_ms(self) -> list[int]:
        """Starts of the buckets held, in order."""
        return sorted({start for each in self._books.values() for start in each.by_start})

    def add(self, sums: SpanSums) -> None:
        """Add sums; the oldest buckets make room for them."""
        for name, book in self._books.items():
            book.add(getattr(sums, name), step_ms=self.step_ms)
        while self.n_cells > self._max_cells and len(starts := self.starts_ms) > 1:
            self.forget(starts[0], starts[0] + 1)

    def forget(self, since_ms: int, until_ms: int) -> None:
        """Forget the buckets that start in ``[since_ms, until_ms)``."""
        for start in [each for each in self.starts_ms if since_ms <= each < until_ms]:
            for book in self._books.values():
                book.forget(start)

    def sums(self, *, since_ms: int = 0, until_ms: int = np.iinfo(np.int64).max) -> SpanSums:
        """Return the sums of the buckets that start in ``[since_ms, until_ms)``."""
        return SpanSums(
            **{name: book.cells(since_ms=since_ms, until_ms=until_ms) for name, book in self._books.items()}
        )


def _merged(buckets: list[_Bucket]) -> _Bucket:
    kind = np.concatenate([each.kind for each in buckets])
    found, where = np.unique(kind, return_inverse=True)
    sums = (
        np.bincount(where, weights=np.concatenate(column), minlength=len(found)).astype(np.float64)
        for column in list(zip(*buckets, strict=True))[1:]
    )
    return _Bucket(found, *sums)
