"""How well each team's page budget was met: by verdicts, and by replaying what the bundle was judged on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from models.intervals import poisson_interval
from service.store.pages import PageOutcome
from telemetry.instants import from_ms

if TYPE_CHECKING:
    from datetime import datetime

    from service.paging.pager import Paging
    from service.paging.teams import Teams
    from service.signals.room import SignalsRoom
    from service.store.pages import PageStore

LOOKED_BACK = timedelta(days=28)
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Rate:
    """False pages a week.

    Attributes
    ----------
    low, high
        95 % interval, which treats pages as independent.
    weeks
        Length of the period.
    """

    per_week: float
    low: float
    high: float
    weeks: float


@dataclass(frozen=True, slots=True)
class TeamReport:
    """A team's budget, and how well it was met.

    Attributes
    ----------
    tail
        Probability that a tick of one of its series pages while all is well.
    lowest_threshold, highest_threshold
        Of its series: the same probability lies at different scores for different metrics.
    useful, false, unknown
        Pages of the last four weeks by outcome.
    spent
        Pages of the last seven days that no verdict has called useful.
    by_verdicts
        From pages called false; ``None`` if nothing was watched yet.
    by_replay
        Of the bundle at these thresholds on time that it did not learn from; ``None`` if there was none.
    """

    team: str
    n_items: int
    n_series: int
    budget_per_week: float
    tail: float
    lowest_threshold: float
    highest_threshold: float
    useful: int
    false: int
    unknown: int
    spent: int
    by_verdicts: Rate | None
    by_replay: Rate | None


def reports_now(signals: SignalsRoom, pager: Paging, pages: PageStore) -> tuple[list[TeamReport], str]:
    """Return every team's report, or none and the reason."""
    bundle, teams = signals.in_use.bundle, pager.teams()
    if bundle is None:
        return [], "no champion was found yet"
    if teams is None:
        return [], "the bundle has no counts of false pages: train again"
    reports = team_reports(
        teams, pages, since_ms=pager.since_ms, now=signals.present(), step_ms=bundle.step_ms
    )
    return reports, ""


def team_reports(
    teams: Teams, pages: PageStore, *, since_ms: int | None, now: datetime, step_ms: int
) -> list[TeamReport]:
    """Report on every team, by name.

    Parameters
    ----------
    since_ms
        Start of the first tick that was watched for pages; ``None`` before it.
    """
    begun = now if since_ms is None else max(from_ms(since_ms), now - LOOKED_BACK)
    weeks = max(0.0, (now - begun) / WEEK)
    by_team: dict[str, Counter[PageOutcome]] = {}
    spent: Counter[str] = Counter()
    for each in pages.between(now - LOOKED_BACK, now):
        by_team.setdefault(each.facts.team, Counter())[each.outcome] += 1
        spent[each.facts.team] += each.outcome is not PageOutcome.USEFUL and each.at >= now - WEEK
    reports = []
    for team, budget in teams.budgets.items():
        thresholds = teams.watched.thresholds
        outcomes = by_team.get(team, Counter())
        reports.append(
            TeamReport(
                team,
                n_items=sum(each == team for each in teams.of_item.values()),
                n_series=len(budget.columns),
                budget_per_week=budget.budget_per_week,
                tail=teams.tail(team, step_ms),
                lowest_threshold=float(thresholds[budget.columns].min()),
                highest_threshold=float(thresholds[budget.columns].max()),
                useful=outcomes[PageOutcome.USEFUL],
                false=outcomes[PageOutcome.FALSE],
                unknown=outcomes[PageOutcome.UNKNOWN],
                spent=spent[team],
                by_verdicts=_rate(outcomes[PageOutcome.FALSE], weeks),
                by_replay=_rate(teams.replayed.get(team, 0), teams.replayed_weeks[team]),
            )
        )
    return reports


def _rate(count: int, weeks: float) -> Rate | None:
    if not weeks:
        return None
    low, high = poisson_interval(count)
    return Rate(count / weeks, low / weeks, high / weeks, weeks)
