"""Fakes and small values for the tests of the service."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from builders import MINUTE_MS, ONSET, a_frame, with_fault
from fastapi.testclient import TestClient

from features.calendar import CLOCKS
from models.artifacts.bundle import Bundle, make_bundle
from models.detectors.baseline import fit_baseline
from models.paging.normal_period_scores import NormalPeriodScores
from models.paging.page_record import PageRecord
from models.paging.thresholds import WEEK_MS
from service.app import create_app
from service.data_directory import STORE
from service.model_registry.sources import Sources
from service.settings import Settings
from service.store.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fastapi import FastAPI

    from features.frame import Frame

ITEMS = ("gateway", "order", "funds", "funds-db", "quotes")
EDGES = (("gateway", "order"), ("gateway", "quotes"), ("order", "funds"), ("funds", "funds-db"))
NOW = ONSET + timedelta(minutes=6)
LOCAL = "http://localhost"


class StillClock:
    """A clock that shows the time it is set to."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


class FakeSource:
    """A source of bundles that hands out what it was given."""

    def __init__(self, bundle: Bundle | None = None, problem: str = "") -> None:
        self.bundle = bundle
        self.problem = problem

    def current(self) -> Bundle | None:
        return self.bundle

    def refresh(self) -> bool:
        return False


@cache
def a_bundle(
    *, items: tuple[str, ...] = ITEMS, name: str = "first", step_ms: int = MINUTE_MS, threshold: float = 6.0
) -> Bundle:
    """Fit a bundle on a normal day before the incident."""
    normal = a_frame(items, end=ONSET - timedelta(hours=2), step_ms=step_ms)
    return make_bundle(
        clock="always",
        normal=normal,
        baseline=fit_baseline(normal, CLOCKS["always"]),
        threshold=threshold,
        detectors={},
        row_thresholds={},
        metadata={"name": name},
        pages=a_page_record(len(normal.keys)),
    )


def a_dull_bundle() -> Bundle:
    """Fit a bundle that pages at a thousand times the scores."""
    bundle = a_bundle(name="dull")
    assert bundle.pages is not None
    return replace(bundle, pages=replace(bundle.pages, thresholds=1e3 * bundle.pages.thresholds))


def a_page_record(n_series: int) -> PageRecord:
    """One page a week of each series at a threshold of 4, an eighth of it at twice that."""
    n_weeks, scores = 8, 4.01 * (8 / np.arange(1, 9)) ** (1 / 3)
    times_ms = np.arange(n_weeks * n_series, dtype=np.int64) * (WEEK_MS // n_series)
    columns = np.arange(n_weeks * n_series, dtype=np.int32) % n_series
    points = np.repeat(scores.astype(np.float32), n_series)
    normal = NormalPeriodScores(times_ms, columns, points, np.full(n_series, float(n_weeks)))
    thresholds = np.array([4.0, 8.0])
    pages = np.repeat(np.array([[8], [1]], dtype=np.int32), n_series, axis=1)
    return PageRecord(thresholds, pages, normal, normal)


def settings_for(directory: Path, **chosen: Any) -> Settings:
    return Settings(data_dir=directory, **{"refresh_s": 3600, "scoring_s": 3600, **chosen})


def a_cmdb(items: Sequence[str] = ITEMS, edges: Sequence[tuple[str, str]] = EDGES) -> dict[str, Any]:
    return {
        "items": [{"id": each, "kind": "service", "name": each.capitalize()} for each in items],
        "edges": [{"dependent": dependent, "dependency": dependency} for dependent, dependency in edges],
    }


def a_webhook(
    item: str = "gateway",
    *,
    name: str = "SlowRequests",
    starts_at: datetime = ONSET + timedelta(minutes=4),
    status: str = "firing",
    fingerprint: str = "",
    label: str = "service",
    **annotations: str,
) -> dict[str, Any]:
    ended = status == "resolved"
    return {
        "version": "4",
        "status": status,
        "receiver": "sunspot",
        "truncatedAlerts": 0,
        "alerts": [
            {
                "status": status,
                "labels": {"alertname": name, label: item, "severity": "critical"},
                "annotations": annotations,
                "startsAt": starts_at.isoformat(),
                "endsAt": (starts_at + timedelta(minutes=9)).isoformat() if ended else "0001-01-01T00:00:00Z",
                "fingerprint": fingerprint or f"{name}-{item}",
                "generatorURL": "http://prometheus/graph",
            }
        ],
    }


def an_incident_frame(items: Sequence[str] = ITEMS) -> Frame:
    """An hour of signals that ends in a slow database, which makes all of its callers slow."""
    normal = a_frame(items, n_ticks=60, end=ONSET + timedelta(minutes=6), seed=7)
    slow = {(each, "latency_s"): 0.9 for each in ("gateway", "order", "funds", "funds-db") if each in items}
    return with_fault(normal, slow, last_ticks=7)


def as_columns(frame: Frame) -> dict[str, Any]:
    """Write a frame as the body of /v1/samples."""
    times_ms = frame.times_ms.tolist()
    return {
        "series": [
            {
                "item": key.item,
                "metric": key.metric,
                "time_ms": times_ms,
                "values": frame.values[:, column].tolist(),
            }
            for column, key in enumerate(frame.keys)
        ]
    }


@cache
def _empty_store() -> bytes:
    """The file of a store without a row, migrated once for all tests: the revisions take a while."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / STORE
        Database(path).close()
        return path.read_bytes()


def an_app(
    directory: Path,
    *,
    bundle: Bundle | None = None,
    challenger: Bundle | None = None,
    clock: StillClock | None = None,
    **chosen: Any,
) -> FastAPI:
    if not (directory / STORE).exists():
        directory.mkdir(parents=True, exist_ok=True)
        (directory / STORE).write_bytes(_empty_store())
    source, rival = FakeSource(bundle), FakeSource(challenger)
    app = create_app(
        settings_for(directory, **chosen),
        sources=Sources(lambda: source, challenger=lambda: rival),
        clock=clock or StillClock(),
        background=False,
    )
    app.state.source, app.state.challenger_source = source, rival
    app.state.rooms.models.champion.refresh()
    app.state.rooms.models.challenger.refresh()
    return app


@contextmanager
def a_client(app: FastAPI, **options: Any) -> Iterator[TestClient]:
    """Run an application and call it from this machine."""
    with TestClient(app, base_url=LOCAL, **options) as client:
        yield client


@contextmanager
def a_service(directory: Path, *, bundle: Bundle | None = None, **chosen: Any) -> Iterator[TestClient]:
    """Run a service that has a bundle, a graph, and the signals of an incident."""
    with a_client(an_app(directory, bundle=bundle or a_bundle(), **chosen)) as client:
        client.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
        client.post("/v1/samples", json=as_columns(an_incident_frame())).raise_for_status()
        yield client
