"""What the incident page shows, gathered from what is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from service.incidents.ranking_document import PageSnapshot, SnapshotItem
from service.pages.graph_slice import GraphSlice, graph_slice
from service.pages.sparklines import Sparkline, sparkline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmdb.items import ChangeEvent
    from service.incidents.ranking_document import CandidateDocument, StoredRankingDocument, TemplateDocument
    from service.incidents.records import Incident, StoredAlert, StoredRanking
    from service.store.audit import Entry

N_SHOWN = 5
N_ALWAYS_SHOWN = 3
LEAST_SHOWN = 0.005


@dataclass(frozen=True, slots=True)
class Cause:
    """A candidate as the page shows it."""

    item: str
    name: str
    kind: str
    team: str
    probability: float
    path: tuple[str, ...]
    explained_by: str
    sentences: tuple[str, ...]
    templates: tuple[TemplateDocument, ...]
    sparklines: tuple[Sparkline, ...]


@dataclass(frozen=True)
class IncidentView:
    """Everything on the page of one incident.

    Attributes
    ----------
    causes
        The first candidates, most likely first; listed even when none is named.
    slice, tall_slice
        The paths from the alert to the candidates, for a wide screen and for a narrow one; ``None`` if
        there is none to draw.
    silence
        Why no cause is named; empty when one is.
    further
        Names of the causes named beside the first, for what it does not explain.
    """

    incident: Incident
    alerts: Sequence[StoredAlert]
    verdicts: Sequence[Entry]
    changes: Sequence[ChangeEvent]
    causes: tuple[Cause, ...]
    silence: str
    further: tuple[str, ...]
    found_normal: tuple[str, ...]
    unseen: tuple[str, ...]
    alerting: tuple[Sparkline, ...]
    slice: GraphSlice | None
    tall_slice: GraphSlice | None
    stored: StoredRanking | None
    rankings: Sequence[StoredRanking]
    ranked_item: str

    @property
    def earlier(self) -> list[StoredRanking]:
        """The answers before the present one, newest first; of equal ones in a row, one."""
        found: list[StoredRanking] = []
        latest = None if self.stored is None else self.stored.document.answer
        for each in self.rankings:
            if (self.stored is None or each.id != self.stored.id) and each.document.answer != latest:
                found.append(each)
                latest = each.document.answer
        return found

    @property
    def ranking(self) -> StoredRankingDocument | None:
        """The incident's current ranking; ``None`` if there is none."""
        return None if self.stored is None else self.stored.document

    @property
    def named(self) -> Cause | None:
        """The cause that is named, if one is."""
        return self.causes[0] if self.causes and not self.silence else None

    @property
    def suspects(self) -> list[ChangeEvent]:
        """Changes that were made to the named cause before the incident began."""
        if self.named is None:
            return []
        return [
            each
            for each in self.changes
            if each.item == self.named.item and each.at <= self.incident.opened_at
        ]

    @property
    def choices(self) -> tuple[Cause, ...]:
        """The causes offered for a verdict."""
        return self.causes


def view_incident(
    incident: Incident,
    alerts: Sequence[StoredAlert],
    verdicts: Sequence[Entry],
    changes: Sequence[ChangeEvent],
    rankings: Sequence[StoredRanking],
    *,
    stored: StoredRanking | None,
    ranked: StoredAlert | None,
) -> IncidentView:
    """Gather the page of an incident.

    Parameters
    ----------
    rankings
        Every answer of the incident, newest first.
    stored
        The incident's current ranking; ``None`` if there is none.
    ranked
        The alert that it is about.
    """
    document = None if stored is None else stored.document
    snapshot = PageSnapshot() if document is None else document.page_snapshot
    candidates = () if document is None else document.candidates
    silence = (incident.lead.unenriched or "it was not ranked") if document is None else document.abstained
    shown = [
        each
        for position, each in enumerate(candidates[:N_SHOWN])
        if position == 0
        or (position < N_ALWAYS_SHOWN and (each.score or 0.0) > 0)
        or (each.probability or 0.0) >= LEAST_SHOWN
    ]
    item, cause = (ranked or incident.lead).alert.item, shown[0].item if shown and not silence else ""
    return IncidentView(
        incident=incident,
        alerts=alerts,
        verdicts=verdicts,
        changes=changes,
        causes=tuple(_cause(each, snapshot) for each in shown),
        silence=silence,
        further=() if document is None else tuple(_name(each, snapshot) for each in document.causes[1:]),
        found_normal=() if document is None else document.found_normal,
        unseen=() if document is None else document.unseen,
        alerting=_sparklines(snapshot, item),
        slice=_slice(snapshot, item, shown, cause=cause, is_tall=False),
        tall_slice=_slice(snapshot, item, shown, cause=cause, is_tall=True),
        stored=stored,
        rankings=rankings,
        ranked_item=item,
    )


def _name(item: str, snapshot: PageSnapshot) -> str:
    known = snapshot.items.get(item)
    return item if known is None else known.name


def _slice(
    snapshot: PageSnapshot,
    alerting: str,
    candidates: Sequence[CandidateDocument],
    *,
    cause: str,
    is_tall: bool,
) -> GraphSlice | None:
    if len(snapshot.items) < 2:  # noqa: PLR2004  one box is no path
        return None
    return graph_slice(snapshot, alerting, candidates, cause=cause, is_tall=is_tall)


def _cause(candidate: CandidateDocument, snapshot: PageSnapshot) -> Cause:
    item = candidate.item
    about = snapshot.items.get(item) or SnapshotItem(name=item, kind="", team="")
    return Cause(
        item=item,
        name=about.name,
        kind=about.kind,
        team=about.team,
        probability=candidate.probability or 0.0,
        path=tuple(_name(each, snapshot) for each in candidate.path),
        explained_by=_name(candidate.explained_by, snapshot),
        sentences=tuple(each.sentence for each in candidate.evidence),
        templates=tuple(template for each in candidate.evidence for template in each.templates),
        sparklines=_sparklines(snapshot, item),
    )


def _sparklines(snapshot: PageSnapshot, item: str) -> tuple[Sparkline, ...]:
    return tuple(
        sparkline(
            role,
            signal.values,
            signal.normal,
            snapshot.times_ms,
            onset_ms=snapshot.onset_ms,
            step=timedelta(milliseconds=snapshot.step_ms),
        )
        for role, signal in snapshot.signals.get(item, {}).items()
    )
