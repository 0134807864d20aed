"""${message}.

Revision ${up_revision}, after ${down_revision or "nothing"}.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql, postgresql

from etl_models.db.steps import Steps

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    steps = Steps(op)
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    steps = Steps(op)
    ${downgrades if downgrades else "pass"}
