"""Labelled metrics as they are received: histograms become means and quantiles, whatever way they come."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from builders import MINUTE_MS
from service_builders import NOW, StillClock, settings_for
from wire_builders import STALE, a_body, a_book, rows

from service.signals.histogram_memory import HistogramMemory
from service.signals.histogram_pieces import HistogramPieces
from service.signals.room import SignalsRoom, signals_room
from service.signals.running_totals import CounterStarts, RunningTotals
from telemetry.batches import Samples, SeriesKey
from telemetry.decoders import remote_write
from telemetry.decoders.labelled import DeltaPoint, Labelled, PartSamples
from telemetry.histograms import Buckets, HistogramPoint
from telemetry.metric_names import Part, Piece

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wire_builders import Sent

START_MS = int(NOW.timestamp() * 1000) // MINUTE_MS * MINUTE_MS - 10 * MINUTE_MS
NAME = "latency_seconds"
WHOLE = SeriesKey("order", NAME)


class Log:
    """History in memory, which can refuse."""

    def __init__(self) -> None:
        self.stored: list[Samples] = []
        self.damage: list[Any] = []
        self.sealing_failure = ""
        self.refuses = False

    @property
    def position(self) -> int:
        return len(self.stored)

    def append(self, samples: Samples) -> int:
        if self.refuses:
            raise OSError("no space left")
        self.stored.append(samples)
        return self.position

    def replay(self, since_ms: int = 0) -> Iterator[Samples]:
        yield from self.stored

    def retain(self, days: float, *, now_ms: int) -> int:
        return 0


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def room(tmp_path: Path, log: Log) -> SignalsRoom:
    return signals_room(settings_for(tmp_path), log, StillClock())


def scrape(time_ms: int, *counts: float, total: float = 0.0) -> list[Sent]:
    """A histogram with the bounds 0.1, 0.2 and infinity, piece by piece."""
    found: list[Sent] = [
        ({"__name__": f"{NAME}_bucket", "job": "order", "le": bound}, [(time_ms, count)])
        for bound, count in zip(("0.1", "0.2", "+Inf"), np.cumsum(counts).tolist(), strict=True)
    ]
    found.append(({"__name__": f"{NAME}_sum", "job": "order"}, [(time_ms, total)]))
    found.append(({"__name__": f"{NAME}_count", "job": "order"}, [(time_ms, sum(counts))]))
    return found


def send(room: SignalsRoom, *series: Sent) -> None:
    room.labelled.receive(remote_write.decode(a_body(*series), a_book()))


def stored(log: Log, ending: str) -> list[tuple[int, float]]:
    return [
        (time_ms - START_MS, round(float(value), 6))
        for batch in log.stored
        for _, metric, time_ms, value in rows(batch)
        if metric == f"{NAME}{ending}"
    ]


def test_a_scraped_histogram_gives_mean_and_quantiles_of_its_tick(room: SignalsRoom, log: Log) -> None:
    send(room, *scrape(START_MS, 100, 0, 0, total=5.0))
    send(room, *scrape(START_MS + MINUTE_MS, 150, 50, 0, total=14.0))
    assert stored(log, "_mean") == [(MINUTE_MS, 0.09)]
    assert stored(log, "_p50") == [(MINUTE_MS, 0.1)]
    assert stored(log, "_p99") == [(MINUTE_MS, 0.198)]
    assert stored(log, "_count_total") == [(0, 100.0), (MINUTE_MS, 200.0)]


def test_what_a_tick_says_covers_all_its_scrapes(room: SignalsRoom, log: Log) -> None:
    send(room, *scrape(START_MS + 45_000, 0, 0, 0))
    for number in range(1, 5):  # a slow request in each of the first two scrapes of the next tick
        send(
            room,
            *scrape(START_MS + 45_000 + 15_000 * number, 0, min(number, 2), 0, total=min(number, 2) * 0.15),
        )
    assert [value for _, value in stored(log, "_mean")] == [0.15] * 4


@pytest.mark.parametrize("n_first", [1, 2, 3, 4])
def test_a_histogram_may_come_in_several_requests(room: SignalsRoom, log: Log, n_first: int) -> None:
    first, second = (
        scrape(START_MS, 100, 0, 0, total=5.0),
        scrape(START_MS + MINUTE_MS, 150, 50, 0, total=14.0),
    )
    send(room, *first)
    send(room, *second[:n_first])
    assert stored(log, "_mean") == []
    send(room, *second[n_first:])
    assert stored(log, "_mean") == [(MINUTE_MS, 0.09)]


def test_a_reset_histogram_begins_anew(room: SignalsRoom, log: Log) -> None:
    send(room, *scrape(START_MS, 100, 0, 0, total=5.0))
    send(room, *scrape(START_MS + MINUTE_MS, 10, 0, 0, total=0.5))
    send(room, *scrape(START_MS + 2 * MINUTE_MS, 20, 0, 0, total=2.5))
    assert stored(log, "_mean") == [(2 * MINUTE_MS, 0.2)]


def test_a_histogram_that_is_sent_twice_counts_once(room: SignalsRoom, log: Log) -> None:
    send(room, *scrape(START_MS, 100, 0, 0))
    for _ in range(2):
        send(room, *scrape(START_MS + MINUTE_MS, 150, 50, 0, total=9.0))
    assert len(stored(log, "_mean")) == 1


def test_pieces_that_stay_away_are_not_waited_for_for_ever(room: SignalsRoom, log: Log) -> None:
    send(room, *scrape(START_MS, 100, 0, 0))
    for number in range(1, 9):  # the service no longer sends the sum
        pieces = scrape(START_MS + number * MINUTE_MS, 100 + number, 0, 0)
        send(room, *pieces[:3], pieces[4])
    assert stored(log, "_p50")


def test_what_the_disk_refused_is_stored_with_the_next_body(room: SignalsRoom, log: Log) -> None:
    send(room, *scrape(START_MS, 100, 0, 0))
    log.refuses = True
    with pytest.raises(OSError, match="no space left"):
        send(room, *scrape(START_MS + MINUTE_MS, 150, 50, 0, total=9.0))
    log.refuses = False
    send(room, *scrape(START_MS + MINUTE_MS, 150, 50, 0, total=9.0))
    assert stored(log, "_mean") == [(MINUTE_MS, 0.09)]


def test_an_ended_series_leaves_its_tick_without_a_value(room: SignalsRoom) -> None:
    labels = {"__name__": "memory_ratio", "job": "order"}
    send(room, (labels, [(START_MS, 0.5), (START_MS + MINUTE_MS, 0.5)]))
    send(room, (labels, [(START_MS + MINUTE_MS + 1, STALE)]))
    assert np.isnan(room.in_use.window.frame().values[-1, 0])
    send(room, (labels, [(START_MS + MINUTE_MS + 2, 0.7)]))
    assert room.in_use.window.frame().values[-1, 0] == 0.7


def test_the_window_that_is_rebuilt_from_history_knows_which_series_ended(
    tmp_path: Path, room: SignalsRoom, log: Log
) -> None:
    labels = {"__name__": "memory_ratio", "job": "order"}
    send(room, (labels, [(START_MS, 0.5), (START_MS + MINUTE_MS, 0.5), (START_MS + MINUTE_MS + 1, STALE)]))
    again = signals_room(settings_for(tmp_path), log, StillClock())
    np.testing.assert_array_equal(again.in_use.window.frame().values, room.in_use.window.frame().values)


def test_a_summary_gives_a_mean_alone(room: SignalsRoom, log: Log) -> None:
    for number in (0, 1):
        send(room, *scrape(START_MS + number * MINUTE_MS, 4 * number, 0, 0, total=2.0 * number)[3:])
    assert stored(log, "_mean") == [(MINUTE_MS, 0.5)]
    assert stored(log, "_p50") == []


def test_a_histogram_without_its_last_bucket_takes_it_from_the_count(room: SignalsRoom, log: Log) -> None:
    for number in (0, 1):
        pieces = scrape(START_MS + number * MINUTE_MS, 0, 1.0 * number, 99.0 * number)
        send(room, *pieces[:2], *pieces[3:])
    assert stored(log, "_p50") == [(MINUTE_MS, 0.2)]


def test_pieces_of_too_many_histograms_are_counted_until_others_are_silent() -> None:
    pieces = HistogramPieces(max_wholes=1)

    def pieces_of(item: str, time_ms: int) -> list[HistogramPoint]:
        part = Part(SeriesKey(item, NAME), Piece.COUNT)
        one = (np.zeros(1, dtype=np.int32), np.array([time_ms]), np.ones(1))
        return list(pieces.complete(PartSamples((part,), *one)))

    pieces_of("order", 1_000_000)
    assert pieces_of("funds", 1_000_001) == []
    assert pieces.n_over_limit == 1
    pieces_of("funds", 2_000_000)
    pieces_of("funds", 2_060_000)
    assert pieces.n_over_limit == 1


def test_nothing_is_remembered_of_histograms_beyond_the_limit_within_a_tick() -> None:
    memory = HistogramMemory(max_histograms=1)
    for item in ("order", "funds", "quotes"):
        point = native(START_MS, 1.0)._replace(whole=SeriesKey(item, NAME))
        list(memory.observe(point, step_ms=MINUTE_MS, has_count=True))
    assert memory.n_over_limit == 2


def native(time_ms: int, n_observed: float, **chosen: Any) -> HistogramPoint:
    buckets = Buckets({(0.125, 0.25): n_observed}, is_exponential=True)
    return HistogramPoint(WHOLE, time_ms, n_observed, n_observed * 0.2, buckets, **chosen)


def receive(room: SignalsRoom, *points: HistogramPoint) -> None:
    room.labelled.receive(Labelled(Samples.from_rows(()), histograms=points))


def test_a_complete_histogram_gives_its_count_too(room: SignalsRoom, log: Log) -> None:
    receive(room, native(START_MS, 4), native(START_MS + MINUTE_MS, 8))
    assert stored(log, "_count_total") == [(0, 4.0), (MINUTE_MS, 8.0)]
    assert stored(log, "_mean") == [(MINUTE_MS, 0.2)]


def test_a_histogram_that_began_just_now_counts_from_there(room: SignalsRoom, log: Log) -> None:
    receive(room, native(START_MS, 4, start_ms=START_MS - 30_000))
    assert stored(log, "_mean") == [(0, 0.2)]


def test_a_restart_with_its_time_loses_nothing(room: SignalsRoom, log: Log) -> None:
    receive(room, native(START_MS, 40), native(START_MS + MINUTE_MS, 8, start_ms=START_MS + 1))
    assert stored(log, "_mean") == [(MINUTE_MS, 0.2)]


def test_intervals_are_added_up(room: SignalsRoom, log: Log) -> None:
    for number in range(3):
        end_ms = START_MS + number * MINUTE_MS
        receive(room, native(end_ms, 4, start_ms=end_ms - MINUTE_MS, is_delta=True))
    assert stored(log, "_count_total") == [(0, 4.0), (MINUTE_MS, 8.0), (2 * MINUTE_MS, 12.0)]
    assert [value for _, value in stored(log, "_p50")] == [round(0.125 * 2**0.5, 6)] * 3


def test_histograms_beyond_the_limit_are_counted_until_others_are_silent() -> None:
    memory = HistogramMemory(max_histograms=1)
    other = native(1_000, 1.0)._replace(whole=SeriesKey("funds", NAME))
    for point in (native(0, 1.0), other, other._replace(time_ms=700_000)):
        list(memory.observe(point, step_ms=MINUTE_MS, has_count=False))
    assert memory.n_over_limit == 1


def test_a_value_that_is_no_number_is_no_piece(room: SignalsRoom, log: Log) -> None:
    send(room, *scrape(START_MS, 1, 0, 0))
    series = scrape(START_MS + MINUTE_MS, 2, 0, 0)
    send(room, *series[:4], (series[4][0], [(START_MS + MINUTE_MS, STALE)]))
    assert math.isnan(stored(log, "_count_total")[-1][1])


TOTAL = SeriesKey("order", f"{NAME}_total")


def totals(room: SignalsRoom, *deltas: DeltaPoint, starts: tuple[tuple[SeriesKey, int], ...] = ()) -> None:
    room.labelled.receive(Labelled(Samples.from_rows(()), deltas=deltas, starts=starts))


def test_rises_become_a_running_total_from_the_zero_at_their_start(room: SignalsRoom, log: Log) -> None:
    first = DeltaPoint(TOTAL, START_MS, 5.0, START_MS - MINUTE_MS)
    totals(room, first)
    totals(room, first, DeltaPoint(TOTAL, START_MS + MINUTE_MS, 2.0, START_MS))
    assert stored(log, "_total") == [(-MINUTE_MS, 0.0), (0, 5.0), (MINUTE_MS, 7.0)]


def test_the_zero_of_a_counter_is_stored_once_for_each_start(room: SignalsRoom, log: Log) -> None:
    for start_ms in (START_MS, START_MS, START_MS + 1):
        totals(room, starts=((TOTAL, start_ms),))
    assert stored(log, "_total") == [(0, 0.0), (1, 0.0)]


def test_full_memories_of_counters_begin_anew() -> None:
    running, starts = RunningTotals(max_series=1), CounterStarts(max_series=1)
    other = SeriesKey("funds", "x_total")
    for key in (TOTAL, other, TOTAL):
        assert [row[3] for row in running.add(DeltaPoint(key, START_MS, 5.0, 0))] == [5.0]
        assert list(starts.add(key, START_MS)) == [(*key, START_MS, 0.0)]
    assert list(starts.add(SeriesKey("order", "memory"), START_MS)) == []


def test_a_clock_that_was_ahead_costs_a_sender_nothing_later(room: SignalsRoom, log: Log) -> None:
    ahead_ms = START_MS + 365 * 24 * 60 * MINUTE_MS
    rise = DeltaPoint(SeriesKey("order", "orders_total"), ahead_ms, 1.0, 0)
    early = Labelled(Samples.from_rows([]), deltas=(rise,))
    assert room.labelled.receive(early).n_too_new == 1
    for step in range(2):
        send(room, *scrape(ahead_ms + step * MINUTE_MS, 1, 1, 1, total=1))
    for step in range(3):
        send(room, *scrape(START_MS + step * MINUTE_MS, 10 * step + 1, 5, 1, total=step))
        now = rise._replace(time_ms=START_MS + step * MINUTE_MS, value=5.0)
        room.labelled.receive(Labelled(Samples.from_rows([]), deltas=(now,)))
    assert [time_ms for time_ms, _ in stored(log, "_mean")] == [MINUTE_MS, 2 * MINUTE_MS]
    totals = [
        value for batch in log.stored for _, metric, _, value in rows(batch) if metric == "orders_total"
    ]
    assert [float(value) for value in totals] == [5.0, 10.0, 15.0]


def test_buckets_without_end_are_not_held() -> None:
    memory = HistogramMemory(max_buckets=100)
    for number in range(30):  # each delta brings other buckets, all of which are of the sum
        counts = {(float(10 * number + place), float(10 * number + place + 1)): 1.0 for place in range(10)}
        for whole in (WHOLE, SeriesKey("order", f"h{number}")):
            point = HistogramPoint(
                whole, START_MS + number, 10.0, 1.0, Buckets(counts, is_exponential=True), START_MS, True
            )
            list(memory.observe(point, step_ms=MINUTE_MS, has_count=True))
        held = sum(each.n_buckets for each in memory._held.values())
        assert held == memory._n_buckets <= 100
    assert memory.n_over_limit


def test_pieces_without_end_do_not_wait() -> None:
    pieces = HistogramPieces(max_waiting=100)
    for number in range(30):
        parts = tuple(Part(SeriesKey("order", f"h{number}"), Piece.BUCKET, float(each)) for each in range(10))
        sent = PartSamples(parts, np.arange(10, dtype=np.int32), np.full(10, START_MS), np.arange(10.0))
        list(pieces.complete(sent))
        waiting = sum(each.n_waiting for each in pieces._wholes.values())
        assert waiting == pieces._n_waiting <= 100
    assert pieces.n_over_limit
