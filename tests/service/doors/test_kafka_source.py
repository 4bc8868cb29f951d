"""Kafka as a source: real records, by the brokers that librdkafka brings for tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import span_builders
from builders import ONSET
from confluent_kafka import Consumer, Producer, TopicPartition
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from service_builders import a_bundle, a_client, a_cmdb, an_app
from wire_builders import packed

from service.data_directory import HISTORY, LINES
from service.doors.errors import BadKafkaSettingsError
from service.errors import TargetNotAllowedError
from telemetry.errors import HistoryWriteError
from telemetry.history_reader import HistoryReader
from telemetry.log_history import read_lines
from telemetry.wire.remote_write_1_pb2 import WriteRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from service.doors.kafka_source import KafkaSource

ONSET_MS = int(ONSET.timestamp() * 1000)
TOPICS = {
    "own": "samples",
    "lines": "logs",
    "written": "remote_write",
    "exported": "otlp_metrics",
    "traced": "otlp_traces",
}
N_ROUNDS = 40
"""More rounds of a second than a group needs to form."""


class Brokers:
    """A broker of this process, and what writes to it."""

    def __init__(self) -> None:
        self.producer = Producer({"bootstrap.servers": "unused", "test.mock.num.brokers": 1, "log_level": 0})
        found = self.producer.list_topics(timeout=10).brokers.values()
        self.addresses = tuple(f"{each.host}:{each.port}" for each in found)

    def send(self, topic: str, *values: bytes | None) -> None:
        for each in values:
            self.producer.produce(topic, each, partition=0)
        assert self.producer.flush(10) == 0

    def committed(self, topic: str, group: str = "sunspot") -> int:
        reader = Consumer({"bootstrap.servers": ",".join(self.addresses), "group.id": group})
        try:
            return max(0, reader.committed([TopicPartition(topic, 0)], timeout=10)[0].offset)
        finally:
            reader.close()


@pytest.fixture(scope="module")
def brokers() -> Brokers:
    return Brokers()


@contextmanager
def a_reader(
    directory: Path, brokers: Brokers, topics: dict[str, str], **chosen: Any
) -> Iterator[tuple[KafkaSource, Any]]:
    """Run a service that reads topics; the caller does each round."""
    app = an_app(
        directory,
        bundle=a_bundle(),
        kafka_brokers=brokers.addresses,
        kafka_group=directory.name,
        kafka_topics=topics,
        **chosen,
    )
    with a_client(app) as client:
        client.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
        yield app.state.doors.kafka, client


def advance_until(source: KafkaSource, is_done: Callable[[], bool]) -> None:
    for _ in range(N_ROUNDS):
        source.advance()
        if is_done():
            return
    raise AssertionError("the records did not come")


def n_records(client: Any, topic: str, outcome: str) -> float:
    name = "sunspot_kafka_records_total"
    registry = client.app.state.rooms.metrics.registry
    return registry.get_sample_value(name, {"topic": topic, "outcome": outcome}) or 0.0


def some_samples(*times_ms: int, metric: str = "memory", value: float = 0.25) -> bytes:
    rows = [{"item": "order", "metric": metric, "time_ms": each, "value": value} for each in times_ms]
    return json.dumps({"samples": rows}).encode()


def a_line(text: str = "order placed") -> bytes:
    return json.dumps({"service": "order", "time_ms": ONSET_MS, "message": text}).encode()


def a_write() -> bytes:
    request = WriteRequest()
    series = request.timeseries.add()
    for name, value in (("__name__", "cpu"), ("service", "order")):
        series.labels.add(name=name, value=value)
    series.samples.add(value=0.5, timestamp=ONSET_MS)
    return packed(request.SerializeToString())


def an_export() -> bytes:
    points = [{"timeUnixNano": str(ONSET_MS * 1_000_000), "asDouble": 0.75}]
    document = {
        "resourceMetrics": [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "order"}}]},
                "scopeMetrics": [{"metrics": [{"name": "disk", "gauge": {"dataPoints": points}}]}],
            }
        ]
    }
    body: bytes = ParseDict(document, ExportMetricsServiceRequest()).SerializeToString()
    return body


def test_records_of_each_form_are_stored_then_committed_and_bad_ones_stop_no_others(
    brokers: Brokers, tmp_path: Path
) -> None:
    brokers.send(
        "own", b"{", some_samples(ONSET_MS), None, b"x" * 200_000, some_samples(ONSET_MS, metric="m")
    )
    brokers.send("lines", a_line("password=hunter22"), b"\x00not a line", a_line())
    brokers.send("written", b"\xff\xff\xff\xff\x0f\0\0\0", b"not packed", a_write())
    brokers.send("exported", b"\xff" * 9, an_export())
    spans = span_builders.an_export([span_builders.a_span(start_us=ONSET_MS * 1000)])
    brokers.send("traced", b"\xff" * 9, spans.SerializeToString())
    with a_reader(tmp_path, brokers, TOPICS, body_limit_bytes=100_000) as (source, client):
        advance_until(source, lambda: sum(n_records(client, each, "stored") for each in TOPICS) == 7)
        found = {
            (topic, outcome): n_records(client, topic, outcome)
            for topic in TOPICS
            for outcome in ("stored", "unreadable", "too_large", "fault")
            if n_records(client, topic, outcome)
        }
        assert found == {
            ("own", "stored"): 2,
            ("own", "unreadable"): 2,
            ("own", "too_large"): 1,
            ("lines", "stored"): 2,
            ("lines", "unreadable"): 1,
            ("written", "stored"): 1,
            ("written", "unreadable"): 1,
            ("written", "too_large"): 1,
            ("exported", "stored"): 1,
            ("exported", "unreadable"): 1,
            ("traced", "stored"): 1,
            ("traced", "unreadable"): 1,
        }
        assert client.app.state.rooms.spans.memory.open.n_spans == 1
        frame = client.app.state.rooms.signals.in_use.window.frame()
        values = {(key.item, key.metric): frame.values[-1, at] for at, key in enumerate(frame.keys)}
        assert values["order", "cpu"] == 0.5
        assert values["order", "disk"] == 0.75
        assert values["order", "memory"] == values["order", "m"] == 0.25
        assert 'sunspot_log_lines_total{outcome="accepted"} 2.0' in client.get("/metrics").text
        assert "kafka" in client.get("/readyz").text
    stored = b"".join(each.read_bytes() for each in tmp_path.rglob("*") if each.is_file())
    assert b"hunter22" not in stored
    assert [brokers.committed(each, tmp_path.name) for each in TOPICS] == [5, 3, 3, 2, 2]


def test_nothing_is_committed_while_the_disk_refuses_and_all_of_it_after(
    brokers: Brokers, tmp_path: Path
) -> None:
    brokers.send("full", some_samples(ONSET_MS), some_samples(ONSET_MS, metric="m"))
    with a_reader(tmp_path, brokers, {"full": "samples"}) as (source, client):
        history = client.app.state.rooms.signals.history

        def refuse(_samples: object) -> int:
            raise HistoryWriteError(history.directory, OSError(28, "No space left on device"))

        whole, history.append = history.append, refuse
        with pytest.raises(HistoryWriteError):
            advance_until(source, lambda: False)
        brokers.send("full", some_samples(ONSET_MS, metric="later"))
        with pytest.raises(HistoryWriteError):
            source.advance()
        assert brokers.committed("full", tmp_path.name) == 0
        history.append = whole
        advance_until(source, lambda: n_records(client, "full", "stored") == 3)
        assert brokers.committed("full", tmp_path.name) == 3


def test_a_record_that_breaks_what_stores_it_is_given_up_alone(brokers: Brokers, tmp_path: Path) -> None:
    brokers.send("odd", some_samples(ONSET_MS), some_samples(ONSET_MS, metric="odd"), some_samples(ONSET_MS))
    with a_reader(tmp_path, brokers, {"odd": "samples"}) as (source, client):
        signals = client.app.state.rooms.signals
        whole = signals.history.append

        def append(samples: Any) -> int:
            if any(key.metric == "odd" for key in samples.keys):
                raise ZeroDivisionError
            stored: int = whole(samples)
            return stored

        signals.history.append = append
        advance_until(source, lambda: n_records(client, "odd", "stored") == 2)
        assert n_records(client, "odd", "fault") == 1
    assert brokers.committed("odd", tmp_path.name) == 3


def test_a_topic_that_is_not_there_is_said_to_be(tmp_path: Path, brokers: Brokers) -> None:
    options = {"allow.auto.create.topics": "false"}
    with a_reader(tmp_path, brokers, {"nowhere": "logs"}, kafka_options=options) as (source, _):
        source._is_in_doubt = True
        with pytest.raises(LookupError, match="no topics nowhere"):
            advance_until(source, lambda: False)


@pytest.mark.parametrize(
    ("chosen", "reason"),
    [
        ({}, "names no topic"),
        ({"kafka_topics": {"^m": "logs"}}, "one by one"),
        ({"kafka_topics": {"m": "logs"}, "kafka_options": {"no.such": "1"}}, "no.such"),
    ],
)
def test_settings_that_cannot_be_used_are_named(tmp_path: Path, chosen: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadKafkaSettingsError, match=reason):
        an_app(tmp_path, bundle=a_bundle(), kafka_brokers=("127.0.0.1:1",), **chosen)


def test_brokers_must_be_on_the_list_of_targets(tmp_path: Path) -> None:
    topics = {"m": "logs"}
    with pytest.raises(TargetNotAllowedError, match="SUNSPOT_KAFKA_BROKERS"):
        an_app(
            tmp_path, kafka_brokers=("kafka.example:9092",), kafka_topics=topics, outgoing={"a.example": ""}
        )


def stored_in(directory: Path) -> tuple[set[str], set[str]]:
    """Return the metrics and the lines on disk."""
    samples = HistoryReader(directory / HISTORY).read()
    lines = {text for logs in read_lines(directory / LINES) for text in logs.bodies}
    return {key.metric for key in samples.keys}, lines


READER = """
import sys
from pathlib import Path
from service_builders import an_app
app = an_app(
    Path(sys.argv[1]),
    kafka_brokers=sys.argv[2].split(","),
    kafka_group="killed",
    kafka_topics={"many": "samples", "texts": "logs"},
)
source = app.state.doors.kafka
print("reads", flush=True)
while True:
    print("stored" if source._store_batch() else "idle", flush=True)
