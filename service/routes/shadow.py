"""The challenger that scores in shadow."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal, Self

from fastapi import APIRouter
from pydantic import BaseModel, Field

from service.dependencies import Models, Sees, ShadowRunner
from service.http.problems import READ_ERRORS, problems
from telemetry.instants import from_ms

if TYPE_CHECKING:
    from service.access.visibility import View
    from service.shadow.record import LonePage, ShadowRecord

router = APIRouter(prefix="/v1", tags=["paging"])


class LonePageOut(BaseModel):
    """A page that only one of the two sends."""

    by: Literal["champion", "challenger"]
    item: str
    metric: str
    at: datetime
    champion_score: float | None = Field(description="null where it has none")
    champion_threshold: float | None = Field(description="null where it does not page for the series")
    challenger_score: float | None
    challenger_threshold: float | None

    @classmethod
    def of(cls, page: LonePage) -> Self:
        """Return the document of a page."""
        return cls(
            by="champion" if page.by == "champion" else "challenger",
            item=page.item,
            metric=page.metric,
            at=from_ms(page.at_ms),
            champion_score=page.champion_score,
            champion_threshold=page.champion_threshold,
            challenger_score=page.challenger_score,
            challenger_threshold=page.challenger_threshold,
        )


class ComparedOut(BaseModel):
    """Champion and challenger over the same ticks, each with its thresholds and its governor."""

    champion_version: str
    challenger_version: str
    since: datetime = Field(
        description="start of the first tick compared; a new bundle starts a new comparison"
    )
    until: datetime
    ticks: int
    ticks_apart: int = Field(description="at which different items were over their thresholds")
    pages_both: int = Field(description="for the same anomaly group")
    pages_champion_alone: int
    pages_challenger_alone: int
    latest: list[LonePageOut] = Field(
        description="the ten latest pages that only one of them sent, newest first"
    )

    @classmethod
    def of(cls, record: ShadowRecord, view: View) -> Self:
        """Return the document of a record, with the latest pages that a view shows."""
        return cls(
            champion_version=record.champion,
            challenger_version=record.challenger,
            since=from_ms(record.since_ms),
            until=from_ms(record.until_ms),
            ticks=record.n_ticks,
            ticks_apart=record.n_apart,
            pages_both=record.n_both,
            pages_champion_alone=record.n_champion,
            pages_challenger_alone=record.n_challenger,
            latest=[LonePageOut.of(each) for each in record.latest if view.sees(each.item)],
        )


class ShadowOut(BaseModel):
    """The challenger beside the champion."""

    compared: ComparedOut | None = Field(description="null while there is no comparison")
    reason: str = Field(description="why there is no comparison; empty if there is one")
    problem: str = Field(description="why the registry's challenger could not be fetched; empty if it could")


@router.get("/shadow", responses=problems(*READ_ERRORS))
def read_shadow(shadow: ShadowRunner, models: Models, sees: Sees) -> ShadowOut:
    """Compare the challenger, which scores in shadow and pages nobody, with the champion."""
    record = shadow.record
    return ShadowOut(
        compared=None if record is None else ComparedOut.of(record, sees),
        reason=shadow.reason,
        problem=models.challenger.problem,
    )
