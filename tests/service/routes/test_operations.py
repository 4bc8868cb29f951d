"""What an operator can learn of a running service, and can set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from access_builders import a_gate
from builders import ONSET, a_frame
from service_builders import (
    ITEMS,
    NOW,
    FakeSource,
    StillClock,
    a_bundle,
    a_client,
    a_cmdb,
    a_service,
    a_webhook,
    an_app,
    an_incident_frame,
    as_columns,
    settings_for,
)

from features.calendar import CLOCKS
from models.artifacts.bundle import Bundle, make_bundle
from models.detectors.baseline import fit_baseline
from service.access.marker import AccessMarker
from service.app import create_app
from service.data_directory import ACCESS_MARKER, HISTORY, STORE
from service.errors import BadCalendarFileError
from service.http.server import AnnouncingServer, bind
from service.model_registry.sources import Sources
from service.signals.history import history_problems, retain_history
from service.store.database import Database
from service.store.tokens import TokenStore
from telemetry.batches import Samples
from telemetry.damage import Damage
from telemetry.history import History

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi.testclient import TestClient


AFTER_THE_CALENDAR = datetime(2027, 3, 3, 2, tzinfo=UTC)


class BrokenLog:
    """A history that has been better."""

    position = 0
    damage = (Damage("7.log", 10, 20, "no whole record", "quarantine/7.log-10"), Damage("8.log", 0, 9, "x"))
    sealing_failure = "7.log could not be sealed: no space left"

    def __init__(self) -> None:
        self.retained: list[tuple[float, int]] = []

    def append(self, samples: Samples) -> int:
        return len(samples)

    def replay(self, since_ms: int = 0) -> Iterator[Samples]:
        return iter(())

    def retain(self, days: float, *, now_ms: int) -> int:
        self.retained.append((days, now_ms))
        return 1


def reasons(client: TestClient) -> list[str]:
    found: list[str] = client.get("/readyz").json()["reasons"]
    return found


def of_the_exchange() -> Bundle:
    normal = a_frame(ITEMS, end=ONSET - timedelta(hours=2))
    baseline = fit_baseline(normal, CLOCKS["XSHG"])
    return make_bundle(
        clock="XSHG",
        normal=normal,
        baseline=baseline,
        threshold=6.0,
        detectors={},
        row_thresholds={},
        metadata={},
    )


def test_damage_to_history_is_reported(tmp_path: Path) -> None:
    with a_service(tmp_path):
        pass
    [log] = (tmp_path / HISTORY / "log").glob("*")
    content = bytearray(log.read_bytes())
    content[len(content) // 2] ^= 0xFF
    log.write_bytes(content)
    with a_client(an_app(tmp_path, bundle=a_bundle())) as client:
        assert any(each.startswith("history: damage was found in ") for each in reasons(client))
        assert client.get("/readyz").status_code == 200
        assert "sunspot_history_damaged 1.0" in client.get("/metrics").text


def test_a_history_that_cannot_be_sealed_is_reported() -> None:
    damage, sealing = history_problems(BrokenLog())
    assert "7.log, bytes 10 to 20: no whole record" in damage
    assert "and 1 more" in damage
    assert "no space left" in sealing


def test_history_is_removed_at_the_age_that_is_set(tmp_path: Path) -> None:
    with a_service(tmp_path):
        pass
    later_ms = int((NOW + timedelta(days=32)).timestamp() * 1000)
    with History(tmp_path / HISTORY) as history:
        history.seal()
        history.append(Samples.from_rows([("order", "requests", later_ms, 1.0)]))
        history.seal()
    segments = tmp_path / HISTORY / "segments"
    for days, n_left in ((29, 2), (31, 1)):
        app = an_app(tmp_path, clock=StillClock(NOW + timedelta(days=days)), retention=timedelta(days=30))
        with a_client(app):
            retain_history(
                app.state.rooms.signals.history, app.state.rooms.settings, now=app.state.rooms.clock.now()
            )
        assert len(list(segments.glob("*"))) == n_left


def test_by_default_more_than_a_year_is_retained(tmp_path: Path) -> None:
    log = BrokenLog()
    retain_history(log, settings_for(tmp_path), now=NOW)
    assert log.retained == [(400.0, int(NOW.timestamp() * 1000))]


@pytest.mark.parametrize(
    ("listed", "is_reported"),
    [(None, True), ("known_until = 2027-12-31", False), ("openings = [2027-03-03]", False)],
)
def test_a_day_that_the_calendar_does_not_know_is_reported_unless_it_is_listed(
    tmp_path: Path, listed: str | None, is_reported: bool
) -> None:
    path = tmp_path / "calendar.toml"
    path.write_text(listed or "")
    chosen: dict[str, Any] = {} if listed is None else {"calendar_overrides": path}
    app = an_app(tmp_path, bundle=of_the_exchange(), clock=StillClock(AFTER_THE_CALENDAR), **chosen)
    with a_client(app) as client:
        assert any(each.startswith("calendar: ") for each in reasons(client)) == is_reported


@pytest.mark.parametrize("day", ["2026-03-04", "2026-03-05"])
def test_a_listed_closure_is_compared_with_days_without_trading(tmp_path: Path, day: str) -> None:
    path = tmp_path / "calendar.toml"
    path.write_text(f"closures = [{day}]")
    app = an_app(tmp_path, bundle=of_the_exchange(), calendar_overrides=path)
    with a_client(app) as client:
        client.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
        client.post("/v1/samples", json=as_columns(an_incident_frame())).raise_for_status()
        enriched = client.post("/v1/alerts", json=a_webhook()).json()["alerts"][0]
    # the normal history has the night before, which counts as the same closed day, but no morning
    is_compared_with_all = any("session phase" in each for each in enriched["ranking"]["unseen"])
    assert is_compared_with_all == (day != "2026-03-04")


@pytest.mark.parametrize("content", [None, b"closures = [1]", b"\xff"])
def test_a_calendar_file_that_cannot_be_read_stops_the_start(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "calendar.toml"
    if content is not None:
        path.write_bytes(content)
    settings = settings_for(tmp_path, calendar_overrides=path)
    with pytest.raises(BadCalendarFileError, match=r"calendar\.toml"):
        create_app(settings, sources=Sources(FakeSource))


@pytest.mark.parametrize(
    ("has_token", "had_one", "told"), [(False, False, "open"), (True, True, ""), (False, True, "closed")]
)
def test_a_service_without_tokens_announces_it_when_it_starts(
    tmp_path: Path, has_token: bool, had_one: bool, told: str
) -> None:
    if had_one:
        AccessMarker(tmp_path / ACCESS_MARKER).set()
    database = Database(tmp_path / STORE)
    tokens = TokenStore(database)
    if has_token:
        tokens.create("reader", ["read"], at=NOW, who="test")
    listener, settings = bind(settings_for(tmp_path, port=0))
    lines: list[str] = []
    config = uvicorn.Config(no_application, log_config=None, lifespan="off")

    def announce(line: str) -> None:
        lines.append(line)
        server.should_exit = True

    server = AnnouncingServer(config, settings, a_gate(database, tmp_path), announce=announce)
    with listener:
        server.run(sockets=[listener])
    database.close()
    assert lines[0].startswith("Sunspot listens on http://127.0.0.1:")
    assert [each.split()[0] for each in lines[1:]] == ([told] if told else [])


async def no_application(scope: Any, receive: Any, send: Any) -> None:
    """Answer nothing: the server only starts and stops."""
