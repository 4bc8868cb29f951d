from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING

import pytest

from service.errors import NoTurnError
from service.store.turns import MAX_TOGETHER, Job, Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Journal:
    """Does jobs and remembers which were done together; the first may be held up."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.may_go_on = Event()

    def run(self, jobs: Sequence[Job[list[str]]]) -> None:
        group: list[str] = []
        self.groups.append(group)
        for each in jobs:
            assert each.work is not None
            try:
                each.result = each.work(group)
            except ValueError as error:
                each.error = error

    def held_up(self, group: list[str]) -> None:
        group.append("first")
        assert self.may_go_on.wait(10)


def writes(name: str) -> Callable[[list[str]], str]:
    def work(group: list[str]) -> str:
        if name == "bad":
            raise ValueError(name)
        group.append(name)
        return name.upper()

    return work


def queued(turns: Turns[list[str]], n_jobs: int) -> None:
    while len(turns._queue) < n_jobs:
        pass


def test_those_who_wait_are_served_in_order_by_one_transaction_and_each_gets_its_own_outcome() -> None:
    journal = Journal()
    turns = Turns(journal.run, patience_s=10)
    with ThreadPoolExecutor(8) as threads:
        threads.submit(turns.do, journal.held_up)
        results = []
        queued(turns, 0)
        while not journal.groups:
            pass
        for number, name in enumerate(("a", "bad", "b", "c"), start=1):
            results.append(threads.submit(turns.do, writes(name)))
            queued(turns, number)
        journal.may_go_on.set()
        assert [each.result(10) for each in (results[0], *results[2:])] == ["A", "B", "C"]
        with pytest.raises(ValueError, match="bad"):
            results[1].result(10)
    assert journal.groups == [["first"], ["a", "b", "c"]]
    assert turns.do(writes("later")) == "LATER"


def test_a_writer_that_takes_its_turn_alone_is_neither_overtaken_nor_joined() -> None:
    journal, alone = Journal(), []
    turns = Turns(journal.run, patience_s=10)

    def by_oneself() -> None:
        with turns.alone():
            alone.append(len(journal.groups))

    with ThreadPoolExecutor(8) as threads:
        threads.submit(turns.do, journal.held_up)
        while not journal.groups:
            pass
        for number, work in enumerate((writes("a"), None, writes("b")), start=1):
            threads.submit(by_oneself) if work is None else threads.submit(turns.do, work)
            queued(turns, number)
        journal.may_go_on.set()
    assert journal.groups == [["first"], ["a"], ["b"]]
    assert alone == [2]


def test_a_transaction_serves_a_bounded_number() -> None:
    journal = Journal()
    turns = Turns(journal.run, patience_s=10)
    with ThreadPoolExecutor(MAX_TOGETHER + 2) as threads:
        threads.submit(turns.do, journal.held_up)
        while not journal.groups:
            pass
        for _ in range(MAX_TOGETHER + 1):
            threads.submit(turns.do, writes("x"))
        queued(turns, MAX_TOGETHER + 1)
        journal.may_go_on.set()
    assert [len(each) for each in journal.groups] == [1, MAX_TOGETHER, 1]


def test_who_gets_no_turn_in_time_is_told_to_come_again() -> None:
    journal = Journal()
    turns = Turns(journal.run, patience_s=0.01)
    with turns.alone():
        with pytest.raises(NoTurnError, match="no turn"):
            turns.do(writes("a"))
        with pytest.raises(NoTurnError), turns.alone():
            raise AssertionError
    assert turns.do(writes("b")) == "B"
    assert journal.groups == [["b"]]


def test_a_transaction_that_fails_is_the_failure_of_all_its_jobs() -> None:
    def fails(_jobs: Sequence[Job[list[str]]]) -> None:
        raise OSError("disk full")

    turns = Turns(fails, patience_s=1)
    for _ in range(2):  # the turn is free again
        with pytest.raises(OSError, match="disk full"):
            turns.do(writes("a"))
