"""${message}.

Revision ${up_revision}, after ${down_revision or "nothing"}.
"""
<%
    # What autogenerate writes with `op` is written with `steps`, which can be run again on MariaDB (db/steps.py).
    # The rest has to be made repeatable by hand; changes of existing columns and constraints belong into
    # `with op.batch_alter_table(...)`, because SQLite can only copy the table.
    import re

    names = ("create_table", "drop_table", "create_index", "drop_index", "add_column", "drop_column")

    def repeatable(text):
        return re.sub(rf"\bop\.({'|'.join(names)})\(", r"steps.\1(", text or "") or "pass"
%>
from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql, postgresql

from etl_models.db.steps import Steps

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}

MYSQL = ("mysql", "mariadb")


# Types are written out here, so that this file depends on no code of a later day; drop those that are not used.


def uuid_key() -> sa.types.TypeEngine[Any]:
    """A UUID, as text on MariaDB and MySQL."""
    return sa.Uuid().with_variant(sa.Uuid(native_uuid=False), *MYSQL)


def instant() -> sa.types.TypeEngine[Any]:
    """UTC with microseconds."""
    return sa.DateTime(timezone=True).with_variant(mysql.DATETIME(fsp=6), *MYSQL)


def json() -> sa.types.TypeEngine[Any]:
    """JSONB where there is one."""
    return sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def key(length: int) -> sa.types.TypeEngine[str]:
    """Text compared byte by byte."""
    return (
        sa.String(length)
        .with_variant(sa.String(length, collation="utf8mb4_bin"), *MYSQL)
        .with_variant(sa.String(length, collation="C"), "postgresql")
    )


def long_text() -> sa.types.TypeEngine[str]:
    """Text beyond the 64 KB of MySQL's TEXT."""
    return sa.Text().with_variant(mysql.LONGTEXT(), *MYSQL)


def big_integer() -> sa.types.TypeEngine[int]:
    """64 bits, numbered by the database."""
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    steps = Steps(op)
    ${repeatable(upgrades)}


def downgrade() -> None:
    steps = Steps(op)
    ${repeatable(downgrades)}
