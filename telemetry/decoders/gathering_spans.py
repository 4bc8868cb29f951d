"""Collects the good spans of a body in any format, and the reasons why others are rejected."""

from __future__ import annotations

from dataclasses import dataclass

from telemetry.decoders.gathering import (
    EARLIEST_MS,
    LATEST_MS,
    MAX_REJECTIONS,
    BadSampleError,
    Rejection,
    check_name,
)
from telemetry.names import CONTROL, MAX_NAME_LENGTH
from telemetry.spans import KINDS, NO_PARENT, SPAN_ID_BYTES, TRACE_ID_BYTES, SpanBatch

FURTHER = "further spans, not listed"
EARLIEST_US, LATEST_US = EARLIEST_MS * 1000, LATEST_MS * 1000
NO_NAME = "unnamed"
NO_TRACE = bytes(TRACE_ID_BYTES)


@dataclass(frozen=True, slots=True)
class DecodedSpans:
    """The good spans of a body, in its order, and the rejected ones.

    Attributes
    ----------
    rejected
        Rejected spans, counted from 0. At most 1000 are listed; the last then stands for all the others.
    """

    spans: SpanBatch
    rejected: tuple[Rejection, ...] = ()

    @property
    def n_rejected(self) -> int:
        """Number of rejected spans."""
        return sum(each.n_samples for each in self.rejected)


class SpanGathering:
    """The spans of one body so far, good and rejected."""

    def __init__(self) -> None:
        self._rows: list[tuple[object, ...]] = []
        self._services: dict[str, int] = {}
        self._operations: dict[str, int] = {}
        self._rejected: list[Rejection] = []
        self._n_further = self._n_seen = 0

    def service(self, name: object) -> int:
        """Return the number of a service for `add`, −1 if the text cannot name one."""
        try:
            check_name("service", name)
        except BadSampleError:
            return -1
        return self._services.setdefault(str(name), len(self._services))

    def operation(self, name: str) -> int:
        """Return the number of an operation for `add`; its name is cut if it is long."""
        plain = CONTROL.sub(" ", name[:MAX_NAME_LENGTH]).strip() or NO_NAME
        return self._operations.setdefault(plain, len(self._operations))

    def add(
        self,
        trace_id: bytes,
        span_id: bytes,
        parent_id: bytes,
        *,
        service: int,
        operation: int,
        kind: int,
        start_us: int,
        end_us: int,
        is_error: bool,
    ) -> None:
        """Add a span, or record why it is rejected."""
        if (
            len(trace_id) == TRACE_ID_BYTES
            and len(span_id) == SPAN_ID_BYTES
            and len(parent_id) in (0, SPAN_ID_BYTES)
            and span_id not in (parent_id, NO_PARENT)
            and trace_id != NO_TRACE
            and service >= 0
            and EARLIEST_US <= start_us <= end_us < LATEST_US
        ):
            self._n_seen += 1
            known = kind if 0 <= kind < len(KINDS) else 0
            parent_id = parent_id or NO_PARENT
            row = (trace_id, span_id, parent_id, service, operation, known)
            self._rows.append((*row, start_us, end_us - start_us, is_error))
            return
        self.reject(_why_not((trace_id, span_id, parent_id), service, start_us, end_us))

    def reject(self, reason: str) -> None:
        """Record that the next span is rejected."""
        if len(self._rejected) < MAX_REJECTIONS - 1:
            self._rejected.append(Rejection(self._n_seen, reason))
        else:
            self._n_further += 1
        self._n_seen += 1

    def decoded(self) -> DecodedSpans:
        """Return everything gathered."""
        rejected = list(self._rejected)
        if self._n_further:
            rejected.append(Rejection(rejected[-1].index + 1, FURTHER, self._n_further))
        if not self._rows:
            return DecodedSpans(SpanBatch.from_records(()), tuple(rejected))
        columns = list(zip(*self._rows, strict=True))
        batch = SpanBatch.of_columns(tuple(self._services), tuple(self._operations), columns)
        return DecodedSpans(batch, tuple(rejected))


def _why_not(ids: tuple[bytes, bytes, bytes], service: int, start_us: int, end_us: int) -> str:
    """Return the first reason to reject a span."""
    trace_id, span_id, parent_id = ids
    reasons = (
        (len(trace_id) != TRACE_ID_BYTES, f"its trace id has {len(trace_id)} bytes, not {TRACE_ID_BYTES}"),
        (len(span_id) != SPAN_ID_BYTES, f"its span id has {len(span_id)} bytes, not {SPAN_ID_BYTES}"),
        (
            len(parent_id) not in (0, SPAN_ID_BYTES),
            f"its parent's id has {len(parent_id)} bytes, not {SPAN_ID_BYTES}",
        ),
        (trace_id == NO_TRACE or span_id == NO_PARENT, "an id of it is all zeros"),
        (span_id == parent_id, "it is its own parent"),
        (service < 0, "it names no service, or not by a usable name"),
        (end_us < start_us, "it ends before it starts"),
    )
    return next((text for is_so, text in reasons if is_so), "its time is outside the years 2000 to 2099")
