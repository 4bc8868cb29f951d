from __future__ import annotations

import gzip
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from builders import MINUTE_MS, ONSET
from service_builders import (
    ITEMS,
    a_bundle,
    a_client,
    a_cmdb,
    a_service,
    an_app,
    an_incident_frame,
    as_columns,
)

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi.testclient import TestClient

ONSET_MS = int(ONSET.timestamp() * 1000)


def send(client: TestClient, *rows: tuple[str, str, int, Any]) -> dict[str, Any]:
    samples = [{"item": i, "metric": m, "time_ms": t, "value": v} for i, m, t, v in rows]
    answer = client.post("/v1/samples", content=json.dumps({"samples": samples}))
    assert answer.status_code == 200, answer.text
    outcome: dict[str, Any] = answer.json()
    return outcome


@pytest.fixture
def client(tmp_path: Path) -> Any:
    with a_client(an_app(tmp_path, bundle=a_bundle())) as running:
        running.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
        yield running


def test_a_good_batch_is_accepted_completely(client: TestClient) -> None:
    outcome = send(client, ("order", "latency_s", ONSET_MS, 0.2), ("order", "latency_s", ONSET_MS + 1, 0.2))
    assert outcome["accepted"] == 2
    assert (
        outcome["rejected"] == outcome["late"] == outcome["duplicate"] == outcome["unknown_item_samples"] == 0
    )


def test_samples_of_unknown_items_are_stored_and_counted(client: TestClient) -> None:
    outcome = send(client, ("ghost", "latency_s", ONSET_MS, 0.2), ("order", "latency_s", ONSET_MS, 0.2))
    assert (outcome["accepted"], outcome["unknown_item_samples"], outcome["unknown_items"]) == (
        2,
        1,
        ["ghost"],
    )


def test_duplicates_and_samples_out_of_order_are_stored_and_counted(client: TestClient) -> None:
    send(client, ("order", "latency_s", ONSET_MS, 0.2))
    outcome = send(
        client, ("order", "latency_s", ONSET_MS, 0.3), ("order", "latency_s", ONSET_MS - MINUTE_MS, 0.1)
    )
    assert (outcome["accepted"], outcome["duplicate"], outcome["out_of_order"]) == (2, 1, 1)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), None, "much"])
def test_what_is_no_finite_number_costs_its_own_sample_only(client: TestClient, value: object) -> None:
    outcome = send(client, ("order", "latency_s", ONSET_MS, value), ("order", "requests", ONSET_MS, 1.0))
    assert (outcome["accepted"], outcome["rejected"]) == (1, 1)
    assert outcome["rejections"][0]["reason"]


@pytest.mark.parametrize("days", [-8, 1])
def test_times_far_from_now_are_rejected_with_the_reason(client: TestClient, days: int) -> None:
    far_ms = ONSET_MS + days * 86_400_000
    outcome = send(client, ("order", "latency_s", far_ms, 0.2), ("order", "latency_s", ONSET_MS, 0.2))
    assert (outcome["accepted"], outcome["rejected"]) == (1, 1)
    assert ("future" if days > 0 else "older") in outcome["rejections"][0]["reason"]


def test_samples_older_than_the_window_go_to_history_only(client: TestClient) -> None:
    send(client, ("order", "latency_s", ONSET_MS, 0.2))
    outcome = send(client, ("order", "latency_s", ONSET_MS - 86_400_000, 0.2))
    assert (outcome["accepted"], outcome["outside_window"]) == (1, 1)


@pytest.mark.parametrize(
    "body", [b"", b'{"samples": [{"item": "ord', b"[]", b'{"samples": 3}', b"\xff\xfe", b"nonsense"]
)
def test_a_batch_that_is_none_is_a_problem_and_costs_nothing(client: TestClient, body: bytes) -> None:
    send(client, ("order", "latency_s", ONSET_MS, 0.2))
    answer = client.post("/v1/samples", content=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) == {"type", "title", "status", "detail"}
    assert client.app.state.rooms.signals.in_use.window.n_series == 1  # type: ignore[attr-defined]


def test_gzip_is_unpacked(client: TestClient) -> None:
    body = gzip.compress(json.dumps(as_columns(an_incident_frame())).encode())
    answer = client.post("/v1/samples", content=body, headers={"content-encoding": "gzip"})
    assert answer.json()["accepted"] == 60 * 3 * len(ITEMS)


@pytest.mark.parametrize(
    ("body", "encoding"), [(b"plain", "gzip"), (gzip.compress(b"x" * 999, mtime=0)[:-9], "gzip"), (b"", "br")]
)
def test_a_body_packed_otherwise_is_a_problem(client: TestClient, body: bytes, encoding: str) -> None:
    answer = client.post("/v1/samples", content=body, headers={"content-encoding": encoding})
    assert answer.status_code == 415
    assert answer.json()["type"] == "urn:sunspot:problem:bad-encoding"


def test_bodies_over_the_limit_are_refused_packed_or_not(tmp_path: Path) -> None:
    with a_client(an_app(tmp_path, body_limit_bytes=1000)) as client:
        bomb = gzip.compress(b" " * 1_000_000)
        chunks = (b"x" * 400 for _ in range(9))
        answers = [
            client.post("/v1/samples", content=b"x" * 2000),
            client.post("/v1/samples", content=chunks),
            client.post("/v1/samples", content=bomb[:999], headers={"content-encoding": "gzip"}),
            client.post("/v1/incidents/1/verdict", content=b"x" * 2000),
        ]
    assert len(bomb) < 1100
    assert [each.status_code for each in answers] == [413, 413, 413, 413]


