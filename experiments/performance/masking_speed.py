"""How many log lines per second one core masks, and how many come from HTTP to disk, masked and mined.

Data: lines of a brokerage's services, about 150 characters each, of which a known share is suspicious: it is
looked at word by word, and half of it holds a secret. ``masking`` masks alone; ``http_to_disk`` is the real
application, called in its own process, with bodies of JSON lines: decoding, masking, an fsync, mining and
sums. Rates are per second of processor time.
"""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import httpx2
import numpy as np

from experiments.performance.webhook_speed import StillClock
from features.masking.masker import Masker, suspicious
from service.app import create_app
from service.settings import Settings
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    Row = dict[str, float | int | str]

SHARES: Final = (0.0, 0.1, 1.0)
"""Suspicious share of the lines: none, as in a careless firm's logs, and all."""

BATCH: Final = 5_000
N_BATCHES: Final = 8
NOW: Final = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)

ORDINARY: Final = (
    "order {id} accepted for symbol {code} price {price} quantity {n} in {ms} ms, depth {few}, open",
    "fill received for order {id} symbol {code} price {price} quantity {n} remaining {few} took {ms} ms",
    "risk check passed for order {id} limit {price} used {few} in {ms} ms by rules {few} version 4.2.{few}",
    "replicated batch {few} to standby ledger-db-{few} in {ms} ms offset {n}{n} lag {few} segments {few}",
)
SECRET: Final = (
    "login of customer 138{n}{n} from terminal {few} accepted in {ms} ms after a check of device and place",
    "request to settlement with password=Hx{n}q{few} answered in {ms} ms with status 200, tried {few} times",
)
HARMLESS: Final = (
    "bucket of gateway refilled with tokens={n} of rate {few} in {ms} ms for group {few}, queue depth {few}",
    "wrote 138{n}{n} bytes of segment {few} to the ledger in {ms} ms, lag {few}, acknowledged by a quorum",
)
ENDING: Final = " by node gw-{few} of pool {few} on route sse-{few}, session phase open"


def brokerage_lines(n_lines: int, *, share: float, seed: int = 0) -> list[str]:
    """Lines of which a share is suspicious, half of these with a secret."""
    rng = np.random.default_rng(seed)
    is_suspicious = rng.random(n_lines) < share
    holds_secret = rng.random(n_lines) < 0.5
    which = rng.integers(4, size=n_lines).tolist()
    texts = []
    for line in range(n_lines):
        kinds = (SECRET if holds_secret[line] else HARMLESS) if is_suspicious[line] else ORDINARY
        few, n, ms, code = rng.integers((0, 1000, 1, 600_000), (100, 10_000, 500, 605_000)).tolist()
        texts.append(
            (kinds[which[line] % len(kinds)] + ENDING).format(
                id=f"{int(rng.integers(2**62)):016x}", code=code, price=n / 100, n=n, ms=ms, few=few
            )
        )
    return texts


def bench_masking(*, seed: int = 0, n_batches: int = N_BATCHES) -> list[Row]:
    """Rates of masking alone and from HTTP to disk, for each share of suspicious lines."""
    rows: list[Row] = []
    for share in SHARES:
        lines = brokerage_lines(BATCH * n_batches, share=share, seed=seed)
        batches = [lines[start : start + BATCH] for start in range(0, len(lines), BATCH)]
        part = f"{len(suspicious(lines)) / len(lines):.0%} suspicious"
        common: Row = {"n": len(lines), "characters": float(np.mean([len(line) for line in lines]))}
        rows.append({"part": part, "method": "masking", **common, "lines_per_s": _masking_rate(batches)})
        with TemporaryDirectory() as directory:
            rate = asyncio.run(_http_rate(Path(directory), batches))
        rows.append({"part": part, "method": "http_to_disk", **common, "lines_per_s": rate})
    return rows


def _masking_rate(batches: Sequence[Sequence[str]]) -> float:
    masker = Masker()
    masker.lines(batches[0])
    began = time.process_time()
    for batch in batches:
        masker.lines(batch)
    return sum(map(len, batches)) / (time.process_time() - began)


async def _http_rate(directory: Path, batches: Sequence[Sequence[str]]) -> float:
    """Lines accepted per second of processor time, after a first body that warms the caches up."""
    app = create_app(
        Settings.model_validate({"data_dir": directory}), clock=StillClock(NOW), background=False
    )
    bodies = [_body(batch) for batch in batches]
    transport = httpx2.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://localhost", timeout=120) as client,
    ):
        (await client.post("/v1/logs", content=bodies[0])).raise_for_status()
        began = time.process_time()
        for body in bodies:
            answer = await client.post("/v1/logs", content=body)
            if answer.raise_for_status().json()["accepted"] != len(batches[0]):
                raise RuntimeError(f"not every line was accepted: {answer.text}")
        return sum(map(len, batches)) / (time.process_time() - began)


def _body(lines: Sequence[str]) -> bytes:
    at_ms = to_ms(NOW) - 60_000
    documents = (
        {
            "service": f"s{n % 10}",
            "time_ms": at_ms + n,
            "severity": "info",
            "trace_id": f"{n:032x}",
            "message": line,
        }
        for n, line in enumerate(lines)
    )
    return "\n".join(json.dumps(each) for each in documents).encode()
