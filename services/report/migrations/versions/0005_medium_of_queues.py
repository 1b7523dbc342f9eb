"""What the contacts of a queue are carried by, so that calls and chats are not counted as one."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # a replica of the release before this one goes on writing rows without the new column
    op.add_column("queue", sa.Column("medium", sa.String(length=16), nullable=False, server_default="voice"))
