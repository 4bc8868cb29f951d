"""The sums of spans that a case stores, per kind of call and bucket of time; never the spans themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

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
