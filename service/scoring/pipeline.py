"""The tick pipeline: a tick closes, is scored, and goes to every consumer, each on its own.

A consumer that fails silences no other. It gets the tick once more, before the next one; a tick that fails
twice is skipped, counted, and shown with the error on ``/readyz``.
"""

from __future__ import annotations

from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service.health import HealthRecord, HealthRegistry
    from service.scoring.series import FirstStage
    from service.scoring.services import SecondStage
    from service.scoring.tick import ScoredTick

    Process = Callable[[ScoredTick], None]

SERIES, SERVICES = "scoring", "service scoring"


class TickConsumer:
    """One consumer of scored ticks, with its own health and position."""

    def __init__(self, process: Process, health: HealthRecord) -> None:
        self._process = process
        self._health = health
        self._failed: ScoredTick | None = None

    def accept(self, tick: ScoredTick) -> None:
        """Process a tick, and before it the one that failed last, if any."""
        failed, self._failed = self._failed, None
        if failed is not None and not self._run(failed):
            self._health.skipped()
        if not self._run(tick):
            self._failed = tick

    def _run(self, tick: ScoredTick) -> bool:
        return self._health.run(lambda: self._process(tick), position_ms=tick.tick_ms)


class TickPipeline:
    """Scores every tick that closes, and hands each to the consumers in their order.

    Parameters
    ----------
    consumers
        What processes the scored ticks, by the names under which their health is shown.
    """

    def __init__(
        self,
        first_stage: FirstStage,
        second_stage: SecondStage,
        consumers: Mapping[str, Process],
        health: HealthRegistry,
    ) -> None:
        self._first_stage = first_stage
        self._second_stage = second_stage
        self._health = health.record(SERIES)
        self._services = TickConsumer(second_stage.process, health.record(SERVICES))
        self._consumers = [TickConsumer(each, health.record(name)) for name, each in consumers.items()]
        self._advancing = Lock()

    def advance(self) -> int:
        """Score every tick that has closed since the last call, and return how many there were."""
        n_ticks = 0
        with self._advancing:
            for scored in self._first_stage.advance():
                self._services.accept(scored)  # first: a page describes the service, too
                tick = replace(scored, services=self._second_stage.scores_at(scored.tick_ms))
                for each in self._consumers:
                    each.accept(tick)
                self._health.succeeded(position_ms=tick.tick_ms)
                n_ticks += 1
        return n_ticks
