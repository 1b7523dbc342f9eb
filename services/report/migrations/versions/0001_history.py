"""The history: calls, legs, flow sessions, stays, offers, recordings, agent states, queues, notifications, inbox."""

import sqlalchemy as sa
from alembic import op

from ipcc.db.types import Json, Number, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "agent_state",
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=80), nullable=False),
        sa.Column("since", UtcDateTime, nullable=False),
        sa.Column("until", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("event_id", name=("pk_agent_state")),
    )
    op.create_index(("ix_agent_state_agent_id"), "agent_state", ["agent_id"], unique=False)
    op.create_index(("ix_agent_state_since"), "agent_state", ["since"], unique=False)
    op.create_table(
        "call",
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("direction", sa.String(length=16), nullable=False),
        sa.Column("node_id", sa.String(length=64), nullable=False),
        sa.Column("trunk", sa.String(length=64), nullable=False),
        sa.Column("caller_number", sa.String(length=80), nullable=False),
        sa.Column("caller_name", sa.String(length=200), nullable=False),
        sa.Column("dialled_number", sa.String(length=80), nullable=False),
        sa.Column("arrived_at", UtcDateTime, nullable=True),
        sa.Column("ended_at", UtcDateTime, nullable=True),
        sa.Column("duration_ms", Number, nullable=True),
        sa.Column("cause", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name=("pk_call")),
    )
    op.create_index(("ix_call_arrived_at"), "call", ["arrived_at"], unique=False)
    op.create_table(
        "flow_session",
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("flow_id", sa.String(length=64), nullable=False),
        sa.Column("flow_version", sa.Integer(), nullable=False),
        sa.Column("entry_point", sa.String(length=64), nullable=False),
        sa.Column("started_at", UtcDateTime, nullable=True),
        sa.Column("ended_at", UtcDateTime, nullable=True),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("path", Json, nullable=False),
        sa.Column("bank", Json, nullable=False),
        sa.PrimaryKeyConstraint("session_id", name=("pk_flow_session")),
    )
    op.create_index(("ix_flow_session_call_id"), "flow_session", ["call_id"], unique=False)
    op.create_table(
        "inbox",
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("handled_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=("pk_inbox")),
    )
    op.create_index(("ix_inbox_handled_at"), "inbox", ["handled_at"], unique=False)
    op.create_table(
        "leg",
        sa.Column("leg_id", sa.String(length=64), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("agent_id", sa.String(length=64), nullable=False),
        sa.Column("started_at", UtcDateTime, nullable=True),
        sa.Column("answered_at", UtcDateTime, nullable=True),
        sa.Column("ended_at", UtcDateTime, nullable=True),
        sa.Column("talk_ms", Number, nullable=True),
        sa.Column("cause", sa.String(length=64), nullable=False),
        sa.Column("hung_up_by", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("leg_id", name=("pk_leg")),
    )
    op.create_index(("ix_leg_call_id"), "leg", ["call_id"], unique=False)
    op.create_table(
        "notification",
        sa.Column("notification_id", sa.String(length=64), nullable=False),
        sa.Column("campaign_id", sa.String(length=64), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("ordered_at", UtcDateTime, nullable=True),
        sa.Column("done_at", UtcDateTime, nullable=True),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("notification_id", name=("pk_notification")),
    )
    op.create_index(("ix_notification_ordered_at"), "notification", ["ordered_at"], unique=False)
    op.create_table(
        "offer",
        sa.Column("offer_id", sa.String(length=64), nullable=False),
        sa.Column("entry_id", sa.String(length=64), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("queue_id", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.String(length=64), nullable=False),
        sa.Column("made_at", UtcDateTime, nullable=True),
        sa.Column("ended_at", UtcDateTime, nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("ring_ms", Number, nullable=False),
        sa.Column("why", Json, nullable=False),
        sa.PrimaryKeyConstraint("offer_id", name=("pk_offer")),
    )
    op.create_index(("ix_offer_agent_id"), "offer", ["agent_id"], unique=False)
    op.create_index(("ix_offer_call_id"), "offer", ["call_id"], unique=False)
    op.create_table(
        "queue",
        sa.Column("queue_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("service_level_s", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("queue_id", name=("pk_queue")),
    )
    op.create_table(
        "recording",
        sa.Column("recording_id", sa.String(length=64), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.String(length=64), nullable=False),
        sa.Column("location", sa.String(length=200), nullable=False),
        sa.Column("duration_ms", Number, nullable=True),
        sa.Column("fault", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("recording_id", name=("pk_recording")),
    )
    op.create_index(("ix_recording_call_id"), "recording", ["call_id"], unique=False)
    op.create_table(
        "stay",
        sa.Column("entry_id", sa.String(length=64), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("queue_id", sa.String(length=64), nullable=False),
        sa.Column("entered_at", UtcDateTime, nullable=True),
        sa.Column("ended_at", UtcDateTime, nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("wait_ms", Number, nullable=False),
        sa.Column("agent_id", sa.String(length=64), nullable=False),
        sa.Column("talk_ms", Number, nullable=True),
        sa.Column("wrap_up_ms", Number, nullable=True),
        sa.Column("wrap_up_code", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=("pk_stay")),
    )
    op.create_index(("ix_stay_call_id"), "stay", ["call_id"], unique=False)
    op.create_index(("ix_stay_entered_at"), "stay", ["entered_at"], unique=False)
    op.create_index(("ix_stay_queue_id"), "stay", ["queue_id"], unique=False)
