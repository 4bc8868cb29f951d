"""Puts traces together from the batches that their spans arrive in, in bounded time and memory.

Every service sends its own spans, so a trace arrives in pieces. It counts as complete once nothing of it has
come for a while, and at the latest some time after its first span.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from telemetry.spans import NO_PARENT, SpanBatch, joined_spans

if TYPE_CHECKING:
    from numpy.typing import NDArray

QUIET_MS: Final = 30_000
"""A trace of which nothing came for so long has ended."""

OLDEST_MS: Final = 120_000
"""A trace whose first span came so long ago ends."""

MAX_SPANS: Final = 400_000
"""Spans held, of some 60 bytes each; if there are more, the traces that came first end."""

MAX_ENDED: Final = 300_000
"""Traces that ended last, which are remembered so that what comes late is known as such."""


class OpenSpans:
    """Spans of the traces that have not ended.

    Attributes
    ----------
    n_late, n_hurried
        Spans that came after their traces had ended: they are left out. Spans of traces that ended early,
        because there was no room.
    """

    def __init__(self, *, max_spans: int = MAX_SPANS, max_ended: int = MAX_ENDED) -> None:
        self.n_late = self.n_hurried = 0
        self._max_spans = max_spans
        self._max_ended = max_ended
        self._held = SpanBatch.from_records(())
        self._arrived_ms = np.zeros(0, dtype=np.int64)
        self._new: list[tuple[SpanBatch, int]] = []
        self._ended: dict[int, None] = {}

    @property
    def n_spans(self) -> int:
        """Spans held."""
        return len(self._held) + sum(len(each) for each, _ in self._new)

    @property
    def is_full(self) -> bool:
        """Whether there are more spans than are held for long."""
        return self.n_spans > self._max_spans

    @property
    def held(self) -> SpanBatch:
        """Every span held, for a checkpoint."""
        self._gather()
        return self._held

    def add(self, batch: SpanBatch, *, at_ms: int) -> int:
        """Add spans that arrive at an instant; return how many were late."""
        late = np.fromiter(
            (each in self._ended for each in _codes(batch).tolist()), dtype=bool, count=len(batch)
        )
        n_late = int(late.sum())
        self.n_late += n_late
        if n_late < len(batch):
            self._new.append((batch.where(~late), at_ms))
        return n_late

    def take_ended(self, *, now_ms: int) -> SpanBatch:
        """Return the spans of the traces that have ended, and hold them no longer."""
        self._gather()
        spans, arrived = self._held, np.minimum(self._arrived_ms, now_ms)  # a clock may have been set back
        codes, trace = np.unique(_codes(spans), return_inverse=True)
        if not len(codes):
            return spans
        first, last = np.full(len(codes), now_ms), np.zeros(len(codes), dtype=np.int64)
        np.minimum.at(first, trace, arrived)
        np.maximum.at(last, trace, arrived)
        is_over = (now_ms - last >= QUIET_MS) | (now_ms - first >= OLDEST_MS)
        n_left = int((~is_over[trace]).sum())
        if n_left > self._max_spans:
            n_beyond = n_left - self._max_spans * 3 // 4  # so that this is not needed again at once
            is_over |= self._hurried(first, np.bincount(trace), is_over, n_beyond)
        ends = is_over[trace]
        self._held, self._arrived_ms = spans.where(~ends).without_unused_names(), arrived[~ends]
        self._ended |= dict.fromkeys(codes[is_over].tolist())
        for code in list(self._ended)[: max(0, len(self._ended) - self._max_ended)]:
            del self._ended[code]
        return spans.where(ends)

    def _hurried(
        self, first: NDArray[np.int64], n_spans: NDArray[np.int64], is_over: NDArray[np.bool_], n_beyond: int
    ) -> NDArray[np.bool_]:
        """Choose the traces that came first, until there is room."""
        order = np.argsort(np.where(is_over, np.iinfo(np.int64).max, first), kind="stable")
        n_chosen = int(np.searchsorted(np.cumsum(n_spans[order]), n_beyond)) + 1
        chosen = np.zeros(len(first), dtype=bool)
        chosen[order[:n_chosen]] = True
        self.n_hurried += int(n_spans[chosen & ~is_over].sum())
        return chosen

    def _gather(self) -> None:
        if not self._new:
            return
        self._arrived_ms = np.concatenate(
            [self._arrived_ms, *(np.full(len(each), at_ms) for each, at_ms in self._new)]
        )
        self._held = joined_spans([self._held, *(each for each, _ in self._new)])
        self._new = []


def n_without_parent(batch: SpanBatch, parent: NDArray[np.int64]) -> int:
    """Return how many spans name a parent that was not received: their traces are partial.

    Parameters
    ----------
    parent
        As `Spans` has it.
    """
    n_named = int((batch.parent_id != NO_PARENT.rstrip(b"\0")).sum())
    return max(0, n_named - int((parent >= 0).sum()))


def _codes(batch: SpanBatch) -> NDArray[np.uint64]:
    """A number for each span's trace; two traces share one by chance only, and then end together."""
    halves = np.ascontiguousarray(batch.trace_id).view(np.uint64).reshape(-1, 2)
    mixed: NDArray[np.uint64] = halves[:, 0] ^ (halves[:, 1] * np.uint64(0x9E3779B97F4A7C15))
    return mixed
