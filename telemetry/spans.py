"""Batches of spans as columns, with each service and operation stored once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from telemetry.errors import BadBatchError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

KINDS = ("", "internal", "server", "client", "producer", "consumer")
"""Kinds of span by their numbers in OpenTelemetry; empty where unknown."""

TRACE_ID_BYTES, SPAN_ID_BYTES = 16, 8
NO_PARENT = bytes(SPAN_ID_BYTES)


class SpanRecord(NamedTuple):
    """One span from any sender; ids are bytes, and a root's parent is `NO_PARENT`."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    service: str
    operation: str
    kind: int
    start_us: int
    duration_us: int
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class SpanBatch:
    """A batch of spans as columns.

    Attributes
    ----------
    services, operations
        The distinct names of the batch.
    trace_id, span_id, parent_id
        Shape ``(n_spans,)``, bytes of length 16, 8 and 8; a root's parent is all zeros.
    service, operation
        Shape ``(n_spans,)``, int32: index into ``services`` and ``operations``.
    kind
        Shape ``(n_spans,)``, int8: index into `KINDS`.
    start_us, duration_us
        Shape ``(n_spans,)``, int64: microseconds since the epoch, UTC; microseconds, at least 0.
    is_error
        Shape ``(n_spans,)``.
    """

    services: tuple[str, ...]
    operations: tuple[str, ...]
    trace_id: NDArray[np.bytes_]
    span_id: NDArray[np.bytes_]
    parent_id: NDArray[np.bytes_]
    service: NDArray[np.int32]
    operation: NDArray[np.int32]
    kind: NDArray[np.int8]
    start_us: NDArray[np.int64]
    duration_us: NDArray[np.int64]
    is_error: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.start_us)

    def where(self, selected: NDArray[np.bool_]) -> SpanBatch:
        """Return the spans where ``selected``, shape ``(n_spans,)``, is true, with all names."""
        if selected.all():
            return self
        return SpanBatch(
            self.services,
            self.operations,
            *(getattr(self, name)[selected] for name, _ in COLUMNS),
        )

    def without_unused_names(self) -> SpanBatch:
        """Return the same spans, without the names that none of them has."""
        service, operation = (np.unique(each, return_inverse=True) for each in (self.service, self.operation))
        return replace(
            self,
            services=tuple(self.services[each] for each in service[0].tolist()),
            operations=tuple(self.operations[each] for each in operation[0].tolist()),
            service=service[1].astype(np.int32),
            operation=operation[1].astype(np.int32),
        )

    @classmethod
    def from_records(cls, records: Iterable[SpanRecord]) -> SpanBatch:
        """Build a batch from records.

        >>> a_span = SpanRecord(b"t" * 16, b"s" * 8, NO_PARENT, "order", "place", 2, 0, 1500)
        >>> SpanBatch.from_records([a_span]).services
        ('order',)
        """
        services: dict[str, int] = {}
        operations: dict[str, int] = {}
        rows = [
            (
                *each[:3],
                services.setdefault(each.service, len(services)),
                operations.setdefault(each.operation, len(operations)),
                *each[5:],
            )
            for each in records
        ]
        columns: Sequence[Sequence[object]] = list(zip(*rows, strict=True)) or [[]] * len(COLUMNS)
        return cls.of_columns(tuple(services), tuple(operations), columns)

    @classmethod
    def of_columns(
        cls, services: Sequence[str], operations: Sequence[str], columns: Sequence[Sequence[object]]
    ) -> SpanBatch:
        """Build a batch from its columns, in the order of the attributes."""
        arrays = (np.array(column, dtype=kind) for column, (_, kind) in zip(columns, COLUMNS, strict=True))
        return cls(tuple(services), tuple(operations), *arrays)


COLUMNS: tuple[tuple[str, str], ...] = (
    ("trace_id", f"S{TRACE_ID_BYTES}"),
    ("span_id", f"S{SPAN_ID_BYTES}"),
    ("parent_id", f"S{SPAN_ID_BYTES}"),
    ("service", "<i4"),
    ("operation", "<i4"),
    ("kind", "i1"),
    ("start_us", "<i8"),
    ("duration_us", "<i8"),
    ("is_error", "?"),
)
"""Name and type of every column of a `SpanBatch`."""


def joined_spans(batches: Sequence[SpanBatch]) -> SpanBatch:
    """Return the spans of several batches as one, in their order."""
    if len(batches) == 1:
        return batches[0]
    services: dict[str, int] = {}
    operations: dict[str, int] = {}
    moved = []
    for each in batches:
        service = [services.setdefault(name, len(services)) for name in each.services]
        operation = [operations.setdefault(name, len(operations)) for name in each.operations]
        moved.append(
            {
                "service": np.array(service, dtype=np.int32)[each.service],
                "operation": np.array(operation, dtype=np.int32)[each.operation],
            }
        )
    arrays = []
    for name, kind in COLUMNS:
        parts = [other.get(name, getattr(each, name)) for each, other in zip(batches, moved, strict=True)]
        arrays.append(np.concatenate(parts) if parts else np.zeros(0, dtype=kind))
    return SpanBatch(tuple(services), tuple(operations), *arrays)


def check_columns(batch: SpanBatch) -> None:
    """Raise `BadBatchError` unless the columns fit together."""
    lengths = {len(getattr(batch, name)) for name, _ in COLUMNS}
    if len(lengths) != 1:
        raise BadBatchError(f"its columns have {sorted(lengths)} rows")
    for index, names in ((batch.service, batch.services), (batch.operation, batch.operations)):
        if len(index) and not 0 <= index.min() <= index.max() < len(names):
            raise BadBatchError(f"a span names one outside its {len(names)} names")
