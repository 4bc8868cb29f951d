"""Verdicts of people on incidents, stored permanently in the audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.errors import BadVerdictError
from service.store.audit import VERDICT

if TYPE_CHECKING:
    from collections.abc import Container, Sequence
    from datetime import datetime

    from service.store.audit import Audit, Entry

MAX_CAUSES = 50
MAX_NAME_LENGTH = 500


def give_verdict(
    audit: Audit,
    incident: int,
    causes: Sequence[str],
    *,
    note: str,
    who: str,
    at: datetime,
    items: Container[str],
) -> Entry:
    """Record the true causes of an incident; none means a false alarm. It is on disk when this returns.

    A cause that is not in the dependency graph is recorded and reported: the graph may lack it.

    Raises
    ------
    BadVerdictError
        If there are too many causes, or the name of one is empty or too long.
    """
    if len(causes) > MAX_CAUSES:
        raise BadVerdictError(f"at most {MAX_CAUSES} causes, got {len(causes)}")
    for cause in causes:
        if not cause.strip() or len(cause) > MAX_NAME_LENGTH:
            raise BadVerdictError(f"a cause is an item's id of 1 to {MAX_NAME_LENGTH} characters")
    document = {
        "causes": list(dict.fromkeys(causes)),
        "note": note,
        "unknown_items": [each for each in dict.fromkeys(causes) if each not in items],
    }
    return audit.add(at=at, who=who, action=VERDICT, subject=str(incident), document=document)


def verdicts_of(audit: Audit, incident: int) -> list[Entry]:
    """Return the verdicts on an incident, oldest first; the last one counts."""
    return audit.of(VERDICT, str(incident))
