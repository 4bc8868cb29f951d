"""What the CMDB tracks: configuration items, the edges between them, and the changes made to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class EdgeKind(StrEnum):
    """How a dependent needs its dependency."""

    CALLS = "calls"
    ASYNC = "async"
    RUNS_ON = "runs_on"
    MEMBER_OF = "member_of"
    CONNECTS = "connects"


@dataclass(frozen=True, slots=True)
class Item:
    """A configuration item: a service, database, cache, queue, host, link or data centre."""

    id: str
    kind: str = "service"
    name: str = ""
    team: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """``dependent`` depends on ``dependency``: a fault in the latter can reach the former."""

    dependent: str
    dependency: str
    kind: EdgeKind = EdgeKind.CALLS


@dataclass(frozen=True, slots=True)
class ChangeEvent:
    """A recorded alteration of an item, such as a deploy."""

    id: str
    item: str
    at: datetime
    kind: str = "deploy"
    summary: str = ""
