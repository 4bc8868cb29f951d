"""A case written by hand, with signals as lists or a table; it is built as the service builds a case."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from cmdb.graph import DependencyGraph
from cmdb.items import ChangeEvent, Edge, Item
from features.frame import Frame
from features.golden import MEANINGS, meaning_of
from models.cases.case import Alert, build_case
from telemetry.batches import SeriesKey
from telemetry.instants import from_ms, to_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from models.cases.case import Case
    from models.cases.document import AlertDocument, CaseDocument, ChangeDocument, SeriesDocument

MAX_VALUES = 2**22
"""Most values that a case may have, missing ones included."""


def case_by_hand(document: CaseDocument, read: Callable[[str], bytes]) -> Case:
    """Return the case of a document whose signals are ``series`` or ``csv``.

    Every tick with values before the half hour that precedes the incident counts as normal operation. Items
    that appear only in edges, signals, changes or the alert are services.

    Raises
    ------
    ValueError
        If the signals are irregular or too many, or name a metric with an unknown unit.
    """
    frame = _frame(document.series) if document.series else _frame_of_table(read(document.csv or ""))
    graph = _graph(document, frame)
    at = document.at or from_ms(frame.end_ms)
    case = build_case(
        alert_of(document.alert),
        at.astimezone(UTC),
        graph,
        frame,
        normal=frame,
        changes=[change_of(each) for each in document.changes],
        other_alerts=[alert_of(each) for each in document.other_alerts],
        bundle_version=document.bundle_version,
        cause=document.cause,
        notes=document.notes,
    )
    return replace(case, id=document.id, system=document.system, fault_type=document.fault_type)


def alert_of(document: AlertDocument) -> Alert:
    """Return the alert of a document."""
    return Alert(**{**dict(document), "starts_at": document.starts_at.astimezone(UTC)})


def change_of(document: ChangeDocument) -> ChangeEvent:
    """Return the change event of a document."""
    return ChangeEvent(**{**dict(document), "at": document.at.astimezone(UTC)})


def _graph(document: CaseDocument, frame: Frame) -> DependencyGraph:
    described = [Item(**each.model_dump()) for each in document.items]
    named = {end for edge in document.edges for end in (edge.dependent, edge.dependency)}
    named |= {document.alert.item, *frame.items, *(each.item for each in document.changes)}
    missing = sorted(named - {item.id for item in described})
    return DependencyGraph(
        [*described, *map(Item, missing)], [Edge(**each.model_dump()) for each in document.edges]
    )


def _frame(series: SeriesDocument) -> Frame:
    columns = {
        SeriesKey(item, metric): values
        for item, metrics in series.values.items()
        for metric, values in metrics.items()
    }
    _check_metrics(key.metric for key in columns)
    lengths = {len(values) for values in columns.values()}
    if len(lengths) != 1:
        raise ValueError(f"series: each needs one value per tick, but their lengths are {sorted(lengths)}")
    matrix = np.array(list(columns.values()), dtype=np.float64).T  # null is nan
    step_ms = round(series.step_s * 1000)
    return Frame(to_ms(series.start), max(step_ms, 1), tuple(columns), matrix)


def _frame_of_table(content: bytes) -> Frame:
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    metrics = [name for name in rows.fieldnames or () if name not in {"time", "item"}]
    if len(metrics) + 2 != len(rows.fieldnames or ()) or not metrics:
        raise ValueError("the table needs the columns time and item once each, and one or more metrics")
    _check_metrics(metrics)
    cells: dict[SeriesKey, dict[int, float]] = {}
    for number, row in enumerate(rows, start=2):
        try:
            time_ms = to_ms(_instant(row["time"]))
            for metric in metrics:
                if row[metric].strip():
                    cells.setdefault(SeriesKey(row["item"], metric), {})[time_ms] = float(row[metric])
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"line {number} of the table: {error}") from error
    return _on_grid(cells)


def _on_grid(cells: Mapping[SeriesKey, Mapping[int, float]]) -> Frame:
    """Place cells on a grid whose step is their smallest distance in time."""
    times = np.array(sorted({time_ms for values in cells.values() for time_ms in values}), dtype=np.int64)
    if len(times) < 2:  # noqa: PLR2004  a distance needs two instants
        raise ValueError("the table has values at fewer than two instants")
    start_ms, step_ms = int(times[0]), int(np.diff(times).min())
    if ((times - start_ms) % step_ms).any():
        raise ValueError(f"the instants of the table are not on one grid of {step_ms / 1000:g} s")
    n_ticks = int(times[-1] - start_ms) // step_ms + 1
    if n_ticks * len(cells) > MAX_VALUES:
        raise ValueError(f"{n_ticks} ticks of {len(cells)} series exceed the limit of {MAX_VALUES} values")
    values = np.full((n_ticks, len(cells)), np.nan)
    for column, seen in enumerate(cells.values()):
        values[(np.array(list(seen), dtype=np.int64) - start_ms) // step_ms, column] = list(seen.values())
    return Frame(start_ms, step_ms, tuple(cells), values)


def _check_metrics(metrics: Iterable[str]) -> None:
    for metric in metrics:
        if meaning_of(metric) is None:
            raise ValueError(f"unknown metric {metric!r}; the known metrics are {', '.join(MEANINGS)}")


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC, such as Z")
    return at
