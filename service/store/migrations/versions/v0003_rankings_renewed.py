"""Record until when each ranking held, why it was made, what changed, and whether it led its incident."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns; a ranking of before held at the instant it was made."""
    op.add_column("rankings", sa.Column("as_of_ms", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("rankings", sa.Column("reason", sa.String, nullable=False, server_default=""))
    op.add_column("rankings", sa.Column("changed", sa.JSON, nullable=False, server_default="[]"))
    op.add_column("rankings", sa.Column("speaks", sa.Boolean, nullable=False, server_default="1"))
    op.execute("UPDATE rankings SET as_of_ms = made_ms")
