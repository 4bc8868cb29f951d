"""Short forms of what `make soak` measures with real processes; the first one is the promise itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from experiments.reliability import estate
from experiments.reliability.kills import Kept, Stream, kept_of, measure_kills
from experiments.reliability.latency import measure_latency
from experiments.reliability.memory import measure_memory
from experiments.reliability.recovery import measure_recovery
from experiments.reliability.running import Running, running
from experiments.reliability.storm import measure_storm

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = {"samples", "log lines", "alerts", "changes", "verdicts"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp("measured")
    estate.give_bundle(directory)
    with running(directory) as found:
        yield found


@pytest.mark.timeout(300)
def test_nothing_acknowledged_is_lost_or_doubled_when_the_service_is_killed() -> None:
    """In the end it is stopped in peace, too: `measure_kills` fails if it does not finish."""
    kills = measure_kills(1, longest_life_s=0.5)
    assert kills.failures == []
    assert {each.kind for each in kills.kept} == KINDS
    assert all(each.n_acknowledged for each in kills.kept)
    assert (kills.n_under_load, kills.n_while_starting) == (1, 0)


def test_what_is_missing_doubled_or_unanswered_is_counted() -> None:
    stream = Stream("/", lambda _: b"", n_pieces=2, acknowledged=[0, 1], unanswered={2})
    assert kept_of("lines", stream, {0: 1, 1: 2, 2: 1, 4: 1}) == Kept("lines", 4, 1, 1, 2)


@pytest.mark.timeout(300)
def test_a_service_that_was_killed_answers_samples_and_alerts_again() -> None:
    recovery = measure_recovery(20_000, n_starts=1)
    assert recovery.n_alerts == 2
    for start in (*recovery.empty, *recovery.full):
        assert 0 < start.listening_s <= start.first_sample_s <= start.first_alert_s


def test_alerts_are_answered_while_intake_runs(service: Running) -> None:
    latency = measure_latency(service.port, seconds=1.5, step_s=0.3, first_rate=2_000, last_rate=4_000)
    assert latency.failures == []
    alone, under_load = latency.answered
    assert min(alone.waits.n, under_load.waits.n) > 0
    assert under_load.samples_per_s >= 0


def test_a_storm_is_stored_and_nobody_else_is_refused(service: Running) -> None:
    storm = measure_storm(service.port, 40, singles_s=1.0, quiet_s=1.0)
    assert storm.failures == []
    assert (storm.status, storm.n_stored) == (200, 40)
    assert {each.kind for each in storm.others} == {"alerts", "changes", "samples"}
    assert len(storm.others) == 9


def test_memory_is_read_under_mixed_load(service: Running) -> None:
    memory = measure_memory(service, 0.05)
    assert memory.failures == []
    assert min(memory.n_samples, memory.n_lines, memory.n_changes) > 0
    assert min(memory.rss_mb) > 10
