"""Champions of a real registry: the way back, and what was withdrawn."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from mlflow import MlflowClient
from training_builders import a_bundle

from models.artifacts.mlflow_names import prepare_mlflow
from models.artifacts.model_kinds import DETECTORS_MODEL
from sunspot.models import command as models_command
from training.champions import FORMER, PREVIOUS, Champions, Withdrawal
from training.tracking import MlflowTracker, tracking_uri_for

if TYPE_CHECKING:
    from pathlib import Path

NAME = DETECTORS_MODEL.name
AT_MS = 1_772_589_930_000  # 2026-03-04


@pytest.fixture
def client(tmp_path: Path) -> MlflowClient:
    """A registry with four versions, numbered from 1, each of data of its own."""
    prepare_mlflow()
    uri = tracking_uri_for(tmp_path)
    client = MlflowClient(uri, uri)
    client.create_registered_model(NAME)
    for number in range(1, 5):
        tags = {"sunspot.bundle_version": f"b{number}", "sunspot.data_digest": f"d{number}"}
        client.create_model_version(NAME, source=tmp_path.as_uri(), tags=tags)
    return client


@pytest.fixture
def champions(client: MlflowClient) -> Champions:
    champions = Champions(client, NAME)
    for version in ("1", "2", "3"):
        champions.promote(version)
    return champions


def rolled_back(champions: Champions, why: str = "") -> str:
    return champions.roll_back(who="li", at_ms=AT_MS, why=why)


def champion_of(client: MlflowClient) -> str:
    return str(client.get_model_version_by_alias(NAME, "champion").version)


def test_each_rollback_goes_one_step_further_back(client: MlflowClient, champions: Champions) -> None:
    assert champions.former() == ["1", "2"]
    assert rolled_back(champions) == champion_of(client) == "2"
    assert rolled_back(champions) == champion_of(client) == "1"
    assert rolled_back(champions) == ""
    assert champion_of(client) == "1"
    assert PREVIOUS not in client.get_registered_model(NAME).aliases


def test_deleted_and_withdrawn_versions_are_passed_over(client: MlflowClient, champions: Champions) -> None:
    client.delete_model_version(NAME, "2")
    assert rolled_back(champions) == "1"
    champions.promote("4")
    client.set_registered_model_tag(NAME, FORMER, '["1", "3"]')  # 3 was withdrawn by the first rollback
    assert rolled_back(champions) == "1"


def test_a_withdrawal_holds_for_the_bundle_and_its_data_until_it_is_promoted(champions: Champions) -> None:
    assert champions.withdrawal_of("b3", "d3") is None
    rolled_back(champions, "pages too much")
    withdrawal = Withdrawal("3", "li", AT_MS, "pages too much")
    assert champions.withdrawal_of("b3", "other") == withdrawal
    assert champions.withdrawal_of("other", "d3") == withdrawal
    assert champions.withdrawal_of("other", "") is None
    assert champions.withdrawal_of("b2", "d2") is None
    assert str(withdrawal) == "version 3 was withdrawn by li on 2026-03-04: pages too much"
    champions.promote("3")
    assert champions.withdrawal_of("b3", "d3") is None
    assert champions.former() == ["1", "2"]


def test_the_alias_of_an_older_sunspot_is_the_way_back(client: MlflowClient) -> None:
    client.set_registered_model_alias(NAME, "champion", "2")
    client.set_registered_model_alias(NAME, PREVIOUS, "1")
    champions = Champions(client, NAME)
    assert champions.former() == ["1"]
    assert rolled_back(champions) == "1"


def test_the_list_says_who_withdrew_what_and_the_same_data_stay_out(tmp_path: Path) -> None:
    tracker = MlflowTracker(tracking_uri_for(tmp_path), DETECTORS_MODEL)
    bundles = [
        replace(made, metadata={**made.metadata, "data_digest": f"sha256:{note}"})
        for note in ("first", "second")
        for made in [a_bundle(note=note)]
    ]
    for bundle in bundles:
        with tracker.run("training", {}) as run:
            tracker.promote(tracker.register(run, bundle))
    options = ["--data", str(tmp_path)]
    done = CliRunner().invoke(models_command, ["rollback", "--reason", "pages at noon", *options])
    assert done.output == "version 1 is champion again\n"
    shown = CliRunner().invoke(models_command, ["list", *options]).output
    assert "withdrawn" in shown
    assert shown.rstrip().endswith(": pages at noon")
    assert tracker.withdrawal_of(bundles[0]) == ""
    again = replace(bundles[1], version="sha256:made anew")
    assert tracker.withdrawal_of(again).startswith("version 2 was withdrawn by command by ")
