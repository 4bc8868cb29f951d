"""Old incidents, answers, graph versions and messages removed from the store."""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from service.settings import Settings
    from service.store.retention import Removed, RetentionStore

logger = logging.getLogger(__name__)

MAX_ALERTS, MAX_RANKINGS, MAX_GRAPHS, MAX_MESSAGES = 20_000, 20_000, 20, 20_000
"""Removed at most in one round: a mistake is noticed before everything is gone."""

MESSAGES_KEPT = timedelta(days=30)
"""So long a message that was sent or given up stays; what it said is in the incident."""


def retain_incidents(store: RetentionStore, settings: Settings, *, now: datetime) -> Removed | None:
    """Remove what is older than the settings allow; ``None`` while there is no alert to judge age by.

    The present is no later than the start of the newest alert: a machine whose clock is ahead removes
    nothing that is recent.
    """
    newest = store.newest_alert()
    if newest is None:
        return None
    present = min(now, newest)
    removed = store.remove_incidents(present - settings.incident_retention, limit=MAX_ALERTS)
    removed.n_rankings = store.remove_rankings(present - settings.ranking_retention, limit=MAX_RANKINGS)
    removed.n_graphs = store.remove_graphs(present - settings.graph_retention, limit=MAX_GRAPHS)
    removed.n_messages = store.remove_messages(present - MESSAGES_KEPT, limit=MAX_MESSAGES)
    if any(asdict(removed).values()):
        logger.info("old incidents removed", extra=asdict(removed))
    return removed
