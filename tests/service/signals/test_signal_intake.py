"""Signals as they are received: what is accepted, when "now" is, and what a bundle changes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from builders import MINUTE_MS
from service_builders import ITEMS, NOW, StillClock, a_bundle, settings_for

from features.calendar import AlwaysClock, ExchangeClock
from models.artifacts.ranker_bundle import RankerBundle
from models.rankers.posterior import Belief
from models.rankers.sunspot import SunspotRanker
from service.settings import Present
from service.signals.history import history_problems, retain_history
from service.signals.present import calendar_known
from service.signals.recent_window import AddedSamples, RecentWindow
from service.signals.room import SignalsRoom, signals_room
from telemetry.batches import Samples, SeriesKey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW_MS = int(NOW.timestamp() * 1000)
DAY_MS = 86_400_000


class Log:
    """History in memory."""

    def __init__(self, *stored: Samples) -> None:
        self.stored = list(stored)
        self.damage: list[Any] = []
        self.sealing_failure = ""
        self.replayed_since: list[int] = []
        self.retained: list[tuple[float, int]] = []

    @property
    def position(self) -> int:
        return len(self.stored)

    def append(self, samples: Samples) -> int:
        self.stored.append(samples)
        return self.position

    def replay(self, since_ms: int = 0) -> Iterator[Samples]:
        self.replayed_since.append(since_ms)
        yield from self.stored

    def retain(self, days: float, *, now_ms: int) -> int:
        self.retained.append((days, now_ms))
        return 3


def samples(*rows: tuple[int, float], item: str = "order") -> Samples:
    return Samples.from_rows([(item, "latency_s", NOW_MS + after_ms, value) for after_ms, value in rows])


def a_room(directory: Path, log: Log | None = None, **chosen: Any) -> SignalsRoom:
    return signals_room(settings_for(directory, **chosen), log or Log(), StillClock())


def test_samples_of_a_week_and_of_the_next_minutes_are_accepted(tmp_path: Path) -> None:
    log = Log()
    room = a_room(tmp_path, log)
    assert room.time.accepted_ms() == (NOW_MS - 7 * DAY_MS, NOW_MS + 5 * MINUTE_MS)
    first, last = -7 * DAY_MS, 5 * MINUTE_MS
    received = room.intake.receive(samples((first - 1, 1.0), (first, 2.0), (last, 3.0), (last + 1, 4.0)))
    assert (received.n_accepted, received.n_too_old, received.n_too_new) == (2, 1, 1)
    assert [each.values.tolist() for each in log.stored] == [[2.0, 3.0]]
    assert room.history.position == 1


def test_what_is_rejected_reaches_neither_history_nor_the_window(tmp_path: Path) -> None:
    log = Log()
    room = a_room(tmp_path, log)
    received = room.intake.receive(samples((DAY_MS, 1.0)))
    assert (received.n_accepted, received.n_too_new, log.stored) == (0, 1, [])
    assert received.added == AddedSamples()
    assert room.in_use.window.end_ms is None


def test_a_batch_is_in_the_window_when_it_is_received(tmp_path: Path) -> None:
    room = a_room(tmp_path)
    received = room.intake.receive(samples((0, 1.0), (0, 2.0)))
    assert received.added == AddedSamples(n_in_window=2, n_duplicate=1)
    assert room.in_use.window.row(NOW_MS // MINUTE_MS, (SeriesKey("order", "latency_s"),)).tolist() == [2.0]


def test_a_start_replays_what_the_window_reaches_and_skips_missing_values(tmp_path: Path) -> None:
    log = Log(samples((0, 1.0)), samples((0, np.nan)))
    room = a_room(tmp_path, log, window=timedelta(hours=2))
    assert log.replayed_since == [NOW_MS - 2 * 60 * MINUTE_MS - MINUTE_MS]
    window = room.in_use.window
    assert (window.step_ms, window.n_ticks, window.n_series) == (MINUTE_MS, 120, 1)
    assert window.row(NOW_MS // MINUTE_MS, (SeriesKey("order", "latency_s"),)).tolist() == [1.0]
    assert room.in_use.bundle is None
    assert room.in_use.clock == AlwaysClock()
    assert len(room.in_use.items_alone) == 0


def test_now_is_the_machine_s_time_or_the_end_of_what_was_received(tmp_path: Path) -> None:
    room = a_room(tmp_path)
    room.intake.receive(samples((0, 1.0)))
    room.time.advance(NOW_MS + DAY_MS)
    assert room.present() == NOW
    replayed = a_room(tmp_path, present=Present.SIGNALS)
    assert replayed.present() == NOW
    replayed.intake.receive(samples((-DAY_MS, 1.0)))
    assert replayed.present() == NOW - timedelta(days=1) + timedelta(minutes=1)
    for until_ms in (NOW_MS - 60_000, NOW_MS - 120_000):
        replayed.time.advance(until_ms)
    assert replayed.present() == NOW - timedelta(minutes=1)


def test_stored_days_of_any_age_are_accepted_where_they_are_replayed(tmp_path: Path) -> None:
    log = Log()
    replayed = a_room(tmp_path, log, present=Present.SIGNALS)
    assert replayed.time.accepted_ms() == (0, NOW_MS + 5 * MINUTE_MS)
    assert log.replayed_since == [0]


def test_a_bundle_on_another_step_rebuilds_the_window_and_one_on_the_same_keeps_it(tmp_path: Path) -> None:
    log = Log()
    room = a_room(tmp_path, log)
    room.intake.receive(samples((0, 1.0)))
    window = room.in_use.window
    room.holder.adopt(a_bundle())
    assert room.in_use.window is window
    assert room.in_use.bundle is a_bundle()
    assert set(room.in_use.items_alone.items) == set(ITEMS)
    room.holder.adopt(None)
    assert [room.in_use.window, room.in_use.bundle] == [window, None]
    room.holder.adopt(a_bundle(step_ms=5 * MINUTE_MS))
    rebuilt = room.in_use.window
    assert isinstance(rebuilt, RecentWindow)
    assert (rebuilt.step_ms, rebuilt.n_series, len(log.replayed_since)) == (5 * MINUTE_MS, 1, 2)


def test_a_ranker_is_adopted_beside_the_bundle(tmp_path: Path) -> None:
    room = a_room(tmp_path)
    room.holder.adopt(a_bundle())
    assert room.in_use.ranker == SunspotRanker()
    room.holder.adopt_ranker(RankerBundle("r2", {"cpu": 2.0}, Belief(doubt=1.0), 0.4))
    ranker = SunspotRanker(weights={"cpu": 2.0}, belief=Belief(doubt=1.0), floor=0.4, version="r2")
    assert room.in_use.ranker == ranker
    assert room.in_use.bundle is a_bundle()


def test_history_is_retained_as_long_as_the_settings_say(tmp_path: Path) -> None:
    log = Log()
    settings = settings_for(tmp_path, retention=timedelta(days=30))
    assert retain_history(log, settings, now=NOW) == 3
    assert log.retained == [(30.0, NOW_MS)]


def test_damage_and_a_failed_seal_are_health_problems() -> None:
    log = Log()
    assert history_problems(log) == []
    log.damage = ["a.seg at 7"]
    assert history_problems(log) == ["history: damage was found in a.seg at 7"]
    log.damage, log.sealing_failure = ["a.seg at 7", "b", "c"], "disk full"
    assert history_problems(log) == [
        "history: damage was found in a.seg at 7, and 2 more",
        "history: disk full",
    ]


def test_the_calendar_knows_days_of_its_exchange_and_all_days_without_one() -> None:
    assert calendar_known(AlwaysClock(), NOW + timedelta(days=36_500))
    assert calendar_known(ExchangeClock(), NOW)
    assert not calendar_known(ExchangeClock(), NOW + timedelta(days=36_500))
