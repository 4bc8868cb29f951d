"""``sunspot train``: fit models on history, track them in MLflow, promote what is no worse."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from features.frame import Frame
    from training.fit_detectors import FitResult

BROKERAGE_FIRST_DAY = (2026, 3, 5)  # a Thursday, so that the part that is learned from has a weekend
BROKERAGE_DAYS = 7
CLOCK_NAMES = ("XSHG", "always")  # those of features.calendar, which --help need not import


@click.group(name="train")
def command() -> None:
    """Fit models on history, track them in MLflow, and promote what is no worse."""


@command.command()
@click.option(
    "--from",
    "source",
    default="history",
    show_default=True,
    metavar="history|brokerage|DIR",
    help="What to learn from: the service's own history, the built-in brokerage, or a directory of "
    "Parquet or CSV tables with the columns item, metric, time_ms and value.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("sunspot-data"),
    show_default=True,
    envvar="SUNSPOT_DATA_DIR",
    help="Directory of the service's history and of the MLflow store.",
)
@click.option("--tracking-uri", default="", help="MLflow's address, if it is not a file in --data.")
@click.option(
    "--step", "step_s", type=click.IntRange(1, 3600), default=60, show_default=True, help="Seconds per tick."
)
@click.option(
    "--clock",
    type=click.Choice(CLOCK_NAMES),
    default="XSHG",
    show_default=True,
    help="Whose day it is: an exchange's, or the same every weekday.",
)
@click.option(
    "--budget",
    type=click.FloatRange(0.01),
    default=1.0,
    show_default=True,
    help="False pages accepted per series and week.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of all that is random.")
def detectors(
    source: str, data: Path, tracking_uri: str, step_s: int, clock: str, budget: float, seed: int
) -> None:
    """Fit detectors, judge them on held-back time, and make them champion if they are no worse.

    Look at the runs with `mlflow ui --backend-store-uri sqlite:///DATA/mlflow.db`.
    """
    from rich.console import Console

    from training.errors import BadHistoryError, NoHistoryError, ShortHistoryError

    console = Console(stderr=True)
    try:
        result, uri = _trained(
            console, source, data, tracking_uri, step_ms=1000 * step_s, clock=clock, budget=budget, seed=seed
        )
    except (NoHistoryError, BadHistoryError, ShortHistoryError) as reason:
        raise click.ClickException(str(reason)) from reason
    for line in summary_of(result, uri):
        click.echo(line)


def _trained(
    console: Console,
    source: str,
    data: Path,
    tracking_uri: str,
    *,
    step_ms: int,
    clock: str,
    budget: float,
    seed: int,
) -> tuple[FitResult, str]:
    """Read, fit and register, with what is being done shown."""
    with console.status("reading history") as status:
        frame = _frame_from(source, data, step_ms=step_ms, seed=seed)
        status.update("opening MLflow")
        from training.fit_detectors import FitConfig, fit_detectors
        from training.tracking import MlflowTracker, tracking_uri_for

        uri = tracking_uri or tracking_uri_for(data)
        config = FitConfig(
            data_name=source if source in {"history", "brokerage"} else Path(source).name,
            data_source=source,
            clock=clock,
            budget_per_week=budget,
            seed=seed,
        )
        return fit_detectors(config, frame, MlflowTracker(uri), progress=status.update), uri


def _frame_from(source: str, data: Path, *, step_ms: int, seed: int) -> Frame:
    from training.datasets import frame_from_history, frame_from_tables

    if source == "history":
        return frame_from_history(data / "history", step_ms=step_ms)
    if source != "brokerage":
        return frame_from_tables(Path(source), step_ms=step_ms)
    from datetime import date, timedelta

    from experiments.brokerage.simulate import simulate

    step = timedelta(milliseconds=step_ms)
    return simulate(date(*BROKERAGE_FIRST_DAY), n_days=BROKERAGE_DAYS, seed=seed, step=step).frame


def summary_of(result: FitResult, uri: str) -> Iterator[str]:
    """The outcome of a training in a few lines."""
    figures = result.figures
    yield f"run        {result.run_id}"
    yield f"bundle     {result.bundle.version}"
    yield f"registered {f'version {result.version}' if result.version else 'no'}"
    yield f"champion   {'yes' if result.promoted else 'no'}: {result.reason}"
    yield f"threshold  {result.bundle.threshold:.2f} standard deviations"
    if "false_pages_per_week" in figures:
        low, high = figures["false_pages_per_week_low"], figures["false_pages_per_week_high"]
        yield (
            f"held back  {figures['false_pages_per_week']:.2f} false pages per series-week "
            f"({low:.2f} to {high:.2f}), budget {figures['budget_per_week']:.2f}"
        )
    if "recall_events" in figures:
        yield f"           {figures['recall_events']:.0%} of artificial shifts found"
    yield f"look at it with: mlflow ui --backend-store-uri {uri}"
