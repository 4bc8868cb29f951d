"""``sunspot bench speed``: rates on one core."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sunspot.bench_peers import peer_option, peer_or_note
from sunspot.bench_report import finish, public_data_option, report_options, version

if TYPE_CHECKING:
    from sunspot.bench_report import Destination, Row
    from telemetry.logs import LogRecord

CAPTIONS = {
    "detect": "One core; ns/point in processor time. p50, p95: one tick of all series. "
    "sunspot_all_scores: onset, severity, novelty and paging.",
    "intake": "One core, best of forty rounds in processor time; one body of 2000 samples. protobuf_walk: "
    "the library's message, walked to columns.\n"
    "http: four senders, to disk and to the window, in wall-clock time and in processor time.",
    "logs": "One core. grown by: growth of the peak memory over the second half of the lines.\n"
    "suspicious: share of the lines that masking looks at word by word; half of it holds a secret. "
    "http_to_disk: decoded, masked, on disk, mined and summed up. Both per second of processor time.",
    "rank": "Milliseconds of processor time; items: part of the graph within reach of the alert. "
    "personalised_pagerank: networkx, on the calls of the same case.\n"
    "sunspot_new_graph: on a graph version never seen before. webhook: the service from request to "
    "answer, in wall-clock time. peak MB: of the process so far.",
}


@click.command("speed")
@click.option("--dataset", type=click.Choice(sorted(CAPTIONS)), required=True, help="What to measure.")
@public_data_option("logs: folder with Nezha's Train Ticket logs; without it, the lines are synthetic.")
@peer_option("drain3", "river")
@click.option(
    "--series",
    "sizes",
    type=click.IntRange(1),
    multiple=True,
    default=(1_000, 10_000, 100_000),
    show_default=True,
    help="detect: number of series scored on one clock; may be repeated.",
)
@report_options
@click.option("--seed", default=0, show_default=True, help="logs: seed of the synthetic lines.")
def command(
    dataset: str,
    data: Path | None,
    peer: str | None,
    sizes: tuple[int, ...],
    destination: Destination,
    seed: int,
) -> None:
    """Measure rates on one core, and memory use."""
    notes: tuple[str, ...] = ()
    if dataset == "logs":
        rows, digest, notes = _logs(data, peer, destination.directory, seed)
    elif dataset == "intake":
        from experiments.performance.intake_speed import bench_speed as bench_intake_speed

        rows, digest = bench_intake_speed(on_progress=_report_progress), ""
    elif dataset == "rank":
        from experiments.performance.rank_speed import bench_speed as bench_rank_speed

        rows, digest = bench_rank_speed(on_progress=_report_progress), ""
    else:
        from experiments.performance.detect_speed import bench_speed as bench_detect_speed

        peers, left_out = peer_or_note(peer, "river", destination.directory)
        notes = tuple(left_out)
        rows = bench_detect_speed(sizes, river=peers.get("river"), on_progress=_report_progress)
        digest = ""
    finish(
        {"kind": "speed", "dataset": dataset, "data_digest": digest, "version": version(), "rows": rows},
        destination,
        caption=CAPTIONS[dataset],
        notes=notes,
    )


def _report_progress(what: str) -> None:
    click.echo(f"timing {what}", err=True)


def _logs(
    data: Path | None, peer: str | None, tracking: Path, seed: int
) -> tuple[list[Row], str, tuple[str, ...]]:
    from experiments.performance.log_speed import N_LINES, bench_speed, synthetic_lines
    from experiments.performance.masking_speed import bench_masking

    peers, notes = peer_or_note(peer, "drain3", tracking)
    if data is None:
        part, records, digest = "synthetic", synthetic_lines(N_LINES, seed=seed), f"seed:{seed}"
    else:
        part, records, digest = _train_ticket(data, N_LINES)
    rows = bench_speed(part, records, peers.get("drain3"), seed=seed)
    _report_progress("masking")
    return [*rows, *bench_masking(seed=seed)], digest, tuple(notes)


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
        raise click.UsageError(f"{data} holds no log lines of Train Ticket in rca_data/DAY/log/*_log.csv")
    return "train_ticket", records, digest_of(data, files)
