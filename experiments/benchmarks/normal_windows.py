"""Normal windows: an alert without an injected fault, where the answer should be "nothing observed".

Of a case library they are the cases whose cause is empty.

There are as many as the set has labelled incidents, spread evenly over its normal operation. The alert is on
the item of that set's alerts; each window is as long as an incident's and excluded from its own past.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time
from typing import TYPE_CHECKING, NoReturn
from zoneinfo import ZoneInfo

import numpy as np

from experiments.brokerage.incidents import HISTORY_FROM, INCIDENT_DAY, N_HISTORY_DAYS, RANKED_AFTER
from experiments.brokerage.simulate import simulate
from experiments.datasets.errors import DatasetError
from experiments.datasets.nezha import FAULT_LASTS, FAULT_LINGERS, load_nezha
from experiments.datasets.nezha_logs import load_nezha_logs, nezha_log_files
from experiments.datasets.petshop import load_petshop
from features.calendar import ExchangeClock
from features.frame import Frame
from models.cases.case import Alert, build_case
from models.cases.library import read_cases
from telemetry.instants import MILLISECOND, from_ms, to_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from experiments.datasets.nezha import Day
    from experiments.datasets.petshop import Scenario
    from models.cases.case import Case
    from models.errors import BadCaseError

N_TICKS_OF_INCIDENT, N_TICKS_BEFORE_ALERT = 5, 2
"""Ticks of a PetShop incident, and ticks of it before its alert."""

WEEK_MS = 7 * 86_400_000

MIN_TICKS_BEFORE = 12
"""Minutes of Nezha's day that precede the first window."""

N_BROKERAGE_DAYS = 2
BROKERAGE_TIMES = tuple(time(hour, minute) for hour in (9, 10, 11, 13, 14) for minute in (5, 35, 50))
NORMAL_SEED = 500_000
"""Base seed of the brokerage's normal days, distinct from the seeds of the incidents' days."""


def normal_cases(dataset: str, data: Path | None, *, seed: int = 0) -> list[Case]:
    """Normal windows of a set of incidents; none if the set has no separate normal operation.

    Raises
    ------
    DatasetError
        If the folder does not hold the set.
    """
    if dataset == "brokerage":
        return list(brokerage_normal(seed=seed))
    if dataset == "petshop" and data is not None:
        return [
            replace(case, system=each.name) for each in load_petshop(data) for case in petshop_normal(each)
        ]
    if dataset == "nezha" and data is not None:
        has_logs = any(path.suffix == ".csv" for path in nezha_log_files(data))
        logged = {day.name: day for day in load_nezha_logs(data)} if has_logs else {}
        return [
            replace(logged[day.name].with_logs(case) if day.name in logged else case, system=day.system)
            for day in load_nezha(data)
            for case in nezha_normal(day)
        ]
    if dataset == "cases" and data is not None:
        return [case for case in read_cases(data, left_out=_refused(data)) if not case.cause]
    return []


def _refused(data: Path) -> Callable[[BadCaseError], NoReturn]:
    def refuse(error: BadCaseError) -> NoReturn:
        raise DatasetError("cases", data, str(error)) from error

    return refuse


def petshop_normal(scenario: Scenario) -> Iterator[Case]:
    """Normal windows from a scenario's normal period, as many as it has incidents."""
    frame, incidents = scenario.normal, scenario.incidents
    last = frame.n_ticks - N_TICKS_OF_INCIDENT
    for number, first in enumerate(_spread(range(last), len(incidents))):
        starts_at = from_ms(frame.start_ms + (first + N_TICKS_BEFORE_ALERT) * frame.step_ms)
        alert = replace(incidents[number].alert, starts_at=starts_at, fingerprint=f"calm-{first}")
        asked_at = from_ms(frame.start_ms + (first + N_TICKS_OF_INCIDENT) * frame.step_ms)
        yield build_case(alert, asked_at, scenario.graph, frame, normal=_without(frame, first))


def _without(frame: Frame, first: int) -> Frame:
    """The normal period without a window and the half hour before it, dated a week earlier.

    All of the period is labelled normal, what follows the window too.
    """
    values = frame.values.copy()
    values[max(0, first - N_TICKS_OF_INCIDENT) : first + N_TICKS_OF_INCIDENT] = np.nan
    return Frame(frame.start_ms - WEEK_MS, frame.step_ms, frame.keys, values)


def nezha_normal(day: Day) -> Iterator[Case]:
    """Normal windows of a day, as many as it has faults; they avoid the faults and the minutes after them."""
    lasts_ms, lingers_ms = FAULT_LASTS // MILLISECOND, FAULT_LINGERS // MILLISECOND
    begins = [to_ms(fault.at) for fault in day.faults]
    starts = [
        start
        for start in day.frame.times_ms[MIN_TICKS_BEFORE:].tolist()
        if start + lasts_ms <= day.frame.end_ms
        and all(start + lasts_ms <= fault or start >= fault + lingers_ms for fault in begins)
    ]
    for start in _spread(starts, len(day.faults)):
        yield replace(day.case(replace(day.faults[0], at=from_ms(start))), cause=())


def brokerage_normal(*, seed: int = 0) -> Iterator[Case]:
    """Normal windows of days without a fault; the alert is on the item with the most dependencies."""
    clock = ExchangeClock()
    zone = ZoneInfo(clock.time_zone)
    history = simulate(HISTORY_FROM, n_days=N_HISTORY_DAYS, seed=seed).frame
    for number in range(N_BROKERAGE_DAYS):
        day = simulate(INCIDENT_DAY, n_days=1, seed=NORMAL_SEED + 10 * seed + number)
        entry = min(sorted(day.graph.items), key=lambda item: -len(day.graph.dependencies(item)))
        for each in BROKERAGE_TIMES:
            starts_at = datetime.combine(INCIDENT_DAY, each, zone)
            yield build_case(
                Alert(entry, "Calm", starts_at, fingerprint=f"calm-{number}-{each:%H%M}"),
                starts_at + RANKED_AFTER,
                day.graph,
                day.frame,
                normal=history,
                clock=clock,
                changes=day.changes,
            )


def _spread(starts: range | list[int], n: int) -> list[int]:
    """At most ``n`` of the given numbers, evenly spread."""
    if not len(starts):
        return []
    chosen = np.unique(np.linspace(0, len(starts) - 1, min(n, len(starts))).astype(int))
    return [starts[index] for index in chosen.tolist()]
