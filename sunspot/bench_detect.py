"""``sunspot bench detect``: how many anomalies are found, and at how many false pages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sunspot.bench_peers import peer_option, peer_or_note
from sunspot.bench_report import finish, public_data_option, report_options, version

if TYPE_CHECKING:
    from collections.abc import Callable

    from experiments.benchmarks.detect_rows import Row
    from experiments.peers.river import StreamScorer
    from sunspot.bench_report import Destination

CAPTION = (
    "event-F1: an anomaly is found if a page falls within its first 7 points; every page on a normal point "
    "is a false page; never point-adjusted. 95 % intervals over whole series.\n"
    "false/week: false pages per series-week; worst: of any one series. delay: median seconds from onset to "
    "first page.\n"
    "parts teams: false pages per team-week in quiet weeks, and how many of twelve injected faults are found."
)


@click.command("detect")
@click.option(
    "--dataset",
    type=click.Choice(["kpi", "nab", "smd", "brokerage"]),
    required=True,
    help="Series to score.",
)
@public_data_option("Folder of the public data set; not needed for the brokerage.")
@peer_option("river")
@report_options
@click.option("--seed", default=0, show_default=True, help="First seed of the brokerage's weeks.")
@click.option("--seeds", "n_seeds", default=2, show_default=True, help="Number of brokerages to simulate.")
@click.option(
    "--weeks",
    "n_weeks",
    type=click.IntRange(3, 12),
    default=5,
    show_default=True,
    help="Quiet weeks of each brokerage.",
)
def command(
    dataset: str,
    data: Path | None,
    peer: str | None,
    destination: Destination,
    seed: int,
    n_seeds: int,
    n_weeks: int,
) -> None:
    """Detect labelled anomalies with Sunspot, its peers and a random score."""
    from rich.console import Console

    peers, notes = peer_or_note(peer, "river", destination.directory)
    with Console(stderr=True).status("reading") as status:
        seeds = range(seed, seed + n_seeds)
        rows, digest = _measured(
            dataset, data, seeds, n_weeks, river=peers.get("river"), on_progress=status.update
        )
    finish(
        {"kind": "detect", "dataset": dataset, "data_digest": digest, "version": version(), "rows": rows},
        destination,
        caption=CAPTION,
        notes=notes,
    )


def _measured(
    dataset: str,
    data: Path | None,
    seeds: range,
    n_weeks: int,
    *,
    river: StreamScorer | None,
    on_progress: Callable[[str], None],
) -> tuple[list[Row], str]:
    from experiments.datasets.errors import DatasetError

    if dataset == "brokerage":
        from experiments.benchmarks.detect_brokerage import bench_brokerage
        from experiments.benchmarks.detect_quiet_weeks import bench_quiet_weeks

        rows = bench_brokerage(seeds, river=river, on_progress=on_progress)
        rows += bench_quiet_weeks(seeds, n_weeks=n_weeks, on_progress=on_progress)
        return rows, f"seeds:{seeds.start}-{seeds.stop - 1}"
    if data is None or not data.is_dir():
        raise click.UsageError(f"--dataset {dataset} needs --data DIR, the folder of the data set")
    try:
        if dataset == "kpi":
            from experiments.benchmarks.detect_kpi import bench_kpi
            from experiments.datasets import kpi

            return bench_kpi(kpi.load_kpi(data), river=river, on_progress=on_progress), kpi.digest(data)
        if dataset == "smd":
            from experiments.benchmarks.detect_smd import bench_smd
            from experiments.datasets import smd

            return bench_smd(smd.load_smd(data), river=river, on_progress=on_progress), smd.digest(data)
        from experiments.benchmarks.detect_nab import bench_nab
        from experiments.datasets import nab

        return bench_nab(nab.load_nab(data), river=river, on_progress=on_progress), nab.digest(data)
    except DatasetError as error:
        raise click.UsageError(str(error)) from error
