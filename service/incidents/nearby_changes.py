"""The changes that may have to do with an incident."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cmdb.items import ChangeEvent
    from service.incidents.records import Incident, StoredRanking
    from service.store.changes import ChangeStore

CHANGES_BEFORE, CHANGES_AFTER = timedelta(hours=24), timedelta(hours=1)
"""Changes so long before and after an incident's beginning are shown with it."""


def changes_near(
    changes: ChangeStore, incident: Incident, ranking: StoredRanking | None
) -> list[ChangeEvent]:
    """Return the changes around an incident's beginning to its alerting item and its candidates."""
    named = set() if ranking is None else {each.item for each in ranking.document.candidates}
    named.add(incident.lead.alert.item)
    start, end = incident.opened_at - CHANGES_BEFORE, incident.opened_at + CHANGES_AFTER
    return changes.between(start, end, items=named)
