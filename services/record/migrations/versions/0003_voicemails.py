"""Voicemails and their life."""

import sqlalchemy as sa
from alembic import op

from ipcc.db.types import Json, Number, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "voicemail",
        sa.Column("voicemail_id", sa.String(64), nullable=False),
        sa.Column("call_id", sa.String(64), nullable=False),
        sa.Column("queue_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("left_at", UtcDateTime, nullable=False),
        sa.Column("due_at", UtcDateTime, nullable=False),
        sa.Column("changed_at", UtcDateTime, nullable=False),
        sa.Column("told_at", UtcDateTime, nullable=True),
        sa.Column("duration_ms", Number, nullable=False),
        sa.Column("caller_number", sa.String(80), nullable=False),
        sa.Column("attributes", Json, nullable=False),
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("taken_at", UtcDateTime, nullable=True),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("voicemail_id", name="pk_voicemail"),
    )
    op.create_index("ix_voicemail_call_id", "voicemail", ["call_id"])
    op.create_index("ix_voicemail_left_at", "voicemail", ["left_at"])
    op.create_index("ix_voicemail_queue_id_state", "voicemail", ["queue_id", "state"])
    op.create_index("ix_voicemail_state_told_at", "voicemail", ["state", "told_at"])
