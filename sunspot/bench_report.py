"""Reporting of benchmark rows: print them, write them, log them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sunspot.options import tracking_option

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    Row = dict[str, float | int | str]

PIPED_WIDTH = 190
"""Width of the table, in characters, when the output is not a terminal."""

HEADINGS = {
    "ga": "GA",
    "fga": "FGA",
    "f1": "F1",
    "recall": "recall",
    "false_positive_rate": "false pos.",
    "as1": "AS@1",
    "as3": "AS@3",
    "as5": "AS@5",
    "mrr": "MRR",
    "abstained": "abst.",
    "calibration_error": "cal. err.",
    "named_wrongly": "wrong",
    "event_f1": "event-F1",
    "event_f1_cold": "in week 1",
    "event_f1_cold_prior": "with prior",
    "recall_events": "recall",
    "false_pages_per_week": "false/week",
    "false_pages_per_week_worst": "worst",
    "teams_over_budget": "over",
    "budget_per_week": "budget",
    "found_least": "least found",
    "found_by_chance": "by chance",
    "delay_median": "delay",
    "delay_worst": "worst delay",
    "vus_pr": "VUS-PR",
    "nab_standard": "NAB",
    "nab_low_fp": "low FP",
    "nab_low_fn": "low FN",
    "nab_standard_held_out": "held out",
    "lines_per_s": "lines/s",
    "ns_per_line": "ns/line",
    "ns_per_point": "ns/point",
    "samples_per_s": "samples/s",
    "samples_per_core_s": "samples/core s",
    "characters": "characters",
    "templates": "templates",
    "n_items": "items",
    "p50_ms": "p50 ms",
    "p95_ms": "p95 ms",
    "pagerank_ratio": "× PageRank",
    "grown_mb": "grown by MB",
    "rss_mb": "peak MB",
    "ms_per_incident": "ms",
    "us_per_session": "µs/session",
}
"""Heading of each figure, in the order of the columns."""

LARGE = 100
"""Figures from here on are printed without decimals."""


@dataclass(frozen=True)
class Destination:
    """Where rows go in addition to the table.

    Attributes
    ----------
    directory
        The service's data directory, with MLflow's store and the environments of peers.
    json_file
        A file to write them to, if any.
    is_logged
        Whether the run is logged to MLflow.
    """

    directory: Path
    json_file: Path | None = None
    is_logged: bool = True


def report_options(command: Callable[..., None]) -> Callable[..., None]:
    """Options common to every benchmark; the command receives them as ``destination``."""

    @click.option(
        "--json",
        "json_file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write the rows to this JSON file.",
    )
    @tracking_option
    @click.option("--no-tracking", is_flag=True, help="Do not log the run to MLflow.")
    @wraps(command)
    def with_destination(json_file: Path | None, tracking: Path, no_tracking: bool, **chosen: Any) -> None:
        command(destination=Destination(tracking, json_file, is_logged=not no_tracking), **chosen)

    return with_destination


def public_data_option(about: str, *, required: bool = False) -> Callable[..., Any]:
    """``--data`` of a benchmark: the folder of a data set."""
    directory = click.Path(path_type=Path, file_okay=False)
    return click.option("--data", type=directory, required=required, help=about)


def finish(
    report: Mapping[str, Any], destination: Destination, *, caption: str, notes: Sequence[str] = ()
) -> None:
    """Print a report's rows as a table, and send them to their destination."""
    print_rows(report["rows"], caption=caption, notes=notes)
    write_json(report, destination)
    log(report, destination)


def write_json(report: Mapping[str, Any], destination: Destination) -> None:
    """Write a report to its JSON file, if it has one."""
    if destination.json_file is not None:
        destination.json_file.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        click.echo(f"rows written to {destination.json_file}", err=True)


def log(report: Mapping[str, Any], destination: Destination) -> None:
    """Log a report to MLflow, if that is wanted."""
    if destination.is_logged:
        from training.tracking import log_bench, tracking_uri_for

        run_id = log_bench(tracking_uri_for(destination.directory), report)
        click.echo(f"logged to MLflow as run {run_id} in {destination.directory}", err=True)


def print_rows(rows: Sequence[Row], *, caption: str, notes: Sequence[str] = ()) -> None:
    """Print one line per row, grouped by part, with a column for every figure that any row has."""
    from rich.console import Console
    from rich.table import Table

    columns = [
        (figure, heading) for figure, heading in HEADINGS.items() if any(figure in row for row in rows)
    ]
    table = Table(caption=caption)
    for heading in ("part", "method", "n"):
        table.add_column(heading, justify="right" if heading == "n" else "left", no_wrap=True, min_width=4)
    for _, heading in columns:
        table.add_column(heading, justify="right", no_wrap=True)
    parts: dict[str, list[Row]] = {}
    for row in rows:
        parts.setdefault(str(row["part"]), []).append(row)
    for members in parts.values():
        for row in members:
            style = "bold" if row["method"] == "sunspot" else None
            cells = [_cell(row, figure) for figure, _ in columns]
            table.add_row(str(row["part"]), str(row["method"]), str(row.get("n", "")), *cells, style=style)
        table.add_section()
    console = Console()
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    console.print(table)
    for note in notes:
        console.print(note)


def version() -> str:
    """Version of Sunspot that makes the report."""
    from importlib.metadata import version as version_of

    return version_of("sunspot")


def _cell(row: Row, figure: str) -> str:
    value = row.get(figure)
    if value is None:
        return ""
    if isinstance(value, (int, float)) and value >= LARGE:
        return f"{value:,.0f}"
    text = f"{value:.4f}" if figure == "false_positive_rate" else f"{value:.3f}"
    if f"{figure}_low" in row:
        return f"{text} ({row[f'{figure}_low']:.2f}–{row[f'{figure}_high']:.2f})"
    return text
