"""``sunspot bench speed --dataset detect``: what a point costs."""

from __future__ import annotations

from pathlib import Path

import click

from sunspot.bench_detect import report_rows
from sunspot.options import tracking_option

CAPTION = (
    "One core; ns/point by processor time. p50, p95: of a tick of all series.\n"
    "sunspot_all_scores: onset, severity and paging."
)

COLUMNS = (
    ("ns_per_point", "ns/point"),
    ("p50_ms", "p50 ms"),
    ("p95_ms", "p95 ms"),
    ("samples_per_s", "samples/s"),
    ("rss_mb", "RSS MB"),
)


@click.command("speed")
@click.option("--dataset", type=click.Choice(["detect"]), required=True, help="What is measured.")
@click.option(
    "--series",
    "sizes",
    type=click.IntRange(1),
    multiple=True,
    default=(1_000, 10_000, 100_000),
    show_default=True,
    help="How many series are scored on one clock.",
)
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the rows here."
)
@tracking_option
@click.option("--no-tracking", is_flag=True, help="Do not log the run to MLflow.")
def bench_speed_detect(
    dataset: str, sizes: tuple[int, ...], json_file: Path | None, tracking: Path, no_tracking: bool
) -> None:
    """Measure the cost of a point on one core."""
    from rich.console import Console

    from experiments.detect_speed import bench_speed

    with Console(stderr=True).status("timing") as status:
        rows = bench_speed(sizes, on_progress=status.update)
    report_rows(
        {"kind": "speed", "dataset": dataset, "data_digest": "", "rows": rows},
        columns=COLUMNS,
        caption=CAPTION,
        json_file=json_file,
        tracking=None if no_tracking else tracking,
    )
