"""Labelled incidents of the brokerage, as cases: a check of the pipeline, never a headline figure."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from experiments.brokerage.alertmanager import fingerprint, labels_of
from experiments.brokerage.alerts import firing_alerts
from experiments.brokerage.faults import FAULTS, example_fault
from experiments.brokerage.simulate import simulate
from features.calendar import ExchangeClock
from models.cases.case import Alert, build_case

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from experiments.brokerage.alerts import AlertEvent
    from models.cases.case import Case

HISTORY_FROM = date(2026, 3, 2)
N_HISTORY_DAYS = 5
INCIDENT_DAY = date(2026, 3, 10)
FAULT_TIMES = (time(10, 5), time(13, 40))
MISSING_OPEN_TIME = time(9, 30)
RANKED_AFTER = timedelta(minutes=3)
"""Delay from the first alert to the ranking."""


def brokerage_cases(*, seed: int = 0, kinds: Sequence[str] = tuple(FAULTS)) -> Iterator[tuple[str, Case]]:
    """Every kind of fault on its own days; a fault that the plain monitoring misses yields no case.

    Parameters
    ----------
    seed
        Seed of the history; each incident's day has its own.
    kinds
        Keys of `experiments.brokerage.faults.FAULTS`.
    """
    clock = ExchangeClock()
    zone = ZoneInfo(clock.time_zone)
    history = simulate(HISTORY_FROM, n_days=N_HISTORY_DAYS, seed=seed).frame
    for number, kind in enumerate(kinds):
        times = (MISSING_OPEN_TIME,) if kind == "missing_open" else FAULT_TIMES
        for again, starts in enumerate(times):
            fault = example_fault(kind, datetime.combine(INCIDENT_DAY, starts, zone))
            day_seed = 1_000 * (seed + 1) + 10 * number + again
            day = simulate(INCIDENT_DAY, n_days=1, seed=day_seed, faults=[fault])
            fired = [
                each
                for each in firing_alerts(day, history=history)
                if fault.start <= each.starts_at < fault.end
            ]
            if not fired:
                continue
            alert, *others = [_alert(each) for each in fired]
            yield (
                kind,
                build_case(
                    alert,
                    alert.starts_at + RANKED_AFTER,
                    day.graph,
                    day.frame,
                    normal=history,
                    clock=clock,
                    changes=day.changes,
                    other_alerts=others,
                    cause=fault.causes,
                ),
            )


def _alert(fired: AlertEvent) -> Alert:
    labels = labels_of(fired)
    return Alert(fired.item, fired.name, fired.starts_at, fingerprint=fingerprint(labels), labels=labels)
