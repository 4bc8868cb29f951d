"""A simulated estate for load: a tree of services, its bundle, and bodies that senders post about it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.reliability.sender import Sender
from features.calendar import CLOCKS
from features.frame import Frame
from models.artifacts.bundle import make_bundle, save_bundle
from models.detectors.baseline import fit_baseline
from service.data_directory import BUNDLES
from service.model_registry.mlflow_source import POINTER
from telemetry.batches import SeriesKey
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

N_ITEMS = 200
METRICS = {"requests": 100.0, "latency_s": 0.1, "error_ratio": 0.01}
N_CALLEES = 4
"""How many services each service calls, until there are no more."""

NORMAL_TICKS = 600
STEP_MS = 60_000
THRESHOLD = 6.0
STAMP = b"1000000000000"
"""Stands for the instant in a body that is sent again and again."""

UNRESOLVED = "0001-01-01T00:00:00Z"


def item(number: int) -> str:
    """Name of a service, by a number of any size.

    >>> item(3), item(N_ITEMS + 3)
    ('service-3', 'service-3')
    """
    return f"service-{number % N_ITEMS}"


def cmdb() -> dict[str, Any]:
    """The estate as a CMDB document: a tree in which service 0 depends on all others."""
    numbers = range(N_ITEMS)
    return {
        "items": [{"id": item(each), "kind": "service", "name": f"Service {each}"} for each in numbers],
        "edges": [
            {"dependent": item((each - 1) // N_CALLEES), "dependency": item(each)} for each in numbers if each
        ],
    }


def give_bundle(data: Path, *, now: datetime | None = None, seed: int = 0) -> None:
    """Put a bundle of the estate into a data directory, as if it had been downloaded before."""
    end_ms = to_ms(now or datetime.now(UTC)) // STEP_MS * STEP_MS
    keys = tuple(SeriesKey(item(each), metric) for each in range(N_ITEMS) for metric in METRICS)
    usual = np.tile(list(METRICS.values()), N_ITEMS)
    values = usual * np.random.default_rng(seed).lognormal(0.0, 0.05, (NORMAL_TICKS, len(keys)))
    normal = Frame(end_ms - (NORMAL_TICKS + 60) * STEP_MS, STEP_MS, keys, values)
    bundle = make_bundle(
        clock="always",
        normal=normal,
        baseline=fit_baseline(normal, CLOCKS["always"]),
        threshold=THRESHOLD,
        detectors={},
        row_thresholds={},
        metadata={},
    )
    name = bundle.version.replace(":", "-")
    save_bundle(bundle, data / BUNDLES / name)
    (data / BUNDLES / POINTER).write_text(json.dumps({"directory": name}), encoding="utf-8")


def past_samples(n_minutes: int, *, until_ms: int) -> Iterator[bytes]:
    """The estate's usual samples of the minutes before an instant, one body a minute."""
    template = samples_template(N_ITEMS * len(METRICS))
    for minute in range(n_minutes, 0, -1):
        yield stamped(template, (until_ms // STEP_MS - minute) * STEP_MS)


def samples_template(n_samples: int, *, first: int = 0) -> bytes:
    """A body of samples, one of each series, at the instant `STAMP`; `stamped` sets it.

    Series beyond those of the estate are further metrics of its items.
    """
    names = list(METRICS)
    series = []
    for number in range(first, first + n_samples):
        place, which = divmod(number, len(names))
        again = place // N_ITEMS
        metric = names[which] if not again else f"{names[which]}_{again}"
        usual = METRICS[names[which]]
        series.append({"item": item(place), "metric": metric, "time_ms": [int(STAMP)], "values": [usual]})
    return json.dumps({"series": series}, separators=(",", ":")).encode()


def stamped(template: bytes, at_ms: int) -> bytes:
    """A template at an instant, in milliseconds since the epoch."""
    return template.replace(STAMP, b"%d" % at_ms)


def alert(number: int, *, name: str = "SlowRequests", starts_at: datetime | None = None) -> dict[str, Any]:
    """One firing alert; equal names and numbers are the same alert."""
    at = (starts_at or datetime.now(UTC) - timedelta(seconds=30)).isoformat()
    return {
        "status": "firing",
        "labels": {
            "alertname": name,
            "service": item(number),
            "severity": "critical",
            "instance": f"host-{number}",
        },
        "annotations": {"summary": f"Requests of {item(number)} take longer than a second"},
        "startsAt": at,
        "endsAt": UNRESOLVED,
        "fingerprint": f"{name}-{number}",
    }


def webhook(*alerts: dict[str, Any]) -> bytes:
    """A webhook of alerts, as Alertmanager sends it."""
    return json.dumps(
        {"version": "4", "status": "firing", "receiver": "sunspot", "alerts": list(alerts)}
    ).encode()


def lines(service: str, texts: list[str], at_ms: int) -> bytes:
    """Log lines of one service at one instant, one JSON object a line."""
    return b"\n".join(
        json.dumps({"service": service, "time_ms": at_ms, "severity": "info", "message": each}).encode()
        for each in texts
    )


def introduce(port: int, *, n_minutes: int = 30) -> None:
    """Send the estate and the past of its signals to a running service."""
    with Sender(port) as sender:
        sender.accepted("/v1/cmdb", cmdb())
        for body in past_samples(n_minutes, until_ms=now_ms()):
            sender.accepted("/v1/samples", body)


def now() -> datetime:
    """The present of this machine."""
    return datetime.now(UTC)


def now_ms() -> int:
    """The present of this machine, in milliseconds since the epoch."""
    return to_ms(now())
