"""Log lines while they come: minutes, series, the past, and what a restart finds."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from builders import ONSET
from log_builders import SERVICES, a_log_bundle, requests, sums_of
from service_builders import StillClock, a_bundle, a_client, a_cmdb, a_webhook, an_app

from cmdb.items import ChangeEvent
from service.logs.baseline import MINUTE_MS, bounded
from service.logs.scoring import latest_scores
from telemetry.batches import SeriesKey
from telemetry.logs import LogRecord, Logs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from fastapi.testclient import TestClient

    from features.logs.sums import LogSums
    from features.logs.traces import TraceVectors
    from service.logs.intake import ReceivedLogs
    from service.logs.room import LogsRoom

    Start = Callable[..., TestClient]

ONSET_MS = int(ONSET.timestamp() * 1000)
HOUR_MS = 3_600_000


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts services, and stops them in the end."""
    with ExitStack() as stack:

        def started(name: str = "data", *, clock: StillClock | None = None, **chosen: Any) -> TestClient:
            app = an_app(tmp_path / name, bundle=a_bundle(), clock=clock or StillClock(ONSET), **chosen)
            return stack.enter_context(a_client(app))

        yield started


def lines_between(start_ms: int, end_ms: int, *, broken: str = "", seed: int = 0) -> list[LogRecord]:
    return sorted(requests(start_ms, end_ms, broken=broken, seed=seed), key=lambda each: each.time_ms)


def logs_of(client: Any) -> LogsRoom:
    logs: LogsRoom = client.app.state.rooms.logs
    return logs


def receive(logs: LogsRoom, records: Sequence[LogRecord]) -> ReceivedLogs:
    return logs.intake.receive(Logs.from_records(records))


