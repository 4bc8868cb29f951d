"""Let alerts, incidents and rankings be looked up by what they belong to, however many there are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

COUNTED = "UPDATE incidents SET n_alerts = (SELECT count(*) FROM alerts WHERE incident = incidents.id)"
ANNOUNCED = """
UPDATE incidents SET n_announced = sent.number
FROM (
    SELECT json_extract(document, '$.incident') AS incident, count(*) AS number FROM outbox
    WHERE json_extract(document, '$.kind') = 'ranking' GROUP BY 1
) AS sent
WHERE sent.incident = incidents.id
"""
RELATED = """
UPDATE rankings SET
    incident = (SELECT alerts.incident FROM alerts WHERE alerts.id = rankings.alert),
    graph_version = coalesce(json_extract(document, '$.graph_version'), '')
"""


def upgrade() -> None:
    """Add what is counted and referred to, and the indexes that every look-up of an alert needs."""
    for name in ("n_alerts", "n_announced"):
        op.add_column("incidents", sa.Column(name, sa.Integer, nullable=False, server_default="0"))
    op.add_column("rankings", sa.Column("incident", sa.Integer, nullable=False, server_default="0"))
    op.add_column("rankings", sa.Column("graph_version", sa.String, nullable=False, server_default=""))
    op.execute(COUNTED)
    op.execute(ANNOUNCED)
    op.execute(RELATED)
    op.drop_index("ix_alerts_incident", "alerts")
    op.drop_index("ix_alerts_starts_ms", "alerts")
    op.create_index("alerts_by_incident", "alerts", ["incident", "starts_ms", "id"])
    op.create_index("alerts_by_state", "alerts", ["incident", "status", "ends_ms"])
    op.create_index("alerts_by_item", "alerts", ["item", "starts_ms", "incident"])
    op.create_index("alerts_by_start", "alerts", ["starts_ms", "incident"])
    op.create_index("changes_by_item", "changes", ["item", "at_ms"])
    op.create_index("incidents_by_opening", "incidents", ["opened_ms", "id"])
    op.create_index("incidents_by_closing", "incidents", ["closed_ms", "id"])
    op.create_index("rankings_by_incident", "rankings", ["incident", "id"])
    op.create_index("rankings_by_graph", "rankings", ["graph_version"])
    op.create_index("graph_imports_by_version", "graph_imports", ["version", "position"])
