"""Subcommand ``sunspot token``: who may send, read, give verdicts and administer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sunspot.options import data_option, team_option

if TYPE_CHECKING:
    from pathlib import Path

SCOPES = ("ingest", "read", "verdict", "admin")
OF_EVERY_TEAM = {"ingest", "admin"}


@click.group()
def command() -> None:
    """Create, list and revoke the tokens of senders.

    Once a token or a person exists, the service rejects requests without credentials.
    """


@command.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    required=True,
    help="What the token allows; repeat for more. admin includes the others.",
)
@team_option
@data_option
def create(name: str, scopes: tuple[str, ...], teams: tuple[str, ...], data: Path) -> None:
    """Create a token named NAME and print its secret, once."""
    from sunspot.access_store import access_store, now, who_commands

    if teams and OF_EVERY_TEAM.intersection(scopes):
        raise click.UsageError("what the scopes ingest and admin allow concerns every team: leave out --team")
    with access_store(data) as store:
        store.closing()
        secret = store.tokens.create(name, scopes, teams=teams, at=now(), who=who_commands())
    click.echo(secret)
    click.echo("The secret is shown only this once. Send it as: Authorization: Bearer …", err=True)


@command.command("list")
@data_option
def list_tokens(data: Path) -> None:
    """List every token, without secrets."""
    from sunspot.access_store import access_store

    with access_store(data) as store:
        found = store.tokens.all()
        is_open = not (found or store.users.anybody_exists() or store.marker.is_set)
    for each in found:
        state = f"revoked {each.revoked_at:%Y-%m-%d}" if each.revoked_at else "in use"
        teams = f"\tof {','.join(sorted(each.teams))}" if each.teams else ""
        click.echo(
            f"{each.name}\t{','.join(sorted(each.scopes))}\t{each.created_at:%Y-%m-%d}\t{state}{teams}"
        )
    if is_open:
        click.echo("There are no tokens: the service answers this machine only.", err=True)


@command.command()
@click.argument("name")
@data_option
def revoke(name: str, data: Path) -> None:
    """Revoke the token NAME at once."""
    from sunspot.access_store import access_store, now, who_commands

    with access_store(data) as store:
        store.tokens.revoke(name, at=now(), who=who_commands())
    click.echo(f"{name} is revoked.")
