"""The tables as the last revision in ``migrations`` leaves them."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

metadata = MetaData()

tokens = Table(
    "tokens",
    metadata,
    Column("name", String, primary_key=True),
    Column("secret_sha256", String, nullable=False, unique=True),
    Column("scopes", JSON, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
    Column("teams", JSON, nullable=False, server_default="[]"),
)

users = Table(
    "users",
    metadata,
    Column("name", String, primary_key=True),
    Column("password", String, nullable=False),
    Column("role", String, nullable=False),
    Column("teams", JSON, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("disabled_ms", BigInteger),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("secret_sha256", String, nullable=False, unique=True),
    Column("user", ForeignKey("users.name")),
    Column("token", ForeignKey("tokens.name")),
    Column("address", String, nullable=False),
    Column("browser", String, nullable=False),
    Column("created_ms", BigInteger, nullable=False, index=True),
    Column("seen_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
    Index("sessions_by_user", "user", "created_ms"),
    sqlite_autoincrement=True,
)

graphs = Table(
    "graphs",
    metadata,
    Column("version", String, primary_key=True),
    Column("document", JSON, nullable=False),
)

graph_imports = Table(
    "graph_imports",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("version", ForeignKey("graphs.version"), nullable=False),
    Column("imported_ms", BigInteger, nullable=False),
    Column("who", String, nullable=False),
    Index("graph_imports_by_version", "version", "position"),
    sqlite_autoincrement=True,
)

changes = Table(
    "changes",
    metadata,
    Column("id", String, primary_key=True),
    Column("item", String, nullable=False),
    Column("at_ms", BigInteger, nullable=False, index=True),
    Column("kind", String, nullable=False),
    Column("summary", String, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Index("changes_by_item", "item", "at_ms"),
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("lead_alert", Integer),
    Column("opened_ms", BigInteger, nullable=False),
    Column("closed_ms", BigInteger),
    Column("n_alerts", Integer, nullable=False, server_default="0"),
    Column("n_announced", Integer, nullable=False, server_default="0"),
    Index("incidents_by_opening", "opened_ms", "id"),
    Index("incidents_by_closing", "closed_ms", "id"),
    sqlite_autoincrement=True,
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("incident", ForeignKey("incidents.id"), nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("starts_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger),
    Column("status", String, nullable=False),
    Column("item", String, nullable=False),
    Column("name", String, nullable=False),
    Column("severity", String, nullable=False),
    Column("labels", JSON, nullable=False),
    Column("annotations", JSON, nullable=False),
    Column("first_received_ms", BigInteger, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("n_received", Integer, nullable=False),
    Column("unenriched", String, nullable=False),
    UniqueConstraint("fingerprint", "starts_ms"),
    Index("alerts_by_incident", "incident", "starts_ms", "id"),
    Index("alerts_by_state", "incident", "status", "ends_ms"),
    Index("alerts_by_item", "item", "starts_ms", "incident"),
    Index("alerts_by_start", "starts_ms", "incident"),
    sqlite_autoincrement=True,
)

rankings = Table(
    "rankings",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("alert", ForeignKey("alerts.id"), nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("as_of_ms", BigInteger, nullable=False, server_default="0"),
    Column("reason", String, nullable=False, server_default=""),
    Column("changed", JSON, nullable=False, server_default="[]"),
    Column("speaks", Boolean, nullable=False, server_default="1"),
    Column("cause", String, nullable=False),
    Column("probability", Float, nullable=False),
    Column("document", JSON, nullable=False),
    Column("incident", Integer, nullable=False, server_default="0"),
    Column("graph_version", String, nullable=False, server_default=""),
    Index("rankings_by_alert", "alert", "id"),
    Index("rankings_by_incident", "incident", "id"),
    Index("rankings_by_graph", "graph_version"),
    sqlite_autoincrement=True,
)

pages = Table(
    "pages",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("alert", ForeignKey("alerts.id"), nullable=False, unique=True),
    Column("incident", ForeignKey("incidents.id"), nullable=False, index=True),
    Column("at_ms", BigInteger, nullable=False, index=True),
    Column("team", String, nullable=False),
    Column("item", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("severity", String, nullable=False),
    Column("metric", String, nullable=False),
    Column("score", Float),
    Column("threshold", Float),
    Column("tail", Float),
    Column("budget_per_week", Float, nullable=False),
    Column("spent", Integer, nullable=False),
    sqlite_autoincrement=True,
)

maintenance = Table(
    "maintenance",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("items", JSON, nullable=False),
    Column("teams", JSON, nullable=False),
    Column("phases", JSON, nullable=False),
    Column("start_ms", BigInteger, nullable=False),
    Column("end_ms", BigInteger, nullable=False, index=True),
    Column("note", String, nullable=False),
    Column("who", String, nullable=False),
    sqlite_autoincrement=True,
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("document", JSON, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("due_ms", BigInteger, nullable=False, index=True),
    Column("n_tries", Integer, nullable=False),
    Column("sent_ms", BigInteger),
    Column("problem", String, nullable=False),
    Column("dead_ms", BigInteger),
    sqlite_autoincrement=True,
)

audit = Table(
    "audit",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("who", String, nullable=False),
    Column("action", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("document", JSON, nullable=False),
    Column("previous", String, nullable=False, server_default=""),
    Column("hash", String, nullable=False, server_default=""),
    Index("audit_by_subject", "action", "subject", "position"),
    sqlite_autoincrement=True,
)
