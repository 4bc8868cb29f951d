"""The JSON documents about pages, page budgets and maintenance, in the words of the glossary."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from features.calendar import Phase
from models.paging.maintenance import EVERY_PHASE, Maintenance
from service.clock import EARLIEST, LATEST
from telemetry.instants import from_ms, to_ms

if TYPE_CHECKING:
    from service.paging.budget_report import Rate, TeamReport
    from service.store.maintenance import Announced
    from service.store.pages import StoredPage

Name = Annotated[str, Field(min_length=1, max_length=500)]
Instant = Annotated[AwareDatetime, Field(ge=EARLIEST, lt=LATEST)]
PhaseName = Literal[
    "non_trading_day",
    "night",
    "pre_open",
    "auction",
    "morning",
    "lunch",
    "afternoon",
    "close",
    "after_hours",
    "batch",
    "always",
]


class RateOut(BaseModel):
    """False pages a week, with the 95 % interval."""

    per_week: float
    low: float
    high: float
    weeks: float = Field(description="how many weeks were observed")

    @classmethod
    def of(cls, rate: Rate | None) -> Self | None:
        """Return the document of a rate."""
        if rate is None:
            return None
        return cls(per_week=rate.per_week, low=rate.low, high=rate.high, weeks=rate.weeks)


class TeamOut(BaseModel):
    """A team's page budget, and how much of it was used."""

    team: str
    items: int
    series: int
    budget_per_week: float = Field(description="false pages that the team accepts")
    spent_this_week: int = Field(description="pages of seven days, except those that a verdict called useful")
    tail_probability: float = Field(description="that a normal tick of one of its series pages")
    lowest_threshold: float = Field(description="of its series; metrics differ")
    highest_threshold: float
    useful: int = Field(description="pages of four weeks, by the verdicts on their incidents")
    false: int
    unknown: int
    by_verdicts: RateOut | None = Field(description="pages called false; null before the first tick")
    by_replay: RateOut | None = Field(
        description="of the bundle on normal periods that it did not learn from; null if there were none"
    )

    @classmethod
    def of(cls, report: TeamReport) -> Self:
        """Return the document of a team's report."""
        return cls(
            team=report.team,
            items=report.n_items,
            series=report.n_series,
            budget_per_week=report.budget_per_week,
            spent_this_week=report.spent,
            tail_probability=report.tail,
            lowest_threshold=report.lowest_threshold,
            highest_threshold=report.highest_threshold,
            useful=report.useful,
            false=report.false,
            unknown=report.unknown,
            by_verdicts=RateOut.of(report.by_verdicts),
            by_replay=RateOut.of(report.by_replay),
        )


class TeamsOut(BaseModel):
    """Every team that owns a series of the bundle in use."""

    teams: list[TeamOut]
    reason: str = Field(description="why there are none; empty if there are")


class PageOut(BaseModel):
    """A page that Sunspot raised."""

    id: int
    incident: int
    at: datetime
    team: str
    item: str = Field(description="empty if scoring stopped")
    kind: str = Field(description="anomaly, silent_source, scoring_stopped or part_failing")
    severity: str = Field(description="warning or critical")
    metric: str
    score: float | None
    threshold: float | None
    tail_probability: float | None
    budget_per_week: float
    spent_this_week: int = Field(description="at that time, itself included")
    outcome: Literal["useful", "false", "unknown"] = Field(description="by the last verdict on its incident")

    @classmethod
    def of(cls, page: StoredPage) -> Self:
        """Return the document of a page."""
        facts = page.facts
        return cls(
            id=page.id,
            incident=page.incident,
            at=page.at,
            team=facts.team,
            item=facts.item,
            kind=facts.kind,
            severity=facts.severity,
            metric=facts.metric,
            score=facts.score,
            threshold=facts.threshold,
            tail_probability=facts.tail,
            budget_per_week=facts.budget_per_week,
            spent_this_week=page.spent,
            outcome=page.outcome.value,
        )


class PagesOut(BaseModel):
    """Pages, newest first."""

    pages: list[PageOut]


class MaintenanceIn(BaseModel):
    """A window in which some items are worked on, and do not page."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": ["funds-db"],
                    "start": "2026-03-06T07:00:00Z",
                    "end": "2026-03-09T01:00:00Z",
                    "phases": ["after_hours", "batch", "night", "non_trading_day"],
                    "note": "new storage, between the close on Friday and Monday's open",
                }
            ]
        }
    )

    items: Annotated[list[Name], Field(max_length=10_000)] = []
    teams: Annotated[list[Name], Field(max_length=1_000)] = []
    start: Instant
    end: Instant
    phases: list[PhaseName] = Field(
        default=[],
        max_length=len(Phase),
        description="only in these phases of the exchange day; empty: in all",
    )
    note: Annotated[str, Field(max_length=10_000)] = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.items and not self.teams:
            raise ValueError("a window of maintenance names an item or a team")
        if self.end <= self.start:
            raise ValueError("a window of maintenance ends after it starts")
        return self

    def to_window(self) -> Maintenance:
        """Return the window that paging uses."""
        phases = frozenset(Phase[each.upper()] for each in self.phases) or EVERY_PHASE
        return Maintenance(
            frozenset(self.items), frozenset(self.teams), to_ms(self.start), to_ms(self.end), phases
        )


class MaintenanceOut(BaseModel):
    """A window of maintenance that was announced."""

    id: int
    items: list[str]
    teams: list[str]
    start: datetime
    end: datetime
    phases: list[PhaseName]
    note: str
    who: str

    @classmethod
    def of(cls, announced: Announced) -> Self:
        """Return the document of an announced window."""
        window = announced.window
        return cls(
            id=announced.id,
            items=sorted(window.items),
            teams=sorted(window.teams),
            start=from_ms(window.start_ms),
            end=from_ms(window.end_ms),
            phases=[phase.name.lower() for phase in sorted(window.phases)],  # type: ignore[misc]
            note=announced.note,
            who=announced.who,
        )


class MaintenancesOut(BaseModel):
    """Windows that are not over, the first to start first."""

    windows: list[MaintenanceOut]
