from __future__ import annotations

from threading import Event

from service.background import Repeating


def test_work_goes_on_after_a_bad_round() -> None:
    rounds: list[int] = []
    enough = Event()

    def work() -> None:
        rounds.append(len(rounds))
        if len(rounds) >= 3:
            enough.set()
        raise RuntimeError("a bad round")

    repeating = Repeating("bad", work, every_s=0.001)
    repeating.start()
    assert enough.wait(5)
    repeating.stop()
    assert len(rounds) >= 3


def test_work_that_is_not_done_at_once_waits_first() -> None:
    rounds: list[int] = []
    repeating = Repeating("patient", lambda: rounds.append(1), every_s=3600, at_once=False)
    repeating.start()
    repeating.stop()
    assert rounds == []
