"""``sunspot train``: fit models on history, track them in MLflow, promote those that are no worse."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sunspot.options import (
    MODEL_NAMES,
    budget_option,
    calendar_overrides_option,
    data_option,
    model_option,
    replace_champion_option,
    roles_option,
    seed_option,
    tracking_uri_option,
)
from sunspot.progress import shown_progress
from sunspot.prometheus_source import (
    PROMETHEUS,
    PrometheusOptions,
    frame_from_prometheus,
    prometheus_options,
)
from sunspot.registry_guard import RegistryGroup
from sunspot.train_logs import logs
from sunspot.train_ranker import ranker
from sunspot.training_report import paging_lines, report_of
from sunspot.training_source import advice_on, brokerage_week, name_of, say_left_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from features.calendar import Clock
    from features.frame import Frame
    from models.artifacts.bundle import Bundle
    from training.outcome import Outcome
    from training.progress import Progress

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
CLOCK_NAMES = ("XSHG", "always")  # as in features.calendar, which --help should not import


@click.group(name="train", cls=RegistryGroup)
def command() -> None:
    """Fit models on history, track them in MLflow, and promote those that are no worse."""


command.add_command(logs)
command.add_command(ranker)


@command.command()
@click.option(
    "--from",
    "source",
    default="history",
    show_default=True,
    metavar="history|prometheus|brokerage|DIR",
    help="What to learn from: the service's own history, that of a Prometheus, the built-in brokerage, or a "
    "directory of Parquet or CSV tables with the columns item, metric, time_ms and value.",
)
@click.option(
    "--scope",
    multiple=True,
    metavar="GLOB",
    help="Only items whose id matches, such as 'order*'; may be repeated.  [default: every item]",
)
@prometheus_options
@model_option(MODEL_NAMES[0])
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
    help="Daily rhythm: an exchange's trading day, or the same every weekday.",
)
@calendar_overrides_option
@roles_option
@budget_option("series")
@replace_champion_option("series")
@click.option(
    "--in-shadow",
    is_flag=True,
    help="Even if no worse, run the result in shadow until you promote it with sunspot models promote.",
)
@seed_option
def detectors(
    source: str,
    scope: tuple[str, ...],
    prometheus_url: str,
    selectors: tuple[str, ...],
    days: float,
    max_series: int,
    max_gib: float,
    model_name: str,
    data: Path,
    tracking_uri: str,
    step_s: int,
    clock: str,
    calendar_overrides: Path | None,
    roles: Path | None,
    budget: float,
    replace_champion: bool,
    in_shadow: bool,
    seed: int,
) -> None:
    """Fit detectors, judge them on held-back time, and make them champion if they are no worse.

    They are fitted on the first 60 % of the time, calibrated on the next 20 % and judged on the rest. The
    service may keep running. A result that does not become champion becomes challenger and runs in shadow.
    If you have no history yet, try `--from brokerage`.

    View the runs with `mlflow ui --backend-store-uri sqlite:///DATA/mlflow.db`.
    """
    from telemetry.errors import QueryError
    from telemetry.prometheus_api import BadSelectorError
    from training.errors import (
        BadHistoryError,
        EmptyScopeError,
        HistoryTooLargeError,
        NoHistoryError,
        ShortHistoryError,
    )

    asked = PrometheusOptions(
        url=prometheus_url, selectors=selectors, days=days, max_series=max_series, max_gib=max_gib
    )
    clocks = clocks_with(calendar_overrides)
    read_roles_by(roles)
    try:
        with shown_progress() as progress:
            outcome, uri = _trained(
                source,
                asked,
                data,
                tracking_uri,
                scope=scope,
                model_name=model_name,
                step_ms=1000 * step_s,
                clock=clock,
                clocks=clocks,
                budget=budget,
                replace_champion=replace_champion,
                in_shadow=in_shadow,
                seed=seed,
                progress=progress,
            )
    except (NoHistoryError, ShortHistoryError) as reason:
        advice = advice_on(
            source,
            sent="samples",
            files="Parquet or CSV tables",
            sources="history, prometheus, brokerage",
        )
        raise click.UsageError(f"{reason}; {advice}") from reason
    except (
        BadHistoryError,
        BadSelectorError,
        EmptyScopeError,
        HistoryTooLargeError,
        QueryError,
    ) as reason:
        raise click.UsageError(str(reason)) from reason
    for line in report_of(outcome, uri, _details(outcome)):
        click.echo(line)


def _trained(
    source: str,
    asked: PrometheusOptions,
    data: Path,
    tracking_uri: str,
    *,
    scope: tuple[str, ...],
    model_name: str,
    step_ms: int,
    clock: str,
    clocks: Mapping[str, Clock],
    budget: float,
    replace_champion: bool,
    in_shadow: bool,
    seed: int,
    progress: Progress,
) -> tuple[Outcome[Bundle], str]:
    """Read, fit and register; return the outcome and MLflow's address."""
    progress("reading history")
    from training.datasets import in_scope

    if source == PROMETHEUS:
        frame, notes = frame_from_prometheus(asked, data, step_ms=step_ms, progress=progress)
        for note in notes:
            click.echo(f"{PROMETHEUS} {note}")
    else:
        frame = _frame_from(source, data, step_ms=step_ms, seed=seed)
    frame = in_scope(frame, scope)
    progress("opening MLflow")
    from models.artifacts.model_kinds import registered_model
    from models.cases.library import read_cases
    from training.fit_detectors import FitConfig, fit_detectors
    from training.splits import labels_of_cases
    from training.tracking import MlflowTracker, tracking_uri_for

    cases = list(read_cases(data / "cases", left_out=say_left_out))
    uri = tracking_uri or tracking_uri_for(data)
    config = FitConfig(
        data_name=name_of(source),
        data_source=source,
        scope=scope,
        clock=clock,
        budget_per_week=budget,
        replaces_champion=replace_champion,
        in_shadow=in_shadow,
        seed=seed,
    )
    tracker = MlflowTracker(uri, registered_model(model_name))
    outcome = fit_detectors(
        config,
        frame,
        tracker,
        clocks=clocks,
        labels=labels_of_cases(cases),
        cases=cases,
        checkpoints=data / "training" / "detectors",
        progress=progress,
    )
    if outcome.version and not outcome.promoted:
        tracker.challenge(outcome.version)
    return outcome, uri


