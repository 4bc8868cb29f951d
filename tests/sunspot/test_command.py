"""The command is self-explanatory, quick to show help, and completes its words."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from typing import ClassVar

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from sunspot.__main__ import COMMANDS, LazyGroup, Subcommand, main

EXISTING = sorted(name for name, each in COMMANDS.items() if find_spec(each.module))
HEAVY = {"mlflow", "numpy", "sklearn", "fastapi", "pandas", "pyarrow", "pyod", "exchange_calendars"}


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sunspot", *words],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=True,
    )


def test_help_lists_every_command() -> None:
    output = CliRunner().invoke(main, ["--help"]).output
    for name, each in COMMANDS.items():
        assert f"  {name} " in output
        assert each.help.split(maxsplit=1)[0] in output


@pytest.mark.parametrize("name", EXISTING)
def test_every_command_explains_itself(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: main {name}")
    assert len(result.output.splitlines()) > 3


def test_an_unknown_command_is_a_clear_error() -> None:
    result = CliRunner().invoke(main, ["explode"])
    assert result.exit_code == 2
    assert "No such command 'explode'" in result.output


@pytest.mark.parametrize("name", ["", *EXISTING])
def test_help_imports_nothing_heavy(name: str) -> None:
    code = (
        "import sys\n"
        "from sunspot.__main__ import main\n"
        f"main({[*name.split(), '--help']!r}, standalone_mode=False)\n"
        f"print('HEAVY', *sorted({HEAVY!r} & sys.modules.keys()))\n"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.splitlines()[-1] == "HEAVY"


@pytest.mark.parametrize(
    ("shell", "sign"), [("bash", "complete -o nosort"), ("zsh", "#compdef sunspot"), ("fish", "complete")]
)
def test_a_completion_script_is_printed(shell: str, sign: str) -> None:
    script = CliRunner().invoke(main, ["completion", shell]).stdout
    assert sign in script
    assert "_SUNSPOT_COMPLETE" in script


def test_the_help_of_completion_explains_how_to_install_it() -> None:
    output = CliRunner().invoke(main, ["completion", "--help"]).output
    assert 'eval "$(sunspot completion bash)"' in output
    assert "~/.config/fish" in output


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("sunspot do", ["plain,doctor"]),
        ("sunspot import c", ["plain,cmdb", "plain,changes"]),
        ("sunspot doctor --j", ["plain,--json"]),
    ],
)
def test_the_shell_completes(words: str, expected: list[str]) -> None:
    output = run(
        _SUNSPOT_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(len(words.split()) - 1)
    ).stdout
    assert sorted(output.splitlines()) == sorted(expected)


class Damaged(LazyGroup):
    """The command with a subcommand that cannot be imported."""

    subcommands: ClassVar = {
        **COMMANDS,
        "damaged": Subcommand("sunspot.no_such_module", "Cannot be imported."),
    }


def completions(words: list[str], incomplete: str) -> list[str]:
    shell = ShellComplete(Damaged("sunspot"), {}, "sunspot", "_SUNSPOT_COMPLETE")
    return [each.value for each in shell.get_completions(words, incomplete)]


def test_a_subcommand_that_cannot_be_imported_does_not_break_completion() -> None:
    assert completions([], "d") == ["demo", "doctor", "damaged"]
    assert completions(["damaged"], "--") == ["--help"]
    assert "--json" in completions(["doctor"], "--")


def test_a_subcommand_that_cannot_be_imported_is_a_clear_error() -> None:
    done = CliRunner().invoke(Damaged("sunspot"), ["damaged"])
    assert done.exit_code == 1
    assert "Error: damaged cannot be loaded: No module named 'sunspot.no_such_module'" in done.output
    assert "sunspot doctor" in done.output


def test_names_are_completed_without_importing_anything() -> None:
    code = (
        "import sys\n"
        "from click.shell_completion import ShellComplete\n"
        "from sunspot.__main__ import main, COMMANDS\n"
        "ShellComplete(main, {}, 'sunspot', '_X').get_completions([], '')\n"
        "print(*sorted({each.module for each in COMMANDS.values()} & sys.modules.keys()))\n"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not output.strip()


def test_a_subcommand_with_another_defect_shows_its_traceback() -> None:
    class Defective(LazyGroup):
        subcommands: ClassVar = {"defective": Subcommand("sunspot.processes", "Has no command.")}

    with pytest.raises(AttributeError):
        Defective("sunspot").get_command(click.Context(Defective("sunspot")), "defective")
