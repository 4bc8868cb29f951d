"""Records of Kafka's topics, read by the decoders of the other doors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from service.doors.errors import UnreadableRecordError
from service.errors import BadEncodingError, BodyTooLargeError
from service.http.body_reader import unpack_snappy
from service.settings import KafkaForm
from telemetry.batches import Samples
from telemetry.decoders import (
    json_logs,
    json_samples,
    otlp_logs,
    otlp_metrics,
    otlp_spans,
    remote_write,
    remote_write_2,
)
from telemetry.decoders.gathering import Decoded
from telemetry.decoders.gathering_logs import DecodedLogs
from telemetry.decoders.gathering_spans import DecodedSpans
from telemetry.decoders.labelled import Labelled
from telemetry.errors import BadBatchError
from telemetry.logs import Logs

if TYPE_CHECKING:
    from confluent_kafka import Message

    from service.rooms import Rooms

Content: TypeAlias = "Decoded | Labelled | DecodedLogs | DecodedSpans"

UNREADABLE, TOO_LARGE = "unreadable", "too_large"
"""Why a record cannot be read, as it is counted."""

READERS: Mapping[KafkaForm, Callable[[bytes, Rooms], Content]] = {
    KafkaForm.REMOTE_WRITE: lambda value, rooms: remote_write.decode(
        unpack_snappy(value, rooms.settings.body_limit_bytes), rooms.signals.names.book(rooms.graph)
    ),
    KafkaForm.REMOTE_WRITE_2: lambda value, rooms: remote_write_2.decode(
        unpack_snappy(value, rooms.settings.body_limit_bytes), rooms.signals.names.book(rooms.graph)
    ),
    KafkaForm.OTLP_METRICS: lambda value, rooms: otlp_metrics.decode(
        value, rooms.signals.names.book(rooms.graph)
    ),
    KafkaForm.OTLP_METRICS_JSON: lambda value, rooms: otlp_metrics.decode_json(
        value, rooms.signals.names.book(rooms.graph)
    ),
    KafkaForm.OTLP_LOGS: lambda value, rooms: otlp_logs.decode_protobuf(
        value, service_keys=rooms.settings.service_labels
    ),
    KafkaForm.OTLP_LOGS_JSON: lambda value, rooms: otlp_logs.decode(
        value, service_keys=rooms.settings.service_labels
    ),
    KafkaForm.OTLP_TRACES: lambda value, rooms: otlp_spans.decode_protobuf(
        value,
        service_keys=rooms.settings.service_labels,
        max_bytes=rooms.settings.body_limit_bytes,
    ),
    KafkaForm.OTLP_TRACES_JSON: lambda value, rooms: otlp_spans.decode(
        value,
        service_keys=rooms.settings.service_labels,
        max_bytes=rooms.settings.body_limit_bytes,
    ),
    KafkaForm.SAMPLES: lambda value, _: json_samples.decode(value),
    KafkaForm.LOGS: lambda value, rooms: json_logs.decode(value, service_keys=rooms.settings.service_labels),
}
"""How the records of a topic are read."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Records of one topic that are stored together.

    Attributes
    ----------
    records
        In the order of their positions, those that cannot be read among them.
    contents
        What the others hold.
    unreadable
        Those that cannot be read, each with the reason.
    """

    records: Sequence[Message]
    contents: tuple[Content, ...]
    unreadable: tuple[tuple[Message, UnreadableRecordError], ...] = ()

    def samples(self) -> list[Decoded | Labelled]:
        """The samples in it: labelled ones one by one, the others joined."""
        labelled: list[Decoded | Labelled] = [each for each in self.contents if isinstance(each, Labelled)]
        found = [each for each in self.contents if isinstance(each, Decoded)]
        if not found:
            return labelled
        rejected = tuple(chain.from_iterable(each.rejected for each in found))
        return [*labelled, Decoded(Samples.concatenated([each.samples for each in found]), rejected)]

    def spans(self) -> list[DecodedSpans]:
        """The spans in it, record by record."""
        return [each for each in self.contents if isinstance(each, DecodedSpans)]

    def lines(self) -> DecodedLogs | None:
        """The log lines in it, joined; ``None`` without any."""
        found = [each for each in self.contents if isinstance(each, DecodedLogs)]
        if not found:
            return None
        return DecodedLogs(
            Logs.from_records(chain.from_iterable(each.logs.records() for each in found)),
            tuple(chain.from_iterable(each.rejected for each in found)),
            sum(each.n_garbled for each in found),
            sum(each.n_without_service for each in found),
        )


def pieces_of(records: Sequence[Message], form: KafkaForm, rooms: Rooms) -> Iterator[Piece]:
    """Read records of one topic, a piece at a time.

    Samples and log lines are joined up to the limit of a body, because one write to disk serves them all.
    Labelled metrics are pieces of their own.
    """
    first, n_bytes = 0, 0
    for index, record in enumerate(records):
        size = len(record.value() or b"")
        if index > first and (form in LABELLED or n_bytes + size > rooms.settings.body_limit_bytes):
            yield piece_of(records[first:index], form, rooms)
            first, n_bytes = index, 0
        n_bytes += size
    if first < len(records):
        yield piece_of(records[first:], form, rooms)


LABELLED = frozenset(
    {KafkaForm.REMOTE_WRITE, KafkaForm.REMOTE_WRITE_2, KafkaForm.OTLP_METRICS, KafkaForm.OTLP_METRICS_JSON}
)


def piece_of(records: Sequence[Message], form: KafkaForm, rooms: Rooms) -> Piece:
    """Read some records; those that cannot be read are listed, and stop no others."""
    contents, unreadable = [], []
    for record in records:
        try:
            contents.append(read_record(record.value(), form, rooms))
        except UnreadableRecordError as error:
            unreadable.append((record, error))
    return Piece(records, tuple(contents), tuple(unreadable))


def read_record(value: bytes | str | None, form: KafkaForm, rooms: Rooms) -> Content:
    """The contents of one record.

    Raises
    ------
    UnreadableRecordError
        If it is empty or too large, if it is not of the form, or if no sample or line in it can be read.
    """
    if not isinstance(value, bytes) or not value:
        raise UnreadableRecordError(UNREADABLE, "it is empty")
    limit_bytes = rooms.settings.body_limit_bytes
    if len(value) > limit_bytes:
        raise UnreadableRecordError(TOO_LARGE, f"its {len(value)} bytes are over the limit of {limit_bytes}")
    try:
        content = READERS[form](value, rooms)
    except BodyTooLargeError as error:
        raise UnreadableRecordError(TOO_LARGE, str(error)) from error
    except (BadBatchError, BadEncodingError) as error:
        raise UnreadableRecordError(UNREADABLE, str(error)) from error
    except Exception as error:  # a fault of a decoder must not stop the other records
        raise UnreadableRecordError(UNREADABLE, f"{type(error).__name__}: {error}") from error
    if content.rejected and not _n_held(content) and not isinstance(content, Labelled):
        raise UnreadableRecordError(UNREADABLE, content.rejected[0].reason)
    return content


def _n_held(content: Content) -> int:
    """Number of samples, lines or spans that could be read."""
    if isinstance(content, DecodedLogs):
        return len(content.logs)
    return len(content.spans if isinstance(content, DecodedSpans) else content.samples)
