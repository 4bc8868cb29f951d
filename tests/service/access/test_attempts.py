"""How long an attempt to sign in has to wait, and for whom it does not."""

from __future__ import annotations

import pytest

from service.access.attempts import N_KEPT, Attempts
from service.errors import SignInDelayedError


class Seconds:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def attempts(seconds: Seconds) -> Attempts:
    return Attempts(seconds)


def wait_s(attempts: Attempts, name: str, address: str, *, is_known: bool = False) -> float:
    """Return how long an attempt has to wait; one that need not is counted as failed."""
    try:
        attempts.begin(name, address, is_known=is_known)
    except SignInDelayedError as error:
        return error.retry_s
    return 0.0


def test_each_failure_doubles_the_delay_up_to_a_minute(attempts: Attempts, seconds: Seconds) -> None:
    delays = []
    for _ in range(12):
        delays.append(wait_s(attempts, "zhou", "a"))
        if delays[-1]:
            seconds.now += delays[-1]
            assert wait_s(attempts, "zhou", "a") == 0
    assert delays == [0] * 4 + [1, 2, 4, 8, 16, 32, 60, 60]


def test_a_delayed_attempt_does_not_lengthen_the_delay(attempts: Attempts, seconds: Seconds) -> None:
    for _ in range(4):
        wait_s(attempts, "zhou", "a")
    assert [wait_s(attempts, "zhou", "a") for _ in range(9)] == [1.0] * 9


def test_success_and_time_forget_failures(attempts: Attempts, seconds: Seconds) -> None:
    for _ in range(4):
        wait_s(attempts, "zhou", "a")
    seconds.now += 1
    wait_s(attempts, "zhou", "a")
    attempts.succeeded("zhou", "a")
    assert wait_s(attempts, "zhou", "a") == 0
    for _ in range(9):
        wait_s(attempts, "zhou", "a")
    seconds.now += 901
    assert wait_s(attempts, "zhou", "a") == 0


def test_many_names_from_one_address_are_delayed(attempts: Attempts) -> None:
    delays = [wait_s(attempts, f"user{each}", "a") for each in range(21)]
    assert delays == [0] * 20 + [1.0]
    assert wait_s(attempts, "user99", "b") == 0


def test_many_addresses_for_one_name_are_delayed(attempts: Attempts) -> None:
    delays = [wait_s(attempts, "zhou", f"a{each}") for each in range(51)]
    assert delays == [0] * 50 + [1.0]
    assert wait_s(attempts, "wang", "a99") == 0


def test_many_names_from_many_addresses_are_delayed(attempts: Attempts) -> None:
    assert [wait_s(attempts, f"user{each}", f"a{each}") for each in range(301)] == [0] * 300 + [1.0]


def test_nobody_else_delays_a_person_at_a_known_address(attempts: Attempts) -> None:
    for each in range(400):
        wait_s(attempts, "zhou", f"a{each}")
        wait_s(attempts, f"user{each}", "home")
    assert wait_s(attempts, "zhou", "elsewhere") > 0
    assert wait_s(attempts, "zhou", "home", is_known=True) == 0
    for _ in range(3):
        wait_s(attempts, "zhou", "home", is_known=True)
    assert wait_s(attempts, "zhou", "home", is_known=True) > 0, "their own failures there count"


def test_what_is_remembered_is_bounded(attempts: Attempts, seconds: Seconds) -> None:
    for each in range(N_KEPT):
        seconds.now += 61
        wait_s(attempts, f"user{each}", f"a{each}")
    assert len(attempts._failures) <= N_KEPT
