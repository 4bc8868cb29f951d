"""Training history of a Prometheus: the options, and how its series get the names that the service gives."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import httpx2

    from cmdb.graph import DependencyGraph
    from features.frame import Frame
    from service.settings import Settings
    from telemetry.batches import Samples, SeriesKey
    from telemetry.decoders.labelled import Labelled
    from telemetry.metric_names import Piece
    from telemetry.series_book import SeriesBook
    from training.progress import Progress
    from training.prometheus_history import Read

PROMETHEUS = "prometheus"
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
TIMEOUT_S = 120.0
MAX_WARNINGS = 3


@dataclass(frozen=True, kw_only=True)
class PrometheusOptions:
    """What the command line asks for."""

    url: str = ""
    selectors: tuple[str, ...] = ()
    days: float = 14.0
    max_series: int = 10_000
    max_gib: float = 8.0


def prometheus_options(run: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a training from Prometheus."""
    options = (
        click.option(
            "--prometheus-url",
            envvar="SUNSPOT_PROMETHEUS_URL",
            default="",
            metavar="URL",
            help="Address of Prometheus, VictoriaMetrics or Thanos, for --from prometheus. A token is read "
            "from SUNSPOT_PROMETHEUS_TOKEN only, because others can read command lines.",
        ),
        click.option(
            "--match",
            "selectors",
            multiple=True,
            metavar="SELECTOR",
            help="Read only series that match, such as '{job=\"apps\"}'; may be repeated.  [default: all]",
        ),
        click.option(
            "--days",
            type=click.FloatRange(0, min_open=True),
            default=14.0,
            show_default=True,
            help="Days of history that are read from Prometheus.",
        ),
        click.option(
            "--max-series",
            type=click.IntRange(1),
            default=10_000,
            show_default=True,
            help="Most series that are read from Prometheus.",
        ),
        click.option(
            "--max-gib",
            type=click.FloatRange(0, min_open=True),
            default=8.0,
            show_default=True,
            help="Most GiB that are received from Prometheus.",
        ),
    )
    for option in reversed(options):
        run = option(run)
    return run


def frame_from_prometheus(
    asked: PrometheusOptions, data: Path, *, step_ms: int, progress: Progress
) -> tuple[Frame, list[str]]:
    """Read a history from Prometheus; return it and what is to be said about it.

    What was read stays in the data directory, so that an interrupted reading continues.

    Raises
    ------
    NoHistoryError, HistoryTooLargeError, BadHistoryError
        If there is nothing, or too much.
    QueryError
        If Prometheus does not answer.
    BadSelectorError
        If a selector cannot be read.
    """
    from service.masking import incoming_masks
    from service.settings import Settings
    from service.signals.naming import NamesInUse
    from telemetry.addresses import shown_address
    from telemetry.prometheus_api import EVERY, narrowed
    from training.datasets import frame_of_tables
    from training.errors import BadHistoryError
    from training.prometheus_history import HistoryReading, ReadConfig

    if not asked.url.startswith(("http://", "https://")):
        reason = "set --prometheus-url or SUNSPOT_PROMETHEUS_URL to an address such as http://127.0.0.1:9090"
        raise BadHistoryError(PROMETHEUS, reason)
    selectors = asked.selectors or (EVERY,)
    for each in selectors:
        narrowed(each, ())
    chosen: dict[str, Any] = {"data_dir": data}
    settings = Settings(**chosen)
    graph, names = stored_graph(data), NamesInUse(settings, incoming_masks(settings))

    def book() -> SeriesBook:
        return names.book(graph)

    end_ms = int(time.time() * 1000) // step_ms * step_ms
    if asked.days >= 1:  # so that an interrupted training can resume for an hour
        end_ms = end_ms // HOUR_MS * HOUR_MS // step_ms * step_ms
    config = ReadConfig(
        start_ms=end_ms - max(1, round(asked.days * DAY_MS / step_ms)) * step_ms,
        end_ms=end_ms,
        step_ms=step_ms,
        selectors=selectors,
        naming=_naming(settings, graph),
        max_series=asked.max_series,
        max_bytes=round(asked.max_gib * 2**30),
    )
    with client_for(asked.url, settings.prometheus_token.get_secret_value()) as client:
        reading = HistoryReading(
            config,
            data / "training" / PROMETHEUS,
            client=client,
            address=asked.url,
            book=book,
            describe=described,
        )
        read = reading.read(progress)
    frame = frame_of_tables(read.paths, step_ms=step_ms, source=shown_address(asked.url))
    return frame, list(_notes(read, len(frame.keys)))


def described(labelled: Labelled, *, step_ms: int) -> Samples:
    """What is stored of an answer: its samples, and the means and quantiles of its histograms."""
    from service.signals.histogram_memory import HistogramMemory
    from service.signals.histogram_pieces import put_together
    from telemetry.batches import Samples

    if not len(labelled.parts):
        return labelled.samples
    memory, sent = HistogramMemory(), labelled.parts
    found: dict[tuple[int, SeriesKey], dict[tuple[Piece, float], float]] = {}
    for index, time_ms, value in zip(
        sent.part.tolist(), sent.time_ms.tolist(), sent.values.tolist(), strict=True
    ):
        whole, piece, bound = sent.parts[index]
        found.setdefault((time_ms, whole), {})[piece, bound] = value
    rows = [
        row
        for time_ms, whole in sorted(found)
        for row in memory.observe(
            put_together(whole, time_ms, found[time_ms, whole]), step_ms=step_ms, has_count=True
        )
    ]
    return Samples.concatenated([labelled.samples, Samples.from_rows(rows)])


def stored_graph(data: Path) -> DependencyGraph:
    """The dependency graph imported last; empty without a store."""
    from cmdb.graph import DependencyGraph
    from service.data_directory import STORE
    from service.store.database import Database
    from service.store.graphs import GraphStore

    if not (data / STORE).exists():
        return DependencyGraph()
    database = Database(data / STORE)
    try:
        return GraphStore(database).current().graph
    finally:
        database.close()


def client_for(url: str, token: str) -> httpx2.Client:
    """A client that follows no redirect; user information in the address is sent as basic authentication."""
    import httpx2

    from service.settings import is_loopback

    return httpx2.Client(
        timeout=TIMEOUT_S,
        headers={"Authorization": f"Bearer {token}"} if token else {},
        follow_redirects=False,
        trust_env=not is_loopback(httpx2.URL(url).host),
    )


def _naming(settings: Settings, graph: DependencyGraph) -> str:
    patterns = settings.masking_patterns
    text = "" if patterns is None else patterns.read_text("utf-8-sig")
    parts = [*settings.item_labels, graph.version, text]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _notes(read: Read, n_series: int) -> Iterator[str]:
    resumed = f", {read.n_resumed} of {len(read.paths)} parts by an earlier run" if read.n_resumed else ""
    yield f"{n_series:,} series, {read.n_bytes / 2**20:,.1f} MiB received{resumed}"
    if read.n_native:
        yield f"{read.n_native:,} samples of native histograms were left out"
    if read.n_refused:
        yield f"{read.n_refused:,} samples were left out whose series have no valid name"
    for warning in sorted(read.warnings)[:MAX_WARNINGS]:
        yield f"it warns: {warning}"
