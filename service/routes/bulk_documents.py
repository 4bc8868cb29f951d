"""The JSON documents of Elasticsearch's interface, as far as its senders read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict, Field

from service.routes.log_documents import reasons_of

if TYPE_CHECKING:
    from service.logs.intake import ReceivedLogs
    from service.settings import Settings
    from telemetry.decoders.bulk_logs import BulkItem, DecodedBulk

STORED, REJECTED, NOTHING_THERE = 201, 400, 404
"""Statuses of items, within an answer that is 200 as a whole."""

VERSION = "9.99.0"
"""Beats refuse to send to a version that is older than they are."""


class VersionOut(BaseModel):
    """The version of Elasticsearch that is played."""

    number: str = VERSION
    build_flavor: str = "default"
    build_type: str = "sunspot"
    build_hash: str = "unknown"
    build_date: str = "2026-01-01T00:00:00Z"
    build_snapshot: bool = False
    lucene_version: str = "10.0.0"
    minimum_wire_compatibility_version: str = "8.0.0"
    minimum_index_compatibility_version: str = "8.0.0"


class ClusterOut(BaseModel):
    """What Elasticsearch says of itself."""

    name: str = "sunspot"
    cluster_name: str = "sunspot"
    cluster_uuid: str = "sunspot"
    version: VersionOut = VersionOut()
    tagline: str = "You Know, for Search"


class TermsOut(BaseModel):
    """The licence's own fields."""

    uid: str = "sunspot"
    type: str = "basic"
    status: str = "active"


class LicenseOut(BaseModel):
    """The licence that senders ask for."""

    license: TermsOut = TermsOut()


class ClusterHealthOut(BaseModel):
    """The health that senders ask for."""

    cluster_name: str = "sunspot"
    status: str = "green"
    timed_out: bool = False


class BulkErrorOut(BaseModel):
    """Why a document is not stored; to send it again would not help."""

    type: str
    reason: str


class BulkItemOut(BaseModel):
    """What became of one action."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    index: str = Field(alias="_index")
    id: str | None = Field(None, alias="_id", description="as it was sent")
    status: int = Field(description="201: on disk; 400: rejected; 404: nothing is deleted here")
    result: str | None = None
    error: BulkErrorOut | None = None

    @classmethod
    def of(cls, item: BulkItem, reason: str) -> Self:
        """Return what became of an action; a reason says why it brought no line."""
        document: dict[str, object] = {"_index": item.index, "_id": item.id or None}
        if item.action == "delete":
            document |= {"status": NOTHING_THERE, "result": "not_found"}
        elif reason:
            error = {"type": "document_parsing_exception", "reason": reason}
            document |= {"status": REJECTED, "error": error}
        else:
            document |= {"status": STORED, "result": "created"}
        return cls.model_validate(document)


class BulkOut(BaseModel):
    """What became of a request, as Elasticsearch says it."""

    took: int = Field(description="always 0")
    errors: bool = Field(description="whether an item was rejected")
    items: list[dict[str, BulkItemOut]] = Field(description="by their actions, in their order")

    @classmethod
    def of(cls, bulk: DecodedBulk, received: ReceivedLogs, settings: Settings) -> Self:
        """Return the answer to a request that was decoded and received."""
        reasons = reasons_of(settings)
        refused: dict[int | None, str] = {line: f"such {reasons[why]}" for line, why in received.refused}
        items = [
            {each.action: BulkItemOut.of(each, each.reason or refused.get(each.line, ""))}
            for each in bulk.items
        ]
        is_wrong = any(item.error is not None for each in items for item in each.values())
        return cls(took=0, errors=is_wrong, items=items)
