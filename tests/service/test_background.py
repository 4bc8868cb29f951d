from __future__ import annotations

from datetime import timedelta

from service_builders import NOW, StillClock

from service.background import Repeating
from service.health import HealthRecord, HealthRegistry


def a_wait(n_rounds: int) -> tuple[list[float], object]:
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        return len(waits) >= n_rounds

    return waits, wait


def test_work_goes_on_after_a_bad_round_and_its_error_is_recorded() -> None:
    rounds: list[int] = []
    health = HealthRecord("work", StillClock())

    def work() -> None:
        rounds.append(len(rounds))
        if len(rounds) < 3:
            raise RuntimeError("a bad round")

    waits, wait = a_wait(2)
    Repeating(work, health, every_s=2.5).rounds(wait)
    assert (rounds, waits) == ([0, 1], [2.5, 2.5])
    assert (health.now.n_failures, health.now.failing_since) == (2, NOW)
    assert health.now.last_error == "RuntimeError: a bad round"
    waits, wait = a_wait(1)
    Repeating(work, health, every_s=2.5).rounds(wait)
    assert (health.now.n_failures, health.now.failing_since, health.now.last_success_at) == (2, None, NOW)


def test_work_that_is_not_done_at_once_waits_first() -> None:
    rounds: list[int] = []
    _, wait = a_wait(1)
    Repeating(lambda: rounds.append(1), HealthRecord("w", StillClock()), every_s=3600, at_once=False).rounds(
        wait
    )
    assert rounds == []
    _, wait = a_wait(3)
    Repeating(lambda: rounds.append(1), HealthRecord("w", StillClock()), every_s=3600, at_once=False).rounds(
        wait
    )
    assert rounds == [1, 1]


def test_a_thread_works_until_it_is_stopped() -> None:
    rounds: list[int] = []
    repeating = Repeating(lambda: rounds.append(1), HealthRecord("w", StillClock()), every_s=3600)
    repeating.start()
    repeating.stop()
    assert rounds == [1]


def test_a_part_that_fails_or_finishes_no_round_is_a_problem() -> None:
    clock, patience = StillClock(), timedelta(minutes=5)
    seconds = [0.0]
    registry = HealthRegistry(clock, elapsed_s=lambda: seconds[0])
    failing, stuck = registry.record("paging"), registry.record("outbox", every=timedelta(seconds=2))
    failing.run(lambda: 1 / 0)
    stuck.succeeded()
    assert registry.problems(patience=patience, is_vital=False) == [
        "paging: failing since 2026-03-04 02:06:00 UTC: ZeroDivisionError: division by zero"
    ]
    clock.at, seconds[0] = NOW + timedelta(days=1), 300.0  # the wall clock was set
    failing.succeeded()
    assert registry.problems(patience=patience, is_vital=False) == []
    clock.at, seconds[0] = NOW + patience + timedelta(seconds=1), 301.0
    assert registry.problems(patience=patience, is_vital=False) == [
        "outbox: no round has finished since 2026-03-04 02:06:00 UTC"
    ]
    assert registry.record("outbox", every=timedelta(hours=1)) is stuck


def test_a_part_that_began_to_fail_while_the_clock_was_ahead_is_not_excused_until_then() -> None:
    clock, seconds = StillClock(NOW + timedelta(hours=6)), [0.0]
    failing = HealthRegistry(clock, elapsed_s=lambda: seconds[0]).record("paging")
    failing.run(lambda: 1 / 0)
    clock.at, seconds[0] = NOW + timedelta(minutes=6), 360.0
    failing.run(lambda: 1 / 0)
    since = failing.now.broken_since(clock.at, patience=timedelta(minutes=5))
    assert since == NOW
