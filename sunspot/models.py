"""``sunspot models``: the registered bundles, and which one is champion."""

from __future__ import annotations

from pathlib import Path

import click


@click.group(name="models")
def command() -> None:
    """List the registered bundles and which one is champion."""


@command.command(name="list")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("sunspot-data"),
    show_default=True,
    envvar="SUNSPOT_DATA_DIR",
    help="Directory of the MLflow store.",
)
@click.option("--tracking-uri", default="", help="MLflow's address, if it is not a file in --data.")
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
    Console().print(table)


def _figure(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)
