"""What the incident page shows, gathered from what is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from service.pages.graph_slice import GraphSlice, graph_slice
from service.pages.sparklines import Sparkline, sparkline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from cmdb.items import ChangeEvent
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
    templates: tuple[Mapping[str, Any], ...]
    sparklines: tuple[Sparkline, ...]


@dataclass(frozen=True)
class IncidentView:
    """Everything on the page of one incident.

    Attributes
    ----------
    causes
        The first candidates, most likely first; listed even when none is named.
    slice, tall_slice
        The way from the alert to the candidates, for a wide screen and for a narrow one; ``None`` if
        there is no way to draw.
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
    ranking: Mapping[str, Any] | None
    ranked_item: str
    ranked_at: datetime | None

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
    kept: StoredRanking | None,
) -> IncidentView:
    """Gather the page of an incident."""
    document = None if kept is None else kept.document
    snapshot = {} if document is None else document.get("page_snapshot", document.get("picture", {}))
    candidates = [] if document is None else document["candidates"]
    ranked = next((each for each in alerts if kept and each.id == kept.alert), incident.lead)
    silence = (incident.lead.unenriched or "it was not ranked") if document is None else document["abstained"]
    shown = [
        each
        for position, each in enumerate(candidates[:N_SHOWN])
        if position == 0
        or (position < N_ALWAYS_SHOWN and (each["score"] or 0.0) > 0)
        or (each["probability"] or 0.0) >= LEAST_SHOWN
    ]
    item, cause = ranked.alert.item, "" if silence else _first(shown)
    return IncidentView(
        incident=incident,
        alerts=alerts,
        verdicts=verdicts,
        changes=changes,
        causes=tuple(_cause(each, snapshot) for each in shown),
        silence=silence,
        further=tuple(_name(each, snapshot) for each in _told(document, "causes")[1:]),
        found_normal=_told(document, "found_normal"),
        unseen=_told(document, "unseen"),
        alerting=_sparklines(snapshot, item),
        slice=_slice(snapshot, item, shown, cause=cause, is_tall=False),
        tall_slice=_slice(snapshot, item, shown, cause=cause, is_tall=True),
        ranking=document,
        ranked_item=item,
        ranked_at=None if kept is None else kept.made_at,
    )


def _told(document: Mapping[str, Any] | None, name: str) -> tuple[str, ...]:
    """A list of the document, as it is kept: one from before the list was told has none."""
    return () if document is None else tuple(document.get(name, ()))


def _name(item: str, snapshot: Mapping[str, Any]) -> str:
    known = snapshot["items"].get(item)
    return item if known is None else str(known["name"])


def _first(candidates: Sequence[Mapping[str, Any]]) -> str:
    return str(candidates[0]["item"]) if candidates else ""


def _slice(
    snapshot: Mapping[str, Any],
    alerting: str,
    candidates: Sequence[Mapping[str, Any]],
    *,
    cause: str,
    is_tall: bool,
) -> GraphSlice | None:
    if len(snapshot.get("items", ())) < 2:  # noqa: PLR2004  one box is no way
        return None
    return graph_slice(snapshot, alerting, candidates, cause=cause, is_tall=is_tall)


def _cause(candidate: Mapping[str, Any], snapshot: Mapping[str, Any]) -> Cause:
    item = candidate["item"]
    items = snapshot["items"]
    about = items.get(item, {"name": item, "kind": "", "team": ""})
    return Cause(
        item=item,
        name=about["name"],
        kind=about["kind"],
        team=about["team"],
        probability=candidate["probability"] or 0.0,
        path=tuple(_name(each, snapshot) for each in candidate["path"]),
        explained_by=_name(candidate.get("explained_by", ""), snapshot),
        sentences=tuple(each["sentence"] for each in candidate["evidence"]),
        templates=tuple(told for each in candidate["evidence"] for told in each.get("templates", ())),
        sparklines=_sparklines(snapshot, item),
    )


def _sparklines(snapshot: Mapping[str, Any], item: str) -> tuple[Sparkline, ...]:
    signals = snapshot.get("signals", {}).get(item, {})
    return tuple(
        sparkline(
            role,
            signal,
            snapshot["times_ms"],
            onset_ms=snapshot["onset_ms"],
            step=timedelta(milliseconds=snapshot["step_ms"]),
        )
        for role, signal in signals.items()
    )
