"""What the service holds of spans: the traces that are open, and sums of those that have ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING, Final

from features.open_spans import OpenSpans, n_without_parent
from features.span_book import SpanBook
from features.spans import Spans, edges_of, sum_spans
from service.batch_log import CountedBatches
from service.spans.names import FewOperations

if TYPE_CHECKING:
    from features.span_sums import SpanSums
    from telemetry.spans import SpanBatch

MINUTE_MS: Final = 60_000
PAST_STEP_MS: Final = 10 * MINUTE_MS
PAST_MS: Final = 7 * 24 * 60 * MINUTE_MS
"""Normal operation is a week, or less if there are so many kinds of call that it would not fit."""

MAX_EDGES: Final = 50_000


@dataclass
class SpanMemory:
    """Everything about spans that a ranking may need; whoever uses it holds its lock.

    Attributes
    ----------
    recent, past
        Sums by the minute, and older ones by ten minutes.
    edges
        Calls between services that were seen: caller and callee.
    latest_ms
        Start of the latest span received; 0 before the first.
    n_without_parent
        Spans of traces that ended without the parent that the span names.
    """

    open: OpenSpans = field(default_factory=OpenSpans)
    recent: SpanBook = field(default_factory=lambda: SpanBook(step_ms=MINUTE_MS))
    past: SpanBook = field(default_factory=lambda: SpanBook(step_ms=PAST_STEP_MS))
    counted: CountedBatches = field(default_factory=CountedBatches)
    operations: FewOperations = field(default_factory=FewOperations)
    edges: dict[tuple[str, str], None] = field(default_factory=dict)
    latest_ms: int = 0
    n_without_parent: int = 0
    n_summed: int = 0
    lock: RLock = field(default_factory=RLock)

    def receive(self, batch: SpanBatch, *, at_ms: int) -> int:
        """Add the spans of a batch to their traces; return how many were late."""
        self.latest_ms = max(self.latest_ms, int(batch.start_us.max()) // 1000)
        n_late = self.open.add(batch, at_ms=at_ms)
        if self.open.is_full:
            self.sum_ended(now_ms=at_ms)
        return n_late

    def sum_ended(self, *, now_ms: int) -> int:
        """Sum up the traces that have ended; return how many spans that were."""
        ended = self.open.take_ended(now_ms=now_ms)
        if not len(ended):
            return 0
        bounded = self.operations.bounded(ended)
        spans = Spans.from_batch(bounded)
        self.n_without_parent += n_without_parent(bounded, spans.parent)
        self.recent.add(sum_spans(spans, step_ms=MINUTE_MS))
        for edge in edges_of(spans) if len(self.edges) < MAX_EDGES else ():
            self.edges[edge] = None
        self.n_summed += len(ended)
        return len(ended)

    def age(self, normal: SpanSums, *, until_ms: int) -> None:
        """Move the minutes before an instant to the past.

        Parameters
        ----------
        normal
            Of these minutes, what belongs to no incident.
        """
        self.past.add(normal)
        self.recent.forget(0, until_ms)
        self.past.forget(0, until_ms - PAST_MS)

    def bring_back(self, latest_ms: int) -> int | None:
        """Forget what starts after the latest possible instant; return the last start, or None."""
        starts = (*self.recent.starts_ms, *self.past.starts_ms, self.latest_ms)
        stood_ms = max(starts)
        if stood_ms <= latest_ms:
            return None
        for book in (self.recent, self.past):
            book.forget(latest_ms + 1, stood_ms + 1)
        self.latest_ms = min(self.latest_ms, latest_ms)
        return stood_ms