def row(client: Any, at_ms: int, item: str) -> dict[str, float]:
    window = client.app.state.rooms.signals.in_use.window
    keys = tuple(SeriesKey(item, name) for name in ("log_rate", "log_error_share", "log_shift"))
    return dict(zip((key.metric for key in keys), window.row(at_ms // MINUTE_MS, keys).tolist(), strict=True))


def test_a_closed_minute_becomes_series_of_its_services(start: Start) -> None:
    clock = StillClock(ONSET + timedelta(minutes=1, seconds=29))
    client = start(clock=clock)
    logs, line = logs_of(client), LogRecord("order", "INFO", "", ONSET_MS + 1, "placed")
    receive(logs, [line] * 9 + [line._replace(severity="ERROR", body="failed")] * 3)
    assert logs.closing.advance() == 0  # it may still get lines
    clock.at += timedelta(seconds=1)
    assert logs.closing.advance() == 1
    found = row(client, ONSET_MS, "order")
    assert (found["log_rate"], found["log_error_share"]) == (0.2, 0.25)
    assert found["log_shift"] != found["log_shift"]  # nothing to compare with yet
    assert (receive(logs, [line]).n_late, logs.closing.advance()) == (1, 0)
    assert row(client, ONSET_MS, "order")["log_rate"] == 0.2


def test_a_minute_becomes_past_unless_its_service_was_in_trouble(start: Start) -> None:
    clock = StillClock(ONSET)
    client = start(clock=clock)
    client.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
    logs = logs_of(client)
    receive(logs, lines_between(ONSET_MS - HOUR_MS, ONSET_MS))
    logs.closing.advance()
    normal = logs.evidence.normal(SERVICES)
    assert normal is not None
    assert len(normal.counts.starts_ms) == 24  # an hour but for its last 35 minutes, and the grace
    clock.at = ONSET + timedelta(minutes=4)
    client.post("/v1/alerts", json=a_webhook("order", starts_at=clock.at)).raise_for_status()
    receive(logs, lines_between(ONSET_MS, ONSET_MS + 300_000, seed=1))
    clock.at = ONSET + timedelta(hours=2)
    receive(logs, lines_between(ONSET_MS + 300_000, ONSET_MS + HOUR_MS, seed=2))
    logs.closing.advance()
    normal = logs.evidence.normal(SERVICES)
    assert normal is not None
    counts = {service: normal.of_services([service]).counts for service in SERVICES}
    last = {name: int(each.starts_ms[each.counts.any(axis=1)][-1]) for name, each in counts.items()}
    assert last["stock"] == ONSET_MS + HOUR_MS - MINUTE_MS
    assert last["order"] == ONSET_MS - 2 * MINUTE_MS  # its alert's lead does not count as normal either


def test_a_restart_goes_on_where_it_was(start: Start, tmp_path: Path) -> None:
    first, second = (
        lines_between(ONSET_MS - HOUR_MS, ONSET_MS),
        lines_between(ONSET_MS - 60_000, ONSET_MS + 200_000, seed=1),
    )
    with a_client(an_app(tmp_path / "stopped", clock=StillClock(ONSET))) as stopped:
        receive(logs_of(stopped), first)
        logs_of(stopped).closing.advance()
    unbroken, again = start("unbroken"), start("stopped")
    receive(logs_of(unbroken), first)
    logs_of(unbroken).closing.advance()
    for each in (unbroken, again):
        receive(logs_of(each), second)
    assert_equal(unbroken, again)
    shutil.copytree(tmp_path / "stopped", tmp_path / "crashed")
    assert_equal(unbroken, start("crashed"))


def assert_equal(one: TestClient, other: TestClient) -> None:
    pairs = (
        [logs_of(each).evidence.window(SERVICES, since_ms=0) for each in (one, other)],
        [logs_of(each).evidence.normal(SERVICES) for each in (one, other)],
    )
    for found, wanted in pairs:
        assert found is not None
        assert wanted is not None
        assert set(found.counts.kinds) == set(wanted.counts.kinds)
        assert (found.counts.counts == wanted.counts.of_kinds(found.counts.kinds).counts).all()
        assert (found.counts.starts_ms == wanted.counts.starts_ms).all()
        assert (found.examples, found.traces, found.texts) == (wanted.examples, wanted.traces, wanted.texts)
        assert found.gaps.n.sum() == wanted.gaps.n.sum()


@pytest.mark.parametrize("damage", [b"", b"garbage", None])
def test_a_damaged_checkpoint_is_made_again_from_the_lines(
    start: Start, tmp_path: Path, damage: bytes | None
) -> None:
    with a_client(an_app(tmp_path / "data", clock=StillClock(ONSET))) as client:
        receive(logs_of(client), lines_between(ONSET_MS - 300_000, ONSET_MS))
        before = logs_of(client).evidence.window(SERVICES, since_ms=0)
    path = tmp_path / "data" / "logs.state"
    path.write_bytes(path.read_bytes()[:-50] if damage is None else damage)
    after = logs_of(start()).evidence.window(SERVICES, since_ms=0)
    assert before is not None
    assert after is not None
    assert (before.counts.counts == after.counts.counts).all()


def test_a_checkpoint_of_another_history_is_left_alone(start: Start, tmp_path: Path) -> None:
    with a_client(an_app(tmp_path / "data", clock=StillClock(ONSET))) as client:
        receive(logs_of(client), lines_between(ONSET_MS - 300_000, ONSET_MS))
    shutil.rmtree(tmp_path / "data" / "lines")
    assert logs_of(start()).evidence.window(SERVICES, since_ms=0) is None


def test_a_log_bundle_says_what_is_normal_and_mines_the_minutes_again(start: Start) -> None:
    client = start()
    logs, bundle = logs_of(client), a_log_bundle()
    receive(logs, lines_between(ONSET_MS - 300_000, ONSET_MS, seed=3))
    logs.adoption.adopt(bundle)
    logs.adoption.adopt(bundle)
    normal, window = logs.evidence.normal(SERVICES), logs.evidence.window(SERVICES, since_ms=0)
    assert normal is not None
    assert window is not None
    assert set(window.counts.kinds) == set(normal.counts.kinds)
    assert len(window.counts.starts_ms) == 5
    logs.closing.advance()
    assert row(client, ONSET_MS - 300_000, "order")["log_shift"] < 0.05


def test_an_anomalous_service_shows_in_the_scores_of_its_item(start: Start) -> None:
    client = start()
    logs, bundle = logs_of(client), a_log_bundle()
    client.app.state.rooms.models.log_champion._adopt(bundle)
    assert client.get("/readyz").json()["log_bundle_version"] == bundle.version
    receive(logs, lines_between(ONSET_MS - 300_000, ONSET_MS - 60_000, seed=3, broken="stock"))
    logs.closing.advance()
    found = {each: client.get(f"/v1/items/{each}/scores").json()["logs"] for each in ("gateway", "stock")}
    assert [found[each]["is_anomalous"] for each in ("gateway", "stock")] == [False, True]
    assert found["stock"]["score"] > bundle.threshold
    assert found["stock"]["bundle_version"] == bundle.version
    assert found["stock"]["minute_at"] == (ONSET - timedelta(minutes=2)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_what_a_service_never_said_in_one_trace_before_scores(start: Start) -> None:
    records = [
        each._replace(trace_id=f"{each.trace_id}-again")
        if each.service == "order" and "done" in each.body and each.time_ms >= ONSET_MS - 180_000
        else each
        for each in lines_between(ONSET_MS - 300_000, ONSET_MS - 60_000, seed=3)
    ]
    bundle = a_log_bundle()
    scores = []
    for name, used in (("hears", bundle), ("deaf", replace(bundle, version="deaf", signatures=frozenset()))):
        logs = logs_of(start(name))
        logs.adoption.adopt(used)
        receive(logs, records)
        logs.closing.advance()
        assert logs.scores is not None
        scores.append(logs.scores.by_service)
    noticed, unnoticed = scores
    assert noticed["order"] > bundle.threshold > unnoticed["order"]
    assert noticed["stock"] == unnoticed["stock"]


@dataclass
class ListeningBundle:
    """Scores nothing, and remembers which changes it was given."""

    version: str = "listening"
    threshold: float = 1.0
    changes_ms: dict[str, list[int]] = field(default_factory=dict)

    def scores(
        self, sums: LogSums, *, traces: TraceVectors | None, changes_ms: dict[str, list[int]]
    ) -> tuple[tuple[str, ...], Any]:
        self.changes_ms = changes_ms
        return ("stock",), np.zeros((len(sums.counts.starts_ms), 1))


def test_a_score_is_told_of_the_changes_of_each_service() -> None:
    bundle = ListeningBundle()
    changes = [ChangeEvent(str(n), item, ONSET) for n, item in enumerate(("stock", "order", "stock"))]
    found = latest_scores(bundle, [sums_of(lines_between(ONSET_MS, ONSET_MS + 60_000))], changes)  # type: ignore[arg-type]
    assert bundle.changes_ms == {"stock": [ONSET_MS, ONSET_MS], "order": [ONSET_MS]}
    assert found.by_service == {"stock": 0.0}


def test_scores_do_not_depend_on_how_many_minutes_are_closed_at_once(start: Start) -> None:
    records, bundle = (
        lines_between(ONSET_MS - 300_000, ONSET_MS - 60_000, seed=3, broken="stock"),
        a_log_bundle(),
    )
    clock = StillClock(ONSET - timedelta(minutes=5))
    together, apart = logs_of(start("together")), logs_of(start("apart", clock=clock))
    for each in (together, apart):
        each.adoption.adopt(bundle)
        receive(each, records)
    together.closing.advance()
    for _ in range(6):
        apart.closing.advance()
        clock.at += timedelta(minutes=1)
    assert together.scores == apart.scores
    assert together.scores is not None


def test_a_bundle_of_other_windows_is_left_alone_and_told(start: Start) -> None:
    logs, bundle = logs_of(start()), a_log_bundle()
    counts = replace(bundle.normal.counts, step_ms=30_000)
    logs.adoption.adopt(replace(bundle, version="other", normal=replace(bundle.normal, counts=counts)))
    assert logs.bundle_version == ""
    assert "of 30 s: train logs with --step 60" in logs.health_problems()[0]
    logs.adoption.adopt(bundle)
    assert (logs.bundle_version, logs.health_problems()) == (bundle.version, [])


def test_no_line_is_lost_or_counted_twice_while_a_bundle_is_adopted(start: Start) -> None:
    logs = logs_of(start())
    bundles = [a_log_bundle(seed=seed) for seed in (0, 1)]
    records = lines_between(ONSET_MS - 300_000, ONSET_MS, seed=3)
    with ThreadPoolExecutor(max_workers=3) as pool:
        work = [pool.submit(receive, logs, records[first::20]) for first in range(20)]
        work += [pool.submit(logs.adoption.adopt, bundles[number % 2]) for number in range(4)]
        for each in work:
            each.result()
    window = logs.evidence.window(SERVICES, since_ms=0)
    assert window is not None
    assert window.counts.counts.sum() == len(records)


def test_many_kinds_of_line_in_one_minute_are_folded_together(start: Start) -> None:
    logs = logs_of(start())
    words = [f"{'abcdefghij'[n % 10] * (n // 10 + 1)}" for n in range(900)]
    lines = [f"{word} {word} {word}" for word in words]
    receive(logs, [LogRecord("order", "INFO", "", ONSET_MS + n, line) for n, line in enumerate(lines)])
    left = bounded(logs.memory.minutes.by_start[ONSET_MS], max_kinds=100)
    assert len(left.counts.kinds) == 101
    assert left.counts.counts.sum() == 900


def test_lines_older_than_the_minutes_held_go_to_disk_only(start: Start) -> None:
    logs = logs_of(start(window=timedelta(minutes=10)))
    line = LogRecord("order", "INFO", "", ONSET_MS, "placed")
    receive(logs, [line])
    backwards = receive(logs, [line._replace(time_ms=ONSET_MS - HOUR_MS)])
    assert (backwards.n_accepted, backwards.n_outside) == (1, 1)
    receive(logs, [line._replace(time_ms=ONSET_MS + 240_000)])
    window = logs.evidence.window(["order"], since_ms=ONSET_MS)
    assert window is not None
    assert window.counts.counts.sum() == 2


def test_services_that_said_nothing_have_empty_sums(start: Start) -> None:
    logs = logs_of(start())
    assert logs.evidence.window(["order"], since_ms=0) is None
    assert logs.evidence.normal(["order"]) is None
    receive(logs, [LogRecord("order", "INFO", "", ONSET_MS - HOUR_MS, "placed")])
    window = logs.evidence.window(["order"], since_ms=ONSET_MS)
    assert window is not None
    assert not len(window.counts.starts_ms)


def test_what_is_normal_does_not_depend_on_when_minutes_were_last_closed(start: Start) -> None:
    clock = StillClock(ONSET)
    often, never = start("often", clock=clock), start("never", clock=clock)
    lines = lines_between(ONSET_MS - HOUR_MS, ONSET_MS)
    for minute in range(60):
        clock.at = ONSET + timedelta(minutes=minute - 59)
        due = [each for each in lines if each.time_ms // MINUTE_MS == ONSET_MS // MINUTE_MS - 60 + minute]
        for each in (often, never):
            receive(logs_of(each), due)
        logs_of(often).closing.advance()
    assert_equal(often, never)
