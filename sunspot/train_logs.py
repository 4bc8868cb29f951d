"""``sunspot train logs``: learn what services usually say, and when it is unusual enough to page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sunspot.options import data_option, tracking_uri_option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from telemetry.logs import Logs
    from training.fit_logs import LogFitResult

    Reader = tuple[Callable[[], Iterable[Logs]], dict[str, list[int]]]

BROKERAGE_FIRST_DAY = (2026, 3, 5)  # a Thursday, so that the part that is learned from has a weekend
BROKERAGE_DAYS = 7


@click.command()
@click.option(
    "--from",
    "source",
    default="history",
    show_default=True,
    metavar="history|brokerage|DIR",
    help="What to learn from: the lines that the service keeps, the built-in brokerage, or a directory of "
    "JSON lines files, such as "
    '{"service": "order", "time_ms": 1772589600000, "level": "warn", "message": "order 17 is late"}.',
)
@data_option
@tracking_uri_option
@click.option(
    "--step",
    "step_s",
    type=click.IntRange(10, 3600),
    default=60,
    show_default=True,
    help="Seconds per window.",
)
@click.option(
    "--budget",
    type=click.FloatRange(0.01),
    default=1.0,
    show_default=True,
    help="False pages accepted per service and week.",
)
@click.option(
    "--replace-champion",
    is_flag=True,
    help="Replace even a champion of another step or of other services, which cannot be compared.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of all that is random.")
def logs(
    source: str,
    data: Path,
    tracking_uri: str,
    step_s: int,
    budget: float,
    replace_champion: bool,
    seed: int,
) -> None:
    """Learn from log lines what services usually say, judge it, and make it champion if it is no worse.

    What is usual is learned on the first half of the time, how far it strays on the next fifth, the threshold
    on a tenth; the rest judges. Lines with trace ids also teach what a normal trace looks like.
    """
    from rich.console import Console

    from models.errors import NotEnoughRowsError
    from training.errors import BadHistoryError, NoHistoryError, ShortHistoryError

    try:
        with Console(stderr=True).status("reading log lines") as status:
            read, changes_ms = _reader(source, data, seed=seed)
            from models.registered import LOGS_MODEL
            from training.fit_logs import LogFitConfig, fit_logs
            from training.tracking import MlflowTracker, tracking_uri_for

            for _ in read():  # a source without a line leaves no store behind
                break
            uri = tracking_uri or tracking_uri_for(data)
            config = LogFitConfig(
                data_name=source if source in {"history", "brokerage"} else Path(source).name,
                data_source=source,
                step_s=step_s,
                budget_per_week=budget,
                replaces_champion=replace_champion,
                seed=seed,
            )
            tracker = MlflowTracker(uri, LOGS_MODEL)
            result = fit_logs(config, read, tracker, changes_ms=changes_ms, progress=status.update)
    except NoHistoryError as reason:
        raise click.UsageError(f"{reason}; {_advice(source)}") from reason
    except (BadHistoryError, ShortHistoryError, NotEnoughRowsError) as reason:
        raise click.UsageError(str(reason)) from reason
    for line in summary_of(result, uri):
        click.echo(line)


def _advice(source: str) -> str:
    """What to do where there is too little to learn from."""
    if source == "history":
        return (
            "run `sunspot serve` and send it log lines of some days, name its directory with --data, "
            "or try --from brokerage"
        )
    return "--from takes history, brokerage, or a directory of .jsonl or .jsonl.gz files"


def _reader(source: str, data: Path, *, seed: int) -> Reader:
    """What gives the lines, as often as asked, and when each service was changed."""
    if source == "history":
        from training.log_files import logs_from_history

        return lambda: logs_from_history(data / "lines"), {}
    if source != "brokerage":
        from training.log_files import logs_from_files

        return lambda: logs_from_files(Path(source)), {}
    from datetime import date, timedelta

    from experiments.brokerage.simulate import simulate
    from telemetry.logs import LogRecord, Logs

    simulation = simulate(date(*BROKERAGE_FIRST_DAY), n_days=BROKERAGE_DAYS, seed=seed)
    changes_ms: dict[str, list[int]] = {}
    for change in simulation.changes:
        changes_ms.setdefault(change.item, []).append(int(change.at.timestamp() * 1000))

    def read() -> Iterator[Logs]:
        for day in range(BROKERAGE_DAYS):
            start = simulation.start + timedelta(days=day)
            yield Logs.from_records(
                LogRecord(line.item, line.level, "", line.time_ms, line.text)
                for line in simulation.log_lines(start, start + timedelta(days=1))
            )

    return read, changes_ms


def summary_of(result: LogFitResult, uri: str) -> Iterator[str]:
    """The outcome of a training in a few lines."""
    figures, bundle = result.figures, result.bundle
    yield f"run        {result.run_id}"
    yield f"bundle     {bundle.version}"
    yield f"registered {f'version {result.version}' if result.version else 'no'}"
    yield f"champion   {'yes' if result.promoted else 'no'}: {result.reason}"
    n_services = len(bundle.past.reference.services)
    yield (
        f"read       {figures['n_lines']:.0f} lines of {n_services} services, "
        f"{figures['n_templates']:.0f} templates, {figures['lines_per_s']:.0f} lines/s"
    )
    yield f"threshold  {bundle.threshold:.2f} (−ln p in the service's own past)"
    if "false_pages_per_week" in figures:
        low, high = figures["false_pages_per_week_low"], figures["false_pages_per_week_high"]
        yield (
            f"held back  {figures['false_pages_per_week']:.2f} false pages per service-week "
            f"({low:.2f} to {high:.2f}), budget {figures['budget_per_week']:.2f}"
        )
    if "recall_events" in figures:
        yield f"           {figures['recall_events']:.0%} of artificial faults found"
    if bundle.sessions is not None:
        yield (
            f"sessions   {bundle.sessions.name} finds {figures['session_recall']:.0%} of broken ones "
            f"with {figures['session_false_positive_rate']:.2%} false positives"
        )
    yield f"look at it with: mlflow ui --backend-store-uri {uri}"
