"""What is known of an incident: its alerts, its ranking, and what people said of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from models.cases.case import Alert

FIRING = "firing"
RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Notification:
    """One alert as a webhook told it.

    Attributes
    ----------
    ends_at
        When it was resolved; ``None`` while it fires.
    notes
        What of it could not be read, in sentences.
    has_start
        Whether its start is the sender's; otherwise it is when the alert was received.
    """

    alert: Alert
    status: str
    ends_at: datetime | None = None
    notes: tuple[str, ...] = ()
    has_start: bool = True


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """An alert as it is kept.

    Attributes
    ----------
    unenriched
        Why no causes could be given with it; empty if they could.
    """

    id: int
    incident: int
    alert: Alert
    status: str
    ends_at: datetime | None
    first_received_at: datetime
    received_at: datetime
    n_received: int
    unenriched: str

    @property
    def title(self) -> str:
        """What is wrong, in the words of the alert."""
        on = f" on {self.alert.item}" if self.alert.item else ""
        return self.alert.annotations.get("summary", "").strip() or f"{self.alert.name}{on}"


@dataclass(frozen=True, slots=True)
class StoredRanking:
    """A ranking as it is kept: a document, so that an old one can be read by newer code."""

    alert: int
    made_at: datetime
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AffectedPeriod:
    """A stretch of time in which an item is or was part of an incident; no end while it is open."""

    item: str
    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Incident:
    """Alerts handled together because they are judged to share a cause.

    Attributes
    ----------
    lead
        The alert that sees furthest: its ranking speaks for the incident.
    closed_at
        When the last of its alerts was resolved; ``None`` while one fires.
    cause, probability
        The first candidate of the ranking, empty if none is named.
    """

    id: int
    lead: StoredAlert
    opened_at: datetime
    closed_at: datetime | None
    n_alerts: int
    cause: str = ""
    probability: float = 0.0

    @property
    def title(self) -> str:
        """What is wrong, in the words of the leading alert."""
        return self.lead.title
