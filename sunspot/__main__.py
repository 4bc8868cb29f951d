"""The command: a list of subcommands, each imported only when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

import click


class Subcommand(NamedTuple):
    """Where a subcommand lives, and its line in ``sunspot --help``."""

    module: str
    help: str


COMMANDS: dict[str, Subcommand] = {
    "demo": Subcommand("sunspot.demo", "Train, serve and explain a fault, from nothing, in a minute."),
    "serve": Subcommand("sunspot.serve", "Run the online service."),
    "train": Subcommand(
        "sunspot.train", "Fit models on history, track them in MLflow, promote what is better."
    ),
    "models": Subcommand("sunspot.models", "List the registered bundles and which one is champion."),
    "bench": Subcommand("sunspot.bench", "Measure Sunspot beside its peers."),
    "import": Subcommand("sunspot.imports", "Bring a CMDB or change events to a running service."),
    "token": Subcommand("sunspot.token", "Create, list and revoke the tokens of senders."),
    "doctor": Subcommand("sunspot.doctor", "Check this installation and say what to do."),
    "completion": Subcommand("sunspot.completion", "Print the tab completion for your shell."),
}
"""Every subcommand; its module's ``command`` is a click command."""


class LazyGroup(click.Group):
    """A group that imports a subcommand only to run it or to show its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Every subcommand, in the order a new user meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one subcommand."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[cmd_name].module).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, each.help) for name, each in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sunspot", message="sunspot %(version)s")
def main() -> None:
    """Sunspot tells the people on call what is wrong, where it started, and how sure it is.

    Start with `sunspot demo`. Tab completion: `sunspot completion --help`.
    """


if __name__ == "__main__":
    main(prog_name="sunspot")
