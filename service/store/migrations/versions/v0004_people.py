"""Add people, their sessions and the teams of tokens, and chain the rows of the audit."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from service.store.audit_chain import FIRST, chained

revision = "0004"
down_revision = "0003"

NO_UPDATE = """CREATE TRIGGER audit_no_UPDATE BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"""


def upgrade() -> None:
    """Add the tables and columns; tokens of before are of every team."""
    op.create_table(
        "users",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("password", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("teams", sa.JSON, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("disabled_ms", sa.BigInteger),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("secret_sha256", sa.String, nullable=False, unique=True),
        sa.Column("user", sa.String, sa.ForeignKey("users.name")),
        sa.Column("token", sa.String, sa.ForeignKey("tokens.name")),
        sa.Column("address", sa.String, nullable=False),
        sa.Column("browser", sa.String, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("seen_ms", sa.BigInteger, nullable=False),
        sa.Column("ended_ms", sa.BigInteger),
        sqlite_autoincrement=True,
    )
    op.create_index("sessions_by_user", "sessions", ["user", "created_ms"])
    op.create_index("ix_sessions_created_ms", "sessions", ["created_ms"])
    op.add_column("tokens", sa.Column("teams", sa.JSON, nullable=False, server_default="[]"))
    for name in ("previous", "hash"):
        op.add_column("audit", sa.Column(name, sa.String, nullable=False, server_default=""))
    _chain(op.get_bind())


def _chain(connection: sa.Connection) -> None:
    audit: Any = sa.table(
        "audit",
        *(sa.column(each) for each in ("position", "at_ms", "who", "action", "subject", "previous", "hash")),
        sa.column("document", sa.JSON),
    )
    connection.exec_driver_sql("DROP TRIGGER audit_no_UPDATE")
    last = FIRST
    for row in connection.execute(sa.select(audit).order_by(audit.c.position)).all():
        content = {name: getattr(row, name) for name in ("who", "action", "subject", "document")}
        digest = chained(last, position=row.position, at_ms=row.at_ms, **content)
        own = audit.c.position == row.position
        connection.execute(sa.update(audit).where(own).values(previous=last, hash=digest))
        last = digest
    connection.exec_driver_sql(NO_UPDATE)
