"""Fill a case library from public data or the built-in brokerage.

Question: none; this creates the input of ``sunspot train ranker``, the promotion gate and ``sunspot bench
rank --dataset cases`` from labelled incidents. Each case's id starts with the name of its set, so that
several sets can share one library.
Run: ``python -m experiments.fill_case_library --dataset petshop --data DIR --cases DIR``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track

from experiments.datasets.errors import DatasetError
from experiments.datasets.rank_sets import load_rank_set
from models.cases.files import StoredCase
from models.cases.library import write_case
from models.errors import CaseTooLargeError

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--dataset",
    type=click.Choice(["petshop", "nezha", "brokerage"]),
    required=True,
    help="Incidents to store.",
)
@click.option("--data", type=FOLDER, help="Folder of the public data set; not needed for the brokerage.")
@click.option("--cases", type=FOLDER, required=True, help="Case library to fill; created if missing.")
@click.option("--seed", default=0, show_default=True, help="Seed of the brokerage's incidents.")
def command(dataset: str, data: Path | None, cases: Path, seed: int) -> None:
    """Write the labelled incidents of a data set into a case library."""
    if data is None and dataset != "brokerage":
        raise click.UsageError(f"--dataset {dataset} needs --data DIR, the folder of the data set")
    click.echo(f"reading {dataset}", err=True)
    try:
        loaded = load_rank_set(dataset, data, seed=seed)
    except DatasetError as error:
        raise click.UsageError(str(error)) from error
    n_left = 0
    for case in track(loaded.cases, "writing cases", console=Console(stderr=True), transient=True):
        name = "-".join(each for each in (dataset, case.system, case.fault_type, case.id) if each)
        try:
            write_case(StoredCase(replace(case, id=name, system=case.system or dataset)), cases)
        except CaseTooLargeError as error:
            n_left += 1
            click.echo(f"left out: {error}", err=True)
    click.echo(f"{len(loaded.cases) - n_left} cases of {dataset} are in {cases}")


if __name__ == "__main__":
    command()
