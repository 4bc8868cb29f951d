"""Change events as pipelines send them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from cmdb.items import ChangeEvent
from service.clock import EARLIEST, LATEST

Name = Annotated[str, Field(min_length=1, max_length=500)]


class ChangeIn(BaseModel):
    """One recorded alteration of a configuration item."""

    id: Name = Field(description="sending an id again changes nothing")
    item: Name
    at: Annotated[AwareDatetime, Field(ge=EARLIEST, lt=LATEST)]
    kind: Annotated[str, Field(max_length=100)] = "deploy"
    summary: Annotated[str, Field(max_length=10_000)] = ""

    def to_event(self) -> ChangeEvent:
        """Return the event for the CMDB."""
        return ChangeEvent(self.id, self.item, self.at, self.kind, self.summary)


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

    changes: Annotated[list[ChangeIn], Field(max_length=10_000)]
