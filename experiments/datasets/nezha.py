"""Nezha: labelled injected faults on two micro-service test beds, read in their public layout.

Yu et al., "Nezha: Interpretable Fine-Grained Root Causes Analysis for Microservices on Multi-modal
Observability Data", ESEC/FSE 2023. A folder holds ``rca_data/DAY/`` with ``DAY-fault_list.json``,
``metric/*_metric.csv``, ``metric/dependency.csv``, ``metric/source_50.csv``, ``metric/destination_50.csv``
and ``trace/HH_MM_trace.csv``. A day is read if it has a list of faults and metrics; all other files are
optional.

The sets have no alerts: the alert is placed on the service through which most traces enter, at the time of
the injection. ``inject_time`` is read as UTC, ``inject_timestamp`` and the column ``TimeStamp`` are not.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from cmdb.graph import DependencyGraph
from cmdb.items import Edge, Item
from experiments.datasets.errors import DatasetError
from experiments.datasets.nezha_faults import read_faults, service_of
from features.frame import Frame, frame_of
from features.span_sums import Cells, SpanSums
from features.spans import Spans, edges_of, log_us, sum_spans
from models.cases.case import Alert, build_case
from telemetry.batches import Samples
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from experiments.datasets.nezha_faults import Fault
    from models.cases.case import Case

STEP_MS = 60_000
SPAN_STEP_MS = 10_000
"""Span buckets are finer than ticks, so that few of them straddle an injection."""

FAULT_LASTS = timedelta(minutes=3)
FAULT_LINGERS = timedelta(minutes=4)
"""For this long after an injection, nothing counts as normal."""

MIN_NORMAL_TICKS = 10
"""With fewer normal minutes before a fault, later ones are included, dated a day earlier."""

FEW_NORMAL = "fewer than ten normal minutes before the fault: later ones are included"

DAY_MS = 86_400_000

METRICS = {
    "PodServerLatencyP90(s)": "latency_s",
    "PodWorkload(Ops)": "requests",
    "CpuUsageRate(%)": "cpu_percent",
    "MemoryUsageRate(%)": "memory_percent",
}
"""The published column of each series read, and our name for it."""

ENTRY = "entry"


@dataclass(frozen=True)
class Day:
    """One day of one system.

    Attributes
    ----------
    entry
        The service through which most traces enter; without traces, the one with the most dependencies.
    spans
        Sums of every trace of the day; `None` if there is none.
    """

    name: str
    system: str
    graph: DependencyGraph
    entry: str
    frame: Frame
    spans: SpanSums | None
    faults: tuple[Fault, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """Missing data of this day, in sentences."""
        n_blind = sum(_lacks_spans(case) for _, case in self.cases())
        n_relaxed = sum(FEW_NORMAL in case.notes for _, case in self.cases())
        notes = []
        if n_blind:
            notes.append(f"{n_blind} of {len(self.faults)} faults have no span in their three minutes.")
        if n_relaxed:
            notes.append(
                f"{n_relaxed} of {len(self.faults)} had few normal minutes before: later ones are included."
            )
        return tuple(notes)

    def cases(self) -> Iterator[tuple[Fault, Case]]:
        """The case of each fault, in order of time, as the service would build it."""
        for fault in self.faults:
            yield fault, self.case(fault)

    def case(self, fault: Fault) -> Case:
        """The case of one fault: three minutes from the injection, against normal minutes before it."""
        at_ms = to_ms(fault.at)
        is_normal = self._is_normal(self.frame.times_ms, STEP_MS)
        earlier = is_normal & (self.frame.times_ms + STEP_MS <= at_ms)
        notes = []
        if earlier.sum() < MIN_NORMAL_TICKS:
            notes.append(FEW_NORMAL)
            earlier = is_normal
        values = np.where(earlier[:, None], self.frame.values, np.nan)
        normal = Frame(self.frame.start_ms, STEP_MS, self.frame.keys, values)
        if notes:
            normal = replace(normal, start_ms=normal.start_ms - DAY_MS)
        else:
            normal = normal.between(self.frame.start_ms, at_ms)
        alert = Alert(self.entry, "FaultInjected", fault.at, fingerprint=f"{self.name}-{fault.at:%H%M%S}")
        return build_case(
            alert,
            fault.at + FAULT_LASTS,
            self.graph,
            self.frame,
            normal=normal,
            spans=self.spans,
            normal_spans=self._normal_spans(at_ms),
            lead=timedelta(0),
            stretch=timedelta(0),
            cause=(fault.service,),
            notes=notes,
        )

    def _normal_spans(self, at_ms: int) -> SpanSums | None:
        if self.spans is None:
            return None
        return self.spans.at(lambda ms: self._is_normal(ms, SPAN_STEP_MS) & (ms + SPAN_STEP_MS <= at_ms))

    def _is_normal(
        self, starts_ms: np.ndarray[tuple[int], np.dtype[np.int64]], step_ms: int
    ) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which intervals are outside every fault."""
        is_normal = np.ones(len(starts_ms), dtype=bool)
        for fault in self.faults:
            begins, ends = to_ms(fault.at), to_ms(fault.at + FAULT_LINGERS)
            is_normal &= (starts_ms + step_ms <= begins) | (starts_ms >= ends)
        return is_normal


