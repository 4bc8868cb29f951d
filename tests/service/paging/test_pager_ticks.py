"""What the pager makes of single ticks: notices in order, and what it remembers of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from builders import MINUTE_MS, a_graph
from service_builders import ITEMS, NOW, a_bundle, settings_for

from cmdb.graph import DependencyGraph
from cmdb.items import Item
from features.calendar import CLOCKS
from models.paging.maintenance import Maintenance
from models.state import NEVER_MS
from service.paging.pager import Paging
from service.paging.state import read_paging
from service.scoring.tick import ServiceScore
from service.settings import Present
from telemetry.batches import SeriesKey
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from service.paging.notifications import Notice

TICK_MS = to_ms(NOW) // MINUTE_MS * MINUTE_MS
TEAMS = {"funds": "funds", "funds-db": "funds"}
BUNDLE = a_bundle()
KEYS = BUNDLE.baseline.keys
PLACE = {key: place for place, key in enumerate(KEYS)}


class Surroundings:
    """A pager with its surroundings, tick by tick."""

    def __init__(self, directory: Path, *, windows: tuple[Maintenance, ...] = (), **chosen: Any) -> None:
        graph = a_graph(("gateway", "order"), ("order", "funds"), ("funds", "funds-db"), alone=["quotes"])
        items = [Item(each, team=TEAMS.get(each, "shop")) for each in graph.items]
        self.path = directory / "paging.state"
        self.now = NOW
        self.notices: list[Notice] = []
        self.asked: list[int] = []
        self.signals = SimpleNamespace(
            present=lambda: self.now, in_use=SimpleNamespace(bundle=BUNDLE, clock=CLOCKS["always"])
        )
        self.windows = windows
        known = DependencyGraph(items, graph.edges)
        self.pager = Paging(
            settings_for(directory, team_budgets={"funds": 3.0}, **chosen),
            self.signals,  # type: ignore[arg-type]
            graph=lambda: known,
            maintenance=self.maintenance,
            notify=self.notify,
            path=self.path,
        )

    def maintenance(self, at_ms: int) -> tuple[Maintenance, ...]:
        self.asked.append(at_ms)
        return self.windows

    def notify(self, notices: Iterable[Notice]) -> None:
        self.notices += notices

    def tick(
        self,
        minute: int,
        *silent: str,
        silent_since: int = -60,
        services: dict[str, ServiceScore] | None = None,
        **scores: float,
    ) -> list[str]:
        """Process a tick in which latencies have scores, and describe the notices."""
        onset = np.ones(len(KEYS))
        for item, score in scores.items():
            onset[PLACE[SeriesKey(item.replace("_", "-"), "latency_s")]] = score
        tick_ms = TICK_MS + minute * MINUTE_MS
        seen = np.full(len(KEYS), tick_ms)
        for place, key in enumerate(KEYS):
            if key.item in silent:
                seen[place] = TICK_MS + silent_since * MINUTE_MS
        self.notices.clear()
        self.pager.process(
            SimpleNamespace(  # type: ignore[arg-type]
                bundle=BUNDLE,
                clock=CLOCKS["always"],
                window=SimpleNamespace(last_arrival_ms=lambda _: None),
                tick_ms=tick_ms,
                values=np.full(len(KEYS), 0.8),
                memory=SimpleNamespace(state=SimpleNamespace(seen_ms=seen, expected=np.full(len(KEYS), 0.1))),
                scores=SimpleNamespace(
                    onset=SimpleNamespace(values=onset), severity=onset / 2, novelty=np.full(len(KEYS), 3.0)
                ),
                services=services or {},
            )
        )
        return [
            f"{each.notification.alert.name} {each.notification.alert.item} {each.notification.status}"
            f"{' page' if each.page else ''}"
            for each in self.notices
        ]


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    return Surroundings(tmp_path)


def test_the_first_of_a_neighbourhood_pages_and_the_others_join(around: Surroundings) -> None:
    assert around.tick(0) == []
    assert around.pager.since_ms == TICK_MS
    assert around.tick(1, funds_db=90.0, gateway=80.0, quotes=70.0) == [
        "Anomaly funds-db firing page",
        "Anomaly gateway firing",
        "Anomaly quotes firing page",
    ]
    page = around.notices[0].page
    assert page is not None
    teams = around.pager.teams()
    assert teams is not None
    threshold = teams.watched.thresholds[PLACE[SeriesKey("funds-db", "latency_s")]]
    assert (page.team, page.metric, page.score, page.threshold) == ("funds", "latency_s", 90.0, threshold)
    assert (page.budget_per_week, page.severity) == (3.0, "critical")
    assert page.tail == pytest.approx(3.0 / 6 * MINUTE_MS / 604_800_000)
    texts = around.notices[0].notification.alert.annotations
    assert texts["summary"] == "Latency of funds-db is 8 times its usual 100 ms"
    assert "3.0 times as far off as new ones" in texts["detection"]
    assert around.notices[0].notification.alert.starts_at == NOW.replace(second=0) + timedelta(minutes=1)


def test_a_page_describes_its_service_as_scored_at_the_tick(around: Surroundings) -> None:
    around.tick(
        1, funds=90.0, services={"funds": ServiceScore("pca", 9.0, 4.0), "order": ServiceScore("x", 1.0, 1.0)}
    )
    assert (
        "funds as a service scores 9.0 by pca; its threshold is 4.0"
        in (around.notices[0].notification.alert.annotations["detection"])
    )


def test_a_group_that_is_over_resolves_each_of_its_items_at_the_end_of_its_last_tick(
    around: Surroundings,
) -> None:
    around.tick(0, funds=90.0)
    around.tick(2, order=90.0)
    assert around.tick(32) == []
    assert around.tick(33) == ["Anomaly funds resolved", "Anomaly order resolved"]
    first, second = (each.notification for each in around.notices)
    start = NOW.replace(second=0)
    assert (first.alert.starts_at, second.alert.starts_at) == (start, start + timedelta(minutes=2))
    assert first.ends_at == second.ends_at == start + timedelta(minutes=3)


def test_a_tick_is_processed_once_and_in_order(around: Surroundings) -> None:
    assert around.tick(5, funds=90.0) == ["Anomaly funds firing page"]
    assert around.tick(5, quotes=90.0) == []
    assert around.tick(4, quotes=90.0) == []
    assert around.pager.state is not None
    assert around.pager.state.tick_ms == TICK_MS + 5 * MINUTE_MS


def test_silence_pages_a_team_once_in_half_an_hour_and_each_item_is_resolved(around: Surroundings) -> None:
    assert around.tick(0, "funds", "quotes") == [
        "SilentSource funds firing page",
        "SilentSource quotes firing page",
    ]
    facts = [each.page for each in around.notices]
    assert facts[0] is not None
    assert facts[1] is not None
    assert [(each.team, each.budget_per_week) for each in facts if each] == [("funds", 3.0), ("shop", 1.0)]
    assert around.tick(30, "funds", "quotes", "funds-db") == ["SilentSource funds-db firing"]
    assert around.tick(31, "quotes", "order") == [
        "SilentSource funds resolved",
        "SilentSource funds-db resolved",
        "SilentSource order firing page",
    ]
    assert around.notices[0].notification.alert.starts_at == NOW.replace(second=0)
    assert around.notices[0].notification.ends_at == NOW.replace(second=0) + timedelta(minutes=31)
    assert around.pager.state is not None
    assert around.pager.state.silent == {"quotes": TICK_MS, "order": TICK_MS + 31 * MINUTE_MS}


def test_maintenance_mutes_anomalies_and_silence(tmp_path: Path) -> None:
    window = Maintenance(frozenset({"quotes"}), frozenset({"funds"}), TICK_MS, TICK_MS + MINUTE_MS)
    around = Surroundings(tmp_path, windows=(window,))
    assert around.tick(0, "funds", quotes=90.0, order=90.0) == ["Anomaly order firing page"]
    assert around.asked == [TICK_MS]
    assert around.tick(1, "funds", quotes=90.0) == [
        "Anomaly quotes firing page",
        "SilentSource funds firing page",
    ]


def test_ticks_of_more_than_half_an_hour_ago_page_nobody_unless_they_are_replayed(tmp_path: Path) -> None:
    around = Surroundings(tmp_path)
    around.now = NOW.replace(second=0) + timedelta(minutes=30)
    assert around.tick(-1, funds=90.0) == []
    assert around.tick(0, funds=90.0) == ["Anomaly funds firing page"]
    replayed = Surroundings(tmp_path / "other", present=Present.SIGNALS)
    replayed.now = NOW + timedelta(days=1)
    assert replayed.tick(-1, funds=90.0) == ["Anomaly funds firing page"]


def test_the_memory_is_written_when_it_changed_and_read_at_the_start(tmp_path: Path) -> None:
    around = Surroundings(tmp_path)
    around.pager.checkpoint()
    assert around.pager.state is None
    assert around.pager.since_ms is None
    assert not around.path.exists()
    around.tick(0, "quotes", funds=90.0)
    around.pager.checkpoint()
    stored = read_paging(around.path)
    assert stored is not None
    assert (stored.since_ms, stored.silent, stored.tick_ms) == (TICK_MS, {"quotes": TICK_MS}, TICK_MS)
    written = around.path.stat().st_mtime_ns, around.path.stat().st_ino
    around.pager.checkpoint()
    assert (around.path.stat().st_mtime_ns, around.path.stat().st_ino) == written
    again = Surroundings(tmp_path)
    assert again.pager.since_ms == TICK_MS
    assert again.tick(1, "quotes", order=90.0) == ["Anomaly order firing"]
    assert again.pager.since_ms == TICK_MS


def test_a_context_is_made_anew_for_another_bundle_only(around: Surroundings) -> None:
    context = around.pager.context_of(BUNDLE, CLOCKS["always"])
    assert around.pager.context_of(BUNDLE, CLOCKS["always"]) is context
    assert context.items == tuple(key.item for key in KEYS)
    assert set(context.sending) == set(ITEMS)
    assert context.related("funds") == {"gateway", "order", "funds", "funds-db"}
    other = replace(BUNDLE, pages=None)
    assert around.pager.context_of(other, CLOCKS["always"]).teams is None
    around.signals.in_use.bundle = None
    assert around.pager.teams() is None
    assert NEVER_MS < TICK_MS
