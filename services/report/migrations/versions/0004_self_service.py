"""What callers leave behind: voicemails and their steps, the calls made for them, faxes, answers to surveys."""

import sqlalchemy as sa
from alembic import op

from ipcc.db.types import Number, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "voicemail",
        sa.Column("voicemail_id", sa.String(length=64), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("queue_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("left_at", UtcDateTime, nullable=True),
        sa.Column("due_at", UtcDateTime, nullable=True),
        sa.Column("taken_at", UtcDateTime, nullable=True),
        sa.Column("done_at", UtcDateTime, nullable=True),
        sa.Column("agent_id", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("duration_ms", Number, nullable=False),
        sa.PrimaryKeyConstraint("voicemail_id", name="pk_voicemail"),
    )
    op.create_index("ix_voicemail_call_id", "voicemail", ["call_id"])
    op.create_index("ix_voicemail_left_at", "voicemail", ["left_at"])
    op.create_table(
        "voicemail_step",
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("voicemail_id", sa.String(length=64), nullable=False),
        sa.Column("change", sa.String(length=16), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_voicemail_step"),
    )
    op.create_index("ix_voicemail_step_voicemail_id", "voicemail_step", ["voicemail_id"])
    op.create_table(
        "voicemail_call",
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("voicemail_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name="pk_voicemail_call"),
    )
    op.create_index("ix_voicemail_call_voicemail_id", "voicemail_call", ["voicemail_id"])
    op.create_table(
        "fax",
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("document", sa.String(length=32), nullable=False),
        sa.Column("to", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("done_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_fax"),
    )
    op.create_index("ix_fax_call_id", "fax", ["call_id"])
    op.create_index("ix_fax_done_at", "fax", ["done_at"])
    op.create_table(
        "survey_answer",
        sa.Column("answer_id", sa.String(length=200), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("survey", sa.String(length=64), nullable=False),
        sa.Column("question", sa.String(length=32), nullable=False),
        sa.Column("answer", sa.Integer(), nullable=False),
        sa.Column("answered_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("answer_id", name="pk_survey_answer"),
    )
    op.create_index("ix_survey_answer_call_id", "survey_answer", ["call_id"])
    op.create_index("ix_survey_answer_answered_at", "survey_answer", ["answered_at"])
