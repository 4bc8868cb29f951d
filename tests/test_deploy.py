"""What deploy/ tells a machine to run exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from sunspot.__main__ import main

DEPLOY = Path(__file__).parents[1] / "deploy"
COMMANDS = sorted(
    {
        command.strip()
        for file in DEPLOY.iterdir()
        for line in file.read_text().splitlines()
        if not line.lstrip().startswith("#")
        for command in re.findall(r"(?:/bin/|[ |] )sunspot +((?:serve|models|train)[^|]*)", line)
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
