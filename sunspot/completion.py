"""Subcommand ``sunspot completion``: tab completion for the user's shell."""

from __future__ import annotations

import sys

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

SHELLS: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}

INSTALL = {
    "bash": "echo 'eval \"$(sunspot completion bash)\"' >> ~/.bashrc",
    "zsh": "echo 'eval \"$(sunspot completion zsh)\"' >> ~/.zshrc",
    "fish": "sunspot completion fish > ~/.config/fish/completions/sunspot.fish",
}


@click.command()
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the tab-completion script for SHELL; on a terminal, also how to install it.

    \b
    bash:  echo 'eval "$(sunspot completion bash)"' >> ~/.bashrc
    zsh:   echo 'eval "$(sunspot completion zsh)"' >> ~/.zshrc
    fish:  sunspot completion fish > ~/.config/fish/completions/sunspot.fish
    """  # noqa: D301  click's \b preserves the line breaks
    root = ctx.find_root().command
    click.echo(SHELLS[shell](root, {}, "sunspot", "_SUNSPOT_COMPLETE").source())
    if sys.stdout.isatty():  # a person is reading, not a shell's start-up file
        click.echo(f"# To install it: {INSTALL[shell]}", err=True)
