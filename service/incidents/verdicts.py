"""What people say about an incident, kept in the audit for good."""

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
    """Record the true causes of an incident, or with no causes that it was none; on disk on return.

    A cause that the dependency graph does not hold is recorded and reported: it may be what the
    graph lacks.

    Raises
    ------
    BadVerdictError
        If there are too many causes, or one has no name or an endless one.
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
    """Return what was said of an incident, oldest first; the last one counts."""
    return audit.of(VERDICT, str(incident))
