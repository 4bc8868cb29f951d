"""The fault of the brokerage that shows only in log lines, through the service."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
from service_builders import StillClock, a_client, an_app

from experiments.brokerage.alertmanager import alertmanager_payload
from experiments.brokerage.alerts import firing_alerts
from experiments.brokerage.faults import example_fault
from experiments.brokerage.log_alerts import error_line_alerts
from experiments.brokerage.simulate import simulate
from experiments.demo_scenario import INCIDENT_DAY, logs_of, samples_of
from experiments.replay import columns_of, document_of, lines_of, parts_of
from features.calendar import CLOCKS
from models.artifacts.bundle import make_bundle
from models.detectors.baseline import fit_baseline
from telemetry.batches import SeriesKey

if TYPE_CHECKING:
    from pathlib import Path

LATER = datetime(2026, 12, 1, tzinfo=UTC)


def test_broken_replication_is_found_ranked_first_and_explained_by_its_templates(tmp_path: Path) -> None:
    start = datetime.combine(INCIDENT_DAY, time(10, 12), ZoneInfo("Asia/Shanghai"))
    fault = example_fault("broken_replication", start)
    day = simulate(INCIDENT_DAY, n_days=1, seed=8, faults=[fault])
    assert not [each for each in firing_alerts(day) if start <= each.starts_at < fault.end]
    lines = day.log_lines(start - timedelta(minutes=45), start + timedelta(minutes=6))
    fired = error_line_alerts(lines)
    assert [each.item for each in fired] == list(fault.causes) == ["ledger-db"]
    onset_ms, end_ms = (round(at.timestamp() * 1000) for at in (start, start + timedelta(minutes=6)))
    normal = day.frame.between(day.frame.start_ms, onset_ms - 3_600_000)
    bundle = make_bundle(
        clock="always",
        normal=normal,
        baseline=fit_baseline(normal, CLOCKS["always"]),
        threshold=6.0,
        detectors={},
        row_thresholds={},
        metadata={},
    )
    app = an_app(tmp_path, bundle=bundle, present="signals", clock=StillClock(LATER))
    with a_client(app) as client:
        client.post("/v1/cmdb", json=document_of(day.graph)).raise_for_status()
        logs, sent_until_ms = logs_of(lines), 0
        for until_ms in (onset_ms, end_ms):
            samples = samples_of(day.frame.between(until_ms - 3_600_000, until_ms))
            client.post("/v1/samples", json={"series": columns_of(samples)}).raise_for_status()
            is_due = (logs.time_ms < until_ms) & (logs.time_ms >= sent_until_ms)
            for part in parts_of(logs.where(is_due)):
                client.post("/v1/logs", content=lines_of(part)).raise_for_status()
            sent_until_ms = until_ms
            app.state.rooms.logs.closing.advance()
        [alert] = client.post("/v1/alerts", json=alertmanager_payload(fired)).json()["alerts"]
    keys = (SeriesKey("ledger-db", "log_error_share"),)
    window = app.state.rooms.signals.in_use.window
    shares = [window.row((onset_ms + offset) // 60_000, keys)[0] for offset in (-120_000, 120_000)]
    assert shares[0] < 0.1
    assert shares[1] > 0.3
    best = alert["ranking"]["candidates"][0]
    assert best["item"] == "ledger-db"
    assert best["probability"] > 0.5
    templates = [each for evidence in best["evidence"] for each in evidence["templates"]]
    [lost] = [each for each in templates if each["template"].startswith("replication to standby")]
    assert (lost["kind"], lost["severity"]) == ("new", "ERROR")
    assert np.isclose(lost["expected"], 0.0)
    assert lost["observed"] > 30
    assert lost["first_seen_ms"] == onset_ms
