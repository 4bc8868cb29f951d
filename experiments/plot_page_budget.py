"""Draw the false pages that teams get against their budgets, from the rows of ``sunspot bench detect``.

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
    """Budget, achieved rate, and the low and high end of its interval, in order of the budget.

    A run with one seed has no interval: both ends are the rate itself.
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
    """Write the curve as an image."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  a second
    from matplotlib.figure import Figure  # noqa: PLC0415

    budgets, achieved, low, high = (list(each) for each in zip(*curve, strict=True))
    figure = Figure(figsize=(5.2, 4.0), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(budgets, budgets, color="0.6", linestyle="--", label="budget")
    axes.fill_between(budgets, low, high, color="#d98b1f", alpha=0.25, label="95 % over brokerages")
    axes.plot(budgets, achieved, color="#b86a00", marker="o", label="achieved")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set_xticks(budgets, [f"{each:g}" for each in budgets])
    marks = [0.0625 * 2**power for power in range(8)]
    axes.set_yticks(marks, [f"{each:g}" for each in marks])
    axes.set_xlabel("false pages per week that a team accepts")
    axes.set_ylabel("false pages per team-week in quiet weeks")
    axes.legend(frameon=False)
    FigureCanvasAgg(figure)
    figure.savefig(file, format="png")


if __name__ == "__main__":
    draw(budget_curve(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["rows"]), Path(sys.argv[2]))
