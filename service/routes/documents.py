"""The JSON documents about signals, items, changes and the service, in the words of the glossary."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, Field

from telemetry.instants import from_ms

if TYPE_CHECKING:
    from cmdb.difference import GraphDifference
    from cmdb.importers.tables import ImportReport
    from cmdb.items import ChangeEvent, Item
    from service.health import Health
    from service.receiving import ReceivedBody
    from service.scoring.latest_scores import ItemScores, LogScore
    from service.scoring.tick import ServiceScore
    from service.settings import Settings


class RejectedOut(BaseModel):
    """One rejected part of a body, and why."""

    index: int | None = Field(description="position in the body, from 0")
    reason: str


class SamplesOut(BaseModel):
    """How a batch of samples was processed."""

    accepted: int = Field(description="written to history, on disk")
    rejected: int = Field(description="not accepted")
    rejections: list[RejectedOut] = Field(description="why, for the first hundred")
    duplicate: int = Field(description="of a series and instant that had a sample; the last one wins")
    out_of_order: int = Field(description="older than a sample of the series that came before")
    late: int = Field(description="of ticks that were closed: stored, but no score changes")
    outside_window: int = Field(description="older than the window in memory: in history only")
    over_series_limit: int = Field(description="of series for which memory has no room: in history only")
    refused_series: int = Field(description="those series: over the sender's share, or over all there is")
    unknown_item_samples: int = Field(
        description="accepted, of items that the dependency graph does not hold"
    )
    unknown_items: list[str] = Field(description="those items, the first twenty")

    @classmethod
    def of(cls, body: ReceivedBody, settings: Settings) -> Self:
        """Return the document of a body that was received."""
        decoded, received = body.decoded, body.received
        past, future = settings.accepted_past, settings.accepted_future
        counted = {
            f"samples are older than {past}, or than the epoch": received.n_too_old,
            f"samples are more than {future} in the future": received.n_too_new,
        }
        rejections: list[tuple[int | None, str]] = [
            (None, f"{n_samples} {reason}") for reason, n_samples in counted.items() if n_samples
        ]
        rejections += [(each.index, each.reason) for each in decoded.rejected[:100]]
        return cls(
            accepted=received.n_accepted,
            rejected=decoded.n_rejected + sum(counted.values()),
            rejections=first_hundred(rejections),
            duplicate=received.added.n_duplicate,
            out_of_order=received.added.n_out_of_order,
            late=received.added.n_late,
            outside_window=received.added.n_outside,
            over_series_limit=received.added.n_over_limit,
            refused_series=received.added.n_series_refused,
            unknown_item_samples=body.n_unknown,
            unknown_items=body.unknown_items,
        )


class ChangeOut(BaseModel):
    """A recorded alteration of a configuration item."""

    id: str
    item: str
    at: datetime
    kind: str
    summary: str

    @classmethod
    def of(cls, change: ChangeEvent) -> Self:
        """Return the document of a change event."""
        return cls(id=change.id, item=change.item, at=change.at, kind=change.kind, summary=change.summary)


class ChangesOut(BaseModel):
    """Change events, newest first."""

    changes: list[ChangeOut]


class ChangesAcceptedOut(BaseModel):
    """How change events were processed."""

    accepted: int
    known: int = Field(description="events whose id was known already: not changed")
    unknown_items: list[str] = Field(
        description="of accepted events, those that the dependency graph does not hold"
    )
    rejected: int = Field(description="events that are not stored")
    rejections: list[RejectedOut] = Field(description="why, for the first hundred")


class ItemOut(BaseModel):
    """A configuration item."""

    id: str
    kind: str
    name: str
    team: str
    attributes: dict[str, str]

    @classmethod
    def of(cls, item: Item) -> Self:
        """Return the document of an item."""
        return cls(
            id=item.id, kind=item.kind, name=item.name, team=item.team, attributes=dict(item.attributes)
        )


class ReachedOut(BaseModel):
    """Items that a walk reaches."""

    item: str
    items: list[str]
    graph_version: str


class RejectedRowOut(BaseModel):
    """A row of a CMDB document that was left out, and why."""

    table: Literal["items", "edges"]
    row: int = Field(description="from 1")
    reason: str


class GraphDifferenceOut(BaseModel):
    """What an import changes in the graph."""

    items_added: int
    items_retired: int
    items_changed: int
    edges_added: int
    edges_retired: int
    added: list[str] = Field(description="ids of items, the first twenty")
    retired: list[str] = Field(description="ids of items, the first twenty")
    changed: list[str] = Field(description="ids of items, the first twenty")

    @classmethod
    def of(cls, found: GraphDifference) -> Self:
        """Return the document of a difference."""
        return cls(
            items_added=len(found.added),
            items_retired=len(found.retired),
            items_changed=len(found.changed),
            edges_added=len(found.edges_added),
            edges_retired=len(found.edges_retired),
            added=list(found.added[:20]),
            retired=list(found.retired[:20]),
            changed=list(found.changed[:20]),
        )


class ImportOut(BaseModel):
    """How a CMDB document was imported."""

    graph_version: str
    items: int
    edges: int
    rejected: int
    rejections: list[RejectedRowOut] = Field(description="why, for the first hundred")
    notes: list[str] = Field(description="what the source holds and a graph does not, and what was assumed")
    difference: GraphDifferenceOut = Field(description="against the graph that was in use")

    @classmethod
    def of(cls, report: ImportReport, found: GraphDifference) -> Self:
        """Return the document of an import."""
        return cls(
            graph_version=report.graph.version,
            items=report.n_items,
            edges=report.n_edges,
            rejected=len(report.rejected),
            rejections=[
                RejectedRowOut.model_validate({"table": each.table, "row": each.row, "reason": each.reason})
                for each in report.rejected[:100]
            ],
            notes=list(report.notes),
            difference=GraphDifferenceOut.of(found),
        )


class CmdbOut(BaseModel):
    """The dependency graph in use."""

    graph_version: str
    items: int
    edges: int
    imported_at: datetime | None


class SeriesScoreOut(BaseModel):
    """The latest score of one series."""

    metric: str
    status: Literal["scored", "warming_up", "missing", "stale"]
    score: float | None = Field(description="distance from normal; null unless scored")
    is_anomalous: bool = Field(description="whether the score is over the bundle's threshold")
    severity: float = Field(
        description="how bad it has been: a logarithm of the score, held at its largest, that halves in half "
        "an hour; 0 if nothing was scored lately"
    )
    novelty: float | None = Field(
        description="distance from every value ever seen, over what it usually was in earlier new values; 0 "
        "if one of the last hundred values was as new, null in the first day's worth and for a missing one"
    )
    expected: float | None = Field(
        description="what its season holds at this time of the exchange day; null before its first value"
    )


class LogScoreOut(BaseModel):
    """How unusual an item's log lines were in the minute that closed last."""

    minute_at: datetime
    bundle_version: str = Field(description="of the log bundle")
    score: float = Field(description="second largest -ln p of the last three minutes")
    threshold: float
    is_anomalous: bool = Field(description="whether the score is over the threshold")

    @classmethod
    def of(cls, score: LogScore) -> Self:
        """Return the document of a score."""
        return cls(
            minute_at=score.minute_at,
            bundle_version=score.bundle_version,
            score=score.score,
            threshold=score.threshold,
            is_anomalous=score.is_anomalous,
        )


