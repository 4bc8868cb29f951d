"""What was acknowledged survives ``kill -9``."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx2
import pytest
from builders import ONSET
from service_builders import a_cmdb, a_webhook

from telemetry.history import History

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ENOUGH = 8
ONSET_MS = int(ONSET.timestamp() * 1000)


@contextmanager
def a_process(data: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the real command on a free port, and kill it at the end whatever happened."""
    environment = {**os.environ, "SUNSPOT_PRESENT": "signals", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "sunspot", "serve", "--port", "0", "--data", str(data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert found is not None
        yield process, found[0]
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def write_until_killed(
    write: Callable[[int], bool], acknowledged: list[int], enough: threading.Event
) -> None:
    number = 0
    try:
        while write(number):
            acknowledged.append(number)
            number += 1
            if number >= ENOUGH:
                enough.set()
    except httpx2.HTTPError:
        enough.set()


@pytest.mark.timeout(100)
def test_nothing_acknowledged_is_lost_when_the_service_is_killed_while_writing(tmp_path: Path) -> None:
    done: dict[str, list[int]] = {"samples": [], "alerts": [], "verdicts": [], "changes": []}
    with (
        a_process(tmp_path) as (process, address),
        httpx2.Client(base_url=address, trust_env=False) as client,
    ):
        version = client.post("/v1/cmdb", json=a_cmdb()).json()["graph_version"]
        client.post("/v1/alerts", json=a_webhook("ghost", name="first")).raise_for_status()

        def post(path: str, body: object) -> bool:
            return client.post(path, json=body).status_code == 200

        writers: dict[str, Callable[[int], bool]] = {
            "samples": lambda number: post(
                "/v1/samples",
                {
                    "samples": [
                        {"item": "order", "metric": f"m{each}", "time_ms": ONSET_MS + number, "value": number}
                        for each in range(20)
                    ]
                },
            ),
            "alerts": lambda number: post(
                "/v1/alerts",
                a_webhook("order", name=f"n{number}", starts_at=ONSET - timedelta(hours=1 + number)),
            ),
            "verdicts": lambda number: post("/v1/incidents/1/verdict", {"causes": [str(number)]}),
            "changes": lambda number: post(
                "/v1/changes",
                {"changes": [{"id": str(number), "item": "order", "at": "2026-03-04T01:50:00Z"}]},
            ),
        }
        events = {name: threading.Event() for name in writers}
        threads = [
            threading.Thread(target=write_until_killed, args=(write, done[name], events[name]))
            for name, write in writers.items()
        ]
        for thread in threads:
            thread.start()
        assert all(event.wait(30) for event in events.values())
        process.send_signal(signal.SIGKILL)
        for thread in threads:
            thread.join(10)

    assert all(len(numbers) >= ENOUGH for numbers in done.values())
    history = History(tmp_path / "history")
    stored = history.read()
    history.close()
    in_history = {
        (stored.keys[each].metric, int(at)) for each, at in zip(stored.series, stored.time_ms, strict=True)
    }
    assert {(f"m{each}", ONSET_MS + number) for number in done["samples"] for each in range(20)} <= in_history

    with a_process(tmp_path) as (_, address), httpx2.Client(base_url=address, trust_env=False) as client:
        assert client.get("/v1/cmdb").json()["graph_version"] == version
        alerts = client.get("/v1/incidents", params={"limit": 200}).json()["incidents"]
        assert {f"n{number} on order" for number in done["alerts"]} <= {each["title"] for each in alerts}
        verdicts = client.get("/v1/incidents/1").json()["verdicts"]
        assert {str(number) for number in done["verdicts"]} <= {each["causes"][0] for each in verdicts}
        changes = client.get("/v1/changes", params={"limit": 1000}).json()["changes"]
        assert {str(number) for number in done["changes"]} <= {each["id"] for each in changes}


def test_the_service_finishes_and_stops_when_it_is_asked_to(tmp_path: Path) -> None:
    with a_process(tmp_path) as (process, address):
        assert httpx2.get(f"{address}/healthz", trust_env=False).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) in {0, -signal.SIGTERM}
    with a_process(tmp_path) as (_, address):
        assert httpx2.get(f"{address}/healthz", trust_env=False).status_code == 200
