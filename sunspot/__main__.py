"""The command: a list of subcommands, each imported only when it is asked for."""

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
        "sunspot.train", "Fit models on history, track them in MLflow, promote what is better."
    ),
    "models": Subcommand("sunspot.models", "List the registered bundles and which one is champion."),
    "bench": Subcommand("sunspot.bench", "Measure Sunspot beside its peers."),
    "replay": Subcommand("sunspot.replay", "Rank a stored case again and show what changed."),
    "import": Subcommand("sunspot.imports", "Bring a CMDB or change events to a running service."),
    "token": Subcommand("sunspot.token", "Create, list and revoke the tokens of senders."),
    "doctor": Subcommand("sunspot.doctor", "Check this installation and say what to do."),
    "upgrade": Subcommand("sunspot.upgrade", "Check what this version reads of an earlier one's data."),
    "completion": Subcommand("sunspot.completion", "Print the tab completion for your shell."),
}
"""Every subcommand; its module's ``command`` is a click command."""


class LazyGroup(click.Group):
    """A group that imports a subcommand only to run it, to complete its words or to show its own help."""

    subcommands: ClassVar[Mapping[str, Subcommand]] = COMMANDS

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Every subcommand, in the order a new user meets them."""
        return list(self.subcommands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one subcommand; to a shell that completes, one that cannot be imported is none."""
        if cmd_name not in self.subcommands:
            return None
        try:
            command: click.Command = import_module(self.subcommands[cmd_name].module).command
        except Exception as reason:
            if ctx.resilient_parsing:  # a traceback would land in the line that is being typed
                return None
            if isinstance(reason, ImportError):
                raise click.ClickException(
                    f"{cmd_name} cannot be loaded: {reason}; see what `sunspot doctor` says"
                ) from reason
            raise
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete a subcommand's name without importing any, or else an option."""
        names = [
            CompletionItem(name, help=each.help)
            for name, each in self.subcommands.items()
            if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list without importing anything."""
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
