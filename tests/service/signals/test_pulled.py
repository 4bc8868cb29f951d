"""Windows completed from Prometheus: what was not pushed, in time, and never in the way of a ranking."""

from __future__ import annotations

from itertools import chain, count, repeat
from typing import TYPE_CHECKING

import numpy as np
import pytest
from prometheus_answers import Given, a_prometheus, failure, matrix, ticks_of

from features.frame import Frame
from service.outgoing import Outgoing
from service.signals.pulled import MAX_ITEMS, PulledWindows
from telemetry.batches import SeriesKey
from telemetry.metric_names import Namer
from telemetry.series_book import SeriesBook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_answers import Answering, Asked

    from service.signals.pulled import Completed

STEP_MS = 60_000
START_MS = 29_550_000 * STEP_MS
N_TICKS = 10
PUSHED = Frame(START_MS, STEP_MS, (SeriesKey("web", "up"),), np.ones((N_TICKS, 1)))
NOTHING = Frame(0, STEP_MS, (), np.empty((0, 0)))


def a_book() -> SeriesBook:
    return SeriesBook(Namer(lambda labels: (labels.get("job", "").partition(":")[0], "job")))


def answer(asked: Asked) -> Given:
    def of(name: str, job: str) -> tuple[dict[str, str], list[tuple[float, str]]]:
        labels = {"__name__": name, "job": job}
        return labels, [(at, str(60 * number)) for number, at in enumerate(ticks_of(asked))]

    return matrix(of("orders_total", "order"), of("depth", "order"), of("depth", "other"))


def completed(
    answering: Answering, frame: Frame, items: list[str], *, elapsed_s: Iterator[float] | None = None
) -> tuple[list[Completed], list[Asked]]:
    """Complete a window twice, so that what follows from a failure is seen."""
    seconds = elapsed_s or repeat(0.0)
    with a_prometheus(answering) as (address, asked):
        outgoing = Outgoing({}, configured={"SUNSPOT_PROMETHEUS_URL": address})
        pulled = PulledWindows(
            address,
            lambda: outgoing.client(address, timeout_s=5.0),
            item_labels=["job"],
            elapsed_s=lambda: next(seconds),
        )
        until_ms = START_MS + N_TICKS * STEP_MS
        found = [
            pulled.complete(frame, items, a_book(), since_ms=START_MS, until_ms=until_ms) for _ in range(2)
        ]
        return found, asked


@pytest.mark.parametrize("frame", [PUSHED, NOTHING])
def test_items_that_were_not_pushed_are_added_on_the_same_ticks(frame: Frame) -> None:
    found, asked = completed(answer, frame, ["web", "order"])
    made = found[0].frame
    assert (made.start_ms, made.n_ticks, found[0].notes) == (START_MS, N_TICKS, ())
    assert made.keys == (*frame.keys, ("order", "orders_total"), ("order", "depth"))
    assert made.values[1:, -2].tolist() == [1.0] * (N_TICKS - 1)
    assert made.values[:, -1].tolist() == [60.0 * tick for tick in range(N_TICKS)]
    assert ("web" in asked[0].parameters["query"]) == (frame is NOTHING)


def test_nothing_is_asked_where_everything_was_pushed() -> None:
    found, asked = completed(answer, PUSHED, ["web"])
    assert found[0].frame is PUSHED
    assert asked == []


@pytest.mark.parametrize(
    "given",
    [
        failure(422, "execution", "too many samples"),
        failure(503, "unavailable", "starting up"),
        Given(401),
        Given(200, b"<html>"),
        Given(200, b'{"status":', length=100),
        Given(200, bytes(9 * 2**20)),
        Given(302, headers={"Location": "http://127.0.0.1:1/"}),
    ],
)
def test_a_failure_leaves_the_window_is_said_and_not_repeated_at_once(given: Given) -> None:
    found, asked = completed(lambda _: given, PUSHED, ["web", "order"])
    assert [each.frame for each in found] == [PUSHED, PUSHED]
    assert "Signals of order were not pushed and could not be asked for" in found[0].notes[0]
    assert "failed a moment ago" in found[1].notes[0]
    assert len(asked) == 1


def test_a_source_that_takes_too_long_is_given_up_and_asked_again_later() -> None:
    found, asked = completed(answer, PUSHED, ["order"], elapsed_s=chain([0.0, 0.0, 3.0, 3.0], count(40.0)))
    assert "did not answer in time" in found[0].notes[0]
    assert len(asked) >= 1
    assert "failed a moment ago" not in "".join(found[1].notes)


def test_no_more_than_some_items_are_asked_for_and_the_others_are_named() -> None:
    items = [f"item-{number:03}" for number in range(MAX_ITEMS + 7)]
    found, asked = completed(answer, PUSHED, items)
    assert "item-050" in found[0].notes[0]
    assert "and 2 more" in found[0].notes[0]
    assert "item-049" in asked[0].parameters["query"].replace("\\", "")
    assert "item-050" not in asked[0].parameters["query"].replace("\\", "")