def test_series_beyond_the_limit_go_to_history_only(tmp_path: Path) -> None:
    with a_client(an_app(tmp_path, max_series=1)) as client:
        outcome = send(client, ("a", "m", ONSET_MS, 1.0), ("b", "m", ONSET_MS, 1.0))
    assert (outcome["accepted"], outcome["over_series_limit"]) == (2, 1)


def test_what_finds_no_room_is_told_to_its_sender_and_to_the_operator(tmp_path: Path) -> None:
    with a_client(an_app(tmp_path, max_series_per_sender=1)) as client:
        outcome = send(client, *((name, "m", ONSET_MS, 1.0) for name in "abc"))
        assert (outcome["accepted"], outcome["over_series_limit"], outcome["refused_series"]) == (3, 2, 2)
        reasons = client.get("/readyz").json()["reasons"]
        (told,) = [each for each in reasons if each.startswith("series:")]
        assert told.startswith("series: 'local' has 1 in memory, and 2 of its last batch found no room")
        text = client.get("/metrics").text
        assert 'sunspot_sender_series{sender="local"} 1.0' in text
        assert 'sunspot_sender_refused_samples{sender="local"} 2.0' in text
        client.app.state.rooms.clock.at += timedelta(hours=1)  # type: ignore[attr-defined]
        assert not [each for each in client.get("/readyz").json()["reasons"] if each.startswith("series:")]


def test_a_flood_of_new_series_without_room_is_asked_to_slow_down(tmp_path: Path) -> None:
    def batch(*names: str) -> dict[str, Any]:
        rows = [{"item": each, "metric": "m", "time_ms": ONSET_MS, "value": 1.0} for each in names]
        return {"samples": rows}

    with a_client(an_app(tmp_path, max_series_per_sender=5)) as client:
        assert client.post("/v1/samples", json=batch(*"abcde")).status_code == 200
        before = client.app.state.rooms.signals.history.position  # type: ignore[attr-defined]
        flood = [f"new{number}" for number in range(1_000)]
        refused = client.post("/v1/samples", json=batch(*flood))
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
        assert "'local' has 5 in memory" in refused.json()["detail"]
        assert client.app.state.rooms.signals.history.position == before  # type: ignore[attr-defined]
        mixed = client.post("/v1/samples", json=batch("a", *flood)).json()
        assert (mixed["accepted"], mixed["refused_series"]) == (1_001, 1_000)


def test_the_window_is_rebuilt_from_history_after_a_restart(tmp_path: Path) -> None:
    bundle = a_bundle()
    with a_service(tmp_path, bundle=bundle) as client:
        before = client.app.state.rooms.signals.in_use.window.frame()  # type: ignore[attr-defined]
    app = an_app(tmp_path, bundle=bundle)
    after = app.state.rooms.signals.in_use.window.frame()
    with a_client(app) as client:
        assert client.get("/v1/cmdb").json()["items"] == len(ITEMS)
    assert dict(before.column_of).keys() == dict(after.column_of).keys()
    order = [after.column_of[key] for key in before.keys]
    np.testing.assert_array_equal(before.values, after.values[:, order])


def test_with_signals_as_the_present_old_days_are_accepted(tmp_path: Path) -> None:
    clock_now = ONSET + timedelta(days=400)
    app = an_app(tmp_path, bundle=a_bundle(), present="signals")
    app.state.rooms.clock.at = clock_now
    signals = app.state.rooms.signals
    with a_client(app) as client:
        assert signals.present() == clock_now
        assert send(client, ("order", "latency_s", ONSET_MS, 0.2))["accepted"] == 1
        assert signals.present() == ONSET + timedelta(minutes=1)
        assert send(client, ("order", "latency_s", 4_000_000_000_000, 0.2))["rejected"] == 1
    again = an_app(tmp_path, present="signals")
    assert again.state.rooms.signals.present() == ONSET + timedelta(minutes=1)
    with a_client(again) as client:
        assert client.get("/readyz").json()["present"] == "2026-03-04T02:01:00Z"


def test_rejections_are_listed_in_the_order_of_the_body_and_each_sample_has_one_outcome(
    client: TestClient,
) -> None:
    outcome = send(
        client,
        ("order", "latency_s", ONSET_MS, None),
        ("order", "latency_s", ONSET_MS, 0.2),
        ("ghost", "latency_s", ONSET_MS, "much"),
        ("ghost", "latency_s", ONSET_MS, 0.2),
        ("ghost", "latency_s", ONSET_MS, 0.3),
        ("order", "latency_s", ONSET_MS + 86_400_000, 0.2),
    )
    assert [each["index"] for each in outcome["rejections"]] == [None, 0, 2]
    counted = {
        line.partition("{")[2].partition("}")[0]: float(line.rpartition(" ")[2])
        for line in client.get("/metrics").text.splitlines()
        if line.startswith("sunspot_samples_total")
    }
    assert counted == {
        'outcome="accepted"': 3,
        'outcome="rejected"': 2,
        'outcome="too_old"': 0,
        'outcome="too_new"': 1,
    }
    text = client.get("/metrics").text
    assert 'sunspot_sample_remarks_total{remark="unknown_item"} 2.0' in text
    assert 'sunspot_sample_remarks_total{remark="duplicate"} 1.0' in text


def test_what_is_json_but_no_batch_is_another_problem(client: TestClient) -> None:
    answer = client.post("/v1/samples", content=b'{"samples": 3}')
    assert answer.json()["type"] == "urn:sunspot:problem:bad-batch"
