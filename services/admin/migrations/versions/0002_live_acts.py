"""Acts on what is live beside those on what is administered: who was asked, how it came out, and by which event it was told."""

import sqlalchemy as sa
from alembic import op

from ipcc.db.types import Json

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # a replica of the release before this one goes on writing rows without them
    op.add_column("audit", sa.Column("service", sa.String(40), nullable=False, server_default="admin"))
    op.add_column("audit", sa.Column("outcome", sa.String(80), nullable=False, server_default="done"))
    op.add_column("audit", sa.Column("details", Json, nullable=True))
    op.add_column("audit", sa.Column("event_id", sa.String(64), nullable=True))
    op.create_index("ix_audit_event_id", "audit", ["event_id"], unique=True)
