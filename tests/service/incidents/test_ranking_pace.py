from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from builders import ONSET

from models.cases.case import Alert
from service.incidents.ranking_pace import MAX_PER_MINUTE, MAX_REMEMBERED, RankingPace, TimeShare
from service.incidents.records import FIRING, StoredAlert


class Clock:
    """A steady clock that is set by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def known(item: str = "order", *, incident: int = 1, later: timedelta = timedelta(0)) -> StoredAlert:
    at = ONSET + later
    return StoredAlert(1, incident, Alert(item, "Slow", at), FIRING, None, at, at, 1, "")


def document(name: str) -> Any:
    return name


def test_a_share_of_the_time_can_be_saved_up_and_spent() -> None:
    clock = Clock()
    time = TimeShare(clock, share=0.5, saved_s=4.0)
    with time.spending():
        clock.now_s += 7  # of which 3.5 s came in meanwhile
    assert not time.is_spent
    with time.spending():
        clock.now_s += 1
    assert time.is_spent
    clock.now_s += 0.5
    assert not time.is_spent
    clock.now_s += 1_000
    with time.spending():
        clock.now_s += 8
    assert time.is_spent, "no more than the limit was saved"


def test_an_incident_is_ranked_a_bounded_number_of_times_within_a_minute() -> None:
    clock = Clock()
    pace = RankingPace(clock, TimeShare(clock, share=0.5, saved_s=9.0))
    for _ in range(MAX_PER_MINUTE):
        assert pace.obstacle(1) == ""
        with pace.ranking(1):
            pass
    assert "60 times within a minute" in pace.obstacle(1)
    assert pace.obstacle(2) == ""
    clock.now_s += 60
    assert pace.obstacle(1) == ""
    with pace.ranking(1):
        clock.now_s += 99
    assert "all the time there was" in pace.obstacle(2)


def test_an_answer_is_shared_on_the_same_item_near_in_time_with_the_same_evidence() -> None:
    clock = Clock()
    pace = RankingPace(clock, TimeShare(clock, share=0.5, saved_s=9.0))
    pace.remember(known(), "tick 1", document("answer"))
    near, far = timedelta(minutes=1), timedelta(minutes=2)
    assert pace.answer_for(replace(known(later=near), id=2), "tick 1") == "answer"
    for other, evidence in (
        (known(later=far), "tick 1"),
        (known(later=-far), "tick 1"),
        (known("funds"), "tick 1"),
        (known(incident=2), "tick 1"),
        (known(), "tick 2"),
    ):
        assert pace.answer_for(other, evidence) is None
    for number in range(MAX_REMEMBERED):
        pace.remember(known(incident=10 + number), "tick 1", document("later"))
    assert pace.answer_for(known(), "tick 1") is None
