"""Traces through HTTP: answers, restarts, and a ranking that names the slow service by its own time."""

from __future__ import annotations

import gzip
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from builders import ONSET
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from service_builders import NOW, StillClock, a_bundle, a_client, a_cmdb, a_webhook, an_app
from span_builders import a_span, an_export, as_json, traces

from telemetry.instants import to_ms
from telemetry.spans import NO_PARENT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi.testclient import TestClient

    from telemetry.spans import SpanRecord

PATH, PROTOBUF = "/otlp/v1/traces", {"content-type": "application/x-protobuf"}
ONSET_MS, NOW_MS = to_ms(ONSET), to_ms(NOW)
GOOD = a_span(start_us=ONSET_MS * 1000)


def send(client: TestClient, spans: list[SpanRecord]) -> Any:
    answer = client.post(PATH, content=an_export(spans).SerializeToString(), headers=PROTOBUF)
    answer.raise_for_status()
    return ExportTraceServiceResponse.FromString(answer.content).partial_success


def value_of(client: TestClient, metric: str) -> float:
    lines = client.get("/metrics").text.splitlines()
    return float(next(line.split()[-1] for line in lines if line.startswith(f"{metric} ")))


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def client(tmp_path: Path, clock: StillClock) -> Iterator[TestClient]:
    with a_client(an_app(tmp_path, bundle=a_bundle(), clock=clock)) as client:
        client.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
        yield client


def send_a_sample(client: TestClient) -> None:
    sample = {"item": "order", "metric": "latency_s", "time_ms": NOW_MS - 120_000, "value": 1.0}
    client.post("/v1/samples", json={"samples": [sample]}).raise_for_status()


def rank(client: TestClient) -> dict[str, Any]:
    answer = client.post("/v1/alerts", json=a_webhook())
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()["alerts"][0]["ranking"]
    return found


def test_spans_alone_name_the_service_whose_own_time_rose(client: TestClient, clock: StillClock) -> None:
    send(client, traces(ONSET_MS - 3 * 3_600_000, ONSET_MS))
    send(client, traces(ONSET_MS, NOW_MS - 60_000, slow={"funds": 20.0}, first=1_000_000))
    clock.at += timedelta(seconds=31)
    ranking = rank(client)
    best = ranking["candidates"][0]
    assert best["item"] == "funds"
    assert "own_time" in [each["kind"] for each in best["evidence"]]
    assert "serve of funds itself takes" in str(best["evidence"])
    assert not any("traces" in sentence for sentence in ranking["unseen"])


def test_without_a_cmdb_the_calls_seen_are_the_graph(tmp_path: Path, clock: StillClock) -> None:
    with a_client(an_app(tmp_path, bundle=a_bundle(items=("gateway",)), clock=clock)) as client:
        send(client, traces(ONSET_MS - 3 * 3_600_000, ONSET_MS))
        send(client, traces(ONSET_MS, NOW_MS - 60_000, slow={"funds": 20.0}, first=1_000_000))
        clock.at += timedelta(seconds=31)
        client.app.state.rooms.spans.closing.advance()  # type: ignore[attr-defined]
        best = rank(client)["candidates"][0]
        assert (best["item"], best["path"]) == ("funds", ["gateway", "order", "funds"])


def test_a_restart_forgets_nothing_of_traces(tmp_path: Path, clock: StillClock) -> None:
    def app() -> Any:
        return an_app(tmp_path, bundle=a_bundle(), clock=clock)

    with a_client(app()) as client:
        client.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
        send(client, traces(ONSET_MS - 3 * 3_600_000, ONSET_MS))
        clock.at += timedelta(seconds=31)
        client.app.state.rooms.spans.closing.advance()  # type: ignore[attr-defined]
        client.app.state.rooms.spans.checkpoint()  # type: ignore[attr-defined]
        send(client, traces(ONSET_MS, NOW_MS - 60_000, slow={"funds": 20.0}, first=1_000_000))
        (tmp_path / "kept").write_bytes((tmp_path / "spans.state").read_bytes())
    (tmp_path / "kept").replace(tmp_path / "spans.state")  # as if it had been killed
    with a_client(app()) as client:
        clock.at += timedelta(seconds=31)
        assert rank(client)["candidates"][0]["item"] == "funds"
    (tmp_path / "spans.state").unlink()
    with a_client(app()) as client:
        client.app.state.rooms.spans.closing.advance()  # type: ignore[attr-defined]
        assert client.app.state.rooms.spans.memory.n_summed > 0  # type: ignore[attr-defined]


