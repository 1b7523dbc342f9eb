"""What is heard in a recording, and the queue a message was left for."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # a replica of the release before this one goes on writing rows without them
    op.add_column("recording", sa.Column("kind", sa.String(16), nullable=False, server_default="agent"))
    op.add_column("recording", sa.Column("queue_id", sa.String(64), nullable=False, server_default=""))
