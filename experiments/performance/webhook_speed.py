"""How long the service takes from a webhook to its answer, with everything in between.

The real application, called in its own process: the alert is read and grouped, its case is built from the
recent window and the bundle, ranked, rendered and committed to the store. Every alert is on a new item, so
that no cached neighbourhood helps.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import httpx2

from experiments.brokerage.alertmanager import UNRESOLVED
from experiments.replay import document_of
from features.calendar import CLOCKS
from models.artifacts.bundle import make_bundle
from models.detectors.baseline import fit_baseline
from service.app import create_app
from service.model_registry.sources import Sources
from service.settings import Settings
from telemetry.instants import from_ms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cmdb.graph import DependencyGraph
    from features.frame import Frame
    from models.artifacts.bundle import Bundle
    from models.cases.case import Alert

N_WARM_UP = 3
"""Webhooks before the first timed one."""

SERIES_A_BATCH = 400


@dataclass(frozen=True)
class StillClock:
    """A clock that stands still at the simulated present."""

    at: datetime

    def now(self) -> datetime:
        """The present."""
        return self.at


@dataclass(frozen=True)
class OneBundle:
    """A source of one bundle that never changes."""

    bundle: Bundle
    problem: str = ""

    def current(self) -> Bundle | None:
        """Return the bundle."""
        return self.bundle

    def refresh(self) -> bool:
        """Look for a new bundle; there never is one."""
        return False


def webhook_ms(
    graph: DependencyGraph, frame: Frame, normal: Frame, alert: Alert, *, n_repeats: int
) -> tuple[float, ...]:
    """Milliseconds from webhook to answer, one alert per webhook, on one item after another.

    Parameters
    ----------
    frame, normal
        The signals around the alert, sent as samples; and those of normal operation, for the bundle.
    alert
        The alert on the first item; the other alerts are on its dependencies, nearest first.
    """
    bundle = make_bundle(
        clock="always",
        normal=normal,
        baseline=fit_baseline(normal, CLOCKS["always"]),
        threshold=6.0,
        detectors={},
        row_thresholds={},
        metadata={},
    )
    with TemporaryDirectory() as directory:
        app = create_app(
            Settings.model_validate({"data_dir": Path(directory)}),
            sources=Sources(lambda: OneBundle(bundle)),
            clock=StillClock(from_ms(frame.end_ms)),
        )
        items = list(graph.hops(alert.item))
        n_sent = N_WARM_UP + n_repeats
        webhooks = [_webhook(items[each % len(items)], each, alert.starts_at) for each in range(n_sent)]
        return asyncio.run(_timed(app, graph, frame, webhooks))[N_WARM_UP:]


async def _timed(
    app: Any, graph: DependencyGraph, frame: Frame, webhooks: Sequence[Mapping[str, Any]]
) -> tuple[float, ...]:
    transport = httpx2.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        app.state.rooms.models.champion.refresh()
        (await client.post("/v1/cmdb", json=document_of(graph))).raise_for_status()
        for body in _batches(frame):
            (await client.post("/v1/samples", json=body)).raise_for_status()
        elapsed_ms = []
        for webhook in webhooks:
            began = time.perf_counter()
            answer = await client.post("/v1/alerts", json=webhook)
            elapsed_ms.append((time.perf_counter() - began) * 1000)
            (answered,) = answer.raise_for_status().json()["alerts"]
            if answered["ranking"] is None:
                raise RuntimeError(f"an alert was answered without a ranking: {answered['unenriched']}")
        return tuple(elapsed_ms)


def _batches(frame: Frame) -> list[dict[str, Any]]:
    """The frame as request bodies for /v1/samples."""
    times_ms = frame.times_ms.tolist()
    series = [
        {"item": key.item, "metric": key.metric, "time_ms": times_ms, "values": values.tolist()}
        for key, values in zip(frame.keys, frame.values.T, strict=True)
    ]
    return [
        {"series": series[first : first + SERIES_A_BATCH]} for first in range(0, len(series), SERIES_A_BATCH)
    ]


def _webhook(item: str, number: int, starts_at: datetime) -> dict[str, Any]:
    alert = {
        "status": "firing",
        "labels": {"alertname": "SlowRequests", "service": item, "severity": "critical"},
        "annotations": {},
        "startsAt": (starts_at + timedelta(milliseconds=number)).isoformat(),
        "endsAt": UNRESOLVED,
        "fingerprint": f"{number:016x}",
    }
    return {"version": "4", "status": "firing", "receiver": "sunspot", "alerts": [alert]}
