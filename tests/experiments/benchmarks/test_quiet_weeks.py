from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from experiments.benchmarks.detect_quiet_weeks import bench_quiet_weeks
from experiments.benchmarks.quiet_weeks import CLOCK, FIRST_DAY, MAKE_UP_DAY, N_WEEKS, TRAIN_DAYS
from experiments.plot_page_budget import budget_curve, draw
from models.intervals import poisson_interval

if TYPE_CHECKING:
    from pathlib import Path

N_TEAMS = 8


def test_the_judged_weeks_are_as_documented() -> None:
    first = FIRST_DAY + timedelta(days=2 * TRAIN_DAYS)
    days = [first + timedelta(days=day) for day in range(7 * N_WEEKS)]
    opens = [day for day in days if CLOCK.is_trading_day(day)]
    assert len(opens) == 22
    assert MAKE_UP_DAY in opens
    assert MAKE_UP_DAY.weekday() == 5
    assert any(day.weekday() < 5 and day not in opens for day in days)


def test_a_quiet_week_stays_within_budgets_and_faults_page_within_two_minutes() -> None:
    kinds = ("missing_open", "slow_database", "cpu_hog")
    rows = {(row["part"], row["method"]): row for row in bench_quiet_weeks([7], n_weeks=1, kinds=kinds)}
    own, random = rows["teams", "sunspot"], rows["teams", "random"]
    fewest_pages, _ = poisson_interval(round(float(own["false_pages_per_week"]) * N_TEAMS))
    assert fewest_pages <= N_TEAMS  # one page per team and week: more would be more than chance
    assert own["found_least"] == len(kinds)
    assert random["recall_events"] == 0
    assert float(rows["teams/missing_open", "sunspot"]["delay_worst"]) <= 120


def test_the_curve_is_drawn_by_budget(tmp_path: Path) -> None:
    rows = [
        {"part": "teams", "method": "sunspot", "budget_per_week": 1.0, "false_pages_per_week": 0.3},
        {
            "part": "teams",
            "method": "sunspot_budget_0.5",
            "budget_per_week": 0.5,
            "false_pages_per_week": 0.2,
        },
        {"part": "teams", "method": "random", "budget_per_week": 1.0, "false_pages_per_week": 1.0},
        {"part": "teams/seed_0", "method": "sunspot", "budget_per_week": 1.0, "false_pages_per_week": 9.0},
    ]
    curve = budget_curve(rows)
    assert curve == [(0.5, 0.2, 0.2, 0.2), (1.0, 0.3, 0.3, 0.3)]
    draw(curve, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
