"""``sunspot bench``: Sunspot against its peers, on public data or the built-in brokerage."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sunspot import bench_detect, bench_logs, bench_reliability, bench_speed
from sunspot.bench_report import finish, public_data_option, report_options, version

if TYPE_CHECKING:
    from experiments.benchmarks.rank import LabelledCase
    from models.cases.case import Case
    from sunspot.bench_report import Destination

CAPTION = (
    "AS@k: share of incidents whose cause is among the first k, with its 95 % Wilson interval; "
    "a tie of t counts 1/t at its ranks.\n"
    "abst.: share without a named cause. cal. err.: expected calibration error. ms: per incident.\n"
    "calm: normal windows, without an incident; wrong: share of them with a named cause.\n"
    "circa: the regression-based hypothesis test (RHT) of CIRCA alone. "
    "petshop, nezha: labelled injected faults on test beds."
)

Loaded = tuple[list["LabelledCase"], str, tuple[str, ...]]


@click.group("bench")
def command() -> None:
    """Measure Sunspot against its peers: one run, one table, logged to MLflow."""


@command.command("rank")
@click.option(
    "--dataset",
    type=click.Choice(["petshop", "nezha", "cases", "brokerage"]),
    required=True,
    help="Incidents to rank; cases: any case library.",
)
@public_data_option("Folder of the public data set; not needed for the brokerage.")
@report_options
@click.option("--seed", default=0, show_default=True, help="Seed of the brokerage's incidents.")
def bench_rank(
    dataset: str,
    data: Path | None,
    destination: Destination,
    seed: int,
) -> None:
    """Rank the causes of labelled incidents with every ranker."""
    from rich.console import Console
    from rich.progress import Progress

    from experiments.benchmarks.normal_windows import normal_cases
    from experiments.benchmarks.rank import bench_rankers, n_rankings

    labelled, digest, notes = _load(dataset, data, seed)
    normal = normal_cases(dataset, data, seed=seed)
    console = Console(stderr=True)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("ranking", total=n_rankings(len(labelled), len(normal)))
        rows = bench_rankers(
            labelled,
            normal=normal,
            on_progress=lambda method: progress.update(task, advance=1, description=f"ranking with {method}"),
        )
    finish(
        {"kind": "rank", "dataset": dataset, "data_digest": digest, "version": version(), "rows": rows},
        destination,
        caption=CAPTION,
        notes=notes,
    )


command.add_command(bench_detect.command)
command.add_command(bench_logs.command)
command.add_command(bench_reliability.command)
command.add_command(bench_speed.command)


def _load(dataset: str, data: Path | None, seed: int) -> Loaded:
    from experiments.benchmarks.rank import LabelledCase
    from experiments.datasets.errors import DatasetError
    from experiments.datasets.rank_sets import load_rank_set

    if data is None and dataset != "brokerage":
        raise click.UsageError(f"--dataset {dataset} needs --data DIR, the folder of the data set")
    try:
        loaded = load_rank_set(dataset, data, seed=seed)
    except DatasetError as error:
        raise click.UsageError(str(error)) from error
    labelled = [LabelledCase(case, parts_of(case)) for case in loaded.cases]
    return labelled, loaded.digest, loaded.notes


def parts_of(case: Case) -> tuple[str, ...]:
    """Parts of the table in which a case counts: all, its system, and its kind of fault within it."""
    kind = "/".join(each for each in (case.system, case.fault_type) if each)
    return tuple(dict.fromkeys(["all", *([case.system] if case.system else []), *([kind] if kind else [])]))
