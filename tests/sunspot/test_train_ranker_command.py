"""``sunspot train ranker``, from a library of cases to the registry."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from builders import a_case, a_graph
from click.testing import CliRunner

from models.artifacts.mlflow_names import tracking_uri_for
from models.artifacts.model_kinds import RANKER_MODEL
from models.cases.files import StoredCase
from models.cases.library import write_case
from service.model_registry.mlflow_source import ModelSource
from sunspot.models import command as models_command
from sunspot.train import command

if TYPE_CHECKING:
    from pathlib import Path

SHOP = a_graph(("app", "cart"), ("cart", "db"), ("app", "search"))


def a_library(directory: Path, n: int) -> Path:
    for number in range(n):
        cause = ("cart", "db", "search")[number % 3]
        case = a_case(SHOP, {(cause, "latency_s"): 0.3}, alerting="app", seed=number)
        at = case.at + timedelta(hours=number)
        write_case(StoredCase(replace(case, id=f"{number}", at=at, cause=(cause,), system="shop")), directory)
    return directory


def test_a_library_trains_a_ranker_that_the_service_can_load(tmp_path: Path) -> None:
    library = a_library(tmp_path / "cases", 24)
    done = CliRunner().invoke(command, ["ranker", "--cases", str(library), "--data", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "registered version 1" in done.output
    assert "calibration error" in done.output
    listed = CliRunner().invoke(
        models_command, ["list", "--model", RANKER_MODEL.name, "--data", str(tmp_path)]
    )
    assert listed.exit_code == 0, listed.output
    assert "AS@1" in listed.output
    assert "false pages" not in listed.output
    CliRunner().invoke(
        models_command, ["promote", "1", "--model", RANKER_MODEL.name, "--data", str(tmp_path)]
    )
    source = ModelSource(tracking_uri_for(tmp_path), RANKER_MODEL, tmp_path / "rankers")
    assert source.refresh()
    bundle = source.current()
    assert bundle is not None
    assert bundle.version in done.output
    assert bundle.metadata["systems"] == "shop (24)"


@pytest.mark.parametrize("n", [0, 2])
def test_a_library_that_is_too_small_creates_no_store(tmp_path: Path, n: int) -> None:
    a_library(tmp_path / "cases", n)
    done = CliRunner().invoke(command, ["ranker", "--data", str(tmp_path)])
    assert (done.exit_code, f"at least 20 cases with a confirmed cause, got {n}" in done.output) == (2, True)
    assert not (tmp_path / "mlflow.db").exists()


def test_a_case_that_cannot_be_read_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "case-1.json").write_text("{")
    done = CliRunner().invoke(command, ["ranker", "--cases", str(tmp_path), "--data", str(tmp_path)])
    assert (done.exit_code, "case-1.json" in done.output) == (2, True)
