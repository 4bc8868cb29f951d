"""Subcommand ``sunspot token``: who may send, read, give verdicts and administer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sunspot.options import data_option

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from service.store.tokens import TokenStore

SCOPES = ("ingest", "read", "verdict", "admin")


@click.group()
def command() -> None:
    """Create, list and revoke the tokens of senders.

    Once a token exists, the service rejects requests without one.
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
@data_option
def create(name: str, scopes: tuple[str, ...], data: Path) -> None:
    """Create a token named NAME and print its secret, once."""
    from service.clock import SystemClock
    from service.store.tokens import TokenNameTakenError

    with _tokens(data) as tokens:
        try:
            secret = tokens.create(name, scopes, at=SystemClock().now(), who="command")
        except TokenNameTakenError as error:
            raise click.ClickException(str(error)) from error
    click.echo(secret)
    click.echo("The secret is shown only this once. Send it as: Authorization: Bearer …", err=True)


@command.command("list")
@data_option
def list_tokens(data: Path) -> None:
    """List every token, without secrets."""
    with _tokens(data) as tokens:
        found = tokens.all()
    for each in found:
        state = f"revoked {each.revoked_at:%Y-%m-%d}" if each.revoked_at else "in use"
        click.echo(f"{each.name}\t{','.join(sorted(each.scopes))}\t{each.created_at:%Y-%m-%d}\t{state}")
    if not found:
        click.echo("There are no tokens: the service answers this machine only.", err=True)


@command.command()
@click.argument("name")
@data_option
def revoke(name: str, data: Path) -> None:
    """Revoke the token NAME at once."""
    from service.clock import SystemClock
    from service.store.tokens import UnknownTokenError

    with _tokens(data) as tokens:
        try:
            tokens.revoke(name, at=SystemClock().now(), who="command")
        except UnknownTokenError as error:
            raise click.ClickException(str(error)) from error
    click.echo(f"{name} is revoked.")


def _tokens(data: Path) -> AbstractContextManager[TokenStore]:
    from contextlib import contextmanager

    from service.data_directory import STORE
    from service.store.database import Database
    from service.store.tokens import TokenStore

    @contextmanager
    def opened() -> Iterator[TokenStore]:
        database = Database(data / STORE)
        yield TokenStore(database)
        database.close()

    return opened()
