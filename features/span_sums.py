"""What a case keeps of spans: sums per kind of call and bucket of time, never the spans."""

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
        What a row is about: names, such as (service, operation, parent's service, parent's operation).
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

    def where(self, kept: NDArray[np.bool_]) -> Cells:
        """The chosen cells; every kind stays."""
        return Cells(
            self.kinds,
            self.kind[kept],
            self.bucket_ms[kept],
            self.n[kept],
            self.total[kept],
            self.squares[kept],
        )

    def of_kinds(self, kinds: tuple[tuple[str, ...], ...]) -> Cells:
        """The cells of the given kinds, which they then point into; cells of other kinds are left out."""
        if self.kinds is kinds or self.kinds == kinds:
            return self
        place = {kind: index for index, kind in enumerate(kinds)}
        code = np.array([place.get(kind, -1) for kind in self.kinds], dtype=np.int64)
        known = code[self.kind] >= 0 if len(self.kind) else np.zeros(0, dtype=bool)
        kept = self.where(known)
        return Cells(kinds, code[kept.kind], kept.bucket_ms, kept.n, kept.total, kept.squares)

    def joined(self, other: Cells) -> Cells:
        """The cells of both, their kinds kept apart."""
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
    """What a case keeps of spans, for some stretch of time.

    Attributes
    ----------
    own
        Log own time in ln µs; kinds are (service, operation, parent's service, parent's operation).
    gap
        Log gap in ln µs; kinds are (calling service, called service, called operation).
    calls
        1 for a span that made such a call, or else 0; kinds are (service, operation, parent's service,
        parent's operation, called service, called operation).
    answers
        1 for a client span whose server span was received, or else 0; kinds as of ``calls``, the last two
        being the server that such a span usually has.
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
        """The same, with gaps from edge metrics in the buckets that have no spans at all."""
        spanned = np.unique(self.own.bucket_ms // MINUTE_MS)
        lacking = gaps.where(~np.isin(gaps.bucket_ms // MINUTE_MS, spanned))
        return SpanSums(self.own, self.gap.joined(lacking), self.calls, self.answers)

    def at(self, kept: Callable[[Ints], NDArray[np.bool_]]) -> SpanSums:
        """The cells of the buckets whose starts, in ms, are chosen."""
        parts = (self.own, self.gap, self.calls, self.answers)
        return SpanSums(*(each.where(kept(each.bucket_ms)) for each in parts))
