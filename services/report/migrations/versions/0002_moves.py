"""Stays that end because their contact is moved, the wait clock beside them, and an agent's states in order."""

import sqlalchemy as sa
from alembic import op

from ipcc.db.types import Number, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "moved_stay",
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("entry_id", sa.String(length=64), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("queue_id", sa.String(length=64), nullable=False),
        sa.Column("moved_from", sa.String(length=64), nullable=False),
        sa.Column("moved_to", sa.String(length=64), nullable=False),
        sa.Column("moved_by", sa.String(length=80), nullable=False),
        sa.Column("entered_at", UtcDateTime, nullable=True),
        sa.Column("ended_at", UtcDateTime, nullable=False),
        sa.Column("wait_ms", Number, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_moved_stay"),
    )
    op.create_index("ix_moved_stay_call_id", "moved_stay", ["call_id"])
    op.create_index("ix_moved_stay_entered_at", "moved_stay", ["entered_at"])
    # a replica of the release before this one goes on writing rows without the new column
    op.add_column("stay", sa.Column("moved_from", sa.String(length=64), nullable=False, server_default=""))
    op.add_column("stay", sa.Column("waits_since", UtcDateTime, nullable=True))
    op.create_index("ix_stay_began", "stay", ["entered_at", "queue_id", "outcome", "wait_ms", "moved_from"])
    op.drop_index("ix_stay_entered_at", table_name="stay")
    op.create_index("ix_agent_state_agent_id_since", "agent_state", ["agent_id", "since"])
    op.drop_index("ix_agent_state_agent_id", table_name="agent_state")