"""


def test_what_is_committed_is_on_disk_after_a_kill_and_the_rest_is_read_again(
    brokers: Brokers, tmp_path: Path
) -> None:
    n_sent = 3_000

    brokers.send("many", *(some_samples(ONSET_MS, metric=f"m{each}") for each in range(n_sent)))
    brokers.send("texts", *(a_line(f"line {each} end") for each in range(n_sent)))
    command = [sys.executable, "-c", READER, str(tmp_path), ",".join(brokers.addresses)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as reader:
        assert reader.stdout is not None
        for line in reader.stdout:
            if line == "stored\n":
                break  # it goes on with the next batch
        reader.send_signal(signal.SIGKILL)
    n_committed = {topic: brokers.committed(topic, "killed") for topic in ("many", "texts")}
    assert 0 < sum(n_committed.values()) < 2 * n_sent
    metrics, lines = stored_in(tmp_path)
    assert {f"m{each}" for each in range(n_committed["many"])} <= metrics
    assert {f"line {each} end" for each in range(n_committed["texts"])} <= lines

    app = an_app(
        tmp_path,
        kafka_brokers=brokers.addresses,
        kafka_group="killed",
        kafka_topics={"many": "samples", "texts": "logs"},
    )
    with a_client(app) as client:
        left = 2 * n_sent - sum(n_committed.values())
        source = app.state.doors.kafka
        advance_until(
            source,
            lambda: n_records(client, "many", "stored") + n_records(client, "texts", "stored") >= left,
        )
    metrics, lines = stored_in(tmp_path)
    assert metrics >= {f"m{each}" for each in range(n_sent)}
    assert lines >= {f"line {each} end" for each in range(n_sent)}
