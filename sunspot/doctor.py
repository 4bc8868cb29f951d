"""Subcommand ``sunspot doctor``: whether this installation works, and how to fix it if not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from sunspot.options import calendar_overrides_option, data_option

if TYPE_CHECKING:
    from pathlib import Path

    from sunspot.checks import Check

COLOURS = {"OK": "green", "WARN": "yellow", "FAIL": "red"}


@click.command()
@data_option
@click.option(
    "--url",
    envvar="SUNSPOT_URL",
    default="http://127.0.0.1:8321",
    show_default=True,
    help="Address of the service.",
)
@calendar_overrides_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document instead of lines.")
def command(data: Path, url: str, calendar_overrides: Path | None, as_json: bool) -> None:
    """Check this installation and suggest fixes.

    Each line is OK, WARN (works, but needs attention) or FAIL (does not work). The exit status is 1 if
    any line is FAIL.
    """
    from sunspot.checks import all_checks

    checks = all_checks(data, url, calendar_overrides)
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
