"""Record when a message of the outbox is given up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column; no message was given up so far."""
    op.add_column("outbox", sa.Column("dead_ms", sa.BigInteger))
