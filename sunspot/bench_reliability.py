"""``sunspot bench reliability``: what the service keeps when it is killed, attacked and overrun."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sunspot.bench_report import PIPED_WIDTH, log, report_options, version, write_json
from sunspot.options import seed_option
from sunspot.progress import shown_progress

if TYPE_CHECKING:
    from rich.table import Table as Drawn

    from experiments.reliability.report import Report
    from experiments.reliability.tables import Table
    from sunspot.bench_report import Destination

PARTS = ("kills", "fuzz", "latency", "storm", "memory", "recovery", "masking", "access")
"""As in experiments.reliability.report, repeated here so that --help does not import it."""

FILE = click.Path(dir_okay=False, exists=True, path_type=Path)


@click.command("reliability")
@click.option(
    "--part",
    "parts",
    type=click.Choice(PARTS),
    multiple=True,
    help="Measure this part only; may be repeated.",
)
@click.option("--kills", type=click.IntRange(1), default=4, show_default=True, help="kills: how often.")
@click.option(
    "--bodies", type=click.IntRange(1), default=10_000, show_default=True, help="fuzz: hostile bodies."
)
@click.option(
    "--processes",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="fuzz: services attacked at once.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(1),
    default=10,
    show_default=True,
    help="latency: of alerts, alone and under load.",
)
@click.option("--storm", type=click.IntRange(1), default=10_000, show_default=True, help="storm: its alerts.")
@click.option(
    "--singles-seconds",
    type=click.FloatRange(1),
    default=20,
    show_default=True,
    help="storm: within which as many alerts come one by one.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(0.1),
    default=0.5,
    show_default=True,
    help="memory: how long it is watched.",
)
@click.option(
    "--stored",
    type=click.IntRange(1),
    default=500_000,
    show_default=True,
    help="recovery: samples of the full service.",
)
@click.option(
    "--starts", type=click.IntRange(1), default=2, show_default=True, help="recovery: timed starts."
)
@click.option(
    "--corpus",
    type=FILE,
    multiple=True,
    help="masking: file of written forms; may be repeated.  [default: those of the tests]",
)
@click.option("--resume", is_flag=True, help="Keep the parts that the file of --json has already.")
@click.option("--page", type=FILE, help="Renew the tables in this Markdown page.")
@report_options
@seed_option
def command(
    parts: tuple[str, ...],
    kills: int,
    bodies: int,
    processes: int,
    seconds: float,
    storm: int,
    singles_seconds: float,
    minutes: float,
    stored: int,
    starts: int,
    corpus: tuple[Path, ...],
    resume: bool,
    page: Path | None,
    destination: Destination,
    seed: int,
) -> None:
    """Measure what the service keeps when it is killed, attacked and overrun.

    Every part starts services of its own, on this machine's loopback and in temporary directories. The file
    of --json is written after each part. The status is 1 if a promise was broken: something acknowledged is
    missing or doubled, a hostile body was answered with a fault, or a credential opened what it must not.
    """
    from experiments.reliability.errors import UnreadableCorpusError
    from experiments.reliability.report import Plan, Report, machine, measured
    from experiments.reliability.tables import renewed

    plan = Plan(
        seed=seed,
        n_kills=kills,
        n_bodies=bodies,
        n_processes=processes,
        alert_seconds=seconds,
        n_storm_alerts=storm,
        singles_s=singles_seconds,
        minutes=minutes,
        n_stored_samples=stored,
        n_starts=starts,
        corpus=corpus,
    )
    kept = _kept(destination.json_file) if resume else None
    report = kept or Report(version(), machine())
    wanted = [each for each in parts or PARTS if each not in report.results]
    try:
        with shown_progress() as progress:
            for so_far in measured(report, wanted, plan, on_progress=progress):
                report = so_far
                write_json(report.document(), destination)
    except UnreadableCorpusError as error:
        raise click.UsageError(str(error)) from error
    _print(report)
    if page is not None:
        page.write_text(renewed(page.read_text(encoding="utf-8"), report.markdown), encoding="utf-8")
    log(report.document(), destination)
    if report.failures:
        raise SystemExit(1)


def _kept(json_file: Path | None) -> Report | None:
    """The report of an earlier run, if there is one."""
    from experiments.reliability.report import read_report

    if json_file is None:
        raise click.UsageError("--resume needs --json FILE, the report to go on with")
    if not json_file.is_file():
        return None
    try:
        return read_report(json_file)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _print(report: Report) -> None:
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    console.print(f"Sunspot {report.version} on {report.machine}.", highlight=False)
    for part, table in report.tables.items():
        console.print(_drawn(part, table))
        for note in table.notes:
            console.print(note, markup=False, highlight=False)
    for each in report.failures:
        console.print(f"broken: {each}", style="bold red", markup=False, highlight=False)


def _drawn(part: str, table: Table) -> Drawn:
    from rich.table import Table as Drawn

    drawn = Drawn(title=part, title_justify="left")
    for number, heading in enumerate(table.headings):
        drawn.add_column(heading, justify="right" if number else "left", no_wrap=True)
    for row in table.rows:
        drawn.add_row(*(each.strip("`") for each in row))
    return drawn
