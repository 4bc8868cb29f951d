"""Subcommand ``sunspot doctor``: whether this installation can work, and what to do if not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sunspot.checks import Check

COLOURS = {"OK": "green", "WARN": "yellow", "FAIL": "red"}


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    envvar="SUNSPOT_DATA_DIR",
    default=Path("sunspot-data"),
    show_default=True,
    help="Directory of the service's data.",
)
@click.option(
    "--url",
    envvar="SUNSPOT_URL",
    default="http://127.0.0.1:8321",
    show_default=True,
    help="Address of the service.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document instead of lines.")
def command(data: Path, url: str, as_json: bool) -> None:
    """Check this installation and say what to do.

    Each line is OK, WARN (it works, but look at it) or FAIL (it will not work). The exit status is 1 if
    any line is FAIL.
    """
    from sunspot.checks import all_checks

    checks = all_checks(data, url)
    if as_json:
        click.echo(json.dumps([each._asdict() for each in checks], indent=2))
    else:
        for each in checks:
            click.echo(_line(each))
    if any(each.status == "FAIL" for each in checks):
        raise SystemExit(1)


def _line(check: Check) -> str:
    status = click.style(f"{check.status:<4}", fg=COLOURS[check.status], bold=True)
    advice = f"\n     → {check.advice}" if check.advice else ""
    return f"{status} {check.name}: {check.found}{advice}"
