"""``sunspot train logs``: learn what services usually log, and what is unusual enough to page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sunspot.options import (
    budget_option,
    data_option,
    replace_champion_option,
    seed_option,
    tracking_uri_option,
)
from sunspot.progress import shown_progress
from sunspot.training_report import paging_lines, report_of
from sunspot.training_source import N_DAYS, advice_on, brokerage_week, name_of, say_left_out
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cmdb.items import ChangeEvent
    from models.artifacts.log_bundle import LogBundle
    from telemetry.logs import Logs
    from training.outcome import Outcome

    Reader = tuple[Callable[[], Iterable[Logs]], dict[str, list[int]]]

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@click.command()
@click.option(
    "--from",
    "source",
    default="history",
    show_default=True,
    metavar="history|brokerage|DIR",
    help="What to learn from: the lines stored by the service, the built-in brokerage, or a directory of "
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
@budget_option("service")
@replace_champion_option("services")
@seed_option
def logs(
    source: str,
    data: Path,
    tracking_uri: str,
    step_s: int,
    budget: float,
    replace_champion: bool,
    seed: int,
) -> None:
    """Learn what services usually log, judge the result, and make it champion if it is no worse.

    The first half of the time teaches what is usual, the next fifth how much it varies, the next tenth the
    threshold; the rest judges the result. Lines with trace ids also teach what a normal trace looks like.
    """
    from models.errors import NotEnoughRowsError
    from training.errors import BadHistoryError, NoHistoryError, ShortHistoryError

    try:
        with shown_progress() as progress:
            progress("reading log lines")
            read, changes_ms = reader(source, data, seed=seed)
            from models.artifacts.model_kinds import LOGS_MODEL
            from training.fit_logs import LogFitConfig, fit_logs
            from training.tracking import MlflowTracker, tracking_uri_for

            for _ in read():  # an empty source must not create a tracking store
                break
            uri = tracking_uri or tracking_uri_for(data)
            config = LogFitConfig(
                data_name=name_of(source),
                data_source=source,
                step_s=step_s,
                budget_per_week=budget,
                replaces_champion=replace_champion,
                seed=seed,
            )
            tracker = MlflowTracker(uri, LOGS_MODEL)
            outcome = fit_logs(config, read, tracker, changes_ms=changes_ms, progress=progress)
    except NoHistoryError as reason:
        advice = advice_on(source, sent="log lines", files=".jsonl or .jsonl.gz files")
        raise click.UsageError(f"{reason}; {advice}") from reason
    except (BadHistoryError, ShortHistoryError, NotEnoughRowsError) as reason:
        raise click.UsageError(str(reason)) from reason
    for line in report_of(outcome, uri, _details(outcome)):
        click.echo(line)


def reader(source: str, data: Path, *, seed: int) -> Reader:
    """A function that reads the lines, as often as needed, and the change times of each service."""
    if source == "history":
        return _stored_lines(data), _stored_changes(data)
    if source != "brokerage":
        from training.log_files import logs_from_files

        return lambda: logs_from_files(Path(source)), {}
    from telemetry.logs import LogRecord, Logs

    simulation = brokerage_week(seed=seed)

    def read() -> Iterator[Logs]:
        for day in range(N_DAYS):
            start = simulation.start + timedelta(days=day)
            yield Logs.from_records(
                LogRecord(line.item, line.level, "", line.time_ms, line.text)
                for line in simulation.log_lines(start, start + timedelta(days=1))
            )

    return read, _by_service(simulation.changes)


def _stored_lines(data: Path) -> Callable[[], Iterable[Logs]]:
    """The lines stored by the service, without those of closed incidents' causes."""
    from models.cases.library import read_cases
    from training.log_files import logs_from_history
    from training.splits import labels_of_cases, lines_without

    labels = labels_of_cases(read_cases(data / "cases", left_out=say_left_out))
    return lambda: lines_without(logs_from_history(data / "lines"), labels)


def _stored_changes(data: Path) -> dict[str, list[int]]:
    """The change events stored by the service."""
    from service.data_directory import STORE
    from service.store.changes import ChangeStore
    from service.store.database import Database

    if not (data / STORE).is_file():
        return {}
    database = Database(data / STORE)
    try:
        return _by_service(ChangeStore(database).between(EARLIEST, LATEST))
    finally:
        database.close()


def _by_service(changes: Iterable[ChangeEvent]) -> dict[str, list[int]]:
    """Times of change events by changed item, in milliseconds."""
    found: dict[str, list[int]] = {}
    for each in changes:
        found.setdefault(each.item, []).append(to_ms(each.at))
    return found


def _details(outcome: Outcome[LogBundle]) -> Iterator[str]:
    figures, bundle = outcome.figures, outcome.bundle
    n_services = len(bundle.past.reference.services)
    yield (
        f"read       {figures['n_lines']:.0f} lines of {n_services} services, "
        f"{figures['n_templates']:.0f} templates, {figures['lines_per_s']:.0f} lines/s"
    )
    yield f"threshold  {bundle.threshold:.2f} (−ln p against the service's own past)"
    yield from paging_lines(figures, unit="service", injected="faults")
    if bundle.sessions is not None:
        yield (
            f"sessions   {bundle.sessions.name} finds {figures['session_recall']:.0%} of broken ones "
            f"with {figures['session_false_positive_rate']:.2%} false positives"
        )
