"""Notifications, attempts, outbox, inbox."""

import sqlalchemy as sa
from alembic import op

from ipcc.db.types import Json, Number, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attempt",
        sa.Column("attempt_id", sa.String(length=64), nullable=False),
        sa.Column("notification_id", sa.String(length=64), nullable=False),
        sa.Column("instance", sa.String(length=120), nullable=False),
        sa.Column("node_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcDateTime, nullable=False),
        sa.Column("ended_at", UtcDateTime, nullable=True),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("cause", sa.String(length=64), nullable=False),
        sa.Column("played_ms", Number, nullable=False),
        sa.PrimaryKeyConstraint("attempt_id", name=("pk_attempt")),
    )
    op.create_index(("ix_attempt_notification_id"), "attempt", ["notification_id"], unique=False)
    op.create_table(
        "inbox",
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("handled_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=("pk_inbox")),
    )
    op.create_index(("ix_inbox_handled_at"), "inbox", ["handled_at"], unique=False)
    op.create_table(
        "notification",
        sa.Column("notification_id", sa.String(length=64), nullable=False),
        sa.Column("phone_number", sa.String(length=32), nullable=False),
        sa.Column("prompts", Json, nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("ordered_at", UtcDateTime, nullable=False),
        sa.Column("not_after", UtcDateTime, nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("next_at", UtcDateTime, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("notification_id", name=("pk_notification")),
    )
    op.create_index(("ix_notification_state_next_at"), "notification", ["state", "next_at"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("number", Number, autoincrement=True, nullable=False),
        sa.Column("topic", sa.String(length=120), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("headers", Json, nullable=False),
        sa.PrimaryKeyConstraint("number", name=("pk_outbox")),
    )
