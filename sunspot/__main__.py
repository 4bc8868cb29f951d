"""The ``sunspot`` command: a list of subcommands, each imported only when it is needed."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from collections.abc import Mapping


class Subcommand(NamedTuple):
    """Where a subcommand lives, and its line in ``sunspot --help``."""

    module: str
    help: str


COMMANDS: dict[str, Subcommand] = {
    "demo": Subcommand("sunspot.demo", "Train, serve and explain a fault, from nothing, in a minute."),
    "serve": Subcommand("sunspot.serve", "Run the online service."),
    "train": Subcommand(
        "sunspot.train", "Fit models on history, track them in MLflow, promote the better ones."
    ),
    "models": Subcommand("sunspot.models", "List and compare registered models, and choose the champion."),
    "bench": Subcommand("sunspot.bench", "Measure Sunspot against its peers."),
    "replay": Subcommand("sunspot.replay", "Rank a stored case again and show what changed."),
    "roles": Subcommand("sunspot.roles", "See what the metrics of a sender mean to Sunspot."),
    "import": Subcommand("sunspot.imports", "Send a CMDB or change events to a running service."),
    "token": Subcommand("sunspot.token", "Create, list and revoke the tokens of senders."),
    "user": Subcommand("sunspot.user", "Create, list and disable people who sign in to the pages."),
    "audit": Subcommand("sunspot.audit", "Show who did what, and check that the record is whole."),
    "doctor": Subcommand("sunspot.doctor", "Check this installation and suggest fixes."),
    "upgrade": Subcommand("sunspot.upgrade", "Check what this version reads of an earlier one's data."),
    "completion": Subcommand("sunspot.completion", "Print the tab-completion script for your shell."),
}
"""Every subcommand; its module's ``command`` is a click command."""


class LazyGroup(click.Group):
    """A group that imports a subcommand only to run it, complete its arguments or show its help."""

    subcommands: ClassVar[Mapping[str, Subcommand]] = COMMANDS

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Every subcommand, in the order a new user needs them."""
        return list(self.subcommands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one subcommand; during shell completion, one that cannot be imported does not exist."""
        if cmd_name not in self.subcommands:
            return None
        try:
            command: click.Command = import_module(self.subcommands[cmd_name].module).command
        except Exception as reason:
            if ctx.resilient_parsing:  # a traceback would land in the user's command line
                return None
            if isinstance(reason, ImportError):
                raise click.ClickException(
                    f"{cmd_name} cannot be loaded: {reason}; run `sunspot doctor` for advice"
                ) from reason
            raise
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete a subcommand's name without importing any, otherwise an option."""
        names = [
            CompletionItem(name, help=each.help)
            for name, each in self.subcommands.items()
            if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, each.help) for name, each in self.subcommands.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sunspot", message="sunspot %(version)s")
def main() -> None:
    """Sunspot tells the people on call what is wrong, where it started, and how sure it is.

    Start with `sunspot demo`. Tab completion: `sunspot completion --help`.
    """


if __name__ == "__main__":
    main(prog_name="sunspot")
