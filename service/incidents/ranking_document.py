"""A ranking as it is stored, sent and shown: one typed document from the ranker to the page.

Documents of earlier versions are read too: fields that they lack have defaults, and what they called
``picture`` is the page snapshot.
"""

from __future__ import annotations

import re
from datetime import datetime
from importlib.metadata import version
from math import isfinite
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from models.evidence.figures import probability_percent
from models.rankers.ranking import DEFAULT_VERSION
from models.rankers.sunspot import WEAKER
from service.incidents.page_snapshot import snapshot_of

if TYPE_CHECKING:
    from models.cases.case import Case
    from models.rankers.ranking import Ranking

N_STORED = 50
"""Candidates that are stored and sent; the rest of a large neighbourhood is only counted."""


def _finite(value: object) -> object:
    """Return a number, or ``None`` for what JSON has no number for."""
    return None if isinstance(value, float) and not isfinite(value) else value


Number = Annotated[float | None, BeforeValidator(_finite)]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class TemplateDocument(_Document):
    """One template of log lines that came more or less often, or later, than it usually does."""

    kind: Literal["missing", "excess", "new", "rare", "slow"]
    template: str = Field(description="its text, <*> where its lines differ")
    severity: str
    observed: Number = Field(description="what was seen in the incident's window, in the unit")
    expected: Number = Field(description="what is usual for all that the service logged, in the unit")
    unit: Literal["lines", "ms"]
    examples: tuple[str, ...] = Field(description="at most three lines, secrets masked")
    first_seen_ms: int | None = Field(description="start of the first window it is known from")
    trace_ids: tuple[str, ...]


class EvidenceDocument(_Document):
    """One checkable reason for a candidate."""

    kind: str
    weight: Number
    sentence: str
    figures: dict[str, Number]
    templates: tuple[TemplateDocument, ...] = Field(
        (), description="the log templates behind it, strongest first"
    )


class CandidateDocument(_Document):
    """A configuration item that may explain the alert."""

    item: str
    score: Number
    probability: Number
    hops: int | None
    path: tuple[str, ...]
    evidence: tuple[EvidenceDocument, ...]
    explained_by: str = Field(
        "", description="the named cause of which this is a symptom; empty where none explains it"
    )


class RankingDocument(_Document):
    """The causes, most likely first, and everything needed to compute them again."""

    ranker: str
    candidates: tuple[CandidateDocument, ...]
    n_candidates: int
    abstained: str = Field(description="why no candidate is named; empty when one is")
    causes: tuple[str, ...] = Field(
        (), description="the items named, likeliest first; more than one if the first does not explain all"
    )
    found_normal: tuple[str, ...] = Field((), description="what was looked at and found as usual")
    unseen: tuple[str, ...] = Field(description="what could not be looked at, and what had to be relaxed")
    graph_version: str
    bundle_version: str
    ranker_version: str = Field(DEFAULT_VERSION, description="of the numbers that weigh evidence")
    code_version: str
    window_start_ms: int
    window_end_ms: int
    ranked_at: datetime = Field(description="as of when: signals were looked at up to this instant")

    @property
    def first(self) -> CandidateDocument | None:
        """The cause named first; ``None`` if none is named."""
        return None if self.abstained or not self.candidates else self.candidates[0]

    @property
    def answer(self) -> tuple[str, ...]:
        """What the ranking comes to: the causes named, or the kind of reason why none is."""
        if self.first is not None:
            return self.causes or (self.first.item,)
        return ("", re.split(r"[:(]", self.abstained, maxsplit=1)[0].strip())

    def shortened(self, n_candidates: int) -> Self:
        """Return the same with its first candidates only."""
        return self.model_copy(update={"candidates": self.candidates[:n_candidates]})


class SnapshotItem(_Document):
    """An item of the drawn part of the graph."""

    name: str
    kind: str
    team: str


class SnapshotSignal(_Document):
    """One role of an item over the drawn ticks, and its normal median."""

    values: tuple[Number, ...]
    normal: Number


class PageSnapshot(_Document):
    """What the incident page draws, stored with the ranking so that it outlives the window."""

    items: dict[str, SnapshotItem] = {}
    edges: tuple[tuple[str, str], ...] = ()
    times_ms: tuple[int, ...] = ()
    step_ms: int = 60_000
    onset_ms: int = 0
    signals: dict[str, dict[str, SnapshotSignal]] = {}


class StoredRankingDocument(RankingDocument):
    """A ranking with what the page draws of it."""

    page_snapshot: PageSnapshot = Field(
        PageSnapshot(), validation_alias=AliasChoices("page_snapshot", "picture")
    )


def ranking_document(case: Case, ranking: Ranking, at: datetime) -> StoredRankingDocument:
    """Return the document of a case's ranking as of an instant."""
    fields: dict[str, Any] = {
        name: getattr(ranking, name) for name in RankingDocument.model_fields if hasattr(ranking, name)
    }
    fields |= {
        "candidates": ranking.candidates[:N_STORED],
        "n_candidates": len(ranking.candidates),
        "code_version": version("sunspot"),
        "ranked_at": at,
        "page_snapshot": snapshot_of(case, ranking),
    }
    return StoredRankingDocument.model_validate(fields)


MOVED = 0.1
"""A probability that moved by so much is worth a sentence."""


def what_changed(before: RankingDocument | None, now: RankingDocument) -> tuple[str, ...]:
    """Describe how an answer differs from an earlier one; empty for a first answer, or the same."""
    if before is None:
        return ()
    old, new = before.first, now.first
    if new is None:
        if old is None:
            return () if before.answer == now.answer else (f"Still no cause is named: {now.abstained}.",)
        reason = f" ({now.abstained})" if now.abstained else ""
        return (f"{_sure(old)} is no longer named as the cause{reason}.",)
    if old is None:
        return (f"{_sure(new)} is named as the cause; none was named before.",)
    if old.item != new.item:
        return (f"The first cause is {_sure(new)} now; it was {_sure(old)}.", *_new_evidence(old, new))
    moved = (new.probability or 0.0) - (old.probability or 0.0)
    sentences = [f"{new.item} went from {_percent(old)} to {_percent(new)}."] if abs(moved) >= MOVED else []
    beside = [each for each in now.causes[1:] if each not in before.causes]
    sentences += [f"{each} is named too, for what {new.item} does not explain." for each in beside]
    sentences += [
        f"{each} is no longer named beside {new.item}."
        for each in before.causes[1:]
        if each not in now.causes
    ]
    if not sentences and before.answer != now.answer:
        sentences = [f"The causes named beside {new.item} are in another order."]
    return (*sentences, *_new_evidence(old, new))


def _new_evidence(old: CandidateDocument, new: CandidateDocument) -> tuple[str, ...]:
    """Describe the kinds of evidence against the first cause that were not there before."""
    known = {each.kind for each in old.evidence} | {WEAKER} if old.item == new.item else set()
    kinds = [each.kind.replace("_", " ") for each in new.evidence if each.kind not in known]
    return (f"New evidence against {new.item}: {', '.join(kinds)}.",) if kinds and known else ()


def _sure(candidate: CandidateDocument) -> str:
    return f"{candidate.item} ({_percent(candidate)})"


def _percent(candidate: CandidateDocument) -> str:
    return probability_percent(candidate.probability)
