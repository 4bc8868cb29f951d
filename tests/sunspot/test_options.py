"""An option has the same meaning in every subcommand."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from sunspot import bench, doctor, models, serve, token, train

COMMANDS = {
    "serve": serve.command,
    "train": train.detectors,
    "models": models.list_models,
    "token": token.create,
    "doctor": doctor.command,
}


def option(command: click.Command, name: str) -> click.Option:
    found = next(each for each in command.params if name in each.opts)
    assert isinstance(found, click.Option)
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_data_is_the_services_directory_everywhere(name: str) -> None:
    data = option(COMMANDS[name], "--data")
    assert (data.default, data.envvar, data.help) == (
        Path("sunspot-data"),
        "SUNSPOT_DATA_DIR",
        option(serve.command, "--data").help,
    )


def test_a_benchmark_is_tracked_in_the_same_directory() -> None:
    tracking, data = option(bench.bench_rank, "--tracking"), option(serve.command, "--data")
    assert (tracking.default, tracking.envvar) == (data.default, data.envvar)


@pytest.mark.parametrize("name", ["serve", "train", "models"])
def test_training_and_service_look_for_mlflow_at_the_same_address(name: str) -> None:
    assert option(COMMANDS[name], "--tracking-uri").envvar == "SUNSPOT_TRACKING_URI"


@pytest.mark.parametrize("name", ["serve", "train", "doctor"])
def test_training_and_service_use_the_same_calendar_overrides(name: str) -> None:
    assert option(COMMANDS[name], "--calendar-overrides").envvar == "SUNSPOT_CALENDAR_OVERRIDES"
