"""Run the brokerage for some days: metrics, changes, logs and spans, deterministic by seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from experiments.brokerage.changes import ordinary_changes, release_chatter
from experiments.brokerage.conditions import Conditions
from experiments.brokerage.faults import apply_fault
from experiments.brokerage.flows import Load
from experiments.brokerage.logs import LogLine, write_log_lines
from experiments.brokerage.measure import measure
from experiments.brokerage.noise import layered_noise
from experiments.brokerage.propagation import Brokerage
from experiments.brokerage.spans import Span, sample_spans
from experiments.brokerage.topology import brokerage_graph, callers_first
from experiments.brokerage.traffic import customer_demand, journey_shares, market_messages, settlement_jobs
from features.calendar import MINUTES_A_DAY, ExchangeClock
from telemetry.instants import from_ms, to_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmdb.graph import DependencyGraph
    from cmdb.items import ChangeEvent
    from experiments.brokerage.faults import Fault
    from experiments.brokerage.flows import Flows
    from features.frame import Frame

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Simulation:
    """Some days of the brokerage.

    Attributes
    ----------
    frame
        The monitored signals: every item's golden signals and resources; ``nan`` = missing.
    changes
        Recorded changes in order of time: ordinary ones, and those of the faults.
    faults
        The ground truth.
    flows, conditions
        The true state, before measurement.
    """

    graph: DependencyGraph
    frame: Frame
    changes: tuple[ChangeEvent, ...]
    faults: tuple[Fault, ...]
    seed: int
    flows: Flows = field(repr=False)
    conditions: Conditions = field(repr=False)

    @property
    def start(self) -> datetime:
        """Start of the first tick."""
        return from_ms(self.frame.start_ms)

    @property
    def end(self) -> datetime:
        """End of the last tick, exclusive."""
        return from_ms(self.frame.end_ms)

    def log_lines(self, start: datetime, end: datetime) -> list[LogLine]:
        """Every log line written in ``[start, end)``, in order of time; lines follow load and faults.

        Raises
        ------
        ValueError
            If an instant has no time zone.
        """
        ticks = self._ticks(start, end)
        lines = write_log_lines(
            self.flows,
            self.conditions,
            ticks,
            self.seed,
            start_ms=self.frame.start_ms,
            step_ms=self.frame.step_ms,
        )
        return [line for line in lines if _ms(start) <= line.time_ms < _ms(end)]

    def spans(self, start: datetime, end: datetime) -> list[Span]:
        """A sample of the spans of traces that start in ``[start, end)``, with gaps, by trace and start.

        Raises
        ------
        ValueError
            If an instant has no time zone.
        """
        ticks = self._ticks(start, end)
        spans = sample_spans(
            self.flows, ticks, self.seed, start_ms=self.frame.start_ms, step_ms=self.frame.step_ms
        )
        return [span for span in spans if _ms(start) <= span.trace_start_ms < _ms(end)]

    def _ticks(self, start: datetime, end: datetime) -> range:
        frame = self.frame
        first = (_ms(start) - frame.start_ms) // frame.step_ms
        last = -((frame.start_ms - _ms(end)) // frame.step_ms)
        return range(max(0, first), min(frame.n_ticks, last))


def _ms(at: datetime) -> int:
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone")
    return to_ms(at)


def simulate(
    first_day: date,
    *,
    n_days: int,
    seed: int,
    faults: Sequence[Fault] = (),
    step: timedelta = MINUTE,
    clock: ExchangeClock | None = None,
) -> Simulation:
    """Simulate full calendar days in the exchange's time zone.

    Parameters
    ----------
    first_day
        A local day; weekends and holidays are simulated as such.
    n_days
        At least 1.
    seed
        The same seed gives the same simulation, to the bit.
    faults
        The faults, in any order; they may overlap.
    step
        Spacing of the ticks; a whole number of seconds that divides a day.
    clock
        The exchange's calendar; Shanghai's by default.

    Raises
    ------
    ValueError
        If ``n_days`` or ``step`` is invalid.
    """
    if n_days < 1:
        raise ValueError(f"at least one day is needed, got {n_days}")
    if step < timedelta(seconds=1) or step % timedelta(seconds=1) or DAY % step:
        raise ValueError(f"a step of {step} does not divide a day into whole seconds")
    clock = clock or ExchangeClock()
    start = datetime.combine(first_day, time(), ZoneInfo(clock.time_zone)).astimezone(UTC)
    conditions = normal_conditions(first_day, n_days, step, clock)
    for fault in faults:
        apply_fault(fault, conditions, start, step)
    streams = [np.random.default_rng(each) for each in np.random.SeedSequence(seed).spawn(5)]
    load = Load(
        customer_demand(conditions, streams[0]),
        journey_shares(conditions, streams[1]),
        {"settlement": settlement_jobs(conditions), "exchange-feed": market_messages(conditions)},
    )
    order = callers_first()
    roughness = layered_noise(streams[2], (len(order), len(conditions.minutes)), spread=0.14)
    flows = Brokerage(
        load, conditions, dict(zip(order, roughness, strict=True)), step_s=step.total_seconds()
    ).run()
    frame = measure(
        flows,
        conditions,
        streams[3],
        start_ms=to_ms(start),
        step_ms=int(step.total_seconds() * 1000),
    )
    conditions.changes += ordinary_changes(start, n_days, streams[4])
    conditions.chatter += release_chatter(conditions.changes, start, conditions.minutes)
    changes = tuple(sorted(conditions.changes, key=lambda change: (change.at, change.id)))
    return Simulation(brokerage_graph(), frame, changes, tuple(faults), seed, flows, conditions)


def normal_conditions(first_day: date, n_days: int, step: timedelta, clock: ExchangeClock) -> Conditions:
    """Conditions of days without faults."""
    minutes = np.arange(n_days * (DAY // step), dtype=np.float64) * (step / MINUTE)
    day = (minutes // MINUTES_A_DAY).astype(int)
    trades = np.array([clock.is_trading_day(first_day + timedelta(days=day)) for day in range(n_days)])
    return Conditions(minutes, np.mod(minutes, MINUTES_A_DAY), trades[day])
