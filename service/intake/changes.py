"""Change events as pipelines send them: Sunspot's own form, and GitHub's deployments.

Only what reached production is a change there: one that failed, is pending or went elsewhere is told, and not
stored. Events are read one by one, so that a bad one never costs the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from cmdb.items import ChangeEvent
from service.clock import EARLIEST, LATEST

if TYPE_CHECKING:
    from collections.abc import Container

Name = Annotated[str, Field(min_length=1, max_length=500)]
Short = Annotated[str, Field(max_length=100)]

DONE = {
    "",
    "success",
    "succeeded",
    "successful",
    "completed",
    "complete",
    "done",
    "finished",
    "deployed",
    "ok",
}
MAX_CHANGES = 10_000
"""Events of one body."""

PRODUCTION = {"", "production", "prod", "prd", "live", "生产"}
"""What a change's status and environment are called that reached production."""


class ChangeIn(BaseModel):
    """One recorded alteration of a configuration item."""

    id: Name = Field(description="sending an id again changes nothing")
    item: Name
    at: Annotated[AwareDatetime, Field(ge=EARLIEST, lt=LATEST)]
    kind: Short = "deploy"
    summary: Annotated[str, Field(max_length=10_000)] = ""
    status: Short = Field("", description="such as success; one that did not succeed is no change")
    state: Short = Field("", description="another name of status")
    environment: Short = Field("", description="such as production; one elsewhere is no change")

    def to_event(self) -> ChangeEvent:
        """Return the event for the CMDB."""
        return ChangeEvent(self.id, self.item, self.at, self.kind, self.summary)

    @property
    def why_none(self) -> str:
        """Why this changed nothing in production, as a phrase; empty where it did."""
        for status in (self.status, self.state):
            if status.strip().casefold() not in DONE:
                return f"its status is {status!r}: it did not change {self.item}"
        environment = self.environment.strip().casefold()
        if environment not in PRODUCTION and not environment.startswith(("prod-", "production-", "prod/")):
            return f"its environment is {self.environment!r}: it did not change production"
        return ""


class ChangesIn(BaseModel):
    """Change events."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "changes": [
                        {
                            "id": "deploy-4711",
                            "item": "order",
                            "at": "2026-03-04T01:55:00Z",
                            "kind": "deploy",
                            "summary": "order 2.8.1",
                        }
                    ]
                }
            ]
        }
    )

    changes: Annotated[list[ChangeIn], Field(max_length=MAX_CHANGES)]


class ReadChanges(NamedTuple):
    """What a body holds.

    Attributes
    ----------
    rejected
        Place in the body and reason of each event that is not stored.
    is_notice
        Whether another system sent it, which must not be told to send it again for what it holds.
    """

    events: list[ChangeEvent]
    rejected: list[tuple[int, str]]
    is_notice: bool = False


def read_changes(document: object, items: Container[str]) -> ReadChanges:
    """Return the events of a body, and why others of it are none.

    Parameters
    ----------
    items
        The known configuration items: GitHub names a repository, with or without its owner.

    Raises
    ------
    ValidationError
        If the body is of no known form, or none of its events can be stored.
    """
    if isinstance(document, dict) and isinstance(document.get("deployment"), dict):
        return _of_github(document, items)
    changes = document.get("changes") if isinstance(document, dict) else None
    if not isinstance(changes, list) or len(changes) > MAX_CHANGES:
        ChangesIn.model_validate(document)
        raise AssertionError  # pragma: no cover  whatever is no list was refused
    events: list[ChangeEvent] = []
    rejected: list[tuple[int, str]] = []
    for position, each in enumerate(changes):
        try:
            change = ChangeIn.model_validate(each)
        except ValidationError as error:
            rejected.append((position, reason_of(error)))
            continue
        if change.why_none:
            rejected.append((position, change.why_none))
        else:
            events.append(change.to_event())
    return ReadChanges(events, rejected)


def reason_of(error: ValidationError) -> str:
    """Return the first thing that is wrong, with its field."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"[:300]


def _of_github(document: dict[str, Any], items: Container[str]) -> ReadChanges:
    """A deployment of GitHub's webhooks: the event `deployment_status` tells how it ended.

    After GitHub's page "Webhook events and payloads"; seen on its published samples.
    """
    deployment, status = document["deployment"], document.get("deployment_status")
    if not isinstance(status, dict):
        return ReadChanges(
            [], [(0, "a deployment was created: its status tells once it is done")], is_notice=True
        )
    repository = document.get("repository")
    names = (
        [str(repository.get(field) or "") for field in ("name", "full_name")]
        if isinstance(repository, dict)
        else []
    )
    item = next((name for name in names if name in items), next(iter(names), ""))
    fields = {
        "id": f"github-deployment-{deployment.get('id')}",
        "item": item,
        "at": status.get("created_at") or deployment.get("updated_at"),
        "summary": f"{deployment.get('ref') or ''} {str(deployment.get('sha') or '')[:12]}".strip(),
        "status": str(status.get("state") or "")[:100],
        "environment": str(status.get("environment") or deployment.get("environment") or "")[:100],
    }
    change = ChangeIn.model_validate(fields)
    if change.why_none:
        return ReadChanges([], [(0, change.why_none)], is_notice=True)
    return ReadChanges([change.to_event()], [], is_notice=True)
