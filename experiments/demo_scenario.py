"""A demo scenario: a history to learn from, an incident to replay, and the cause to find.

The demo replays one over the service's public HTTP interface, from the brokerage or from PetShop.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

from experiments.brokerage.alertmanager import alertmanager_payload
from experiments.brokerage.alerts import AlertEvent, firing_alerts
from experiments.brokerage.faults import example_fault
from experiments.brokerage.log_alerts import error_line_alerts
from experiments.brokerage.simulate import simulate
from experiments.datasets.petshop import load_petshop
from telemetry.batches import Samples
from telemetry.instants import to_ms
from telemetry.logs import LogRecord, Logs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cmdb.graph import DependencyGraph
    from cmdb.items import ChangeEvent
    from experiments.brokerage.logs import LogLine
    from experiments.datasets.petshop import Incident, Scenario
    from features.frame import Frame

FIRST_DAY = date(2026, 3, 2)
"""A Monday with five trading days in its week."""

N_HISTORY_DAYS = 7
INCIDENT_DAY = date(2026, 3, 9)
FAULT_AT = time(10, 12)
REPLAY_FROM = time(9, 0)
ANSWER_AFTER = timedelta(minutes=3)
"""Delay from alert to webhook: Alertmanager waits for the alert's group."""

NO_LOGS = Logs.from_records([])


@dataclass(frozen=True)
class DemoScenario:
    """Everything the demo needs; the answer is never sent to the service.

    Attributes
    ----------
    history
        Signals of normal operation, to train on.
    clock
        The clock of the items, a key of `features.calendar.CLOCKS`.
    incident
        The samples to replay, in order of arrival.
    logs
        The log lines to replay with them, in order of time.
    webhook
        The Alertmanager document that is sent after the samples.
    causes
        The true causes; the service never sees them.
    """

    title: str
    graph: DependencyGraph
    history: Frame
    clock: str
    incident: Samples
    changes: tuple[ChangeEvent, ...]
    webhook: dict[str, Any]
    causes: tuple[str, ...]
    happened: str
    logs: Logs = NO_LOGS

    def batches(self, *, max_samples: int = 5_000) -> Iterator[Samples]:
        """The incident's samples in order of time, in batches that never split an instant."""
        order = np.argsort(self.incident.time_ms, kind="stable")
        times = self.incident.time_ms[order]
        first = 0
        while first < len(order):
            last = min(first + max_samples, len(order))
            last = int(np.searchsorted(times, times[last - 1], side="right"))  # complete instants
            chosen = order[first:last]
            yield Samples(
                self.incident.keys,
                self.incident.series[chosen],
                times[first:last],
                self.incident.values[chosen],
            )
            first = last


def brokerage_scenario(*, kind: str = "slow_database", seed: int = 7) -> DemoScenario:
    """A week of the brokerage, and a trading day with a fault after the open.

    Raises
    ------
    UnknownFaultError
        If there is no such kind of fault.
    LookupError
        If the brokerage's monitoring does not notice the fault.
    """
    zone = ZoneInfo("Asia/Shanghai")
    start = datetime.combine(INCIDENT_DAY, FAULT_AT, zone)
    fault = example_fault(kind, start)
    history = simulate(FIRST_DAY, n_days=N_HISTORY_DAYS, seed=seed)
    day = simulate(INCIDENT_DAY, n_days=1, seed=seed + 1, faults=[fault])
    raised = firing_alerts(day, history=history.frame)
    fired = [alert for alert in raised if start <= alert.starts_at < fault.end]
    if not fired:  # some faults show only in the logs
        fired = error_line_alerts(day.log_lines(start, fault.end))
    if not fired:
        raise LookupError(f"no alert fires for {kind} at {fault.item}")
    at = fired[0].starts_at + ANSWER_AFTER
    replay_from = datetime.combine(INCIDENT_DAY, REPLAY_FROM, zone)
    shown = day.frame.between(to_ms(replay_from), to_ms(at))
    return DemoScenario(
        title="the built-in brokerage",
        graph=day.graph,
        history=history.frame,
        clock="XSHG",
        incident=samples_of(shown),
        changes=tuple(change for change in day.changes if change.at <= at),
        webhook=alertmanager_payload(fired, at=at),
        causes=fault.causes,
        happened=f"{kind.replace('_', ' ')} at {fault.item}, {start:%A %H:%M} in Shanghai",
        logs=logs_of(day.log_lines(replay_from, at)),
    )


def petshop_scenario(directory: Path, *, incident: str | None = None) -> DemoScenario:
    """One of PetShop's labelled injected faults, from its test bed.

    Parameters
    ----------
    directory
        The data set in its public layout.
    incident
        Its id, such as ``low_traffic/test/issue_9``; by default the first of the ``test`` part.

    Raises
    ------
    DatasetError
        If the data set is not there.
    LookupError
        If there is no such incident.
    """
    scenarios = load_petshop(directory)
    scenario, chosen = _find(scenarios, incident)
    event = AlertEvent(
        name=chosen.alert.name,
        item=chosen.alert.item,
        severity="critical",
        team="petshop",
        starts_at=chosen.alert.starts_at,
        ends_at=None,
        value=float("nan"),
        threshold=float("nan"),
        summary=f"{chosen.alert.item}: {chosen.metric} is out of bounds",
    )
    return DemoScenario(
        title=f"PetShop, {chosen.id}",
        graph=scenario.graph,
        history=scenario.normal,
        clock="always",
        incident=chosen.samples,
        changes=(),
        webhook=alertmanager_payload([event]),
        causes=(chosen.cause,),
        happened=f"{chosen.cause}, as the data set labels it",
    )


def logs_of(lines: Sequence[LogLine]) -> Logs:
    """Lines as a sender sends them, without the simulation's ground truth."""
    return Logs.from_records(LogRecord(line.item, line.level, "", line.time_ms, line.text) for line in lines)


def samples_of(frame: Frame) -> Samples:
    """Every value of a frame as a sample at the start of its tick; missing values are skipped."""
    tick, series = np.nonzero(np.isfinite(frame.values))
    return Samples(
        frame.keys,
        series.astype(np.int32),
        frame.times_ms[tick],
        frame.values[tick, series].astype(np.float64),
    )


def _find(scenarios: Sequence[Scenario], incident: str | None) -> tuple[Scenario, Incident]:
    every = [(scenario, each) for scenario in scenarios for each in scenario.incidents]
    wanted = [
        pair for pair in every if pair[1].id == incident or (incident is None and "/test/" in pair[1].id)
    ]
    if not wanted:
        raise LookupError(f"no incident {incident!r}; choose from {', '.join(each.id for _, each in every)}")
    return wanted[0]
