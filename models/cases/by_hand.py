"""A case written by hand, with signals as lists or a table; it is built as the service builds a case."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np

from cmdb.graph import DependencyGraph
from cmdb.items import ChangeEvent, Edge, Item
from features.frame import Frame
from models.cases.case import Alert, build_case
from models.cases.case_table import check_metrics, frame_of_table
from telemetry.batches import SeriesKey
from telemetry.instants import from_ms, to_ms

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.cases.case import Case
    from models.cases.document import AlertDocument, CaseDocument, ChangeDocument, SeriesDocument


def case_by_hand(document: CaseDocument, read: Callable[[str], bytes]) -> Case:
    """Return the case of a document whose signals are ``series`` or ``csv``.

    Every tick with values before the half hour that precedes the incident counts as normal operation. Items
    that appear only in edges, signals, changes or the alert are services.

    Raises
    ------
    ValueError
        If the signals are irregular or too many, or name a metric with an unknown unit, or if a cause is no
        item of the case.
    """
    notes: list[str] = []
    if document.series:
        frame = _frame(document.series)
    else:
        frame, notes = frame_of_table(read(document.csv or ""), document.alert.starts_at.tzinfo)
    graph = _graph(document, frame)
    _check_causes(document, graph)
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
        notes=[*document.notes, *notes],
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


def _check_causes(document: CaseDocument, graph: DependencyGraph) -> None:
    for cause in document.cause:
        if cause not in graph:
            near = get_close_matches(cause, graph.items, n=1)
            meant = f"; is {near[0]!r} meant?" if near else ""
            raise ValueError(f"cause: no item of the case is called {cause!r}{meant}")


def _frame(series: SeriesDocument) -> Frame:
    columns = {
        SeriesKey(item, metric): values
        for item, metrics in series.values.items()
        for metric, values in metrics.items()
    }
    check_metrics(key.metric for key in columns)
    lengths = {len(values) for values in columns.values()}
    if len(lengths) != 1:
        raise ValueError(f"series: each needs one value per tick, but their lengths are {sorted(lengths)}")
    matrix = np.array(list(columns.values()), dtype=np.float64).T  # null is nan
    step_ms = round(series.step_s * 1000)
    return Frame(to_ms(series.start), max(step_ms, 1), tuple(columns), matrix)
