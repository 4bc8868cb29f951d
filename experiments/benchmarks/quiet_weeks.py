"""Whether teams' page budgets hold in quiet weeks, and what is still found at those thresholds.

Question: a team accepts N false pages a week; how many does it get in weeks without faults, and how many of
twelve faults page in the same weeks?

Data: seven simulated weeks of the brokerage per seed. The first is for fitting, the second for calibration;
five are judged: 22 market opens with two holidays (4-6 April, 1-5 May) and a make-up day, a Saturday on
which the exchange opens. In a copy with faults, one fault of each of twelve kinds happens at its typical
item, each on its own day at a random minute of trading; the missing open happens at an open. Of the
simulator's fourteen kinds, two are left out: the traffic surge, in which nothing is broken, and the broken
replication, which no metric shows. Every page in the quiet copy is false. A fault is found if a page is
raised on its item or neighbourhood while it lasts. The rules are the service's: `models.paging.rules`. The
simulator checks the pipeline; its figures are never headline figures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from experiments.brokerage.faults import FAULTS, example_fault
from experiments.brokerage.simulate import simulate
from features.calendar import DAY_MS, ExchangeClock
from models.detectors.baseline import fit_baseline
from models.detectors.first_stage import initial_state, score
from models.paging.merging import replayed_calls
from models.paging.normal_period_scores import normal_period_scores
from models.paging.page_record import GRID, page_record
from models.paging.team_budgets import team_budgets, watched_series
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmdb.graph import DependencyGraph
    from experiments.brokerage.faults import Fault
    from features.frame import Frame
    from models.detectors.first_stage import Baseline
    from models.paging.page_record import PageRecord
    from models.paging.rules import Call
    from models.state import State

FIRST_DAY = date(2026, 3, 23)
TRAIN_DAYS = 7
N_WEEKS = 5
MAKE_UP_DAY = date(2026, 5, 9)
CLOCK = ExchangeClock(openings=frozenset({MAKE_UP_DAY}))
NOT_INJECTED = frozenset({"traffic_surge", "broken_replication"})
KINDS = tuple(kind for kind in FAULTS if kind not in NOT_INJECTED)
RANDOM_GRID = np.linspace(3.0, 20.0, 64)
OPEN = time(9, 30)
BUSY_MINUTES = tuple(range(9 * 60 + 40, 11 * 60)) + tuple(range(13 * 60 + 5, 14 * 60 + 20))


@dataclass(frozen=True)
class Weeks:
    """One brokerage's judged weeks, scored.

    Attributes
    ----------
    scores
        Scores without and with the faults, by method.
    records
        Page records of the calibration week, by method.
    """

    graph: DependencyGraph
    scores: dict[str, tuple[Frame, Frame]]
    records: dict[str, PageRecord]
    faults: tuple[Fault, ...]

    @property
    def teams(self) -> tuple[str, ...]:
        """Team of each series."""
        return tuple(self.graph.items[key.item].team for key in self.judged.keys)

    @property
    def judged(self) -> Frame:
        """Scores of the quiet weeks."""
        return self.scores["sunspot"][0]


def scored_weeks(seed: int, *, n_weeks: int = N_WEEKS, kinds: Sequence[str] = KINDS) -> Weeks:
    """Simulate one brokerage with and without faults, and score both."""
    n_days = 2 * TRAIN_DAYS + 7 * n_weeks
    faults = tuple(_faults(np.random.default_rng(seed), n_weeks, kinds))
    quiet = simulate(FIRST_DAY, n_days=n_days, seed=seed, clock=CLOCK)
    faulty = simulate(FIRST_DAY, n_days=n_days, seed=seed, clock=CLOCK, faults=faults).frame
    baseline, state, calibrated, judged = _learned(quiet.frame)
    faulty = faulty.between(judged.start_ms, judged.end_ms)
    noise = np.random.default_rng(seed)
    made_up, made_up_before = (
        replace(each, values=noise.exponential(size=each.values.shape).astype(np.float32))
        for each in (judged, calibrated)
    )
    scores = {
        "sunspot": (_scored(judged, baseline, state), _scored(faulty, baseline, state)),
        "random": (made_up, made_up),
    }
    records = {
        "sunspot": page_record(calibrated, calibrated, thresholds=GRID),
        "random": page_record(made_up_before, made_up_before, thresholds=RANDOM_GRID),
    }
    return Weeks(quiet.graph, scores, records, faults)


def calls_of(weeks: Weeks, method: str, budget_per_week: float, *, with_faults: bool) -> list[Call]:
    """Every page of the judged weeks at a weekly page budget per team."""

    @cache
    def related(item: str) -> frozenset[str]:
        return weeks.graph.related(item)

    scores, teams = weeks.scores[method][with_faults], weeks.teams
    budgets = team_budgets(teams, {}, default_budget=budget_per_week)
    watched = watched_series(scores.keys, teams, budgets, weeks.records[method], related)
    return replayed_calls(normal_period_scores(scores, watched.thresholds), watched, related)


def delay_of(fault: Fault, calls: Sequence[Call], weeks: Weeks) -> float | None:
    """Seconds from a fault's start to the end of the first tick that pages for it; ``None`` without one."""
    near = weeks.graph.related(fault.item)
    start_ms, end_ms = (to_ms(each) for each in (fault.start, fault.end))
    closed = [
        each.since_ms + weeks.judged.step_ms
        for each in calls
        if each.is_page and each.item in near and start_ms <= each.since_ms < end_ms
    ]
    return (min(closed) - start_ms) / 1000 if closed else None


def _learned(frame: Frame) -> tuple[Baseline, State, Frame, Frame]:
    """Baseline and state, the scores of the calibration week, and the weeks to judge."""
    first, second = (frame.start_ms + days * DAY_MS for days in (TRAIN_DAYS, 2 * TRAIN_DAYS))
    fit, calibrate = frame.between(frame.start_ms, first), frame.between(first, second)
    baseline = fit_baseline(fit, CLOCK)
    state, _ = score(fit, baseline, CLOCK, initial_state(baseline, CLOCK))
    state, calibrated = score(calibrate, baseline, CLOCK, state)
    return baseline, state, replace(calibrate, values=calibrated.values), frame.between(second, frame.end_ms)


def _scored(frame: Frame, baseline: Baseline, state: State) -> Frame:
    return replace(frame, values=score(frame, baseline, CLOCK, state)[1].values)


def _faults(rng: np.random.Generator, n_weeks: int, kinds: Sequence[str]) -> Iterator[Fault]:
    """One fault of each kind, each on its own trading day."""
    zone = ZoneInfo(CLOCK.time_zone)
    first = FIRST_DAY + timedelta(days=2 * TRAIN_DAYS)
    days = [first + timedelta(days=day) for day in range(7 * n_weeks)]
    trading = [day for day in days if CLOCK.is_trading_day(day)]
    chosen = sorted(rng.choice(len(trading), size=len(kinds), replace=False).tolist())
    for place, kind in zip(chosen, rng.permutation(list(kinds)).tolist(), strict=True):
        minute = int(rng.choice(BUSY_MINUTES))
        at = OPEN if kind == "missing_open" else time(minute // 60, minute % 60)
        yield example_fault(kind, datetime.combine(trading[place], at, zone))
