"""Prompts' sounds: versions, what is in force, acts."""

import sqlalchemy as sa
from alembic import op

from ipcc.db.types import Number, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "voice_version",
        sa.Column("prompt_id", sa.String(96), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("audio", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("made_by", sa.String(120), nullable=False),
        sa.PrimaryKeyConstraint("prompt_id", "language", "version", name="pk_voice_version"),
    )
    op.create_table(
        "voice_in_force",
        sa.Column("prompt_id", sa.String(96), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("prompt_id", "language", name="pk_voice_in_force"),
    )
    op.create_table(
        "voice_act",
        sa.Column("number", Number, autoincrement=True, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("prompt_id", sa.String(96), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_voice_act"),
    )
    op.create_index("ix_voice_act_at", "voice_act", ["at"])
    op.create_index("ix_voice_act_prompt_id", "voice_act", ["prompt_id"])
