"""Every stay of a session at a node of its flow: what the report of flows counts."""

import sqlalchemy as sa
from alembic import op

from ipcc.db.types import Number, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "flow_step",
        sa.Column("step_id", sa.String(length=80), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("flow_id", sa.String(length=64), nullable=False),
        sa.Column("flow_version", sa.Integer(), nullable=False),
        sa.Column("flow_node", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("visit", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=80), nullable=False),
        sa.Column("input_kind", sa.String(length=16), nullable=False),
        sa.Column("keyed", sa.Integer(), nullable=False),
        sa.Column("timeouts", sa.Integer(), nullable=False),
        sa.Column("elapsed_ms", Number, nullable=False),
        sa.Column("left_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("step_id", name="pk_flow_step"),
    )
    op.create_index("ix_flow_step_call_id", "flow_step", ["call_id"])
    op.create_index("ix_flow_step_left", "flow_step", ["left_at", "flow_id"])
    op.add_column("flow_session", sa.Column("stands_at", sa.String(length=200), nullable=False, server_default=""))
    op.add_column("flow_session", sa.Column("stands_visit", sa.Integer(), nullable=False, server_default="0"))
    # the report of flows counts the sessions that began in a stretch of time
    op.create_index("ix_flow_session_started_at", "flow_session", ["started_at"])
