"""The behaviour of the service when a million series arrive at once.

Question: does its memory stay bounded, and does it keep answering, with far more series than its limit?
Data: synthetic, one sample per series and minute, all names new in the first minute, in bodies of the
largest accepted size. Metric: seconds and processor seconds of each minute's requests, the slowest of them,
the samples over the limit and those refused, and the peak memory of the process.
Result: docs/detection.md, "Bad input".
Run: ``python -m experiments.performance.series_flood`` (a million series, three minutes).
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click
import httpx2

from experiments.performance.webhook_speed import StillClock
from service.app import create_app
from service.settings import Settings
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Iterator

SERIES_A_BODY = 100_000
"""About 8 MB of JSON each, the largest body that the service accepts."""


@dataclass(frozen=True)
class Round:
    """Results of one minute of samples: seconds, and counts of samples."""

    wall_s: float
    cpu_s: float
    slowest_s: float
    n_accepted: int
    n_over_limit: int
    n_refused: int


def bodies(n_series: int, time_ms: int) -> Iterator[bytes]:
    """A sample of every series at an instant, in as few bodies as possible."""
    for first in range(0, n_series, SERIES_A_BODY):
        yield json.dumps(
            {
                "series": [
                    {"item": f"i{index}", "metric": "m", "time_ms": [time_ms], "values": [1.0]}
                    for index in range(first, min(first + SERIES_A_BODY, n_series))
                ]
            },
            separators=(",", ":"),
        ).encode()


async def flood(app: Any, n_series: int, minutes_ms: list[int]) -> list[Round]:
    """Send every series once at each instant, and close the service."""
    rounds = []
    transport = httpx2.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://localhost", timeout=120) as client,
    ):
        for time_ms in minutes_ms:
            elapsed_s, cpu_s, n_accepted, n_over_limit, n_refused = [], 0.0, 0, 0, 0
            for body in bodies(n_series, time_ms):
                started, started_cpu_s = time.perf_counter(), time.process_time()
                answer = await client.post("/v1/samples", content=body)
                elapsed_s.append(time.perf_counter() - started)
                cpu_s += time.process_time() - started_cpu_s
                if answer.status_code == httpx2.codes.TOO_MANY_REQUESTS:
                    n_refused += SERIES_A_BODY
                    continue
                counts = answer.raise_for_status().json()
                n_accepted += counts["accepted"]
                n_over_limit += counts["over_series_limit"]
            rounds.append(Round(sum(elapsed_s), cpu_s, max(elapsed_s), n_accepted, n_over_limit, n_refused))
    return rounds


def _peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--series", "n_series", type=click.IntRange(1), default=1_000_000, show_default=True)
@click.option("--minutes", "n_minutes", type=click.IntRange(1), default=3, show_default=True)
def command(n_series: int, n_minutes: int) -> None:
    """Announce many series to a fresh service, and print its answers and costs."""
    now = datetime(2026, 3, 5, 12, tzinfo=UTC)
    with TemporaryDirectory() as folder:
        settings = Settings.model_validate({"data_dir": Path(folder)})
        clock = StillClock(now)
        click.echo(f"peak {_peak_gb():.2f} GB before the first sample")
        instants = [now - timedelta(minutes=n_minutes - 1 - minute) for minute in range(n_minutes)]
        minutes_ms = [to_ms(at) for at in instants]
        rounds = asyncio.run(flood(create_app(settings, clock=clock), n_series, minutes_ms))
        for number, each in enumerate(rounds, start=1):
            click.echo(
                f"minute {number}: {each.wall_s:.1f} s, {each.cpu_s:.1f} s of processors, slowest request "
                f"{each.slowest_s:.2f} s, {each.n_accepted} accepted, {each.n_over_limit} over the limit, "
                f"{each.n_refused} refused with 429"
            )
        click.echo(f"peak {_peak_gb():.2f} GB")
        gc.collect()
        started, started_cpu_s = time.perf_counter(), time.process_time()
        again = create_app(settings, clock=clock)
        wall_s, cpu_s = time.perf_counter() - started, time.process_time() - started_cpu_s
        click.echo(f"started again: {wall_s:.1f} s, {cpu_s:.1f} s of processors, peak {_peak_gb():.2f} GB")
        asyncio.run(flood(again, 0, []))


if __name__ == "__main__":
    command()
