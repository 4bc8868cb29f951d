"""Items whose samples come late, stop, or were never received."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from builders import ONSET
from service_builders import StillClock, a_bundle, a_client, a_cmdb, an_app

from service.signals.item_status import STALE_TICKS, ItemStatus
from service.signals.recent_window import RecentWindow
from telemetry.batches import Samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

ITEMS = ("web", "api", "orders", "orders-db", "auth", "cache")
EDGES = (("web", "api"), ("api", "orders"), ("orders", "orders-db"), ("api", "auth"), ("api", "cache"))
STEP_MS = 60_000
CURRENT = ItemStatus("current", 0)


@dataclass
class Minutes:
    """A window in whose minutes items send; ticks close half a minute after their end."""

    window: RecentWindow = field(
        default_factory=lambda: RecentWindow(step_ms=STEP_MS, length_ms=60 * STEP_MS, max_series=100)
    )
    minute: int = 1000

    def send(self, tick: int, items: Iterable[str], *, metric: str = "latency_s", at_ms: int = 0) -> None:
        self.window.add(Samples.from_rows([(each, metric, tick * STEP_MS + at_ms, 1.0) for each in items]))

    def pass_minute(self, *items: str, late: Callable[[int], Iterable[str]] = lambda _: ()) -> None:
        """Let a minute end, receive its samples and late ones, and close it."""
        self.send(self.minute, items)
        for n_ticks in (1, 2, 3, 20):
            self.send(self.minute - n_ticks, late(n_ticks))
        self.minute += 1
        self.window.close_before(self.minute)

    def status(self, item: str) -> ItemStatus:
        return self.window.item_status(item, present_ms=self.minute * STEP_MS)


def two_late(n_ticks: int) -> tuple[str, ...]:
    return ("orders-db",) if n_ticks == 2 else ()


def test_an_item_whose_samples_come_two_ticks_late_is_late_at_every_moment() -> None:
    minutes = Minutes()
    minutes.pass_minute(*ITEMS)
    assert {minutes.status(each) for each in ITEMS} == {CURRENT}
    others = [each for each in ITEMS if each != "orders-db"]
    minutes.pass_minute(*others)
    assert minutes.status("orders-db") == ItemStatus("late", 1)
    minutes.pass_minute(*others)
    assert minutes.status("orders-db") == ItemStatus("late", 2)
    for _ in range(30):
        minutes.send(minutes.minute - 2, ["orders-db"])
        assert minutes.status("orders-db") == ItemStatus("late", 2)  # its late sample has just arrived
        minutes.pass_minute(*others)
        assert minutes.status("orders-db") == ItemStatus("late", 2)
        assert {minutes.status(each) for each in others} == {CURRENT}


def test_an_item_that_catches_up_is_current_again() -> None:
    minutes = Minutes()
    for _ in range(5):
        minutes.pass_minute("web", late=two_late)
    assert minutes.status("orders-db").status == "late"
    for tick in range(minutes.minute - 3, minutes.minute):
        minutes.send(tick, ["orders-db"])
    assert minutes.status("orders-db") == ItemStatus("late", 1)
    minutes.pass_minute("web", "orders-db")
    assert minutes.status("orders-db") == CURRENT


def test_an_item_is_late_only_if_each_of_its_series_is() -> None:
    minutes = Minutes()
    for _ in range(5):
        minutes.send(minutes.minute, ["orders-db"], metric="cpu_ratio")
        minutes.pass_minute("web", late=two_late)
    assert minutes.status("orders-db") == CURRENT


def test_an_item_whose_samples_come_very_late_is_late_and_not_silent() -> None:
    minutes = Minutes()
    for _ in range(30):
        minutes.pass_minute("web", late=lambda n_ticks: ("orders-db",) if n_ticks == 20 else ())
    assert minutes.status("orders-db") == ItemStatus("late", 20)


def test_an_item_that_stops_is_late_and_then_silent() -> None:
    minutes = Minutes()
    minutes.pass_minute("web", "orders")
    found = []
    for _ in range(STALE_TICKS + 2):
        minutes.pass_minute("web")
        found.append(minutes.status("orders"))
    assert found == [
        *(ItemStatus("late", n_ticks) for n_ticks in range(1, STALE_TICKS + 1)),
        *(ItemStatus("silent", n_ticks) for n_ticks in range(STALE_TICKS + 1, STALE_TICKS + 3)),
    ]
    assert minutes.window.item_status("web", present_ms=(minutes.minute + 11) * STEP_MS).status == "silent"


def test_an_item_that_sends_every_minute_is_late_at_the_first_that_it_misses() -> None:
    minutes = Minutes()
    for _ in range(5):
        minutes.pass_minute("web", "orders")
    minutes.pass_minute("web")
    assert minutes.status("orders") == ItemStatus("late", 1)


def test_an_item_that_never_sent_is_unknown() -> None:
    minutes = Minutes()
    assert minutes.status("web") == ItemStatus("unknown", 0)
    minutes.pass_minute("web")
    minutes.send(minutes.minute - 100, ["ancient"])
    assert (minutes.status("orders"), minutes.status("ancient")) == (ItemStatus("unknown"),) * 2


def test_nothing_is_late_before_a_tick_was_closed() -> None:
    minutes = Minutes()
    minutes.send(990, ["orders"])
    minutes.send(999, ["web"])
    assert (minutes.status("orders"), minutes.status("web")) == (CURRENT, CURRENT)


def test_a_sample_that_is_sent_again_does_not_make_its_item_late() -> None:
    minutes = Minutes()
    minutes.pass_minute("web")
    minutes.send(minutes.minute - 1, ["web"])
    assert minutes.status("web") == CURRENT
    minutes.send(minutes.minute - 1, ["web"], at_ms=-STEP_MS // 2)
    assert minutes.status("web") == CURRENT


@pytest.mark.parametrize("spacing", [5, 15])
def test_an_item_that_sends_every_few_minutes_is_not_late_in_between(spacing: int) -> None:
    minutes = Minutes()
    for number in range(4 * spacing):
        minutes.pass_minute("web", *(["orders"] if number % spacing == 0 else []))
        assert number < spacing or minutes.status("orders") == CURRENT
    minutes.pass_minute("web")
    assert minutes.status("orders") == ItemStatus("late", spacing)


def test_a_series_that_makes_room_for_another_leaves_no_lateness_behind() -> None:
    window = RecentWindow(step_ms=STEP_MS, length_ms=4 * STEP_MS, max_series=1)
    window.add(Samples.from_rows([("orders", "latency_s", 2 * STEP_MS, 1.0)]))
    window.close_before(4)
    window.add(Samples.from_rows([("orders", "latency_s", 3 * STEP_MS, 1.0)]))
    assert window.item_status("orders", present_ms=4 * STEP_MS) == ItemStatus("late", 1)
    window.add(Samples.from_rows([("web", "latency_s", 9 * STEP_MS, 1.0)]))
    assert window.item_status("orders", present_ms=10 * STEP_MS) == ItemStatus("unknown")
    assert window.item_status("web", present_ms=10 * STEP_MS) == CURRENT


def rows(at: datetime, items: Iterable[str]) -> list[dict[str, object]]:
    time_ms = int(at.timestamp() * 1000)
    return [{"item": each, "metric": "latency_s", "time_ms": time_ms, "value": 0.2} for each in items]


def test_an_item_that_is_two_minutes_late_is_shown_as_late(tmp_path: Path) -> None:
    clock, late = StillClock(ONSET), timedelta(minutes=2)
    app = an_app(tmp_path, bundle=a_bundle(items=ITEMS), clock=clock)
    others = [each for each in ITEMS if each != "orders-db"]
    found: list[list[str]] = []
    with a_client(app) as client:

        def statuses() -> list[str]:
            return [client.get(f"/v1/items/{each}/scores").json()["status"] for each in ITEMS]

        client.post("/v1/cmdb", json=a_cmdb(ITEMS, EDGES)).raise_for_status()
        assert statuses() == ["unknown"] * 6
        client.post("/v1/samples", json={"samples": rows(ONSET - late, ITEMS)}).raise_for_status()
        for minute in range(1, 6):
            tick = ONSET + timedelta(minutes=minute - 1)
            clock.at = ONSET + timedelta(minutes=minute)
            sent = rows(tick, others) + (rows(tick - late, ["orders-db"]) if minute > 1 else [])
            client.post("/v1/samples", json={"samples": sent}).raise_for_status()
            clock.at += timedelta(seconds=30)
            app.state.rooms.scoring.pipeline.advance()
            found.append(statuses())
        page = client.get("/items/orders-db").text
        clock.at += timedelta(minutes=30)
        silent = client.get("/items/web").text
    expected = ["late" if each == "orders-db" else "current" for each in ITEMS]
    assert found == [expected] * 5
    sentence = "Its samples come 2 ticks late: they are not scored, but rankings and charts use them."
    assert sentence in page
    assert "It has sent no sample for 30 ticks." in silent
