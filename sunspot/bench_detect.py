"""``sunspot bench detect``: how many anomalies are found, at how many false pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sunspot.options import tracking_option

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from experiments.detect_rows import Row

CAPTION = (
    "event-F1: an anomaly is found if a page falls within its first 7 points, every page on a normal point "
    "is one false page; never point-adjusted. 95 % intervals over whole series.\n"
    "false/week: false pages per series-week; worst: of any one series. delay: median seconds from onset to "
    "first page."
)

PIPED_WIDTH = 180

COLUMNS = (
    ("event_f1", "event-F1"),
    ("recall_events", "recall"),
    ("false_pages_per_week", "false/week"),
    ("false_pages_per_week_worst", "worst"),
    ("budget_per_week", "budget"),
    ("delay_median", "delay"),
    ("vus_pr", "VUS-PR"),
    ("nab_standard", "NAB"),
    ("nab_low_fp", "low FP"),
    ("nab_low_fn", "low FN"),
    ("nab_standard_held_out", "held out"),
    ("ns_per_point", "ns/point"),
)


@click.command("detect")
@click.option(
    "--dataset",
    type=click.Choice(["kpi", "nab", "smd", "brokerage"]),
    required=True,
    help="Which series.",
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
@click.option("--seed", default=0, show_default=True, help="First seed of the brokerage's weeks.")
@click.option("--seeds", "n_seeds", default=2, show_default=True, help="How many brokerages are judged.")
def bench_detect(
    dataset: str,
    data: Path | None,
    json_file: Path | None,
    tracking: Path,
    no_tracking: bool,
    seed: int,
    n_seeds: int,
) -> None:
    """Detect labelled anomalies with Sunspot, its peers and a random score."""
    from rich.console import Console

    with Console(stderr=True).status("reading") as status:
        rows, digest = _measured(dataset, data, seed, n_seeds, status.update)
    report_rows(
        {"kind": "detect", "dataset": dataset, "data_digest": digest, "rows": rows},
        columns=COLUMNS,
        caption=CAPTION,
        json_file=json_file,
        tracking=None if no_tracking else tracking,
    )


def report_rows(
    report: dict[str, Any],
    *,
    columns: Sequence[tuple[str, str]],
    caption: str,
    json_file: Path | None,
    tracking: Path | None,
) -> None:
    """Print a benchmark's rows, and write and log them where asked to."""
    from importlib.metadata import version

    from rich.console import Console

    console = Console(stderr=True)
    report["version"] = version("sunspot")
    _print_table(report["rows"], columns, caption)
    if json_file is not None:
        json_file.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        console.print(f"rows written to {json_file}")
    if tracking is not None:
        from training.tracking import log_bench, tracking_uri_for

        run_id = log_bench(tracking_uri_for(tracking), report)
        console.print(f"logged to MLflow as run {run_id} in {tracking}")


def _measured(
    dataset: str, data: Path | None, seed: int, n_seeds: int, on_progress: Callable[[str], None]
) -> tuple[list[Row], str]:
    from experiments.datasets.errors import DatasetError

    if dataset == "brokerage":
        from experiments.detect_brokerage import bench_brokerage

        seeds = range(seed, seed + n_seeds)
        return bench_brokerage(seeds, on_progress=on_progress), f"seeds:{seeds.start}-{seeds.stop - 1}"
    if data is None or not data.is_dir():
        raise click.UsageError(f"--dataset {dataset} needs --data DIR, the folder that holds it")
    try:
        if dataset == "kpi":
            from experiments.datasets import kpi
            from experiments.detect_kpi import bench_kpi

            return bench_kpi(kpi.load_kpi(data), on_progress=on_progress), kpi.digest(data)
        if dataset == "smd":
            from experiments.datasets import smd
            from experiments.detect_smd import bench_smd

            return bench_smd(smd.load_smd(data), on_progress=on_progress), smd.digest(data)
        from experiments.datasets import nab
        from experiments.detect_nab import bench_nab

        return bench_nab(nab.load_nab(data), on_progress=on_progress), nab.digest(data)
    except DatasetError as error:
        raise click.UsageError(str(error)) from error


def _print_table(rows: list[Row], columns: Sequence[tuple[str, str]], caption: str) -> None:
    from rich.console import Console
    from rich.table import Table

    used = [(name, heading) for name, heading in columns if any(name in row for row in rows)]
    table = Table(caption=caption)
    for heading in ("part", "method", "n"):
        table.add_column(heading, justify="right" if heading == "n" else "left", no_wrap=True)
    for _, heading in used:
        table.add_column(heading, justify="right", no_wrap=True)
    part = rows[0]["part"] if rows else ""
    for row in rows:
        if row["part"] != part:
            table.add_section()
            part = row["part"]
        style = "bold" if row["method"] == "sunspot" else None
        cells = [_cell(row, name) for name, _ in used]
        table.add_row(str(row["part"]), str(row["method"]), str(row["n"]), *cells, style=style)
    console = Console()
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    console.print(table)


def _cell(row: Row, name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if name in {"ns_per_point", "delay_median"} or name.startswith("nab"):
        return f"{value:.1f}"
    if name in {"samples_per_s", "rss_mb"}:
        return f"{value:,.0f}"
    if f"{name}_low" in row:
        return f"{value:.2f} ({row[f'{name}_low']:.2f}–{row[f'{name}_high']:.2f})"
    return f"{value:.2f}"
