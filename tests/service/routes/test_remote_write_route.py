"""Remote write over HTTP: what a sender is told, and what is kept."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from builders import MINUTE_MS, ONSET
from service_builders import a_bundle, a_client, a_cmdb, an_app
from wire_builders import STALE, a_body, a_body_2, packed

from telemetry.errors import HistoryWriteError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi.testclient import TestClient

ONSET_MS = int(ONSET.timestamp() * 1000)
LABELS = {"__name__": "memory_ratio", "job": "order"}
HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
DAY_MS = 86_400_000


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with a_client(an_app(tmp_path, bundle=a_bundle())) as running:
        running.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
        yield running


def write(client: TestClient, body: bytes, **headers: str) -> Any:
    chosen = {**HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return client.post("/api/v1/write", content=packed(body), headers=chosen)


def window(client: TestClient) -> Any:
    return client.app.state.rooms.signals.in_use.window.frame()  # type: ignore[attr-defined]


def test_a_body_is_stored_and_its_samples_are_in_the_window(client: TestClient) -> None:
    answer = write(client, a_body((LABELS, [(ONSET_MS, 0.25), (ONSET_MS + MINUTE_MS, 0.5)])))
    assert answer.status_code == 200
    assert (answer.json()["accepted"], answer.json()["unknown_items"]) == (2, [])
    assert answer.headers["X-Prometheus-Remote-Write-Samples-Written"] == "2"
    assert answer.headers["X-Prometheus-Remote-Write-Histograms-Written"] == "0"
    assert answer.headers["X-Prometheus-Remote-Write-Exemplars-Written"] == "0"
    frame = window(client)
    assert frame.keys == (("order", "memory_ratio"),)
    assert frame.values[-2:, 0].tolist() == [0.25, 0.5]


def test_what_names_no_known_item_is_stored_and_listed(client: TestClient) -> None:
    answer = write(client, a_body(({"__name__": "up", "job": "ghost"}, [(ONSET_MS, 1.0)])))
    assert (answer.json()["unknown_item_samples"], answer.json()["unknown_items"]) == (1, ["ghost"])


def test_a_body_with_samples_that_are_too_old_keeps_the_others_and_is_not_sent_again(
    client: TestClient,
) -> None:
    answer = write(client, a_body((LABELS, [(ONSET_MS - 8 * DAY_MS, 0.1), (ONSET_MS, 0.5)])))
    assert answer.status_code == 400
    assert answer.headers["X-Prometheus-Remote-Write-Samples-Written"] == "1"
    assert answer.json()["type"] == "urn:sunspot:problem:partly-rejected"
    assert "1 samples are older than 7 days" in answer.json()["detail"]
    assert len(window(client).keys) == 1


def test_values_that_say_nothing_are_no_fault_of_the_sender(client: TestClient) -> None:
    answer = write(client, a_body((LABELS, [(ONSET_MS, float("nan")), (ONSET_MS + 1, STALE)])))
    assert answer.status_code == 200
    assert answer.headers["X-Prometheus-Remote-Write-Samples-Written"] == "2"
    assert 'sunspot_sample_remarks_total{remark="without_value"} 1.0' in client.get("/metrics").text


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"\xff\xff\xff\xff\x0f\0\0\0", {}, 413),
        (b"", {}, 415),
        (b"\x05abc", {}, 415),
        (packed(b"\x0a\x05abc"), {}, 400),
        (packed(b""), {"Content-Encoding": "zstd"}, 415),
        (packed(b""), {"Content-Type": "application/x-protobuf;proto=io.prometheus.write.v9.Request"}, 415),
        (packed(b""), {"Content-Type": "application/json"}, 415),
        (packed(b""), {"Content-Type": "application/x-protobuf;proto=prometheus.WriteRequest"}, 200),
        (packed(b""), {}, 200),
    ],
)
def test_what_cannot_be_read_has_a_clear_answer(
    client: TestClient, content: bytes, headers: dict[str, str], status: int
) -> None:
    answer = client.post("/api/v1/write", content=content, headers={**HEADERS, **headers})
    assert answer.status_code == status
    assert answer.json().get("status", 200) == status


def test_version_2_is_understood(client: TestClient) -> None:
    body = a_body_2(({"__name__": "memory_ratio", "job": "order"}, [(ONSET_MS, 0.25)]))
    answer = write(client, body, Content_Type="application/x-protobuf;proto=io.prometheus.write.v2.Request")
    assert answer.status_code == 200
    assert answer.headers["X-Prometheus-Remote-Write-Samples-Written"] == "1"
    assert window(client).keys == (("order", "memory_ratio"),)


def test_a_body_of_random_bytes_is_refused(client: TestClient) -> None:
    assert write(client, b"\x07" + os.urandom(64)).status_code == 400


def test_a_sender_tries_again_when_the_disk_refuses(client: TestClient) -> None:
    history = client.app.state.rooms.signals.history  # type: ignore[attr-defined]

    def refuse(_samples: object) -> int:
        raise HistoryWriteError(history.directory, OSError(28, "No space left on device"))

    history.append = refuse
    answer = write(client, a_body((LABELS, [(ONSET_MS, 0.25)])))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    del history.append
    assert write(client, a_body((LABELS, [(ONSET_MS, 0.25)]))).status_code == 200


def test_another_graph_finds_other_items(client: TestClient) -> None:
    labels = {"__name__": "up", "job": "apps", "instance": "mail:80"}
    body = a_body((labels, [(ONSET_MS, 1.0)]))
    assert write(client, body).json()["unknown_items"] == ["apps"]
    smaller = a_cmdb(items=("mail",), edges=())
    client.post("/v1/cmdb?allow_shrink=true", json=smaller).raise_for_status()
    assert write(client, body).json()["unknown_items"] == []
    assert [key.item for key in window(client).keys] == ["apps", "mail"]
