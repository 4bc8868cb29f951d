"""Sources of training history: the service's own, the built-in brokerage, or a directory."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from experiments.brokerage.simulate import Simulation
    from models.errors import BadCaseError

FIRST_DAY = date(2026, 3, 5)
"""A Thursday, so that the fitted part includes a weekend."""

N_DAYS = 7


def brokerage_week(*, seed: int, step: timedelta = timedelta(minutes=1)) -> Simulation:
    """A week of the built-in brokerage without faults."""
    from experiments.brokerage.simulate import simulate

    return simulate(FIRST_DAY, n_days=N_DAYS, seed=seed, step=step)


def name_of(source: str) -> str:
    """Name of a source in MLflow."""
    return source if source in {"history", "prometheus", "brokerage"} else Path(source).name


def advice_on(source: str, *, sent: str, files: str, sources: str = "history, brokerage") -> str:
    """What to do when a source holds too little to learn from.

    Parameters
    ----------
    sent
        What to send to the service.
    files
        What a directory must hold.
    sources
        The other sources that there are.
    """
    if source == "history":
        return (
            f"run `sunspot serve` and send it {sent} for a few days, set its directory with --data, "
            "or try --from brokerage"
        )
    if source == "prometheus":
        return "look at --match and --days, and how long it keeps its data"
    return f"--from must be {sources}, or a directory of {files}"


def say_left_out(error: BadCaseError) -> None:
    """Say that a case of the library is left out, and why."""
    click.echo(f"left out: {error}", err=True)
