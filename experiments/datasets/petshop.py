"""Amazon PetShop: labelled injected faults on a test bed, read in its public layout.

Hardt et al., "The PetShop Dataset: Finding Causes of Performance Issues across Microservices", CLeaR 2024.
A folder holds scenarios (``low_traffic``, ``high_traffic``, …), each with ``graph.csv``,
``noissue/metrics.csv`` and ``train|test/issue_N/{metrics.csv,target.json}``. ``metadata`` in a target
names the answer, and is never read.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from cmdb.graph import DependencyGraph
from cmdb.importers.adjacency import read_adjacency
from cmdb.items import Item
from experiments.datasets.errors import DatasetError
from features.frame import Frame, frame_of
from features.golden import Role
from models.cases.case import Alert, build_case
from telemetry.batches import Samples
from telemetry.instants import from_ms

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from models.cases.case import Case

STEP_MS = 300_000
HOUR_MS = 3_600_000
WEEK_MS = 168 * HOUR_MS
METRICS = {
    ("latency", "Average"): "latency_s",
    ("requests", "Sum"): "requests",
    ("availability", "Average"): "availability_percent",
}
"""The published metric and statistic of each series read, and our name for it."""

ALERTS = {"latency": ("LatencyHigh", Role.LATENCY), "availability": ("AvailabilityLow", Role.ERRORS)}
"""Name and role of the alert on each target metric."""


@dataclass(frozen=True)
class Incident:
    """One labelled injected fault as an incident: its samples, its alert and its cause."""

    id: str
    scenario: str
    metric: str
    samples: Samples
    alert: Alert
    cause: str

    @property
    def frame(self) -> Frame:
        """The incident's samples on the five-minute grid."""
        return grid(self.samples)

    @property
    def at(self) -> datetime:
        """The end of its last tick: the time of the ranking."""
        return from_ms(self.frame.end_ms)


@dataclass(frozen=True)
class Scenario:
    """A traffic scenario: its call graph, its normal period and its incidents."""

    name: str
    graph: DependencyGraph
    normal_samples: Samples
    incidents: tuple[Incident, ...]
    notes: tuple[str, ...] = ()

    @property
    def normal(self) -> Frame:
        """The normal period on the five-minute grid."""
        return grid(self.normal_samples)

    def case(self, incident: Incident, *, normal: Frame | None = None, bundle_version: str = "") -> Case:
        """The case of one incident, as the service would build it."""
        return build_case(
            incident.alert,
            incident.at,
            self.graph,
            incident.frame,
            normal=self.normal if normal is None else normal,
            bundle_version=bundle_version,
            cause=(incident.cause,),
        )


def load_petshop(directory: Path) -> list[Scenario]:
    """Read every scenario below a folder, in name order.

    Raises
    ------
    DatasetError
        If no scenario is there, or a file of one cannot be read.
    """
    roots = sorted(
        {path.parent for path in directory.glob("**/graph.csv") if any(path.parent.glob("*/issue_*"))}
    )
    if not roots:
        raise DatasetError("petshop", directory, "no folder with graph.csv and train|test/issue_N in it")
    normals = {
        root: _read_samples(path) for root in roots if (path := root / "noissue" / "metrics.csv").is_file()
    }
    if not normals:
        raise DatasetError("petshop", directory, "no scenario has its normal period, noissue/metrics.csv")
    return [_read_scenario(root, normals) for root in roots]


def digest(directory: Path) -> str:
    """Digest of every file that a benchmark on this folder reads."""
    content = hashlib.sha256()
    for path in sorted([*directory.glob("**/*.csv"), *directory.glob("**/target.json")]):
        content.update(path.relative_to(directory).as_posix().encode())
        content.update(hashlib.sha256(path.read_bytes()).digest())
    return f"sha256:{content.hexdigest()}"


def grid(samples: Samples) -> Frame:
    """Samples on a grid anchored at the epoch, as the service stores them."""
    start = int(samples.time_ms.min()) // STEP_MS * STEP_MS
    return frame_of(samples, step_ms=STEP_MS, start_ms=start, end_ms=int(samples.time_ms.max()) + 1)


def _read_scenario(root: Path, normals: dict[Path, Samples]) -> Scenario:
    incidents = tuple(_read_incidents(root))
    notes: tuple[str, ...] = ()
    normal = normals.get(root)
    if normal is None:
        normal = Samples.concatenated(list(normals.values()))
        notes = (f"{root.name} has no normal period of its own: those of the other scenarios are pooled",)
    normal = _dated_before(normal, incidents)
    graph = read_adjacency(root / "graph.csv").graph
    observed = {
        key.item for samples in (normal, *(each.samples for each in incidents)) for key in samples.keys
    }
    extra = sorted(observed - graph.items.keys())  # observed without an edge, but still candidates
    graph = DependencyGraph([*graph.items.values(), *(Item(each) for each in extra)], graph.edges)
    return Scenario(root.name, graph, normal, incidents, notes)


def _dated_before(normal: Samples, incidents: Sequence[Incident]) -> Samples:
    """The normal period dated whole weeks earlier, for it was measured months after the incidents.

    What follows an incident is never compared with as normal; this period is labelled so.
    """
    if not (len(normal) and incidents):
        return normal
    first_ms = min(int(each.samples.time_ms.min()) for each in incidents)
    n_weeks = max(0, -((first_ms - HOUR_MS - int(normal.time_ms.max())) // WEEK_MS))
    return replace(normal, time_ms=normal.time_ms - n_weeks * WEEK_MS)


def _read_incidents(root: Path) -> Iterator[Incident]:
    paths = sorted(
        root.glob("*/issue_*/target.json"), key=lambda path: (path.parts[-3], _number(path.parts[-2]))
    )
    for path in paths:
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            target, cause = document["target"], str(document["root_cause"]["node"])
            at = datetime.fromtimestamp(float(target["timestamp"]), UTC)
            item, metric = str(target["node"]), str(target["metric"])
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise DatasetError("petshop", path, f"not a target: {error}") from error
        name, role = ALERTS.get(metric, (metric, None))
        identity = "/".join(path.parts[-4:-1])
        alert = Alert(
            item,
            name,
            at,
            fingerprint=hashlib.sha256(identity.encode()).hexdigest()[:16],
            severity="page",
            role=role,
            labels={"alertname": name, "service": item, "metric": metric},
        )
        yield Incident(
            identity, root.name, metric, _read_samples(path.with_name("metrics.csv")), alert, cause
        )


def _number(name: str) -> int:
    found = re.search(r"\d+$", name)
    return int(found.group()) if found else 0


def _read_samples(path: Path) -> Samples:
    """Read a table with three header rows (node, metric, statistic) and one row per instant."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            nodes, metrics, statistics, _, *rows = csv.reader(file)
        table = np.array([[float(cell or "nan") for cell in row] for row in rows])
        if table.ndim != 2 or table.shape[1] != len(nodes):
            raise DatasetError("petshop", path, "rows of unequal length")
    except (OSError, ValueError) as error:
        raise DatasetError("petshop", path, str(error)) from error
    time_ms = np.round(table[:, 0] * 1000).astype(np.int64)
    parts = []
    for column in range(1, len(nodes)):
        name = METRICS.get((metrics[column], statistics[column]))
        if name is not None:
            seen = np.isfinite(table[:, column])
            parts.append((nodes[column], name, time_ms[seen], table[seen, column]))
    return Samples.from_columns(parts)
