"""``sunspot bench``: Sunspot beside its peers, on public data or the built-in brokerage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sunspot.bench_detect import bench_detect
from sunspot.bench_speed_detect import bench_speed_detect
from sunspot.options import tracking_option

if TYPE_CHECKING:
    from experiments.rank_benchmark import LabelledCase

CAPTION = (
    "AS@k: share of incidents whose cause is among the first k, with its 95 % Wilson interval; "
    "a tie of t counts 1/t at its ranks.\n"
    "abst.: share without a named cause. cal. err.: expected calibration error. ms: per incident."
)

PIPED_WIDTH = 160
"""Characters of the table where there is no terminal to ask."""

Rows = list[dict[str, float | int | str]]

COLUMNS = (
    ("as1", "AS@1"),
    ("as3", "AS@3"),
    ("as5", "AS@5"),
    ("mrr", "MRR"),
    ("abstained", "abst."),
    ("calibration_error", "cal. err."),
    ("ms_per_incident", "ms"),
)


@click.group("bench")
def command() -> None:
    """Measure Sunspot beside its peers: one run, one table, logged to MLflow."""


command.add_command(bench_detect)
command.add_command(bench_speed_detect)


@command.command("rank")
@click.option(
    "--dataset", type=click.Choice(["petshop", "brokerage"]), required=True, help="Which incidents."
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder with the public data set; the brokerage needs none.",
)
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the rows here."
)
@tracking_option
@click.option("--no-tracking", is_flag=True, help="Do not log the run to MLflow.")
@click.option("--seed", default=0, show_default=True, help="Seed of the brokerage's incidents.")
def bench_rank(
    dataset: str,
    data: Path | None,
    json_file: Path | None,
    tracking: Path,
    no_tracking: bool,
    seed: int,
) -> None:
    """Rank the causes of labelled incidents with every ranker."""
    from rich.console import Console
    from rich.progress import Progress

    from experiments.rank_benchmark import bench_rankers
    from models.rankers import RANKERS

    labelled, digest, notes = _load(dataset, data, seed)
    console = Console(stderr=True)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("ranking", total=len(labelled) * (len(RANKERS) + 1))
        rows = bench_rankers(
            labelled,
            on_progress=lambda method: progress.update(task, advance=1, description=f"ranking with {method}"),
        )
    report = {"kind": "rank", "dataset": dataset, "data_digest": digest, "version": _version(), "rows": rows}
    _print_table(rows, notes)
    if json_file is not None:
        json_file.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        console.print(f"rows written to {json_file}")
    if not no_tracking:
        from training.tracking import log_bench, tracking_uri_for

        run_id = log_bench(tracking_uri_for(tracking), report)
        console.print(f"logged to MLflow as run {run_id} in {tracking}")


def _load(dataset: str, data: Path | None, seed: int) -> tuple[list[LabelledCase], str, tuple[str, ...]]:
    from experiments.datasets.errors import DatasetError
    from experiments.rank_benchmark import LabelledCase

    if dataset == "brokerage":
        from experiments.brokerage.incidents import brokerage_cases

        labelled = [LabelledCase(case, ("all", kind)) for kind, case in brokerage_cases(seed=seed)]
        return labelled, f"seed:{seed}", ("The built-in simulator: a check, never a headline figure.",)
    if data is None:
        raise click.UsageError(f"--dataset {dataset} needs --data DIR, the folder that holds it")
    from experiments.datasets.petshop import digest, load_petshop

    try:
        scenarios = load_petshop(data)
    except DatasetError as error:
        raise click.UsageError(str(error)) from error
    labelled = [
        LabelledCase(scenario.case(incident), ("all", scenario.name, f"{scenario.name}/{incident.metric}"))
        for scenario in scenarios
        for incident in scenario.incidents
    ]
    return labelled, digest(data), tuple(note for scenario in scenarios for note in scenario.notes)


def _version() -> str:
    from importlib.metadata import version

    return version("sunspot")


def _print_table(rows: Rows, notes: tuple[str, ...]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(caption=CAPTION)
    for heading in ("part", "method", "n"):
        table.add_column(heading, justify="right" if heading == "n" else "left", no_wrap=True)
    for _, heading in COLUMNS:
        table.add_column(heading, justify="right", no_wrap=True)
    part = rows[0]["part"] if rows else ""
    for row in rows:
        if row["part"] != part:
            table.add_section()
            part = row["part"]
        style = "bold" if row["method"] == "sunspot" else None
        cells = [_cell(row, figure) for figure, _ in COLUMNS]
        table.add_row(str(row["part"]), str(row["method"]), str(row["n"]), *cells, style=style)
    console = Console()
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    console.print(table)
    for note in notes:
        console.print(note)


def _cell(row: dict[str, float | int | str], figure: str) -> str:
    value = row.get(figure)
    if value is None:
        return ""
    if f"{figure}_low" in row:
        return f"{value:.2f} ({row[f'{figure}_low']:.2f}–{row[f'{figure}_high']:.2f})"
    return f"{value:.2f}"
