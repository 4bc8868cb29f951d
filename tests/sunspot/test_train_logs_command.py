"""``sunspot train logs``: from a directory to a champion, and clear errors when that fails."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from builders import ONSET, a_case, a_graph
from click.testing import CliRunner, Result
from log_builders import NORMAL_MS, requests

from cmdb.items import ChangeEvent
from models.artifacts.mlflow_names import tracking_uri_for
from models.artifacts.model_kinds import LOGS_MODEL, REGISTERED_MODELS
from models.cases.files import StoredCase
from models.cases.library import write_case
from service.data_directory import STORE
from service.store.changes import ChangeStore
from service.store.database import Database
from sunspot.models import command as models_command
from sunspot.options import MODEL_NAMES
from sunspot.train import command
from sunspot.train_logs import reader
from telemetry.log_history import LogHistory
from telemetry.logs import LogRecord, Logs
from training.log_files import logs_from_history
from training.tracking import MlflowTracker

if TYPE_CHECKING:
    from pathlib import Path


def train(*arguments: object) -> Result:
    return CliRunner().invoke(command, ["logs", *map(str, arguments)])


def files(directory: Path, *, hours: int = 5) -> Path:
    records = requests(NORMAL_MS[0], NORMAL_MS[0] + hours * 3_600_000)
    directory.mkdir()
    lines = [
        json.dumps(
            {
                "service": each.service,
                "level": each.severity,
                "time_ms": each.time_ms,
                "message": each.body,
                "trace_id": each.trace_id,
            }
        )
        for each in sorted(records, key=lambda each: each.time_ms)
    ]
    (directory / "lines.jsonl").write_text("\n".join(lines))
    return directory


def test_from_a_directory_to_a_champion_that_can_be_listed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    # one hour of three services is held out: a single false page in it is a high rate
    done = train("--from", files(tmp_path / "lines"), "--data", data, "--budget", 200)
    assert done.exit_code == 0, done.output
    assert "champion   yes" in done.output
    assert "3 services" in done.output
    assert "sessions   " in done.output
    champion = MlflowTracker(tracking_uri_for(data), LOGS_MODEL).champion()
    assert champion is not None
    assert champion.version in done.output
    listed = CliRunner().invoke(models_command, ["list", "--model", "sunspot-logs", "--data", str(data)])
    assert champion.version.removeprefix("sha256:")[:12] in listed.output
    other = CliRunner().invoke(models_command, ["list", "--data", str(data)])
    assert "run sunspot train detectors" in other.output
    short = train("--from", files(tmp_path / "short", hours=1), "--data", data)
    assert (short.exit_code, "needs at least 200" in short.output) == (2, True)


def test_stored_lines_are_learned_from_while_the_service_writes(tmp_path: Path) -> None:
    data = tmp_path / "data"
    records = sorted(requests(NORMAL_MS[0], NORMAL_MS[0] + 5 * 3_600_000), key=lambda each: each.time_ms)
    with LogHistory(data / "lines", file_bytes=100_000) as lines:
        for first in range(0, len(records), 1_000):
            lines.append(Logs.from_records(reversed(records[first : first + 1_000])))
        done = train("--data", data, "--budget", 200)
        batches = list(logs_from_history(data / "lines"))
    assert done.exit_code == 0, done.output
    assert f"read       {len(records)} lines of 3 services" in done.output
    read = [each for logs in batches for each in logs.records()]
    assert [each.time_ms for each in read] == [each.time_ms for each in records]
    assert sorted(read) == sorted(records)
    assert max(map(len, batches)) <= 51_000


def test_lines_of_closed_incidents_are_left_out_and_stored_changes_are_read(tmp_path: Path) -> None:
    case = a_case(a_graph(("order", "db")), {}, alerting="order")
    write_case(StoredCase(replace(case, cause=("order",))), tmp_path / "cases")
    within, outside = int(case.window.times_ms[0]), int(case.window.times_ms[-1]) + case.step_ms
    records = [
        LogRecord(service, "INFO", "", time_ms, f"{service} at {time_ms}", "", "")
        for time_ms in (within, outside)
        for service in ("order", "db")
    ]
    with LogHistory(tmp_path / "lines") as lines:
        lines.append(Logs.from_records(records))
    database = Database(tmp_path / STORE)
    ChangeStore(database).add([ChangeEvent("d1", "order", ONSET)], at=ONSET, who="test")
    database.close()
    read, changes_ms = reader("history", tmp_path, seed=0)
    bodies = [body for logs in read() for body in logs.bodies]
    assert bodies == [f"db at {within}", f"order at {outside}", f"db at {outside}"]
    assert changes_ms == {"order": [int(ONSET.timestamp() * 1000)]}
    assert reader("history", tmp_path / "none", seed=0)[1] == {}


def test_without_lines_the_error_gives_advice(tmp_path: Path) -> None:
    done = train("--data", tmp_path / "data")
    assert done.exit_code == 2
    assert "run `sunspot serve` and send it log lines" in done.output
    assert not (tmp_path / "data").exists()


def test_a_source_without_lines_leaves_no_store_behind(tmp_path: Path) -> None:
    done = train("--from", "brokrage", "--data", tmp_path / "data")
    assert done.exit_code == 2
    assert "--from must be history, brokerage, or a directory" in done.output
    assert not (tmp_path / "data").exists()


def test_every_registered_model_can_be_named(tmp_path: Path) -> None:
    assert set(MODEL_NAMES) == set(REGISTERED_MODELS)
    missing = CliRunner().invoke(models_command, ["list", "--model", "sunspot-logs", "--data", str(tmp_path)])
    assert "run sunspot train logs" in missing.output
