"""Draw what teams asked for against what they got, from the rows of ``sunspot bench detect``.

``python -m experiments.plot_page_budget brokerage.json docs/images/page-budget.png``
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments.benchmarks.detect_rows import Row

FIGURE = "false_pages_per_week"
PART = "teams"


def budget_curve(rows: Sequence[Row]) -> list[tuple[float, float, float, float]]:
    """Asked, achieved, and the low and high end of its interval, by what was asked.

    A run of one seed has no interval: its ends are the rate itself.
    """
    return sorted(
        (
            float(row["budget_per_week"]),
            float(row[FIGURE]),
            float(row.get(f"{FIGURE}_low", row[FIGURE])),
            float(row.get(f"{FIGURE}_high", row[FIGURE])),
        )
        for row in rows
        if row["part"] == PART and str(row["method"]).startswith("sunspot")
    )


def draw(curve: Sequence[tuple[float, float, float, float]], file: Path) -> None:
    """Write the curve as a picture."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  a second
    from matplotlib.figure import Figure  # noqa: PLC0415

    asked, achieved, low, high = (list(each) for each in zip(*curve, strict=True))
    figure = Figure(figsize=(5.2, 4.0), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(asked, asked, color="0.6", linestyle="--", label="asked")
    axes.fill_between(asked, low, high, color="#d98b1f", alpha=0.25, label="95 % over brokerages")
    axes.plot(asked, achieved, color="#b86a00", marker="o", label="achieved")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set_xticks(asked, [f"{each:g}" for each in asked])
    marks = [0.0625 * 2**power for power in range(8)]
    axes.set_yticks(marks, [f"{each:g}" for each in marks])
    axes.set_xlabel("false pages a week that a team accepts")
    axes.set_ylabel("false pages a team-week on quiet weeks")
    axes.legend(frameon=False)
    FigureCanvasAgg(figure)
    figure.savefig(file, format="png")


if __name__ == "__main__":
    draw(budget_curve(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["rows"]), Path(sys.argv[2]))