def clocks_with(calendar_overrides: Path | None) -> dict[str, Clock]:
    """Every clock, the exchange's with the days listed in a file: the clocks that the service uses."""
    from features.calendar import CLOCKS, overridden
    from service.calendar_file import overrides_from
    from service.errors import BadCalendarFileError

    try:
        overrides = overrides_from(calendar_overrides)
    except BadCalendarFileError as reason:
        raise click.UsageError(str(reason)) from reason
    return {name: overridden(clock, overrides) for name, clock in CLOCKS.items()}


def read_roles_by(path: Path | None) -> None:
    """Read roles by a file's rules and the shipped ones, as the service does."""
    from features.roles_in_use import use_rules
    from service.errors import BadRolesFileError
    from service.roles_file import rules_from

    try:
        use_rules(rules_from(path))
    except BadRolesFileError as reason:
        raise click.UsageError(str(reason)) from reason


def _frame_from(source: str, data: Path, *, step_ms: int, seed: int) -> Frame:
    from training.datasets import frame_from_history, frame_from_tables

    if source == "history":
        frame = frame_from_history(data / "history", step_ms=step_ms, until_ms=int(time.time() * 1000))
        if frame.end_ms - frame.start_ms > DAY_MS:  # so that an interrupted training can resume for an hour
            frame = frame.between(frame.start_ms, frame.end_ms // HOUR_MS * HOUR_MS)
        return frame
    if source != "brokerage":
        return frame_from_tables(Path(source), step_ms=step_ms)
    return brokerage_week(seed=seed, step=timedelta(milliseconds=step_ms)).frame


def _details(outcome: Outcome[Bundle]) -> Iterator[str]:
    if outcome.version and not outcome.promoted:
        yield "challenger yes: the service scores with it in shadow; see sunspot models compare"
    yield f"threshold  {outcome.bundle.threshold:.2f} standard deviations"
    yield from paging_lines(outcome.figures, unit="series", injected="shifts")
