"""Runs and bundles in a real MLflow, in a file."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
import pytest
from builders import a_frame
from click.testing import CliRunner
from mlflow import MlflowClient
from training_builders import a_bundle

from models.artifacts.model_kinds import DETECTORS_MODEL
from models.detectors import DETECTORS
from service.data_directory import STORE
from service.shadow.record import RECORD, SHADOW, ShadowRecord, write_record
from service.store.audit import Audit
from service.store.database import Database
from sunspot.models import command as models_command
from sunspot.train import command as train_command
from training.fit_detectors import FitConfig, fit_detectors
from training.tracking import MlflowTracker, log_bench, tracking_uri_for

if TYPE_CHECKING:
    from pathlib import Path

REPORT = {
    "kind": "rank",
    "dataset": "petshop",
    "data_digest": "sha256:" + "0" * 64,
    "version": "0.1.0",
    "rows": [
        {"part": "all", "method": "sunspot", "n": 26, "as1": 0.92, "ms_per_incident": 0.4},
        {"part": "low_traffic/latency", "method": "random", "n": 14, "as1": float("nan")},
    ],
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "not created yet"


def test_mlflow_is_the_tested_version() -> None:
    major, minor = map(int, version("mlflow").split(".")[:2])
    assert (major, minor) == (3, 17)


def test_a_training_is_one_run_whose_bundle_is_the_champion(data: Path) -> None:
    tracker = MlflowTracker(tracking_uri_for(data), DETECTORS_MODEL)
    frame = a_frame(["order", "quotes"], n_ticks=400)
    assert tracker.champion() is None
    assert tracker.registered() == []
    result = fit_detectors(FitConfig(clock="always", seed=3), frame, tracker)
    champion = tracker.champion()
    assert champion is not None
    assert champion.version == result.bundle.version

    client = MlflowClient(tracker.uri, tracker.uri)
    run = client.get_run(result.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["seed"] == run.data.tags["sunspot.seed"] == "3"
    assert run.data.metrics["threshold"] == result.bundle.threshold
    assert run.inputs is not None
    dataset = run.inputs.dataset_inputs[0].dataset
    assert dataset.digest in result.bundle.metadata["data_digest"]
    children = client.search_runs([tracker.experiment_id], f"tags.`mlflow.parentRunId` = '{result.run_id}'")
    assert {child.info.run_name for child in children} == {"first_stage", *DETECTORS}
    assert len(client.list_artifacts(result.run_id, "plots")) == 4
    assert {each.name for each in data.iterdir()} == {"mlflow.db", "mlflow.db.lock", "artifacts"}

    (listed,) = tracker.registered()
    assert (listed.version, listed.is_champion, listed.run_id) == ("1", True, result.run_id)
    shown = CliRunner().invoke(models_command, ["list", "--data", str(data)])
    assert shown.exit_code == 0, shown.output
    assert "champion" in shown.output
    assert listed.bundle_version.removeprefix("sha256:")[:12] in shown.output, (
        "complete, although it is piped"
    )
    assert listed.run_id[:12] in shown.output
    assert "…" not in shown.output


def test_a_benchmark_is_one_run_with_a_child_for_each_row(tmp_path: Path) -> None:
    uri = tracking_uri_for(tmp_path)
    run_id = log_bench(uri, REPORT)
    client = MlflowClient(uri, uri)
    run = client.get_run(run_id)
    assert run.data.tags["kind"] == "rank"
    children = client.search_runs([run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run_id}'")
    by_method = {child.data.params["method"]: child for child in children}
    assert by_method["sunspot"].data.metrics == {"n": 26.0, "as1": 0.92, "ms_per_incident": 0.4}
    assert by_method["random"].data.metrics == {"n": 14.0}
    assert by_method["random"].data.params["part"] == "low_traffic/latency"


def test_a_run_that_raises_counts_as_failed_and_each_promoted_version_is_champion(data: Path) -> None:
    tracker = MlflowTracker(tracking_uri_for(data), DETECTORS_MODEL, experiment="another")
    client = MlflowClient(tracker.uri, tracker.uri)

    def fails() -> None:
        with tracker.run("fails", {}) as run:
            run.log({"long": "x" * 10_000}, {"fine": 1.0, "not_finite": float("inf")})
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        fails()
    (failed,) = client.search_runs([tracker.experiment_id])
    assert failed.info.status == "FAILED"
    assert failed.data.metrics == {"fine": 1.0}
    for note in ("first", "second"):
        bundle = a_bundle(note=note)
        with tracker.run("works", {}) as run:
            tracker.promote(tracker.register(run, bundle))
        champion = tracker.champion()
        assert champion is not None
        assert champion.version == bundle.version
    assert [each.is_champion for each in tracker.registered()] == [True, False]


def test_versions_are_compared_promoted_and_rolled_back_by_command(data: Path) -> None:
    tracker = MlflowTracker(tracking_uri_for(data), DETECTORS_MODEL)

    def invoke(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(models_command, [*arguments, "--data", str(data)])
        return done.exit_code, done.output

    for index, note in enumerate(("first", "second")):
        with tracker.run(note, {"sunspot.parent_champion": str(index) if index else "none"}) as run:
            run.log({}, {"recall_events": 0.5 - index / 4})
            if index:  # on its own ticks, the champion finds less than it did on others
                run.log({}, {"champion_recall_events": 0.125})
            version_made = tracker.register(run, a_bundle(note=note))
            if index == 0:
                tracker.promote(version_made)
    assert invoke("rollback") == (1, "Error: there is no previous champion\n")
    status, table = invoke("compare", "1", "2")
    assert status == 0
    assert "+0.125" in table
    assert "-0.25" not in table, "that is the difference on other ticks"
    assert "-0.125" in invoke("compare", "2", "1")[1]
    assert invoke("promote", "2") == (0, "version 2 is champion\n")
    assert invoke("promote", "2") == (0, "version 2 is already champion\n")
    assert [each.is_champion for each in tracker.registered()] == [True, False]
    assert invoke("rollback") == (0, "version 1 is champion again\n")
    assert [each.is_champion for each in tracker.registered()] == [False, True]
    assert invoke("rollback") == (1, "Error: there is no previous champion\n")
    assert invoke("promote", "9")[0] == 1
    assert "version 9 is not registered" in invoke("compare", "1", "9")[1]


def test_a_challenger_is_named_withdrawn_and_promoted_by_command(data: Path) -> None:
    tracker = MlflowTracker(tracking_uri_for(data), DETECTORS_MODEL)
    bundles = [a_bundle(note=note) for note in ("first", "second", "third")]
    for bundle in bundles:
        with tracker.run("train", {}) as run:
            tracker.register(run, bundle)
    tracker.promote("1")

    def invoke(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(models_command, [*arguments, "--data", str(data)])
        return done.exit_code, " ".join(done.output.split())

    database = Database(data / STORE)  # of a service in the same data directory
    assert invoke("challenge", "1") == (
        1,
        "Error: version 1 is already champion: there is nothing to compare it with",
    )
    assert invoke("withdraw") == (0, "there is no challenger")
    assert invoke("challenge", "3")[0] == 0
    assert invoke("withdraw") == (0, "version 3 is no longer challenger")
    assert invoke("challenge", "2")[0] == 0
    changes = [(each.action, each.subject, each.document) for each in Audit(database).newest(limit=9)]
    database.close()
    assert changes == [
        ("challenge_model", DETECTORS_MODEL.name, {"version": "3"}),
        ("withdraw_model", DETECTORS_MODEL.name, {"version": "3"}),
        ("challenge_model", DETECTORS_MODEL.name, {"version": "2"}),
    ]
    assert [each.is_challenger for each in tracker.registered()] == [False, True, False]
    assert "challenger" in invoke("list")[1]
    assert "not compared with the champion in shadow yet" in invoke("compare", "1", "2")[1]
    assert "shadow" not in invoke("compare", "1", "3")[1]

    record_path = data / SHADOW / RECORD
    record_path.parent.mkdir()
    record = ShadowRecord(bundles[0].version, bundles[1].version, 0, 273_600_000, n_both=5, n_challenger=9)
    write_record(replace(record, champion=bundles[2].version), record_path)
    assert "not compared with the champion in shadow yet" in invoke("compare", "2", "1")[1]
    write_record(record, record_path)
    sentence = "in shadow for 3 d 4 h: both paged 5 times, champion alone 0, challenger alone 9"
    assert f"version 2 was {sentence}" in invoke("compare", "2", "1")[1]
    status, output = invoke("promote", "2")
    assert (status, sentence in output, output.endswith("version 2 is champion")) == (0, True, True)
    assert [each.is_challenger for each in tracker.registered()] == [False, False, False]
    assert [each.is_champion for each in tracker.registered()] == [False, True, False]


def test_the_command_trains_from_tables_and_reports_the_outcome(tmp_path: Path) -> None:
    frame = a_frame(["order"], n_ticks=200)
    lines = ["item,metric,time_ms,value"]
    for (tick, column), value in np.ndenumerate(frame.values):
        key = frame.keys[column]
        lines.append(f"{key.item},{key.metric},{frame.times_ms[tick]},{value}")
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "normal.csv").write_text("\n".join(lines))
    arguments = ["detectors", "--from", str(tmp_path / "tables"), "--data", str(tmp_path / "data")]
    done = CliRunner().invoke(train_command, [*arguments, "--clock", "always"])
    assert done.exit_code == 0, done.output
    assert "champion   yes" in done.output
    assert "mlflow ui --backend-store-uri sqlite:///" in done.output


@pytest.mark.parametrize("source", ["history", "nowhere"])
def test_nothing_to_learn_from_is_a_clear_error(tmp_path: Path, source: str) -> None:
    given = source if source == "history" else str(tmp_path / source)
    done = CliRunner().invoke(train_command, ["detectors", "--from", given, "--data", str(tmp_path)])
    assert done.exit_code == 2
    assert "nothing to learn from" in done.output


def test_listing_without_a_store_gives_advice_and_creates_none(tmp_path: Path) -> None:
    done = CliRunner().invoke(models_command, ["list", "--data", str(tmp_path)])
    assert done.exit_code == 1
    assert "sunspot train detectors" in done.output
    assert not list(tmp_path.iterdir())
