"""Kafka as a source: records are read in batches, and their positions committed once the disk holds them.

After a kill, records whose positions were not committed are read again: samples of the same instant count
once, log lines may be there twice.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, KafkaException, TopicPartition

from service.doors.errors import BadKafkaSettingsError, KafkaTopicsError, UnreadableRecordError
from service.doors.kafka_records import piece_of, pieces_of
from service.errors import TooManySeriesError
from service.receiving import receive_lines, receive_samples, receive_spans
from telemetry.errors import HistoryClosedError

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message

    from service.doors.kafka_records import Piece
    from service.rooms import Rooms
    from service.settings import Settings

logger = logging.getLogger(__name__)

N_RECORDS = 500
"""Most records of a batch; their bytes are bounded by what the library fetches ahead."""

AHEAD_KB = 16 * 1024
N_BATCHES = 100
"""Batches of one round, while records are there: the health of the reader is recorded after it."""

SESSION_MS = 10_000
"""How long the group waits for a reader that was killed."""

POLL_S, CHECK_S = 1.0, 2.0
STORED, FAULT, TOO_MANY_SERIES = "stored", "fault", "too_many_series"
"""What became of a record, beside the reasons why one cannot be read."""


class KafkaSource:
    """Reads topics of Kafka, round by round, in one thread.

    Raises
    ------
    BadKafkaSettingsError
        If a setting cannot be used.
    """

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._topics = rooms.settings.kafka_topics
        self._waiting: dict[str, list[Message]] = {}
        self._positions: dict[tuple[str, int], int] = {}
        self._n_dead: Counter[str] = Counter()
        self._is_paused = self._is_stopping = self._is_in_doubt = False
        self._consumer = _consumer(rooms.settings, self._doubt)
        self._consumer.subscribe(list(self._topics), on_revoke=self._give_up, on_lost=self._forget)

    def advance(self) -> None:
        """Store the records that are there, in bounded batches.

        Raises
        ------
        HistoryWriteError
            If the disk refuses: the records wait, and no others are read meanwhile.
        KafkaException, KafkaTopicsError
            If the brokers do not answer, or lack a topic.
        """
        for _ in range(N_BATCHES):
            if self._is_stopping or not self._store_batch():
                return

    def stop(self) -> None:
        """End the present round early; what was stored is committed."""
        self._is_stopping = True

    def close(self) -> None:
        """Leave the group, so that others may go on at once."""
        self._is_stopping = True
        self._consumer.close()

    def _store_batch(self) -> bool:
        """Read and store a batch; return whether there was anything."""
        self._commit()  # what the brokers did not take before
        self._read()
        if not self._waiting:
            self._check()
            return False
        try:
            self._store()
        finally:
            self._commit()
        return True

    def _read(self) -> None:
        """Add new records to those that wait; none while the disk refuses, but the group is told of life."""
        if self._waiting:
            self._consumer.pause(self._consumer.assignment())
            self._is_paused = True
            found = [self._consumer.poll(0)]
        else:
            if self._is_paused:
                self._consumer.resume(self._consumer.assignment())
                self._is_paused = False
            found = [*self._consumer.consume(N_RECORDS, 0)] or [self._consumer.poll(POLL_S)]
        for each in found:
            if each is None:
                continue
            error, topic = each.error(), each.topic()
            if error is not None or topic is None:
                self._is_in_doubt = True
            else:
                self._waiting.setdefault(topic, []).append(each)

    def _store(self) -> None:
        for topic in list(self._waiting):
            waiting = self._waiting[topic]
            for piece in pieces_of(list(waiting), self._topics[topic], self._rooms):
                if self._is_stopping:
                    return
                self._store_piece(topic, piece)
                del waiting[: len(piece.records)]
                for each in piece.records:
                    self._positions[_place(each)] = _offset(each) + 1
            del self._waiting[topic]

    def _store_piece(self, topic: str, piece: Piece) -> None:
        """Store a piece; if that fails for more than the disk, each of its records alone."""
        try:
            self._receive(topic, piece)
        except (OSError, HistoryClosedError):
            raise
        except Exception as error:
            if len(piece.records) > 1:
                for each in piece.records:
                    self._store_piece(topic, piece_of([each], self._topics[topic], self._rooms))
                return
            is_flood = isinstance(error, TooManySeriesError)
            if not is_flood:
                logger.exception("record not stored", extra={"topic": topic})
            reason = UnreadableRecordError(TOO_MANY_SERIES if is_flood else FAULT, str(error))
            self._bury(topic, piece.records[0], reason)
            return
        for record, unreadable in piece.unreadable:
            self._bury(topic, record, unreadable)
        n_stored = len(piece.records) - len(piece.unreadable)
        self._rooms.metrics.count_records(topic, STORED, n_stored)

    def _receive(self, topic: str, piece: Piece) -> None:
        rooms, sender = self._rooms, f"kafka:{topic}"
        for each in piece.samples():
            receive_samples(each, rooms.signals, rooms.graph, rooms.metrics, sender=sender)
        if (lines := piece.lines()) is not None:
            receive_lines(lines, rooms.logs, rooms.metrics)
        for spans in piece.spans():
            receive_spans(spans, rooms.spans, rooms.metrics)

    def _bury(self, topic: str, record: Message, why: UnreadableRecordError) -> None:
        """Count a record that is given up; of a topic the first is logged, the second, fourth and so on."""
        self._rooms.metrics.count_records(topic, why.kind)
        self._n_dead[topic] += 1
        n_dead = self._n_dead[topic]
        if n_dead & (n_dead - 1) == 0:
            where = {"topic": topic, "partition": record.partition(), "offset": record.offset()}
            logger.warning("record given up", extra={**where, "reason": why.reason, "so_far": n_dead})

    def _commit(self) -> None:
        """Commit the positions of all that is stored."""
        if self._positions:
            offsets = [TopicPartition(*place, offset) for place, offset in self._positions.items()]
            self._consumer.commit(offsets=offsets, asynchronous=False)
            self._positions.clear()

    def _check(self) -> None:
        """After an error, ask the brokers for the topics until they answer."""
        if self._is_in_doubt:
            found = self._consumer.list_topics(timeout=CHECK_S).topics
            missing = [each for each in self._topics if each not in found or found[each].error is not None]
            if missing:
                raise KafkaTopicsError(missing)
            self._is_in_doubt = False

    def _doubt(self, _error: KafkaError) -> None:
        self._is_in_doubt = True

    def _give_up(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Commit what is stored of partitions that go to another reader; it reads what waits."""
        try:
            self._commit()
        except KafkaException as error:
            logger.warning("positions not committed", extra={"error": str(error)})
        self._forget(consumer, partitions)

    def _forget(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        gone = {(each.topic, each.partition) for each in partitions}
        self._positions = {place: offset for place, offset in self._positions.items() if place not in gone}
        left = {
            topic: [each for each in records if _place(each) not in gone]
            for topic, records in self._waiting.items()
        }
        self._waiting = {topic: records for topic, records in left.items() if records}


def _consumer(settings: Settings, on_error: object) -> Consumer:
    if not settings.kafka_topics:
        raise BadKafkaSettingsError("SUNSPOT_KAFKA_TOPICS names no topic")
    if any(each.startswith("^") for each in settings.kafka_topics):
        raise BadKafkaSettingsError("SUNSPOT_KAFKA_TOPICS names topics one by one, not by a pattern")
    usual = {
        "auto.offset.reset": "earliest",
        "queued.max.messages.kbytes": AHEAD_KB,
        "session.timeout.ms": SESSION_MS,
    }
    chosen = {name: value.get_secret_value() for name, value in settings.kafka_options.items()}
    own = {
        "bootstrap.servers": ",".join(settings.kafka_brokers),
        "group.id": settings.kafka_group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "error_cb": on_error,
    }
    try:
        return Consumer({**usual, **chosen, **own}, logger=logger)
    except KafkaException as error:
        raise BadKafkaSettingsError(str(error)) from error


def _place(record: Message) -> tuple[str, int]:
    topic, partition = record.topic(), record.partition()
    return topic or "", partition if partition is not None else -1


def _offset(record: Message) -> int:
    offset = record.offset()
    return -1 if offset is None else offset
