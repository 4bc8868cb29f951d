"""The service graph of OpenTelemetry's connector and of Tempo: a counter of requests by client and server.

As Prometheus' text, or as the answer of a query of ``traces_service_graph_request_total``. After the
documentation of the connector ``servicegraph``; seen on a sample exposition.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from prometheus_client.parser import text_string_to_metric_families

from cmdb.errors import BadTableError
from cmdb.importers.row_collector import RowCollector
from cmdb.items import EdgeKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cmdb.importers.report import Tables

NAME = "traces_service_graph_request_total"
METRIC = re.compile(rf"^{NAME}\s*\{{", re.MULTILINE)
KINDS = {"database": "database", "messaging_system": "queue"}
NOBODY = {"", "user", "unknown"}
"""What the connector calls a client that sent no span of its own."""


def read_exposition(text: str) -> Tables:
    """Return the rows of Prometheus' text.

    Raises
    ------
    BadTableError
        If the text is not one that Prometheus could scrape.
    """
    try:
        samples = [
            sample.labels
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == NAME
        ]
    except ValueError as error:
        raise BadTableError("the exposition", f"it is not Prometheus' text: {error}") from error
    tables = _rows(samples)
    tables.notes.insert(0, "read as a service graph: client → server")
    return tables


def fits(document: object) -> bool:
    """Whether the document is the answer of a query of that counter."""
    data = document.get("data") if isinstance(document, dict) else None
    results = data.get("result") if isinstance(data, dict) else None
    return isinstance(results, list) and any(
        isinstance(each, dict) and "client" in (each.get("metric") or ()) for each in results[:1]
    )


def read(document: Any) -> Tables:
    """Return the rows of a query's answer."""
    return _rows(each["metric"] for each in document["data"]["result"])


def _rows(edges: Iterable[Mapping[str, str]]) -> Tables:
    rows = RowCollector()
    for labels in edges:
        client, server = labels.get("client", ""), labels.get("server", "")
        connection = labels.get("connection_type", "")
        if server in NOBODY:
            rows.lose("requests to a server without a name")
            continue
        rows.add(server, server, kind=KINDS.get(connection, "service"))
        if client in NOBODY:
            continue
        rows.add(client, client)
        rows.join(client, server, EdgeKind.ASYNC if connection == "messaging_system" else EdgeKind.CALLS)
    return rows.tables()
