"""``sunspot bench speed``: what one core does in a second."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sunspot.bench_report import finish, version
from sunspot.options import tracking_option

if TYPE_CHECKING:
    from telemetry.logs import LogRecord


@click.command("speed")
@click.option("--dataset", type=click.Choice(["logs"]), required=True, help="What is measured.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder with Nezha's Train Ticket logs; without it the lines are synthetic.",
)
@click.option("--peer", type=click.Choice(["drain3"]), help="Run this too, in an environment of its own.")
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write rows here.")
@tracking_option
@click.option("--no-tracking", is_flag=True, help="Do not log the run to MLflow.")
@click.option("--seed", default=0, show_default=True, help="Seed of the synthetic lines.")
def command(
    dataset: str,
    data: Path | None,
    peer: str | None,
    json_file: Path | None,
    tracking: Path,
    no_tracking: bool,
    seed: int,
) -> None:
    """Measure rates on one core, and whether memory stays flat."""
    from experiments.log_speed import N_LINES, bench_speed, synthetic_lines
    from sunspot.bench_logs import peer_or_note

    peers, notes = peer_or_note(peer, tracking)
    if data is None:
        part, records, digest = "synthetic", synthetic_lines(N_LINES, seed=seed), f"seed:{seed}"
    else:
        part, records, digest = _train_ticket(data, N_LINES)
    rows = bench_speed(part, records, peers.get("drain3"), seed=seed)
    report = {"kind": "speed", "dataset": dataset, "data_digest": digest, "version": version(), "rows": rows}
    finish(
        report,
        caption="One core. grown by: rise of the peak memory over the second half of the lines.",
        notes=notes,
        json_file=json_file,
        tracking=None if no_tracking else tracking,
    )


def _train_ticket(data: Path, n_lines: int) -> tuple[str, list[LogRecord], str]:
    from itertools import islice

    from experiments.datasets.errors import DatasetError
    from experiments.datasets.loghub import digest_of
    from experiments.datasets.nezha_logs import nezha_log_files, read_records

    files = [path for path in nezha_log_files(data) if path.suffix == ".csv"]
    lines = (record for path in files for record in read_records(path) if record.service.startswith("ts-"))
    try:
        records = list(islice(lines, n_lines))
    except DatasetError as error:
        raise click.UsageError(str(error)) from error
    if not records:
        raise click.UsageError(f"{data} holds no log line of Train Ticket in rca_data/DAY/log/*_log.csv")
    return "train_ticket", records, digest_of(data, files)
