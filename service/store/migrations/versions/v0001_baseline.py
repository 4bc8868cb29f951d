"""Make the tables of 0.1.0 where they are missing.

A file of 0.1.0 has them already and names no revision.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

APPEND_ONLY = """CREATE TRIGGER IF NOT EXISTS audit_no_{operation} BEFORE {operation} ON audit {condition}
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"""
TRIGGERS = (
    APPEND_ONLY.format(operation="UPDATE", condition=""),
    APPEND_ONLY.format(operation="DELETE", condition=""),
    # INSERT OR REPLACE would delete a row without firing the trigger above
    APPEND_ONLY.format(
        operation="INSERT", condition="WHEN EXISTS (SELECT 1 FROM audit WHERE position = NEW.position)"
    ),
)


def upgrade() -> None:
    """Create what is missing."""
    _identity()
    _alerts()
    _paging()
    _create(
        "audit",
        _number("position"),
        _instant("at_ms"),
        _text("who"),
        _text("action"),
        _text("subject"),
        _document("document"),
        sqlite_autoincrement=True,
    )
    _index("audit_by_subject", "audit", "action", "subject", "position")
    for trigger in TRIGGERS:
        op.execute(trigger)


def _identity() -> None:
    _create(
        "tokens",
        _key("name"),
        sa.Column("secret_sha256", sa.String, nullable=False, unique=True),
        _document("scopes"),
        _instant("created_ms"),
        sa.Column("revoked_ms", sa.BigInteger),
    )
    _create("graphs", _key("version"), _document("document"))
    _create(
        "graph_imports",
        _number("position"),
        sa.Column("version", sa.String, sa.ForeignKey("graphs.version"), nullable=False),
        _instant("imported_ms"),
        _text("who"),
        sqlite_autoincrement=True,
    )
    _create(
        "changes",
        _key("id"),
        _text("item"),
        _instant("at_ms"),
        _text("kind"),
        _text("summary"),
        _instant("received_ms"),
    )
    _index("ix_changes_at_ms", "changes", "at_ms")


def _alerts() -> None:
    _create(
        "incidents",
        _number("id"),
        sa.Column("lead_alert", sa.Integer),
        _instant("opened_ms"),
        sa.Column("closed_ms", sa.BigInteger),
        sqlite_autoincrement=True,
    )
    _create(
        "alerts",
        _number("id"),
        sa.Column("incident", sa.Integer, sa.ForeignKey("incidents.id"), nullable=False),
        _text("fingerprint"),
        _instant("starts_ms"),
        sa.Column("ends_ms", sa.BigInteger),
        _text("status"),
        _text("item"),
        _text("name"),
        _text("severity"),
        _document("labels"),
        _document("annotations"),
        _instant("first_received_ms"),
        _instant("received_ms"),
        sa.Column("n_received", sa.Integer, nullable=False),
        _text("unenriched"),
        sa.UniqueConstraint("fingerprint", "starts_ms"),
        sqlite_autoincrement=True,
    )
    _index("ix_alerts_incident", "alerts", "incident")
    _index("ix_alerts_starts_ms", "alerts", "starts_ms")
    _create(
        "rankings",
        _number("id"),
        sa.Column("alert", sa.Integer, sa.ForeignKey("alerts.id"), nullable=False),
        _instant("made_ms"),
        _text("cause"),
        sa.Column("probability", sa.Float, nullable=False),
        _document("document"),
        sqlite_autoincrement=True,
    )
    _index("rankings_by_alert", "rankings", "alert", "id")


def _paging() -> None:
    _create(
        "pages",
        _number("id"),
        sa.Column("alert", sa.Integer, sa.ForeignKey("alerts.id"), nullable=False, unique=True),
        sa.Column("incident", sa.Integer, sa.ForeignKey("incidents.id"), nullable=False),
        _instant("at_ms"),
        _text("team"),
        _text("item"),
        _text("kind"),
        _text("severity"),
        _text("metric"),
        sa.Column("score", sa.Float),
        sa.Column("threshold", sa.Float),
        sa.Column("tail", sa.Float),
        sa.Column("budget_per_week", sa.Float, nullable=False),
        sa.Column("spent", sa.Integer, nullable=False),
        sqlite_autoincrement=True,
    )
    _index("ix_pages_incident", "pages", "incident")
    _index("ix_pages_at_ms", "pages", "at_ms")
    _create(
        "maintenance",
        _number("id"),
        _document("items"),
        _document("teams"),
        _document("phases"),
        _instant("start_ms"),
        _instant("end_ms"),
        _text("note"),
        _text("who"),
        sqlite_autoincrement=True,
    )
    _index("ix_maintenance_end_ms", "maintenance", "end_ms")
    _create(
        "outbox",
        _number("id"),
        _document("document"),
        _instant("created_ms"),
        _instant("due_ms"),
        sa.Column("n_tries", sa.Integer, nullable=False),
        sa.Column("sent_ms", sa.BigInteger),
        _text("problem"),
        sqlite_autoincrement=True,
    )
    _index("ix_outbox_due_ms", "outbox", "due_ms")


def _create(table: str, *columns: sa.Column[Any] | sa.UniqueConstraint, **options: bool) -> None:
    op.create_table(table, *columns, if_not_exists=True, **options)


def _index(name: str, table: str, *columns: str) -> None:
    op.create_index(name, table, list(columns), if_not_exists=True)


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String, primary_key=True)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, primary_key=True, autoincrement=True)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=False)


def _instant(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _document(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON, nullable=False)
