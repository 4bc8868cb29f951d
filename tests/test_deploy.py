"""What deploy/ tells a machine to run exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from service_builders import a_client, an_app

from sunspot.__main__ import main

DEPLOY = Path(__file__).parents[1] / "deploy"
COMMANDS = sorted(
    {
        command.strip()
        for file in DEPLOY.iterdir()
        for line in file.read_text().splitlines()
        if not line.lstrip().startswith("#")
        for command in re.findall(r"(?:/bin/|[ |] )sunspot +((?:serve|models|train)[^|;]*)", line)
    }
)


def test_commands_are_found_in_every_file() -> None:
    assert {command.split()[0] for command in COMMANDS} == {"serve", "models", "train"}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_and_its_options_exist(command: str) -> None:
    shown = CliRunner().invoke(main, [*shlex.split(command), "--help"])
    assert shown.exit_code == 0, shown.output
    for option in re.findall(r"--[a-z-]+", command):
        assert option in shown.output


def test_senders_are_pointed_at_routes_that_exist(tmp_path: Path) -> None:
    remote_write = yaml.safe_load((DEPLOY / "prometheus-remote-write.yml").read_text())["remote_write"]
    exporters = yaml.safe_load((DEPLOY / "otel-collector.yml").read_text())["exporters"]
    addresses = [each["url"] for each in remote_write]
    addresses += [
        f"{each['endpoint']}/v1/{signal}" for each in exporters.values() for signal in ("metrics", "traces")
    ]
    with a_client(an_app(tmp_path)) as client:
        paths = set(client.get("/openapi.json").json()["paths"])
    assert {address.removeprefix("http://127.0.0.1:8321") for address in addresses} <= paths
