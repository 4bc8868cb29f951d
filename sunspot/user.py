"""Subcommand ``sunspot user``: people who sign in to the pages by name and password."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from sunspot.options import data_option, team_option

if TYPE_CHECKING:
    from pathlib import Path

ROLES = ("viewer", "responder", "operator", "admin")

role_option = click.option(
    "--role",
    type=click.Choice(ROLES),
    required=True,
    help="viewer reads; responder also judges incidents; operator also records changes and plans "
    "maintenance; admin may do everything.",
)


@click.group()
def command() -> None:
    """Create, list, change and disable people who sign in to the pages.

    Passwords are asked for, or read from the first line of the standard input; they are never arguments.
    """


@command.command()
@click.argument("name")
@role_option
@team_option
@data_option
def create(name: str, role: str, teams: tuple[str, ...], data: Path) -> None:
    """Create a person named NAME, who signs in with a password."""
    from service.access.passwords import hashed
    from sunspot.access_store import access_store, now, who_commands

    _check_teams(role, teams)
    with access_store(data) as store:
        password = hashed(_asked_password())
        store.closing()
        made = store.users.create(
            name, role=role, teams=teams, password=password, at=now(), who=who_commands()
        )
    click.echo(f"{made.name} may sign in as {role}.")


@command.command("list")
@data_option
def list_users(data: Path) -> None:
    """List everybody, the disabled included."""
    from sunspot.access_store import access_store

    with access_store(data) as store:
        found = store.users.all()
    for each in found:
        state = f"disabled {each.disabled_at:%Y-%m-%d}" if each.disabled_at else "in use"
        teams = ",".join(sorted(each.teams)) or "every team"
        click.echo(f"{each.name}\t{each.role}\t{teams}\t{each.created_at:%Y-%m-%d}\t{state}")
    if not found:
        click.echo("There is nobody: create the first person with `sunspot user create`.", err=True)


@command.command()
@click.argument("name")
@role_option
@team_option
@data_option
def role(name: str, role: str, teams: tuple[str, ...], data: Path) -> None:
    """Give NAME another role and other teams, from the next request on."""
    from sunspot.access_store import access_store, now, who_commands

    _check_teams(role, teams)
    with access_store(data) as store:
        store.users.grant(name, role=role, teams=teams, at=now(), who=who_commands())
    click.echo(f"{name} is {role} of {', '.join(teams) or 'every team'}.")


@command.command()
@click.argument("name")
@data_option
def password(name: str, data: Path) -> None:
    """Give NAME another password, and end every session."""
    from service.access.passwords import hashed
    from sunspot.access_store import access_store, now, who_commands

    with access_store(data) as store:
        store.users.set_password(name, hashed(_asked_password()), at=now(), who=who_commands())
    click.echo(f"{name} has another password; every session ended.")


@command.command()
@click.argument("name")
@data_option
def disable(name: str, data: Path) -> None:
    """Let NAME sign in no more, and end every session at once."""
    from sunspot.access_store import access_store, now, who_commands

    with access_store(data) as store:
        store.users.disable(name, at=now(), who=who_commands())
    click.echo(f"{name} is disabled.")


def _check_teams(role: str, teams: tuple[str, ...]) -> None:
    if teams and role == "admin":
        raise click.UsageError("what an admin may do concerns every team: leave out --team")


def _asked_password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")
