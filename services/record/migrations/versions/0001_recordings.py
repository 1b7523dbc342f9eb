"""Recordings, hearings, outbox, inbox."""

import sqlalchemy as sa
from alembic import op

from ipcc.db.types import Json, Number, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recording",
        sa.Column("recording_id", sa.String(64), nullable=False),
        sa.Column("call_id", sa.String(64), nullable=False),
        sa.Column("leg_id", sa.String(64), nullable=False),
        sa.Column("node_id", sa.String(64), nullable=False),
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("is_required", sa.Boolean(), nullable=False),
        sa.Column("talk_ms", Number, nullable=False),
        sa.Column("started_at", UtcDateTime, nullable=True),
        sa.Column("ended_at", UtcDateTime, nullable=True),
        sa.Column("look_at", UtcDateTime, nullable=True),
        sa.Column("location", sa.String(200), nullable=False),
        sa.Column("duration_ms", Number, nullable=False),
        sa.Column("size_bytes", Number, nullable=False),
        sa.Column("channels", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("fault", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("recording_id", name="pk_recording"),
    )
    op.create_index("ix_recording_call_id", "recording", ["call_id"])
    op.create_index("ix_recording_agent_id", "recording", ["agent_id"])
    op.create_index("ix_recording_ended_at", "recording", ["ended_at"])
    op.create_index("ix_recording_state_look_at", "recording", ["state", "look_at"])
    op.create_table(
        "hearing",
        sa.Column("number", Number, autoincrement=True, nullable=False),
        sa.Column("recording_id", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(80), nullable=False),
        sa.Column("heard_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_hearing"),
    )
    op.create_index("ix_hearing_recording_id", "hearing", ["recording_id"])
    op.create_table(
        "outbox",
        sa.Column("number", Number, autoincrement=True, nullable=False),
        sa.Column("topic", sa.String(120), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("headers", Json, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_outbox"),
    )
    op.create_table(
        "inbox",
        sa.Column("event_id", sa.String(64), nullable=False),
        sa.Column("handled_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_inbox"),
    )
    op.create_index("ix_inbox_handled_at", "inbox", ["handled_at"])
