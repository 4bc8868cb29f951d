"""The stored alert of some items that starts nearest to an instant, however many alerts there are.

Each look-up costs a few steps in an index per item, and reads no more alerts than that.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Connection

FEW_ITEMS = 64
"""So many items are looked up one by one; of more, some alert usually is among the nearest of all."""

N_NEAREST = 32

OF_ITEMS = """
WITH bounds AS MATERIALIZED (
    SELECT
        near.value AS item,
        (SELECT starts_ms FROM alerts INDEXED BY alerts_by_item
         WHERE item = near.value AND starts_ms BETWEEN :at AND :end
         ORDER BY starts_ms LIMIT 1) AS later,
        (SELECT starts_ms FROM alerts INDEXED BY alerts_by_item
         WHERE item = near.value AND starts_ms BETWEEN :start AND :at
         ORDER BY starts_ms DESC LIMIT 1) AS earlier
    FROM json_each(:items) AS near
),
starts AS (
    SELECT item, later AS starts_ms FROM bounds WHERE later IS NOT NULL
    UNION ALL
    SELECT item, earlier FROM bounds WHERE earlier IS NOT NULL
)
SELECT
    abs(starts_ms - :at) AS distance_ms,
    (SELECT incident FROM alerts INDEXED BY alerts_by_item
     WHERE item = starts.item AND starts_ms = starts.starts_ms
     ORDER BY incident DESC LIMIT 1) AS incident
FROM starts ORDER BY distance_ms, incident DESC LIMIT 1
"""
AROUND = """
SELECT * FROM (SELECT 1 AS is_later, item, starts_ms, incident FROM alerts INDEXED BY alerts_by_start
               WHERE starts_ms BETWEEN :at AND :end ORDER BY starts_ms LIMIT :limit)
UNION ALL
SELECT * FROM (SELECT 0 AS is_later, item, starts_ms, incident FROM alerts INDEXED BY alerts_by_start
               WHERE starts_ms BETWEEN :start AND :at ORDER BY starts_ms DESC LIMIT :limit)
"""
OF_FINGERPRINT = """
SELECT * FROM (SELECT starts_ms, incident FROM alerts
               WHERE fingerprint = :fingerprint AND item = '' AND starts_ms BETWEEN :at AND :end
               ORDER BY starts_ms LIMIT 1)
UNION ALL
SELECT * FROM (SELECT starts_ms, incident FROM alerts
               WHERE fingerprint = :fingerprint AND item = '' AND starts_ms BETWEEN :start AND :at
               ORDER BY starts_ms DESC LIMIT 1)
"""


class Nearest(NamedTuple):
    """How far from the instant asked for an alert starts, and its incident."""

    distance_ms: int
    incident: int


def nearest_of_items(
    connection: Connection, items: Collection[str], at_ms: int, *, within_ms: int
) -> Nearest | None:
    """Return the alert of some items that starts nearest, of several the one of the newest incident.

    Among the alerts of more than `FEW_ITEMS` items that start at the same distance, any may be returned.
    """
    span = {"at": at_ms, "start": at_ms - within_ms, "end": at_ms + within_ms}
    if len(items) > FEW_ITEMS:
        near = _among_the_nearest(
            connection.exec_driver_sql(AROUND, {**span, "limit": N_NEAREST}).all(), items, at_ms
        )
        if near is not None:
            return near
    row = connection.exec_driver_sql(OF_ITEMS, {**span, "items": json.dumps(list(items))}).first()
    return None if row is None else Nearest(row.distance_ms, row.incident)


def nearest_of_fingerprint(
    connection: Connection, fingerprint: str, at_ms: int, *, within_ms: int
) -> Nearest | None:
    """Return the alert without an item that has a fingerprint and starts nearest."""
    span = {"at": at_ms, "start": at_ms - within_ms, "end": at_ms + within_ms}
    rows = connection.exec_driver_sql(OF_FINGERPRINT, {**span, "fingerprint": fingerprint})
    return min(
        (Nearest(abs(row.starts_ms - at_ms), row.incident) for row in rows),
        key=lambda each: (each.distance_ms, -each.incident),
        default=None,
    )


def _among_the_nearest(rows: Sequence[Any], items: Collection[str], at_ms: int) -> Nearest | None:
    """Return the nearest of some items among the nearest of all, unless a nearer one may be beyond these."""
    beyond_ms = [
        max(abs(row.starts_ms - at_ms) for row in side)
        for side in ([row for row in rows if row.is_later == which] for which in (0, 1))
        if len(side) == N_NEAREST
    ]
    found = [(abs(row.starts_ms - at_ms), -row.incident) for row in rows if row.item in items]
    if not found or min(found)[0] > min(beyond_ms, default=min(found)[0]):
        return None
    distance_ms, newest = min(found)
    return Nearest(distance_ms, -newest)
