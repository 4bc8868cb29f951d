"""No batch of log lines is skipped or counted twice, however threads that append take turns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from builders import ONSET
from hypothesis import given
from hypothesis import strategies as st
from log_builders import a_log_bundle
from service_builders import StillClock, settings_for

from features.masking.masker import Masker
from service.batch_log import CountedBatches
from service.logs.checkpoint import LogCheckpoints
from service.logs.room import LogsRoom, logs_room
from service.masking import IncomingMasks
from service.signals.room import SignalsRoom, signals_room
from telemetry.errors import HistoryWriteError
from telemetry.history import History
from telemetry.logs import LogRecord, Logs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from telemetry.damage import Damage

ONSET_MS = int(ONSET.timestamp() * 1000)


@dataclass
class InterleavedHistory:
    """A history in memory that does other work after a batch is stored, before its thread learns of it."""

    stored: list[tuple[int, Logs]] = field(default_factory=list)
    meanwhile: list[Callable[[], object]] = field(default_factory=list)
    position: int = 0
    damage: tuple[Damage, ...] = ()

    def append(self, logs: Logs) -> int:
        self.position += 1
        position = self.position
        self.stored.append((position, logs))
        if self.meanwhile:
            self.meanwhile.pop(0)()
        return position

    def replay(self, *, after: int = 0, since_s: float = 0.0) -> Iterator[tuple[int, Logs]]:
        assert since_s < ONSET_MS / 1000
        return iter([each for each in self.stored if each[0] > after])

    def retain(self, days: float) -> int:
        return int(days * 0)


@dataclass
class Threads:
    """A log intake whose history interleaves, and what a restart would find."""

    directory: Path
    signals: SignalsRoom
    history: InterleavedHistory = field(default_factory=InterleavedHistory)

    def __post_init__(self) -> None:
        self.logs = self.started()

    def started(self) -> LogsRoom:
        return logs_room(
            settings_for(self.directory),
            self.history,
            self.signals,
            LogCheckpoints(self.directory / "logs.state"),
            IncomingMasks(Masker()),
            affected=lambda _: (),
            changes=lambda _, __: (),
        )

    def receive(self, body: str) -> None:
        self.logs.intake.receive(Logs.from_records([LogRecord("order", "INFO", "", ONSET_MS + 1, body)]))

    def checkpointed(self) -> tuple[int, set[int]]:
        self.logs.checkpoint()
        memory = LogCheckpoints(self.directory / "logs.state").read(position=self.history.position)
        assert memory is not None
        return memory.position, set(memory.beyond)


def n_lines(logs: LogsRoom) -> int:
    window = logs.evidence.window(["order"], since_ms=0)
    assert window is not None
    return int(window.counts.counts.sum())


@pytest.fixture
def threads(tmp_path: Path) -> Iterator[Threads]:
    with History(tmp_path / "history") as history:
        yield Threads(tmp_path, signals_room(settings_for(tmp_path), history, StillClock(ONSET)))


def test_a_checkpoint_does_not_skip_a_batch_that_another_thread_has_stored(threads: Threads) -> None:
    threads.receive("first")
    found = []

    def another_thread() -> None:
        threads.receive("third")
        found.append(threads.checkpointed())

    threads.history.meanwhile = [another_thread]
    threads.receive("second")
    assert found == [(1, {3})]
    assert n_lines(threads.started()) == n_lines(threads.logs) == 3
    assert threads.checkpointed() == (3, set())
    assert n_lines(threads.started()) == 3


def test_a_restart_continues_after_the_batches_that_it_read_again(threads: Threads) -> None:
    def another_thread() -> None:
        threads.receive("second")
        threads.checkpointed()

    threads.history.meanwhile = [another_thread]
    threads.receive("first")
    threads.logs = threads.started()
    threads.receive("third")
    assert threads.checkpointed() == (3, set())
    assert n_lines(threads.started()) == n_lines(threads.logs) == 3


def test_a_bundle_adopted_while_a_batch_is_stored_counts_it_once(threads: Threads) -> None:
    threads.receive("first")
    found = []

    def another_thread() -> None:
        threads.receive("third")
        threads.logs.adoption.adopt(a_log_bundle())
        found.append((*threads.checkpointed(), n_lines(threads.logs)))

    threads.history.meanwhile = [another_thread]
    threads.receive("second")
    assert found == [(3, set(), 3)]
    assert n_lines(threads.logs) == n_lines(threads.started()) == 3
    threads.receive("fourth")
    assert threads.checkpointed() == (4, set())


def test_a_batch_that_the_disk_refuses_holds_no_checkpoint_up(threads: Threads) -> None:
    def full_disk() -> None:
        threads.history.stored.pop()
        raise HistoryWriteError(threads.directory, OSError("no space left"))

    threads.receive("first")
    threads.history.meanwhile = [full_disk]
    with pytest.raises(HistoryWriteError):
        threads.receive("second")
    threads.receive("third")
    assert threads.checkpointed() == (3, set())
    assert n_lines(threads.logs) == 2


@given(
    st.lists(st.tuples(st.sampled_from(["begin", "store", "refuse", "count", "replay"]), st.integers(0, 9)))
)
def test_everything_up_to_the_position_is_counted_and_nothing_twice(steps: list[tuple[str, int]]) -> None:
    counted, position = CountedBatches(), 0
    begun: list[int] = []
    stored: list[tuple[int, int]] = []
    every, n_counted = set[int](), dict[int, int]()
    for act, number in steps:
        if act == "begin":
            counted.begin(position)
            begun.append(position)
        elif act in ("store", "refuse") and begun:
            position += 1
            start = begun.pop(number % len(begun))
            if act == "store":
                stored.append((start, position))
                every.add(position)
            else:
                counted.end(start)
        elif act == "count" and stored:
            start, mine = stored.pop(number % len(stored))
            n_counted[mine] = n_counted.get(mine, 0) + counted.add(mine)
            counted.end(start)
        elif act == "replay":
            n_counted |= dict.fromkeys(every, 1)
            counted.replayed(position)
        done = {each for each in every if n_counted.get(each)}
        assert done == {each for each in every if each <= counted.until or each in counted.beyond}
        assert max(n_counted.values(), default=1) <= 1
        if not begun and not stored:
            assert (counted.until, counted.beyond) == (max(counted.until, *done, 0), frozenset())
