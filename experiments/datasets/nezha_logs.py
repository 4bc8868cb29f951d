"""Nezha's log lines: labelled injected faults on micro-service test beds, read in the public layout.

Yu et al., "Nezha: Interpretable Fine-Grained Root Causes Analysis for Microservices on Multi-modal
Observability Data", ESEC/FSE 2023. Days with ``rca_data/DAY/DAY-fault_list.json`` and
``rca_data/DAY/log/*_log.csv``; ``construct_data/DAY/log`` has normal operation. Minutes overlap: a line
found in two files counts once. ``inject_time`` is read as UTC; ``inject_timestamp`` is not read.
"""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from cmdb.graph import DependencyGraph
from cmdb.items import Item
from experiments.datasets.errors import DatasetError
from experiments.datasets.nezha_faults import read_faults, service_of
from features.frame import Frame
from features.logs.sums import LogSums, sum_logs
from features.logs.templates import TemplateMiner
from models.cases.case import Alert, Case, build_case
from telemetry.instants import to_ms
from telemetry.log_lines import read_line
from telemetry.logs import LogRecord, Logs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from experiments.datasets.nezha_faults import Fault

STEP_MS = 5_000
FAULT_LASTS = timedelta(minutes=3)
FAULT_LINGERS = timedelta(minutes=4)
"""For this long after an injection, nothing counts as normal."""


@dataclass(frozen=True)
class LoggedDay:
    """One day's faults, and the sums of its lines."""

    name: str
    system: str
    faults: tuple[Fault, ...]
    sums: LogSums
    n_lines: int

    def cases(self) -> Iterator[tuple[Fault, Case]]:
        """The case of each fault that has lines in and before its three minutes, in order of time."""
        for fault in self.faults:
            case = self.with_logs(self._bare_case(fault))
            if case.window_logs is not None:
                yield fault, case

    def with_logs(self, case: Case) -> Case:
        """The case with the lines of its fault and of normal time before it; unchanged if either has none."""
        start_ms, end_ms = to_ms(case.alert.starts_at), to_ms(case.alert.starts_at + FAULT_LASTS)
        starts = self.sums.counts.starts_ms
        is_normal = starts + STEP_MS <= start_ms
        for other in self.faults:
            begins, ends = to_ms(other.at), to_ms(other.at + FAULT_LINGERS)
            is_normal &= (starts + STEP_MS <= begins) | (starts >= ends)
        window, normal = self.sums.between(start_ms, end_ms), self.sums.at(starts[is_normal].tolist())
        if not (len(window.counts.counts) and len(normal.counts.counts)):
            return case
        return replace(case, window_logs=window, normal_logs=normal)

    def _bare_case(self, fault: Fault) -> Case:
        """A case that contains only the services' names."""
        services = sorted({*self.sums.counts.services, fault.service})
        graph = DependencyGraph([Item(each) for each in services], [])
        nothing = Frame(to_ms(fault.at), STEP_MS, (), np.empty((1, 0)))
        alert = Alert(services[0], "FaultInjected", fault.at, fingerprint=f"{self.name}-{fault.at:%H%M%S}")
        return build_case(
            alert, fault.at + FAULT_LASTS, graph, nothing, normal=nothing, cause=(fault.service,)
        )


def load_nezha_logs(directory: Path) -> list[LoggedDay]:
    """Read every day below a folder that has faults and logs, in order.

    Raises
    ------
    DatasetError
        If no day is there, or a file of one cannot be read.
    """
    lists = sorted(directory.glob("**/rca_data/*/*-fault_list.json"))
    if not lists:
        raise DatasetError("nezha", directory, "no rca_data/DAY/DAY-fault_list.json in it")
    days = [_read_day(path) for path in lists if _log_files(path)]
    if not days:
        raise DatasetError("nezha", directory, "no rca_data/DAY/log/*_log.csv in it")
    return days


def nezha_log_files(directory: Path) -> list[Path]:
    """Every file read below a folder."""
    lists = sorted(directory.glob("**/rca_data/*/*-fault_list.json"))
    return [*lists, *(path for each in lists for path in _log_files(each))]


def _log_files(fault_list: Path) -> list[Path]:
    day, root = fault_list.parent.name, fault_list.parents[2]
    return [
        *sorted((root / "construct_data" / day / "log").glob("*_log.csv")),
        *sorted((root / "rca_data" / day / "log").glob("*_log.csv")),
    ]


def read_records(path: Path) -> Iterator[LogRecord]:
    """The lines of one file as records.

    Raises
    ------
    DatasetError
        If it is not a table of lines.
    """
    usual_limit = csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            for row in csv.DictReader(file):
                line = read_line(row["Log"])
                yield LogRecord(
                    service_of(row["PodName"]),
                    line.severity,
                    line.logger,
                    int(row["TimeUnixNano"]) // 1_000_000,
                    line.body,
                    row.get("TraceID") or line.trace_id,
                    line.template,
                )
    except (OSError, csv.Error, KeyError, TypeError, ValueError) as error:
        raise DatasetError("nezha", path, f"not a table of log lines: {error}") from error
    finally:
        csv.field_size_limit(usual_limit)


def _read_day(fault_list: Path) -> LoggedDay:
    faults = tuple(read_faults(fault_list))
    records = {record for path in _log_files(fault_list) for record in read_records(path)}
    logs = Logs.from_records(sorted(records, key=lambda each: (each.time_ms, each)))
    sums = sum_logs(logs, TemplateMiner().mine(logs), step_ms=STEP_MS)
    is_train_ticket = any(service.startswith("ts-") for service in sums.counts.services)
    system = "train_ticket" if is_train_ticket else "online_boutique"
    return LoggedDay(fault_list.parent.name, system, faults, sums, len(logs))
