"""Days name their execution.

Revision 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

import etl_models.db

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("marketing_daily_performance", schema=None) as batch_op:
        batch_op.add_column(sa.Column("execution_id", etl_models.db.uuid_key(), nullable=True))
        batch_op.create_index(batch_op.f("ix_marketing_daily_performance_execution_id"), ["execution_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("marketing_daily_performance", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_marketing_daily_performance_execution_id"))
        batch_op.drop_column("execution_id")
