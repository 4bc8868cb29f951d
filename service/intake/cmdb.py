"""CMDB documents as senders write them; `cmdb.importers.tables` reads them row by row."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from cmdb.items import EdgeKind


class CmdbItem(msgspec.Struct):
    """A configuration item; further fields become its attributes."""

    id: str
    kind: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    team: str | UnsetType = UNSET


class CmdbEdge(msgspec.Struct):
    """A dependency: the dependent needs the dependency."""

    dependent: str
    dependency: str
    kind: EdgeKind | UnsetType = UNSET


class CmdbDocument(msgspec.Struct):
    """Configuration items, and what depends on what."""

    items: list[CmdbItem]
    edges: list[CmdbEdge]
