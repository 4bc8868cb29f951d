"""``sunspot bench logs``: templates, abnormal sessions and causes from log lines, against the peers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sunspot.bench_peers import peer_option, peer_or_note
from sunspot.bench_report import finish, public_data_option, report_options, version

if TYPE_CHECKING:
    from collections.abc import Callable

    from sunspot.bench_report import Destination

    Measured = tuple[list[dict[str, float | int | str]], str, list[str]]

CAPTIONS = {
    "loghub": "GA: lines grouped as their true template. FGA: F1 of complete groups. all: mean of the sets.",
    "hdfs": "F1 at the true base rate of 2.93 %, mean of five seeds; thresholds fixed on normal sessions.",
    "hdfs100k": "Trained on 4 % abnormal sessions without their labels; threshold from training.",
    "nezha": "Labelled injected faults on test beds. AS@k from log lines alone, with 95 % Wilson intervals; "
    "a tie of t counts 1/t at its ranks.",
}


@click.command("logs")
@click.option("--dataset", type=click.Choice(sorted(CAPTIONS)), required=True, help="Logs to measure on.")
@public_data_option("Folder of the data set.", required=True)
@peer_option("drain3")
@report_options
def command(dataset: str, data: Path, peer: str | None, destination: Destination) -> None:
    """Measure Sunspot on log lines: templates, sessions, causes."""
    from rich.console import Console
    from rich.progress import Progress

    from experiments.datasets.errors import DatasetError

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("measuring", total=None)
        try:
            rows, digest, notes = _measure(
                dataset,
                data,
                peer,
                destination.directory,
                lambda name: progress.update(task, advance=1, description=f"measuring {name}"),
            )
        except DatasetError as error:
            raise click.UsageError(str(error)) from error
    report = {"kind": "logs", "dataset": dataset, "data_digest": digest, "version": version(), "rows": rows}
    finish(report, destination, caption=CAPTIONS[dataset], notes=notes)


def _measure(
    dataset: str, data: Path, peer: str | None, folder: Path, on_progress: Callable[[str], None]
) -> Measured:
    from experiments.datasets.loghub import digest_of, load_loghub, structured_files

    if dataset == "loghub":
        from experiments.benchmarks.log_templates import bench_grouping

        sets = load_loghub(data)
        peers, notes = peer_or_note(peer, "drain3", folder)
        rows = bench_grouping(sets, peers, on_progress=on_progress)
        return rows, digest_of(data, structured_files(data)), notes
    if dataset == "nezha":
        from experiments.benchmarks.log_causes import bench_log_causes
        from experiments.datasets.nezha_logs import load_nezha_logs, nezha_log_files

        days = load_nezha_logs(data)
        rows = bench_log_causes(days, on_progress=on_progress)
        n_all, n_seen = sum(len(day.faults) for day in days), int(rows[0]["n"]) if rows else 0
        notes = [f"{n_all - n_seen} of {n_all} faults have no log lines nearby, and are left out"]
        return rows, digest_of(data, nezha_log_files(data)), notes
    from experiments.benchmarks.log_sessions import bench_hdfs, bench_hdfs100k
    from experiments.datasets.hdfs import load_hdfs, load_hdfs100k

    if dataset == "hdfs":
        hdfs = load_hdfs(data)
        return bench_hdfs(hdfs, on_progress=on_progress), digest_of(data, list(hdfs.files)), []
    labelled = load_hdfs100k(data)
    notes = [f"{labelled.n_abnormal_in_train} of {len(labelled.train)} training sessions are abnormal"]
    return bench_hdfs100k(labelled, on_progress=on_progress), digest_of(data, list(labelled.files)), notes
