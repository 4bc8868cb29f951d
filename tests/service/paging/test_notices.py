"""Sunspot's own notices field by field, what a budget came to, and what survives a restart."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from service_builders import NOW, settings_for

from cmdb.graph import DependencyGraph
from cmdb.items import Item
from models.paging.rules import AnomalyGroup, Call, PagingMemory, Watched
from models.paging.team_budgets import TeamBudget
from models.paging.thresholds import PageState
from models.state import NEVER_MS
from service.incidents.records import Notification
from service.paging.budget_report import Rate, TeamReport, team_reports
from service.paging.notifications import (
    Notice,
    PageFacts,
    anomaly_notice,
    failing_notice,
    over_notice,
    silence_notice,
    stopped_notice,
)
from service.paging.state import PagingState, initial_paging, read_paging, write_paging
from service.paging.symptom import symptom
from service.paging.teams import Teams, budget_of, owner
from service.scoring.tick import ServiceScore
from service.store.pages import PageOutcome, StoredPage
from telemetry.batches import SeriesKey
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

AT_MS = to_ms(NOW)
CALL = Call("web", "shop", 3, AT_MS, score=12.4, threshold=9.6, severity=1.0, is_page=True)


def anomaly(call: Call = CALL, *, novelty: float = 0.99, service_score: ServiceScore | None = None) -> Notice:
    return anomaly_notice(
        call,
        metric="latency_s",
        value=0.2,
        usual=0.02,
        novelty=novelty,
        tail=1e-5,
        budget_per_week=2.0,
        service_score=service_score,
    )


def without_fingerprint(notification: Notification) -> tuple[Any, ...]:
    alert = notification.alert
    assert len(alert.fingerprint) == 16
    fields = (
        alert.item,
        alert.name,
        alert.starts_at,
        alert.severity,
        dict(alert.labels),
        dict(alert.annotations),
    )
    return (*fields, notification.status, notification.ends_at, notification.notes, notification.has_start)


def labels(name: str, item: str, team: str) -> dict[str, str]:
    return {"alertname": name, "ci": item, "team": team, "source": "sunspot"}


def test_an_anomaly_is_told_in_plain_words_with_detection_s_figures_beside() -> None:
    found = anomaly()
    texts = {
        "summary": "Latency of web is 10 times its usual 20.0 ms",
        "detection": "latency_s scores 12; its threshold is 10",
    }
    assert without_fingerprint(found.notification) == (
        *("web", "Anomaly", NOW, "warning", labels("Anomaly", "web", "shop"), texts),
        *("firing", None, (), True),
    )
    assert found.page == PageFacts(
        "shop", "web", "anomaly", "warning", 2.0, metric="latency_s", score=12.4, threshold=9.6, tail=1e-5
    )


def test_an_anomaly_that_joins_a_group_is_no_page() -> None:
    joined = Call("web", "shop", 3, AT_MS, score=12.4, threshold=9.6, severity=99.0, is_page=False)
    found = anomaly(joined)
    assert found.page is None
    assert found.notification.alert.severity == "critical"


def test_novelty_and_the_service_are_told_where_they_are_unusual() -> None:
    found = anomaly(novelty=1.0, service_score=ServiceScore("pca", 7.26, 5.04))
    assert found.notification.alert.annotations["detection"] == (
        "latency_s scores 12; its threshold is 10. No value near it was seen before: 1.0 times as far off as "
        "new ones usually are. web as a service scores 7.3 by pca; its threshold is 5.0"
    )


def test_notices_of_silence_and_of_sunspot_itself_are_critical() -> None:
    silent = silence_notice("web", AT_MS, team="shop", budget_per_week=2.0, is_page=True)
    summary = {"summary": "web has stopped sending signals: its health cannot be seen"}
    assert without_fingerprint(silent.notification) == (
        *("web", "SilentSource", NOW, "critical", labels("SilentSource", "web", "shop"), summary),
        *("firing", None, (), True),
    )
    assert silent.page == PageFacts("shop", "web", "silent_source", "critical", 2.0)
    assert silence_notice("web", AT_MS, team="shop", budget_per_week=2.0, is_page=False).page is None
    stopped = stopped_notice(AT_MS, team="ops", budget_per_week=1.0)
    summary = {"summary": "Scoring has stopped: no signals arrive, or scoring hangs; anomalies are not seen"}
    assert without_fingerprint(stopped.notification) == (
        *("", "ScoringStopped", NOW, "critical", labels("ScoringStopped", "", "ops"), summary),
        *("firing", None, (), True),
    )
    assert stopped.page == PageFacts("ops", "", "scoring_stopped", "critical", 1.0)
    failing = failing_notice(AT_MS, problems=["a: x", "b: y"], team="ops", budget_per_week=1.0)
    summary = {"summary": "A part of Sunspot has failed: a: x; b: y"}
    assert without_fingerprint(failing.notification) == (
        *("", "SunspotPartFailing", NOW, "critical", labels("SunspotPartFailing", "", "ops"), summary),
        *("firing", None, (), True),
    )
    assert failing.page == PageFacts("ops", "", "part_failing", "critical", 1.0)


def test_what_is_over_resolves_the_alert_of_the_same_kind_item_and_start() -> None:
    over = over_notice("anomaly", "web", AT_MS, AT_MS + 60_000)
    assert over.page is None
    assert without_fingerprint(over.notification) == (
        *("web", "Anomaly", NOW, "", labels("Anomaly", "web", ""), {}),
        *("resolved", NOW + timedelta(minutes=1), (), True),
    )
    assert over.notification.alert.fingerprint == anomaly().notification.alert.fingerprint
    others = [over_notice(*each, AT_MS, AT_MS) for each in (("silent_source", "web"), ("anomaly", "db"))]
    assert over.notification.alert.fingerprint not in {each.notification.alert.fingerprint for each in others}


@pytest.mark.parametrize(
    ("metric", "value", "usual", "sentence"),
    [
        ("latency_ms", 30.0, 20.0, "Latency of web is 1.5 times its usual 20.0 ms"),
        ("latency_ms", 29.0, 20.0, "Latency of web is 29.0 ms, usually 20.0 ms"),
        ("latency_s", 2.0, 0.0, "Latency of web is 2 s, usually 0 ms"),
        ("latency_s", 1.0, np.nan, "Latency of web is 1 s"),
        ("latency_s", 99.0, 1.0, "Latency of web is 99 times its usual 1 s"),
        ("error_ratio", 0.041, 0.002, "4.1 % of requests to web fail, usually 0.2 %"),
        ("availability_percent", 75.0, np.nan, "25.0 % of requests to web fail"),
        ("requests", 12.0, 120.0, "web handles 12.0 requests, usually 120"),
        ("cpu_percent", 96.0, 16.0, "CPU of web is at 96.0 %, usually 16.0 %"),
        ("memory_ratio", 0.9, 0.5, "Memory of web is at 90.0 %, usually 50.0 %"),
        ("saturation_ratio", 0.9, 0.5, "A pool or queue of web is 90.0 % full, usually 50.0 %"),
        ("loss_ratio", 0.9, 0.5, "Web loses 90.0 % of its packets, usually 50.0 %"),
        ("queue_length", 7.0, np.nan, "queue_length of web is 7"),
    ],
)
def test_a_symptom_is_a_plain_sentence(metric: str, value: float, usual: float, sentence: str) -> None:
    assert symptom("web", metric, value, usual) == sentence


KEYS = (SeriesKey("web", "latency_s"), SeriesKey("db", "cpu_ratio"))


def a_state() -> PagingState:
    governor = PageState(AT_MS, np.array([5, 6]), np.array([0.1, 0.2]))
    groups = (AnomalyGroup((("web", 1), ("db", 2)), 3), AnomalyGroup((("x", 4),), 5))
    memory = PagingMemory(governor, np.array([7, 8]), groups)
    return PagingState(KEYS, memory, silent={"mail": 9}, since_ms=10)


def test_a_memory_comes_back_from_disk_field_by_field(tmp_path: Path) -> None:
    path = tmp_path / "paging.state"
    write_paging(a_state(), path)
    found = read_paging(path)
    assert found is not None
    assert (found.keys, found.silent, found.since_ms, found.tick_ms) == (KEYS, {"mail": 9}, 10, AT_MS)
    assert found.memory.anomaly_groups == a_state().memory.anomaly_groups
    for name in ("exceeded_ms", "height"):
        np.testing.assert_array_equal(
            getattr(found.memory.governor, name), getattr(a_state().memory.governor, name)
        )
    np.testing.assert_array_equal(found.memory.n_over, [7, 8])


def test_shared_series_keep_their_memory_and_new_ones_begin_without_one() -> None:
    new = (SeriesKey("new", "x"), KEYS[0])
    moved = a_state().moved_to(new)
    assert (moved.keys, moved.silent, moved.since_ms, moved.tick_ms) == (new, {"mail": 9}, 10, AT_MS)
    assert moved.memory.anomaly_groups == a_state().memory.anomaly_groups
    np.testing.assert_array_equal(moved.memory.governor.height, [0.0, 0.1])
    np.testing.assert_array_equal(moved.memory.governor.exceeded_ms, [NEVER_MS, 5])
    np.testing.assert_array_equal(moved.memory.n_over, [0, 7])
    first = initial_paging(KEYS)
    assert (first.tick_ms, first.since_ms, first.silent) == (NEVER_MS, NEVER_MS, {})


def test_a_memory_written_before_groups_were_called_so_is_read(tmp_path: Path) -> None:
    path = tmp_path / "paging.state"
    write_paging(a_state(), path)
    with np.load(path) as stored:
        contents = dict(stored)
    header = json.loads(contents["header"].tobytes())
    header["troubles"] = header.pop("anomaly_groups")
    contents["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    with path.open("wb") as file:
        np.savez(file, **contents)
    found = read_paging(path)
    assert found is not None
    assert found.memory.anomaly_groups == a_state().memory.anomaly_groups


@pytest.mark.parametrize(
    ("header", "arrays", "reason"),
    [
        ({"spec": 2}, {}, "it has version 2, this Sunspot reads 1"),
        ({}, {"height": np.zeros(3)}, "height does not fit its 2 series"),
        ({}, {"n_over": np.zeros(2)}, "n_over does not fit its 2 series"),
        ({"keys": [["a", "b", "c"]]}, {}, "too many values to unpack (expected 2)"),
        ({"silent": []}, {}, "'list' object has no attribute 'items'"),
    ],
)
def test_a_memory_that_cannot_be_used_is_left_with_the_reason(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    header: dict[str, Any],
    arrays: dict[str, Any],
    reason: str,
) -> None:
    path = tmp_path / "paging.state"
    write_paging(a_state(), path)
    with np.load(path) as stored:
        contents = dict(stored)
    changed = json.loads(contents["header"].tobytes()) | header
    contents["header"] = np.frombuffer(json.dumps(changed).encode(), dtype=np.uint8)
    with path.open("wb") as file:
        np.savez(file, **contents | arrays)
    assert read_paging(path) is None
    assert [vars(record)["reason"] for record in caplog.records] == [reason]


class Pages:
    """Pages in memory."""

    def __init__(self, *pages: StoredPage) -> None:
        self.pages = pages
        self.asked: list[tuple[datetime, datetime]] = []

    def between(self, start: datetime, end: datetime, *, team: str | None = None) -> list[StoredPage]:
        self.asked.append((start, end))
        return [each for each in self.pages if start <= each.at < end]


def a_page(team: str, days_ago: float, outcome: PageOutcome) -> StoredPage:
    facts = PageFacts(team, "web", "anomaly", "warning", 2.0)
    return StoredPage(1, 1, 1, NOW - timedelta(days=days_ago), facts, 1, outcome)


TEAMS = Teams(
    of_item={"web": "shop", "db": "data", "mail": "shop"},
    budgets={
        "data": TeamBudget("data", 1.0, np.array([1])),
        "shop": TeamBudget("shop", 2.0, np.array([0, 2, 3, 4])),
    },
    watched=Watched(("web",) * 5, ("shop",) * 5, np.array([9.0, 5.0, 7.0, 8.0, 11.0])),
    replayed={"shop": 10},
    replayed_weeks={"shop": 4.0, "data": 0.0},
)


def test_a_report_counts_pages_by_their_outcome_and_what_of_the_budget_is_spent() -> None:
    pages = Pages(
        a_page("shop", 1, PageOutcome.USEFUL),
        a_page("shop", 2, PageOutcome.FALSE),
        a_page("shop", 6.99, PageOutcome.UNKNOWN),
        a_page("shop", 7.01, PageOutcome.FALSE),
        a_page("gone", 1, PageOutcome.FALSE),
        a_page("shop", 29, PageOutcome.FALSE),
    )
    data, shop = team_reports(TEAMS, pages, since_ms=AT_MS - 14 * 86_400_000, now=NOW, step_ms=60_000)  # type: ignore[arg-type]
    tail = 0.5 * 60_000 / 604_800_000
    assert shop == TeamReport(
        *("shop", 2, 4, 2.0, tail, 7.0, 11.0, 1, 2, 1, 2),
        Rate(1.0, pytest.approx(0.2422 / 2, abs=1e-4), pytest.approx(7.2247 / 2, abs=1e-4), 2.0),  # type: ignore[arg-type]
        Rate(2.5, pytest.approx(4.7954 / 4, abs=1e-4), pytest.approx(18.3904 / 4, abs=1e-4), 4.0),  # type: ignore[arg-type]
    )
    assert (data.useful, data.false, data.unknown, data.spent, data.by_replay) == (0, 0, 0, 0, None)
    assert data.by_verdicts is not None
    assert (data.by_verdicts.per_week, data.by_verdicts.low) == (0.0, 0.0)
    assert pages.asked == [(NOW - timedelta(days=28), NOW)]


@pytest.mark.parametrize(("since_ms", "weeks"), [(None, None), (AT_MS + 1, None), (0, 4.0)])
def test_a_rate_of_pages_is_of_the_time_watched_and_four_weeks_at_most(
    since_ms: int | None, weeks: float | None
) -> None:
    [data, _] = team_reports(TEAMS, Pages(), since_ms=since_ms, now=NOW, step_ms=60_000)  # type: ignore[arg-type]
    assert (None if data.by_verdicts is None else data.by_verdicts.weeks) == weeks


def test_a_tick_pages_with_no_more_than_certainty() -> None:
    assert TEAMS.tail("data", 604_800_000) == 1.0
    assert TEAMS.tail("data", 604_800_000 * 2) == 1.0
    assert TEAMS.tail("shop", 604_800_000) == 0.5


def test_an_item_belongs_to_its_team_or_to_the_default_one(tmp_path: Path) -> None:
    graph = DependencyGraph([Item("web", team="shop"), Item("db")])
    settings = settings_for(tmp_path, team_budgets={"shop": 3.0}, page_budget=0.5)
    assert [owner(item, graph, settings) for item in ("web", "db", "x")] == [
        "shop",
        "operations",
        "operations",
    ]
    assert [budget_of(team, settings) for team in ("shop", "other")] == [3.0, 0.5]
