"""How long others wait for the answer to their alert while a storm of alerts comes in.

Question: is one sender's storm, in one body or alert by alert, the wait of everybody else?
Data: synthetic alerts, on items of their own or on a few that many share. Metric: percentiles of the seconds
that a single alert waits beside the storm, how long the storm itself takes, how many of its alerts were
taken, and the longest that the service took to say that it lives.
Result: docs/operate.md, "When alerts storm".
Run: ``python -m experiments.performance.alert_storm`` starts a service of its own;
``--address http://127.0.0.1:8321`` takes one that runs.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import TYPE_CHECKING, Any

import click
import httpx2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TIMEOUT_S = 600.0
EVERY_S = 0.1
"""Pause between two alerts of somebody else, and between two looks at whether the service lives."""


@dataclass(frozen=True)
class StormFigures:
    """What a storm cost those beside it.

    Attributes
    ----------
    n_sent, n_taken
        Alerts of the storm, and those that the service answered with a number of an incident.
    storm_s
        Seconds from the first byte of the storm to its last answer.
    others_p50_s, others_p99_s, others_max_s
        Seconds that a single alert of somebody else waited for its answer.
    n_others, n_others_failed
        Such alerts, and those that were not taken.
    live_max_s
        The longest that the service took to say that it lives.
    """

    n_sent: int
    n_taken: int
    storm_s: float
    others_p50_s: float
    others_p99_s: float
    others_max_s: float
    n_others: int
    n_others_failed: int
    live_max_s: float


def storm_in_one_body(
    address: str, *, n_alerts: int, n_items: int = 0, token: str = "", run: str = "storm"
) -> StormFigures:
    """Send all alerts of a storm in one body.

    Parameters
    ----------
    address
        Where the service listens.
    n_items
        Items that the alerts share; 0 for one each.
    run
        Part of a label of every alert: two storms of one name are the same alerts.
    """
    body = json.dumps({"alerts": _alerts(n_alerts, n_items, run)}, separators=(",", ":")).encode()
    return _beside(address, [body], n_senders=1, n_sent=n_alerts, token=token, run=run)


def storm_of_single_alerts(
    address: str,
    *,
    n_alerts: int,
    n_items: int = 0,
    per_s: float = 10_000 / 60,
    n_senders: int = 20,
    token: str = "",
    run: str = "singles",
) -> StormFigures:
    """Send the alerts of a storm in bodies of one alert each, no more than some a second."""
    bodies = [json.dumps({"alerts": [each]}).encode() for each in _alerts(n_alerts, n_items, run)]
    return _beside(address, bodies, n_senders=n_senders, n_sent=n_alerts, token=token, run=run, per_s=per_s)


def seconds_of_one_alert(address: str, *, n_repeats: int, token: str = "", run: str = "one") -> list[float]:
    """Seconds that one alert after another takes, each on an item of its own."""
    with _client(address, token) as client:
        return [_timed(client, _others_alert(run, number))[0] for number in range(n_repeats)]


def _beside(
    address: str,
    bodies: Sequence[bytes],
    *,
    n_senders: int,
    n_sent: int,
    token: str,
    run: str,
    per_s: float = float("inf"),
) -> StormFigures:
    over = Event()
    with ThreadPoolExecutor(2) as beside, _client(address, token) as client:
        others = beside.submit(_others_until, over, address, token, run)
        lives = beside.submit(_lives_until, over, address)
        began = time.perf_counter()

        def send(number: int) -> int:
            time.sleep(max(0.0, began + number / per_s - time.perf_counter()))
            answer = client.post("/v1/alerts", content=bodies[number])
            return answer.content.count(b'"incident":') if answer.is_success else 0

        try:
            with ThreadPoolExecutor(n_senders) as senders:
                n_taken = sum(senders.map(send, range(len(bodies))))
            storm_s = time.perf_counter() - began
        finally:
            over.set()
        waits, n_failed = others.result()
        live_s = lives.result()
    p50, p99 = np.percentile(waits, [50, 99]).tolist() if waits else (float("nan"),) * 2
    return StormFigures(
        n_sent, n_taken, storm_s, p50, p99, max(waits, default=float("nan")), len(waits), n_failed, live_s
    )


def _others_until(over: Event, address: str, token: str, run: str) -> tuple[list[float], int]:
    """Send somebody else's alerts until the storm is over; return how long each took, and how many failed."""
    waits: list[float] = []
    n_failed = 0
    with _client(address, token) as client:
        while not over.is_set():
            wait_s, is_taken = _timed(client, _others_alert(run, len(waits)))
            waits.append(wait_s)
            n_failed += not is_taken
            over.wait(EVERY_S)
    return waits, n_failed


