"""The sums of spans that a case stores, per kind of call and bucket of time; never the spans themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

MINUTE_MS = 60_000


@dataclass(frozen=True)
class Cells:
    """Count, sum and sum of squares of one quantity per kind and bucket of time.

    Attributes
    ----------
    kinds
        The names that identify a kind, such as (service, operation, parent's service, parent's operation).
    kind, bucket_ms
        Shape ``(n_cells,)``: index into ``kinds``; start of the bucket. A cell without a span is absent.
    n, total, squares
        Shape ``(n_cells,)``.
    """

    kinds: tuple[tuple[str, ...], ...]
    kind: Ints
    bucket_ms: Ints
    n: Floats
    total: Floats
    squares: Floats

    def where(self, selected: NDArray[np.bool_]) -> Cells:
        """The selected cells, with every kind."""
        return Cells(
            self.kinds,
            self.kind[selected],
            self.bucket_ms[selected],
            self.n[selected],
            self.total[selected],
            self.squares[selected],
        )

    def of_kinds(self, kinds: tuple[tuple[str, ...], ...]) -> Cells:
        """The cells of the given kinds, indexed by position in ``kinds``; other cells are left out."""
        if self.kinds is kinds or self.kinds == kinds:
            return self
        place = {kind: index for index, kind in enumerate(kinds)}
        code = np.array([place.get(kind, -1) for kind in self.kinds], dtype=np.int64)
        known = code[self.kind] >= 0 if len(self.kind) else np.zeros(0, dtype=bool)
        cells = self.where(known)
        return Cells(kinds, code[cells.kind], cells.bucket_ms, cells.n, cells.total, cells.squares)

    def joined(self, other: Cells) -> Cells:
        """The cells of both, with separate kinds."""
        return Cells(
            self.kinds + other.kinds,
            np.concatenate([self.kind, other.kind + len(self.kinds)]),
            *(
                np.concatenate([getattr(self, name), getattr(other, name)])
                for name in ("bucket_ms", "n", "total", "squares")
            ),
        )

    def united(self, other: Cells) -> Cells:
        """The cells of both, with each kind once; two cells of one kind and bucket stay two."""
        kinds = tuple(dict.fromkeys((*self.kinds, *other.kinds)))
        mine, theirs = self.of_kinds(kinds), other.of_kinds(kinds)
        names = ("kind", "bucket_ms", "n", "total", "squares")
        return Cells(kinds, *(np.concatenate([getattr(mine, name), getattr(theirs, name)]) for name in names))

    def renamed(self, names: Mapping[str, str], *, places: Sequence[int]) -> Cells:
        """The cells whose first name is in ``names``, with other names at some places of their kinds."""
        code, kinds = np.full(len(self.kinds), -1, dtype=np.int64), dict[tuple[str, ...], int]()
        for row, kind in enumerate(self.kinds):
            if kind[0] in names:
                other = tuple(
                    names.get(name, name) if place in places else name for place, name in enumerate(kind)
                )
                code[row] = kinds.setdefault(other, len(kinds))
        cells = self.where(code[self.kind] >= 0)
        return Cells(tuple(kinds), code[cells.kind], cells.bucket_ms, cells.n, cells.total, cells.squares)


@dataclass(frozen=True)
class SpanSums:
    """The sums of spans over some period.

    Attributes
    ----------
    own
        Own time in ln µs; kinds are (service, operation, parent's service, parent's operation).
    gap
        Gap in ln µs; kinds are (calling service, called service, called operation).
    calls
        1 for a span that made such a call, else 0; kinds are (service, operation, parent's service,
        parent's operation, called service, called operation).
    answers
        1 for a client span whose server span was received, else 0; kinds as in ``calls``, where the called
        service and operation are the usual ones of such a span.
    """

    own: Cells
    gap: Cells
    calls: Cells
    answers: Cells

    def united(self, other: SpanSums) -> SpanSums:
        """The cells of both, with the kinds that both have once."""
        return SpanSums(*(getattr(self, each).united(getattr(other, each)) for each in QUANTITIES))

    def of_items(self, items: Mapping[str, str]) -> SpanSums:
        """The sums of some services, each by the item that it is.

        Parameters
        ----------
        items
            The item of each service. Other services stay where they call, or are called, under their names.
        """
        return SpanSums(
            **{each: getattr(self, each).renamed(items, places=PLACES[each]) for each in QUANTITIES}
        )

    def between(self, start_ms: int, end_ms: int) -> SpanSums:
        """The cells of the buckets that start in ``[start_ms, end_ms)``."""
        return self.at(lambda ms: (ms >= start_ms) & (ms < end_ms))

    def outside(self, start_ms: int, end_ms: int) -> SpanSums:
        """The cells of the other buckets."""
        return self.at(lambda ms: (ms < start_ms) | (ms >= end_ms))

    def with_gaps(self, gaps: Cells) -> SpanSums:
        """The same sums, with gaps from edge metrics in the minutes that have no spans."""
        spanned = np.unique(self.own.bucket_ms // MINUTE_MS)
        lacking = gaps.where(~np.isin(gaps.bucket_ms // MINUTE_MS, spanned))
        return SpanSums(self.own, self.gap.joined(lacking), self.calls, self.answers)

    def at(self, selects: Callable[[Ints], NDArray[np.bool_]]) -> SpanSums:
        """The cells of the buckets for whose starts, in ms, ``selects`` is true."""
        parts = (self.own, self.gap, self.calls, self.answers)
        return SpanSums(*(each.where(selects(each.bucket_ms)) for each in parts))


QUANTITIES = ("own", "gap", "calls", "answers")
PLACES = {"own": (0, 2), "gap": (0, 1), "calls": (0, 2, 4), "answers": (0, 2, 4)}
"""Which names of a kind are services."""