def _lacks_spans(case: Case) -> bool:
    return case.window_spans is None or not len(case.window_spans.own.n)


def load_nezha(directory: Path) -> list[Day]:
    """Read every day below a folder, in order.

    Raises
    ------
    DatasetError
        If no day is there, or a file of one cannot be read.
    """
    lists = sorted(directory.glob("**/rca_data/*/*-fault_list.json")) or sorted(
        directory.glob("**/*-fault_list.json")
    )
    if not lists:
        raise DatasetError("nezha", directory, "no rca_data/DAY/DAY-fault_list.json in it")
    return [_read_day(path) for path in lists]


def digest(directory: Path) -> str:
    """Digest of every file that a benchmark on this folder reads."""
    content = hashlib.sha256()
    for path in sorted(
        [
            *directory.glob("**/*-fault_list.json"),
            *directory.glob("**/metric/*.csv"),
            *directory.glob("**/trace/*.csv"),
        ]
    ):
        content.update(path.relative_to(directory).as_posix().encode())
        content.update(hashlib.sha256(path.read_bytes()).digest())
    return f"sha256:{content.hexdigest()}"


def _read_day(path: Path) -> Day:
    root = path.parent
    faults = tuple(read_faults(path))
    samples = _read_metrics(sorted((root / "metric").glob("*_metric.csv")))
    if not len(samples):
        raise DatasetError("nezha", root / "metric", "no *_metric.csv with samples in it")
    start = int(samples.time_ms.min()) // STEP_MS * STEP_MS
    frame = frame_of(samples, step_ms=STEP_MS, start_ms=start, end_ms=int(samples.time_ms.max()) + 1)
    spans = _read_spans(sorted((root / "trace").glob("*_trace.csv")))
    services = {key.item for key in samples.keys} | set(spans.services)
    edges = edges_of(spans) | _read_dependencies(root / "metric" / "dependency.csv", services)
    graph = DependencyGraph(
        [Item(each) for each in sorted(services)], [Edge(*each) for each in sorted(edges)]
    )
    sums = sum_spans(spans, step_ms=SPAN_STEP_MS)
    gaps = _read_edge_gaps(
        root / "metric" / "source_50.csv", root / "metric" / "destination_50.csv", services
    )
    if gaps is not None:
        sums = sums.with_gaps(gaps)
    system = "train_ticket" if any(each.startswith("ts-") for each in services) else "online_boutique"
    return Day(root.name, system, graph, _entry(spans, graph), frame, sums, faults)


def _read_metrics(paths: Iterable[Path]) -> Samples:
    columns = []
    for path in paths:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        try:
            times = np.array([_time_ms(row["Time"]) for row in rows], dtype=np.int64)
            service = service_of(rows[0]["PodName"]) if rows else ""
            for published, ours in METRICS.items():
                if rows and published in rows[0]:
                    values = np.array([float(row[published] or "nan") for row in rows])
                    columns.append((service, ours, times, values))
        except (ValueError, KeyError, TypeError) as error:
            raise DatasetError("nezha", path, f"not a table of metrics: {error}") from error
    return Samples.from_columns(columns)


