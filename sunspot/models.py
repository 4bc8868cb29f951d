"""``sunspot models``: the registered bundles, and which one is champion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sunspot.options import data_option, tracking_uri_option

if TYPE_CHECKING:
    from pathlib import Path

PIPED_WIDTH = 160
"""Characters of the table where there is no terminal to ask."""


@click.group(name="models")
def command() -> None:
    """List the registered bundles and which one is champion."""


@command.command(name="list")
@data_option
@tracking_uri_option
def list_models(data: Path, tracking_uri: str) -> None:
    """Show every version, newest first, with its figures on held-back time."""
    from datetime import UTC, datetime

    from rich.console import Console
    from rich.table import Table

    from models.registry import store_path, tracking_uri_for

    uri = tracking_uri or tracking_uri_for(data)
    path = store_path(uri)
    if path is not None and not path.is_file():
        raise click.ClickException(f"there is no tracking store at {path} yet: run sunspot train detectors")
    from training.tracking import MlflowTracker

    bundles = MlflowTracker(uri).registered()
    if not bundles:
        click.echo("no bundle is registered yet: run sunspot train detectors")
        return
    table = Table("version", "alias", "created (UTC)", "bundle", "run", "false pages/week", "shifts found")
    for each in bundles:
        table.add_row(
            each.version,
            "champion" if each.is_champion else "",
            datetime.fromtimestamp(each.created_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M"),
            each.bundle_version.removeprefix("sha256:")[:12],
            each.run_id[:12],
            _figure(each.figures.get("false_pages_per_week"), "{:.2f}"),
            _figure(each.figures.get("recall_events"), "{:.0%}"),
        )
    console = Console()
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    console.print(table)


def _figure(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)
