"""The documents that systems write, each read by a module of its own; the first that fits reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmdb.errors import BadTableError
from cmdb.importers import (
    backstage,
    bk_cmdb,
    jaeger,
    kiali,
    kubernetes,
    netbox,
    service_graph,
    servicenow,
    veops,
)
from cmdb.importers.report import Tables

if TYPE_CHECKING:
    from collections.abc import Callable


class Source(NamedTuple):
    """A system that describes items or edges.

    Attributes
    ----------
    fits
        Whether a parsed document is one of this system's; it looks at its outermost fields only.
    read
        The rows of a document that fits. It may raise ``KeyError``, ``TypeError`` or ``AttributeError``
        where the document is not what its outside promised.
    direction
        Which end of the system's edges depends on which, for people.
    """

    name: str
    fits: Callable[[object], bool]
    read: Callable[[object], Tables]
    direction: str


def _is_own(document: object) -> bool:
    return (
        isinstance(document, dict) and ("items" in document or "edges" in document) and "kind" not in document
    )


def _own(document: object) -> Tables:
    lists = {}
    for table in ("items", "edges"):
        rows = document.get(table) if isinstance(document, dict) else None
        if not isinstance(rows, list):
            raise BadTableError("the document", f"{table} must be a list of objects")
        lists[table] = rows
    return Tables(lists["items"], lists["edges"])


SOURCES = (
    Source(
        "kubernetes", kubernetes.fits, kubernetes.read, "a workload runs on its pods' nodes; an ingress calls"
    ),
    Source("sunspot", _is_own, _own, "the dependent depends on the dependency"),
    Source("backstage", backstage.fits, backstage.read, "self → dependsOn; consumer → the API's provider"),
    Source("kiali", kiali.fits, kiali.read, "source → target of the traffic"),
    Source("jaeger", jaeger.fits, jaeger.read, "parent → child"),
    Source("service graph", service_graph.fits, service_graph.read, "client → server"),
    Source("servicenow", servicenow.fits, servicenow.read, "parent → child, but for containment and impact"),
    Source("bk-cmdb", bk_cmdb.fits, bk_cmdb.read, "child of a topology → its parent; by `bk_asst_id`"),
    Source("veops", veops.fits, veops.read, "items only"),
    Source("netbox", netbox.fits, netbox.read, "VM → cluster → site; devices → site; cables both ways"),
)


def tables_of(document: object, where: str, source: str = "") -> Tables:
    """Return the rows of a parsed document.

    Parameters
    ----------
    where
        The file or body, for errors.
    source
        Name of the source; empty to find out.

    Raises
    ------
    BadTableError
        If no source writes such documents, or the document breaks off its own form.
    """
    chosen = next((each for each in SOURCES if each.name == source), None) if source else None
    if source and chosen is None:
        raise BadTableError(where, f"{source!r} is not one of {', '.join(each.name for each in SOURCES)}")
    chosen = chosen or next((each for each in SOURCES if each.fits(document)), None)
    if chosen is None:
        raise BadTableError(
            where,
            "it must be an object with items and edges, or a document of one of "
            + ", ".join(each.name for each in SOURCES if each.name != "sunspot"),
        )
    try:
        tables = chosen.read(document)
    except BadTableError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise BadTableError(
            where, f"it looks like a document of {chosen.name}, but {_said(error)}"
        ) from error
    if chosen.name != "sunspot":
        tables.notes.insert(0, f"read as a document of {chosen.name}: {chosen.direction}")
    return tables


def _said(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"a part of it has no {error.args[0]!r}"
    return f"a part of it is not of the usual form ({error})"
