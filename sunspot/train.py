"""``sunspot train``: fit models on history, track them in MLflow, promote what is no worse."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sunspot.options import calendar_overrides_option, data_option, tracking_uri_option
from sunspot.train_logs import logs
from sunspot.train_ranker import ranker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import Console

    from features.calendar import Clock
    from features.frame import Frame
    from training.fit_detectors import FitResult

BROKERAGE_FIRST_DAY = (2026, 3, 5)  # a Thursday, so that the part that is learned from has a weekend
BROKERAGE_DAYS = 7
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
CLOCK_NAMES = ("XSHG", "always")  # those of features.calendar, which --help need not import


@click.group(name="train")
def command() -> None:
    """Fit models on history, track them in MLflow, and promote what is no worse."""


command.add_command(logs)
command.add_command(ranker)


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
@data_option
@tracking_uri_option
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
@calendar_overrides_option
@click.option(
    "--budget",
    type=click.FloatRange(0.01),
    default=1.0,
    show_default=True,
    help="False pages accepted per series and week.",
)
@click.option(
    "--replace-champion",
    is_flag=True,
    help="Replace even a champion of another step or of other series, which cannot be compared.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of all that is random.")
def detectors(
    source: str,
    data: Path,
    tracking_uri: str,
    step_s: int,
    clock: str,
    calendar_overrides: Path | None,
    budget: float,
    replace_champion: bool,
    seed: int,
) -> None:
    """Fit detectors, judge them on held-back time, and make them champion if they are no worse.

    They are fitted on the first 60 % of the time, calibrated on the next 20 % and judged on the rest; the
    service may be running meanwhile. Without any history yet, try it with `--from brokerage`.

    Look at the runs with `mlflow ui --backend-store-uri sqlite:///DATA/mlflow.db`.
    """
    from rich.console import Console

    from models.errors import BadCaseError
    from training.errors import BadHistoryError, NoHistoryError, ShortHistoryError

    clocks = clocks_with(calendar_overrides)
    console = Console(stderr=True)
    try:
        result, uri = _trained(
            console,
            source,
            data,
            tracking_uri,
            step_ms=1000 * step_s,
            clock=clock,
            clocks=clocks,
            budget=budget,
            replace_champion=replace_champion,
            seed=seed,
        )
    except (NoHistoryError, ShortHistoryError) as reason:
        raise click.UsageError(f"{reason}; {_advice(source)}") from reason
    except (BadHistoryError, BadCaseError) as reason:
        raise click.UsageError(str(reason)) from reason
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
    clocks: Mapping[str, Clock],
    budget: float,
    replace_champion: bool,
    seed: int,
) -> tuple[FitResult, str]:
    """Read, fit and register, with what is being done shown."""
    with console.status("reading history") as status:
        frame = _frame_from(source, data, step_ms=step_ms, seed=seed)
        status.update("opening MLflow")
        from models.case_library import read_cases
        from models.registered import DETECTORS_MODEL
        from training.fit_detectors import FitConfig, fit_detectors
        from training.splits import labels_of_cases
        from training.tracking import MlflowTracker, tracking_uri_for

        cases = list(read_cases(data / "cases"))
        uri = tracking_uri or tracking_uri_for(data)
        config = FitConfig(
            data_name=source if source in {"history", "brokerage"} else Path(source).name,
            data_source=source,
            clock=clock,
            budget_per_week=budget,
            replaces_champion=replace_champion,
            seed=seed,
        )
        tracker = MlflowTracker(uri, DETECTORS_MODEL)
        result = fit_detectors(
            config,
            frame,
            tracker,
            clocks=clocks,
            labels=labels_of_cases(cases),
            cases=cases,
            kept=data / "training" / "detectors",
            progress=status.update,
        )
        return result, uri


def clocks_with(calendar_overrides: Path | None) -> dict[str, Clock]:
    """Every clock, the exchange's with the days that a file lists: those that the service goes by."""
    from features.calendar import CLOCKS, overridden
    from service.calendar_file import overrides_from
    from service.errors import BadCalendarFileError

    try:
        overrides = overrides_from(calendar_overrides)
    except BadCalendarFileError as reason:
        raise click.UsageError(str(reason)) from reason
    return {name: overridden(clock, overrides) for name, clock in CLOCKS.items()}


def _advice(source: str) -> str:
    """What to do where there is too little to learn from."""
    if source == "history":
        return (
            "run `sunspot serve` and send it samples of some days, name its directory with --data, "
            "or try --from brokerage"
        )
    return "--from takes history, brokerage, or a directory of Parquet or CSV tables"


def _frame_from(source: str, data: Path, *, step_ms: int, seed: int) -> Frame:
    from training.datasets import frame_from_history, frame_from_tables

    if source == "history":
        frame = frame_from_history(data / "history", step_ms=step_ms)
        if frame.end_ms - frame.start_ms > DAY_MS:  # so that what an interrupt leaves is of use for an hour
            frame = frame.between(frame.start_ms, frame.end_ms // HOUR_MS * HOUR_MS)
        return frame
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
