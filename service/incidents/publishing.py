"""Rankings published: stored with their time and reason, and announced where the answer is new."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from service.incidents.ranking_document import what_changed
from service.incidents.records import NewRanking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from models.cases.case import Case
    from service.clock import WallClock
    from service.incidents.enrichment import Enrichment
    from service.incidents.ranking_document import RankingDocument, StoredRankingDocument
    from service.incidents.records import Incident, StoredAlert
    from service.store.incidents import IncidentStore

MAX_ANNOUNCED = 10
"""Answers of one incident that are announced; its page shows all of them."""

N_ANNOUNCED_CAUSES = 3


class Made(NamedTuple):
    """What was found out about an alert, and the reason why it was ranked."""

    alert: StoredAlert
    enrichment: Enrichment
    reason: str


class RankingPublisher:
    """Stores rankings, and announces an incident's first answer and each that differs from the last.

    Parameters
    ----------
    address
        How people reach the incident pages.
    announces
        Whether there is somewhere to announce to.
    on_ranked
        Receives each case that was ranked, with the ranking's document.
    """

    def __init__(
        self,
        incidents: IncidentStore,
        clock: WallClock,
        *,
        address: str,
        announces: bool,
        on_ranked: Callable[[Case, StoredRankingDocument], None] = lambda _case, _document: None,
    ) -> None:
        self._incidents = incidents
        self._clock = clock
        self._address = address
        self._announces = announces
        self._on_ranked = on_ranked
        self._publishing = Lock()  # two rankings of one incident are compared one after the other

    def publish(self, made: Iterable[Made], *, announce: bool = True) -> None:
        """Store the findings and their announcements; all of them are on disk when this returns."""
        made = list(made)
        if not made:
            return
        with self._publishing:
            new: list[NewRanking] = []
            messages: list[dict[str, object]] = []
            ranked = [each.alert for each in made if each.enrichment.is_new]
            for each in made:
                document = each.enrichment.document
                if document is not None and each.enrichment.is_new:
                    announces = announce and self._announces
                    ranking, message = self._compared(each, document, ranked, announce=announces)
                    new.append(ranking)
                    messages += message
            unenriched = {each.alert.id: each.enrichment.unenriched for each in made}
            self._incidents.add_rankings(new, unenriched=unenriched, messages=messages, at=self._clock.now())
        for each in made:
            if each.enrichment.case is not None and each.enrichment.document is not None:
                self._on_ranked(each.enrichment.case, each.enrichment.document)

    def _compared(
        self,
        made: Made,
        document: StoredRankingDocument,
        ranked: Sequence[StoredAlert],
        *,
        announce: bool,
    ) -> tuple[NewRanking, list[dict[str, object]]]:
        """Compare a ranking with the one before; return it, and the message that announces it, if any.

        Parameters
        ----------
        ranked
            The alerts that are ranked together with this one, itself included.
        """
        alert = made.alert
        before = self._incidents.ranking_of_alert(alert.id)
        confirms = before.id if before is not None and before.document.answer == document.answer else None
        incident = self._incidents.get(alert.incident)
        speaks = self._speaks(alert, incident, ranked)
        current = self._incidents.ranking_of(incident) if speaks else before
        changed = what_changed(None if current is None else current.document, document)
        ranking = NewRanking(alert.id, alert.incident, made.reason, document, changed, confirms, speaks)
        is_news = confirms is None and (current is None or current.document.answer != document.answer)
        if (
            not (announce and speaks and is_news)
            or self._incidents.count_announced(incident.id) >= MAX_ANNOUNCED
        ):
            return ranking, []
        return ranking, [self._message(incident, document, made.reason, changed)]

    def _speaks(self, alert: StoredAlert, incident: Incident, ranked: Sequence[StoredAlert]) -> bool:
        """Whether the page will show an alert's ranking: its leader's, or else the newest there is."""
        lead = incident.lead.id
        if alert.id == lead:
            return True
        members = [each.id for each in ranked if each.incident == incident.id]
        is_newest = alert.id == members[-1] and lead not in members
        return is_newest and self._incidents.ranking_of_alert(lead) is None

    def _message(
        self, incident: Incident, document: RankingDocument, reason: str, changed: tuple[str, ...]
    ) -> dict[str, object]:
        """Return the message that announces an incident's first or changed answer."""
        titled_by = incident.titled_by
        return {
            "kind": "ranking",
            "incident": incident.id,
            "incident_url": f"{self._address}/incidents/{incident.id}",
            "title": incident.title,
            "item": incident.lead.alert.item,
            "severity": titled_by.alert.severity,
            "labels": dict(titled_by.alert.labels),
            "runbook_url": titled_by.runbook_url,
            "starts_at": incident.opened_at.isoformat(),
            "as_of": document.ranked_at.isoformat(),
            "reason": reason,
            "changed": list(changed),
            "abstained": document.abstained,
            "likely_causes": likely_causes(document),
        }


def likely_causes(document: RankingDocument | None) -> list[dict[str, object]]:
    """Return the first candidates as messages have them."""
    candidates = () if document is None else document.candidates[:N_ANNOUNCED_CAUSES]
    return [{"item": each.item, "probability": each.probability} for each in candidates]
