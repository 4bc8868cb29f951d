"""The records of the incidents room: alerts, incidents, and the rankings made for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

from telemetry.instants import to_ms

if TYPE_CHECKING:
    from datetime import datetime

    from models.cases.case import Alert
    from service.incidents.ranking_document import StoredRankingDocument

FIRING = "firing"
RESOLVED = "resolved"

OWN_SOURCE = "sunspot"
"""The label ``source`` of alerts that Sunspot raises itself."""

MAX_TITLE_LENGTH = 300
"""Characters of a title; the alert itself shows all of its summary."""


class Place(NamedTuple):
    """A place in a list that is ordered by time: where its next part starts.

    >>> str(Place(1700, 3)), Place.of("1700-3")
    ('1700-3', Place(time_ms=1700, number=3))
    """

    time_ms: int
    number: int

    def __str__(self) -> str:
        return f"{self.time_ms}-{self.number}"

    @classmethod
    def of(cls, text: str) -> Self:
        """Return the place that a text of digits, a hyphen and digits names."""
        time_ms, number = text.split("-")
        return cls(int(time_ms), int(number))


@dataclass(frozen=True, slots=True)
class Notification:
    """One alert as a webhook reported it.

    Attributes
    ----------
    ends_at
        When it was resolved; ``None`` while it fires.
    notes
        Which parts of it could not be read, in sentences.
    has_start
        Whether the sender gave its start; otherwise that is when the alert was received.
    """

    alert: Alert
    status: str
    ends_at: datetime | None = None
    notes: tuple[str, ...] = ()
    has_start: bool = True


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """An alert as it is stored.

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
    def place(self) -> Place:
        """Where it stands among the alerts of its incident."""
        return Place(to_ms(self.alert.starts_at), self.id)

    @property
    def title(self) -> str:
        """What is wrong, in the words of the alert."""
        on = f" on {self.alert.item}" if self.alert.item else ""
        title = self.alert.annotations.get("summary", "").strip() or f"{self.alert.name}{on}"
        return title if len(title) <= MAX_TITLE_LENGTH else f"{title[:MAX_TITLE_LENGTH]}…"

    @property
    def runbook_url(self) -> str:
        """Address of the runbook that the alert names; empty without one."""
        named = (self.alert.annotations.get(name, "").strip() for name in ("runbook_url", "runbook"))
        return next((each for each in named if each.startswith(("http://", "https://"))), "")

    @property
    def is_own(self) -> bool:
        """Whether Sunspot raised it itself."""
        return self.alert.labels.get("source") == OWN_SOURCE


@dataclass(frozen=True, slots=True)
class Member:
    """An alert as far as grouping looks at it.

    Attributes
    ----------
    item
        What the alert is about; empty if none of its labels names it.
    """

    item: str
    starts_at: datetime
    incident: int
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class NewRanking:
    """A ranking to be stored.

    Attributes
    ----------
    confirms
        Number of the stored ranking of the same alert with the same answer; ``None`` for a new answer.
    speaks
        Whether the incident's page shows it: its alert leads the incident at that time.
    """

    alert: int
    incident: int
    reason: str
    document: StoredRankingDocument
    changed: tuple[str, ...] = ()
    confirms: int | None = None
    speaks: bool = True


@dataclass(frozen=True, slots=True)
class StoredRanking:
    """A ranking as it is stored.

    Attributes
    ----------
    made_at
        When this answer was given first.
    as_of
        When it was confirmed last, with the figures of the document.
    reason
        Why it was made, such as ``the alert arrived``.
    changed
        How it differs from the answer before, in sentences.
    """

    id: int
    alert: int
    made_at: datetime
    as_of: datetime
    reason: str
    changed: tuple[str, ...]
    document: StoredRankingDocument


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
        The alert that sees furthest: its ranking is the incident's.
    titled_by
        The alert whose words title the incident: a person's where there is one, Sunspot's own otherwise.
    closed_at
        When the last of its alerts was resolved; ``None`` while one fires.
    heard_at
        When one of its alerts was received last: long ago, where a resolution never came.
    cause, probability
        The first candidate of the ranking, empty if none is named.
    """

    id: int
    lead: StoredAlert
    titled_by: StoredAlert
    opened_at: datetime
    closed_at: datetime | None
    n_alerts: int
    heard_at: datetime
    cause: str = ""
    probability: float = 0.0

    @property
    def place(self) -> Place:
        """Where it stands in the list of incidents."""
        return Place(to_ms(self.opened_at), self.id)

    @property
    def title(self) -> str:
        """What is wrong, in the words of a person's alert where there is one."""
        return self.titled_by.title
