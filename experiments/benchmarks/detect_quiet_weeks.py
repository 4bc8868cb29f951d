"""False pages per team-week against the budget, and faults found: the rows of `benchmarks.quiet_weeks`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from experiments.benchmarks.quiet_weeks import KINDS, N_WEEKS, calls_of, delay_of, scored_weeks
from models.paging.thresholds import WEEK_MS
from training.intervals import wilson_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from experiments.benchmarks.detect_rows import Row
    from experiments.benchmarks.quiet_weeks import Weeks

BUDGETS = (1.0, 0.25, 0.5, 2.0, 4.0, 8.0)
"""False pages per week that a team accepts; the first is the default."""

METHODS = ("sunspot", "random")
N_DRAWS = 2000


@dataclass(frozen=True)
class Outcome:
    """Results of one brokerage's weeks at one budget.

    Attributes
    ----------
    pages
        False pages of each team in the quiet weeks.
    delays
        Seconds from each fault to its page, by kind; ``None`` without a page.
    n_by_chance
        Faults that pages of the quiet weeks would have "found" too.
    """

    seed: int
    weeks: float
    pages: dict[str, int]
    delays: dict[str, float | None]
    n_by_chance: int

    @property
    def rate(self) -> float:
        """False pages per team-week."""
        return sum(self.pages.values()) / (len(self.pages) * self.weeks)


def bench_quiet_weeks(
    seeds: Iterable[int],
    *,
    n_weeks: int = N_WEEKS,
    kinds: Sequence[str] = KINDS,
    on_progress: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """Judge each seed's weeks at every budget, for Sunspot and a random score."""
    outcomes: dict[tuple[str, float], list[Outcome]] = {}
    for seed in seeds:
        on_progress(f"quiet weeks {seed}")
        weeks = scored_weeks(seed, n_weeks=n_weeks, kinds=kinds)
        for method in METHODS:
            for budget in BUDGETS:
                outcomes.setdefault((method, budget), []).append(_outcome(weeks, seed, method, budget))
    rows: list[Row] = []
    for (method, budget), own in outcomes.items():
        name = method if budget == BUDGETS[0] else f"{method}_budget_{budget:g}"
        rows.append(_over_all("teams", name, budget, own))
        if budget == BUDGETS[0]:
            rows += [_over_all(f"teams/seed_{each.seed}", name, budget, [each]) for each in own]
            rows += [_of_kind(kind, name, own) for kind in own[0].delays]
    return sorted(
        rows, key=lambda row: (str(row["part"]).count("/"), str(row["part"]).startswith("teams/seed"))
    )


def _outcome(weeks: Weeks, seed: int, method: str, budget: float) -> Outcome:
    quiet, faulty = (calls_of(weeks, method, budget, with_faults=each) for each in (False, True))
    pages = dict.fromkeys(sorted(set(weeks.teams)), 0)
    for each in quiet:
        pages[each.team] += each.is_page
    return Outcome(
        seed,
        weeks.judged.n_ticks * weeks.judged.step_ms / WEEK_MS,
        pages,
        {fault.kind: delay_of(fault, faulty, weeks) for fault in weeks.faults},
        sum(delay_of(fault, quiet, weeks) is not None for fault in weeks.faults),
    )


def _over_all(part: str, method: str, budget: float, outcomes: Sequence[Outcome]) -> Row:
    delays = [delay for each in outcomes for delay in each.delays.values()]
    rates = np.array([each.rate for each in outcomes])
    by_team = np.array([list(each.pages.values()) for each in outcomes]) / outcomes[0].weeks
    row: Row = {
        "part": part,
        "method": method,
        "n": len(delays),
        "false_pages_per_week": float(rates.mean()),
        "false_pages_per_week_worst": float(by_team.max()),
        "teams_over_budget": float((by_team > budget).mean()),
        "budget_per_week": budget,
        **_found(delays),
        "found_least": min(sum(delay is not None for delay in each.delays.values()) for each in outcomes),
        "found_by_chance": float(np.mean([each.n_by_chance for each in outcomes])),
    }
    if len(outcomes) > 1:
        drawn = np.random.default_rng(0).integers(len(rates), size=(N_DRAWS, len(rates)))
        low, high = np.quantile(rates[drawn].mean(axis=1), [0.025, 0.975])
        row |= {"false_pages_per_week_low": float(low), "false_pages_per_week_high": float(high)}
    return row


def _of_kind(kind: str, method: str, outcomes: Sequence[Outcome]) -> Row:
    delays = [each.delays[kind] for each in outcomes]
    return {"part": f"teams/{kind}", "method": method, "n": len(delays), **_found(delays)}


def _found(delays: Sequence[float | None]) -> Row:
    paged = [delay for delay in delays if delay is not None]
    low, high = wilson_interval(len(paged), len(delays))
    found: Row = {
        "recall_events": len(paged) / max(1, len(delays)),
        "recall_events_low": low,
        "recall_events_high": high,
    }
    if paged:
        found |= {"delay_median": float(np.median(paged)), "delay_worst": max(paged)}
    return found
