"""What the commands do when MLflow, its runs or its experiments are not as Sunspot left them."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from training_builders import a_bundle

from models.artifacts.model_kinds import DETECTORS_MODEL
from sunspot import models as models_module
from sunspot.models import command as models_command
from sunspot.registry_guard import MAX_REASON, sentence_of
from training.tracking import MlflowTracker, tracking_uri_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result


def invoke(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(models_command, [*arguments, "--data", str(data)])


def registered(data: Path, n_versions: int) -> tuple[MlflowTracker, MlflowClient]:
    """A registry in which each version was champion."""
    tracker = MlflowTracker(tracking_uri_for(data), DETECTORS_MODEL)
    for index in range(n_versions):
        with tracker.run(f"training {index}", {}) as run:
            run.log({}, {"recall_events": 0.5})
            tracker.promote(tracker.register(run, a_bundle(note=str(index))))
    return tracker, MlflowClient(tracker.uri, tracker.uri)


def test_collected_runs_cost_their_figures_and_nothing_else(tmp_path: Path) -> None:
    tracker, client = registered(tmp_path, 3)
    gone = client.get_model_version(DETECTORS_MODEL.name, "1").run_id
    client.delete_run(gone)
    client._tracking_client.store._hard_delete_run(gone)  # as `mlflow gc` does
    with pytest.raises(MlflowException):
        client.get_run(str(gone))
    assert [dict(each.figures) for each in tracker.registered()] == [
        {"recall_events": 0.5},
        {"recall_events": 0.5},
        {},
    ]
    assert invoke(tmp_path, "list").exit_code == 0
    assert invoke(tmp_path, "compare", "1", "3").exit_code == 0
    assert invoke(tmp_path, "rollback").output == "version 2 is champion again\n"


def test_aliases_move_without_reading_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registered(tmp_path, 2)

    def get_run(*_: object) -> object:
        raise AssertionError("a run was read")

    monkeypatch.setattr(MlflowClient, "get_run", get_run)
    assert invoke(tmp_path, "rollback").output == "version 1 is champion again\n"
    assert invoke(tmp_path, "challenge", "2").exit_code == 0
    assert invoke(tmp_path, "withdraw").output == "version 2 is no longer challenger\n"
    assert invoke(tmp_path, "promote", "2").output == "version 2 is champion\n"


@pytest.mark.parametrize("command", [["list"], ["rollback"], ["compare", "1", "2"], ["drift", "--from", "."]])
def test_a_server_that_is_down_is_a_sentence_and_status_3(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as nobody:  # bound and not listening: refuses every connection
        nobody.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        done = invoke(tmp_path, *command, "--tracking-uri", uri)
    assert done.exit_code == 3, done.output
    assert "Error: MLflow cannot be used: " in done.output
    assert "Advice: check that the tracking server runs" in done.output
    assert "Traceback" not in done.output


def test_a_deleted_experiment_is_restored_by_the_next_run_and_one_made_meanwhile_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker, client = registered(tmp_path, 1)
    client.delete_experiment(tracker.experiment_id)
    assert invoke(tmp_path, "list").exit_code == 0
    again = MlflowTracker(tracker.uri, DETECTORS_MODEL)
    with again.run("after the deletion", {}):
        pass
    assert again.experiment_id == tracker.experiment_id
    restored = client.get_experiment(tracker.experiment_id)
    assert restored.lifecycle_stage == "active"
    assert restored.tags["mlflow.experimentKind"] == "custom_model_development"

    real, answers = MlflowClient.get_experiment_by_name, [None]

    def by_name(self: MlflowClient, name: str) -> object:  # not there yet when it was first asked for
        return answers.pop() if answers else real(self, name)

    monkeypatch.setattr(MlflowClient, "get_experiment_by_name", by_name)
    assert MlflowTracker(tracker.uri, DETECTORS_MODEL).experiment_id == tracker.experiment_id


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (lambda: RuntimeError("a fault of our own"), "a fault of our own"),
        (lambda: MlflowException("the store\n is locked"), "MLflow cannot be used: the store is locked"),
    ],
)
def test_drift_that_fails_never_ends_as_drifted(
    failure: Callable[[], Exception], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tracker_of(*_: object) -> object:
        raise failure()

    monkeypatch.setattr(models_module, "tracker_of", tracker_of)
    done = invoke(tmp_path, "drift")
    assert (done.exit_code, words in done.output) == (3, True), done.output


def test_the_advice_follows_the_error_and_long_ones_are_cut() -> None:
    refused = MlflowException("API request failed with error code 401 != 200. Response body: ''")
    assert "MLFLOW_TRACKING_USERNAME" in sentence_of(refused)
    shown = sentence_of(MlflowException("x" * 1000))
    assert len(shown.splitlines()[0]) == len("MLflow cannot be used: ") + MAX_REASON + 1