def _read_spans(paths: Iterable[Path]) -> Spans:
    columns: dict[str, list[str]] = {
        name: []
        for name in (
            "TraceID",
            "SpanID",
            "ParentID",
            "PodName",
            "OperationName",
            "StartTimeUnixNano",
            "Duration",
        )
    }
    for path in paths:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            try:
                places = [header.index(name) for name in columns]
                for row in reader:
                    for place, column in zip(places, columns.values(), strict=True):
                        column.append(row[place])
            except (ValueError, IndexError) as error:
                raise DatasetError("nezha", path, f"not a table of spans: {error}") from error
    return Spans.from_columns(
        columns["TraceID"],
        columns["SpanID"],
        columns["ParentID"],
        services=[service_of(pod) for pod in columns["PodName"]],
        operations=columns["OperationName"],
        start_us=np.array([int(each) // 1000 for each in columns["StartTimeUnixNano"]], dtype=np.int64),
        duration_us=np.array([int(float(each)) for each in columns["Duration"]], dtype=np.int64),
    )


def _read_dependencies(path: Path, services: set[str]) -> frozenset[tuple[str, str]]:
    """Edges between known services; the other edges lead to machine addresses."""
    if not path.is_file():
        return frozenset()
    with path.open(encoding="utf-8-sig", newline="") as file:
        pairs = [(row.get("Source", ""), row.get("Target", "")) for row in csv.DictReader(file)]
    return frozenset(
        (source, target) for source, target in pairs if source != target and {source, target} <= services
    )


def _read_edge_gaps(source: Path, destination: Path, services: set[str]) -> Cells | None:
    """Median latency of each edge seen by the caller minus that seen by the callee, one cell per minute."""
    if not (source.is_file() and destination.is_file()):
        return None
    at_caller, at_callee = _read_edges(source), _read_edges(destination)
    kinds: list[tuple[str, ...]] = []
    kind: list[int] = []
    bucket: list[int] = []
    value: list[float] = []
    for edge in sorted(at_caller.keys() & at_callee.keys()):
        caller, _, callee = edge.partition("_")
        if not {caller, callee} <= services:
            continue
        seen = [
            (minute, at_caller[edge][minute] - at_callee[edge][minute])
            for minute in sorted(at_caller[edge].keys() & at_callee[edge].keys())
        ]
        kind += [len(kinds)] * len(seen)
        kinds.append((caller, callee, ""))
        bucket += [minute for minute, _ in seen]
        value += [gap_s for _, gap_s in seen]
    logs = log_us(np.array(value) * 1e6)
    return Cells(
        tuple(kinds),
        np.array(kind, dtype=np.int64),
        np.array(bucket, dtype=np.int64),
        np.ones(len(kind)),
        logs,
        logs**2,
    )


def _read_edges(path: Path) -> dict[str, dict[int, float]]:
    """Seconds per edge and minute."""
    edges: dict[str, dict[int, float]] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            try:
                minute = _time_ms(row["time"]) // STEP_MS * STEP_MS
                for name, text in row.items():
                    if name not in {"time", "timestamp"} and text and np.isfinite(seconds := float(text)):
                        edges.setdefault(name, {})[minute] = seconds
            except (ValueError, KeyError, TypeError) as error:
                raise DatasetError("nezha", path, f"not a table of edges: {error}") from error
    return edges


def _entry(spans: Spans, graph: DependencyGraph) -> str:
    roots: Counter[str] = Counter(spans.services[each] for each in spans.service[spans.parent < 0].tolist())
    if roots:
        return min(sorted(roots), key=lambda name: -roots[name])
    return min(sorted(graph.items), key=lambda name: -len(graph.dependencies(name)))


def _time_ms(text: str) -> int:
    """Milliseconds of ``2022-08-22 03:51:19.799087274 +0000 UTC m=+0.305``; the zone is always UTC."""
    return to_ms(datetime.strptime(text[:19], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC))