class ServiceScoreOut(BaseModel):
    """How unusual a service is overall, by the detector of feature rows that training chose."""

    detector: str = Field(description="top_scores is the mean of the three largest scores of its metrics")
    score: float
    threshold: float = Field(description="what a normal service passes as often as the page budget allows")
    is_anomalous: bool = Field(description="whether the score is over the threshold; it does not page")

    @classmethod
    def of(cls, score: ServiceScore) -> Self:
        """Return the document of a score."""
        return cls(
            detector=score.detector,
            score=score.score,
            threshold=score.threshold,
            is_anomalous=score.is_anomalous,
        )


class ScoresOut(BaseModel):
    """The latest scores of an item's series."""

    item: str
    status: Literal["current", "late", "silent", "unknown"] = Field(
        description="late: its samples come after their tick was closed, so that no score uses them, but "
        "rankings and charts do; silent: it has sent nothing for more than ten ticks; unknown: no sample of "
        "it is in memory"
    )
    tick_at: datetime | None = Field(description="start of the tick; null before the first")
    bundle_version: str
    threshold: float | None
    series: list[SeriesScoreOut]
    service: ServiceScoreOut | None = Field(
        description="null unless one of its series is over half of the threshold, or if nothing was chosen"
    )
    logs: LogScoreOut | None = Field(description="null if its lines were not scored")

    @classmethod
    def of(cls, scores: ItemScores) -> Self:
        """Return the document of an item's scores."""
        return cls(
            item=scores.item,
            status=scores.status.status,
            tick_at=scores.tick_at,
            bundle_version=scores.bundle_version,
            threshold=scores.threshold,
            series=[
                SeriesScoreOut.model_validate(
                    {
                        "metric": each.metric,
                        "status": each.status,
                        "score": each.score,
                        "is_anomalous": scores.is_anomalous(each),
                        "severity": each.severity,
                        "novelty": each.novelty,
                        "expected": each.expected,
                    }
                )
                for each in scores.series
            ],
            service=None if scores.service is None else ServiceScoreOut.of(scores.service),
            logs=None if scores.logs is None else LogScoreOut.of(scores.logs),
        )


class HealthOut(BaseModel):
    """The process is alive."""

    status: Literal["ok"] = "ok"


class PartOut(BaseModel):
    """The health of one part that works in the background."""

    name: str
    last_success_at: datetime | None
    failing_since: datetime | None = Field(description="null while it works")
    last_error: str = Field(description="of its last failure; empty if it never failed")
    failures: int = Field(description="rounds that failed since the service started")
    position: datetime | None = Field(description="start of the last tick processed; null for other work")
    skipped_ticks: int

    @classmethod
    def of(cls, health: Health) -> Self:
        """Return a part's health."""
        position_ms = health.position_ms
        return cls(
            name=health.name,
            last_success_at=health.last_success_at,
            failing_since=health.failing_since,
            last_error=health.last_error,
            failures=health.n_failures,
            position=None if position_ms is None else from_ms(position_ms),
            skipped_ticks=health.n_skipped,
        )


class ReadyOut(BaseModel):
    """Whether alerts can be explained and everything received can be stored: all that a stranger learns."""

    ready: bool


class ReadinessOut(ReadyOut):
    """Whether Sunspot is ready, and if not, or not fully, why."""

    reasons: list[str]
    present: datetime
    graph_version: str
    bundle_version: str
    log_bundle_version: str = Field(description="the log bundle in use; empty if there is none")
    parts: list[PartOut] = Field(description="every part that works in the background")


def first_hundred(rejections: list[tuple[int | None, str]]) -> list[RejectedOut]:
    """Return the documents of the first hundred rejections."""
    return [RejectedOut(index=index, reason=reason) for index, reason in rejections[:100]]