def _lives_until(over: Event, address: str) -> float:
    longest_s = 0.0
    with _client(address, "") as client:
        while not over.is_set():
            began = time.perf_counter()
            client.get("/healthz").raise_for_status()
            longest_s = max(longest_s, time.perf_counter() - began)
            over.wait(EVERY_S)
    return longest_s


def _timed(client: httpx2.Client, webhook: dict[str, Any]) -> tuple[float, bool]:
    began = time.perf_counter()
    answer = client.post("/v1/alerts", json=webhook)
    return time.perf_counter() - began, answer.is_success


def _client(address: str, token: str) -> httpx2.Client:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    limits = httpx2.Limits(max_connections=100)
    return httpx2.Client(base_url=address, headers=headers, timeout=TIMEOUT_S, trust_env=False, limits=limits)


def _alerts(n_alerts: int, n_items: int, run: str) -> list[dict[str, Any]]:
    """The alerts of a storm, as short as a sender may write them: 100,000 fit into the usual limit."""
    starts_at = datetime.now(UTC).replace(microsecond=0)
    return [
        {
            "labels": {"ci": f"s{number % (n_items or n_alerts)}", "n": f"{run}{number}"},
            "startsAt": (starts_at - timedelta(seconds=number % 60)).strftime("%FT%TZ"),
        }
        for number in range(n_alerts)
    ]


def _others_alert(run: str, number: int) -> dict[str, Any]:
    starts_at = datetime.now(UTC).isoformat()
    labels = {"alertname": "Slow", "service": f"other-{run}-{number}", "severity": "critical"}
    return {"alerts": [{"labels": labels, "startsAt": starts_at, "fingerprint": f"other-{run}-{number}"}]}


@contextmanager
def a_service(data: Path) -> Iterator[tuple[str, int]]:
    """Run a service of its own on a free port; return its address and its process's number."""
    command = [sys.executable, "-m", "sunspot", "serve", "--port", "0", "--data", str(data)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)  # noqa: S603
    try:
        line = "" if process.stdout is None else process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        if found is None:
            raise RuntimeError(f"the service did not start: {line!r}")
        yield found[0], process.pid
    finally:
        process.terminate()
        process.wait(30)


def resident_mb(process: int) -> float:
    """Memory that a process holds, in MB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--address", default="", help="Of a service that runs; by default one is started.")
@click.option("--alerts", "n_alerts", type=click.IntRange(1), default=100_000, show_default=True)
@click.option("--singles", "n_singles", type=click.IntRange(1), default=10_000, show_default=True)
@click.option(
    "--items", "n_items", type=click.IntRange(0), default=0, help="Shared by the alerts; 0: one each."
)
def command(address: str, n_alerts: int, n_singles: int, n_items: int) -> None:
    """Send storms to a service, and print what they cost those beside them."""
    if address:
        _print_storms(address, n_alerts, n_singles, n_items, None)
        return
    with TemporaryDirectory() as folder, a_service(Path(folder)) as (own, process):
        _print_storms(own, n_alerts, n_singles, n_items, process)


def _print_storms(address: str, n_alerts: int, n_singles: int, n_items: int, process: int | None) -> None:
    def memory() -> str:
        return "" if process is None else f", {resident_mb(process):.0f} MB"

    before = np.median(seconds_of_one_alert(address, n_repeats=50, run="before"))
    click.echo(f"one alert with none stored: {before * 1000:.1f} ms{memory()}")
    one_body = storm_in_one_body(address, n_alerts=n_alerts, n_items=n_items)
    click.echo(f"{n_alerts:,} alerts in one body: {one_body}{memory()}")
    again = storm_in_one_body(address, n_alerts=n_alerts, n_items=n_items, run="again")
    click.echo(f"another {n_alerts:,}: {again}{memory()}")
    after = np.median(seconds_of_one_alert(address, n_repeats=50, run="after"))
    click.echo(f"one alert with these stored: {after * 1000:.1f} ms")
    singles = storm_of_single_alerts(address, n_alerts=n_singles, n_items=n_items)
    click.echo(f"{n_singles:,} single alerts: {singles}{memory()}")


if __name__ == "__main__":
    command()
