"""Subcommand ``sunspot audit``: who did what, and whether the record of it is whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from sunspot.options import data_option

if TYPE_CHECKING:
    from pathlib import Path


@click.group()
def command() -> None:
    """Show the audit, and check that no row of it was altered or removed."""


@command.command()
@click.option(
    "--head",
    "noted",
    metavar="POSITION:HASH",
    help="A head printed earlier and kept elsewhere: fails if rows up to it were removed or made anew.",
)
@data_option
def verify(noted: str | None, data: Path) -> None:
    """Follow the chain of hashes through every row, and print its head.

    The exit status is 1 at the first row that was altered, removed or put in. Whoever may write the file can
    make the complete chain anew: keep the printed head where they cannot, and give it to --head next time.
    """
    from service.store.audit import Head
    from sunspot.access_store import access_store

    with access_store(data) as store:
        head = store.audit.verify(anchor=Head.parse(noted) if noted else None)
    click.echo(f"{head.position:,} rows, none altered or removed")
    if head.position:
        click.echo(f"head {head}")


@command.command("list")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Rows to show.")
@data_option
def list_rows(limit: int, data: Path) -> None:
    """Show the latest rows, the newest last."""
    from sunspot.access_store import access_store

    with access_store(data) as store:
        found = store.audit.newest(limit=limit)
    for each in found:
        document = json.dumps(dict(each.document), ensure_ascii=False)
        click.echo(
            f"{each.position}\t{each.at:%Y-%m-%dT%H:%M:%SZ}\t{each.who}\t{each.action}\t{each.subject}\t{document}"
        )