def test_without_traces_the_ranking_says_that_none_were_received(client: TestClient) -> None:
    send_a_sample(client)
    assert any(each.startswith("No traces were received:") for each in rank(client)["unseen"])


def test_a_ranking_says_how_old_the_latest_trace_is(client: TestClient) -> None:
    send_a_sample(client)
    send(client, [GOOD._replace(start_us=(NOW_MS - 7_200_000) * 1000)])
    unseen = rank(client)["unseen"]
    assert "The latest trace received is 2 h old: later calls could not be looked at." in unseen
    assert any(each.startswith("No traces of this time were received") for each in unseen)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"trace_id": b"\1" * 8}, "its trace id has 8 bytes, not 16"),
        ({"span_id": b"\1" * 3}, "its span id has 3 bytes, not 8"),
        ({"parent_id": b"\1"}, "its parent's id has 1 bytes, not 8"),
        ({"parent_id": GOOD.span_id}, "it is its own parent"),
        ({"duration_us": -5}, "it ends before it starts"),
        ({"start_us": 5}, "its time is outside the years 2000 to 2099"),
        ({"trace_id": bytes(16)}, "an id of it is all zeros"),
        ({"service": ""}, "it names no service, or not by a usable name"),
        ({"start_us": (ONSET_MS + 86_400_000) * 1000}, "1 spans are over 5 min in the future"),
        ({"start_us": (ONSET_MS - 8 * 86_400_000) * 1000}, "1 spans are over 7 d old"),
    ],
)
def test_a_bad_span_is_rejected_alone(client: TestClient, changed: dict[str, Any], reason: str) -> None:
    bad = GOOD._replace(**changed)
    partial = send(client, [GOOD, bad])
    assert (partial.rejected_spans, partial.error_message) == (1, reason)
    answer = client.post(PATH, json=as_json([GOOD, bad])).json()
    assert answer == {"partialSuccess": {"rejectedSpans": "1", "errorMessage": reason}}
    assert value_of(client, 'sunspot_spans_total{outcome="accepted"}') == 2


def test_good_spans_are_answered_emptily_in_the_type_of_the_request(client: TestClient) -> None:
    packed = gzip.compress(an_export([GOOD]).SerializeToString())
    answer = client.post(PATH, content=packed, headers={**PROTOBUF, "content-encoding": "gzip"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "application/x-protobuf"
    assert client.post(PATH, json=as_json([GOOD])).json() == {}
    assert client.post(PATH, content=b"x", headers={"content-type": "text/plain"}).status_code == 415
    assert client.post(PATH, content=b"\xff", headers=PROTOBUF).status_code == 400


def test_late_spans_and_spans_without_their_parent_are_counted(client: TestClient, clock: StillClock) -> None:
    send(client, [GOOD, GOOD._replace(span_id=b"b" * 8, parent_id=b"c" * 8)])
    clock.at += timedelta(seconds=31)
    client.app.state.rooms.spans.closing.advance()  # type: ignore[attr-defined]
    send(client, [GOOD._replace(span_id=b"d" * 8)])
    assert value_of(client, 'sunspot_spans_total{outcome="late"}') == 1
    assert value_of(client, 'sunspot_span_remarks{remark="without_parent"}') == 1
    assert value_of(client, "sunspot_open_spans") == 0


def test_zipkin_spans_are_accepted_and_the_bad_ones_reported(client: TestClient) -> None:
    good = {
        "traceId": "1" * 16,
        "id": "2" * 16,
        "timestamp": ONSET_MS * 1000,
        "duration": 5000,
        "kind": "SERVER",
        "name": "get /orders/12345",
        "localEndpoint": {"serviceName": "order"},
    }
    answer = client.post("/api/v2/spans", json=[good, {**good, "id": "zz"}, 7]).json()
    assert (answer["accepted"], answer["rejected"]) == (1, 2)
    assert [each["reason"] for each in answer["rejections"]] == [
        "its id is not hexadecimal",
        "it is not an object",
    ]
    (held,) = [client.app.state.rooms.spans.memory.open.held]  # type: ignore[attr-defined]
    assert held.operations == ("get /orders/{id}",)
    assert bytes(held.parent_id[0]).ljust(8, b"\0") == NO_PARENT
