"""``sunspot bench speed --dataset rank``: how long a ranking takes, on random graphs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CAPTION = (
    "Milliseconds on one core; n_items: what of the graph is within reach of the alert and so in the case.\n"
    "personalised_pagerank: networkx, on the calls of the same case."
)


def bench_rank_speed(json_file: Path | None, tracking: Path | None) -> None:
    """Time rankings, print the table, and keep the rows."""
    from importlib.metadata import version

    from rich.console import Console
    from rich.table import Table

    from experiments.rank_speed import SIZES, bench_speed

    console = Console(stderr=True)
    rows = bench_speed(on_progress=lambda what: console.print(f"timed {what}"))
    table = Table(caption=CAPTION)
    headings = ("part", "method", "n_items", "p50_ms", "p95_ms", "rss_mb")
    for heading in headings:
        table.add_column(heading, justify="left" if heading in {"part", "method"} else "right", no_wrap=True)
    for row in rows:
        cells = [f"{row[each]:.2f}" if each.endswith("_ms") else f"{row[each]:.0f}" for each in headings[2:]]
        table.add_row(str(row["part"]), str(row["method"]), *cells)
    Console().print(table)
    report = {
        "kind": "speed",
        "dataset": "rank",
        "data_digest": f"seed:{SIZES}",
        "version": version("sunspot"),
        "rows": rows,
    }
    if json_file is not None:
        json_file.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        console.print(f"rows written to {json_file}")
    if tracking is not None:
        from training.tracking import log_bench, tracking_uri_for

        run_id = log_bench(tracking_uri_for(tracking), report)
        console.print(f"logged to MLflow as run {run_id} in {tracking}")
