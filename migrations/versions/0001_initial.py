"""The first schema: definitions, executions and their history.

Revision 0001, after nothing. Types are written out here, so that this file depends on no code of a later day.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql, postgresql

from etl_models.db.steps import Steps

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MYSQL = ("mysql", "mariadb")
TABLE = {
    f"{name}_{option}": value
    for name in MYSQL
    for option, value in {"engine": "InnoDB", "charset": "utf8mb4", "collate": "utf8mb4_bin"}.items()
}


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


def one_of(column: str, *values: str) -> str:
    """The rule that a column holds one of these."""
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def upgrade() -> None:
    steps = Steps(op)
    steps.create_table(
        "etl_component_type",
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("updated_at", instant(), nullable=False),
        sa.Column("created_by", key(255), nullable=False),
        sa.Column("updated_by", key(255), nullable=False),
        sa.Column("name", key(255), nullable=False),
        sa.Column("description", long_text(), nullable=False),
        sa.Column("configuration_schema", json(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_etl_component_type")),
        **TABLE,
    )
    steps.create_table(
        "etl_dataclass",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("name", key(255), nullable=False),
        sa.Column("dataclass_type", key(255), nullable=False),
        sa.Column("validation_rules", json(), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("updated_at", instant(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", instant(), nullable=True),
        sa.Column("created_by", key(255), nullable=False),
        sa.Column("updated_by", key(255), nullable=False),
        sa.Column("namespace", key(255), nullable=False),
        sa.Column("description", long_text(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_etl_dataclass")),
        sa.UniqueConstraint("namespace", "name", name=op.f("uq_etl_dataclass_namespace_name")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_etl_dataclass_version")),
        sa.CheckConstraint(
            one_of("status", "draft", "active", "deprecated", "disabled"), name=op.f("ck_etl_dataclass_status")
        ),
        **TABLE,
    )
    steps.create_table(
        "etl_dataset",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("namespace", key(255), nullable=False),
        sa.Column("name", key(500), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_etl_dataset")),
        sa.UniqueConstraint("namespace", "name", name=op.f("uq_etl_dataset_namespace_name")),
        **TABLE,
    )
    steps.create_table(
        "etl_job",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("namespace", key(255), nullable=False),
        sa.Column("name", key(255), nullable=False),
        sa.Column("description", long_text(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("strategy_type", sa.String(32), nullable=False),
        sa.Column("num_of_retries", sa.Integer(), nullable=False),
        sa.Column("file_logging", sa.Boolean(), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("updated_at", instant(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", instant(), nullable=True),
        sa.Column("created_by", key(255), nullable=False),
        sa.Column("updated_by", key(255), nullable=False),
        sa.Column("schedule", json(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_etl_job")),
        sa.UniqueConstraint("namespace", "name", name=op.f("uq_etl_job_namespace_name")),
        sa.CheckConstraint("num_of_retries >= 0", name=op.f("ck_etl_job_num_of_retries")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_etl_job_version")),
        sa.CheckConstraint(
            one_of("status", "draft", "active", "deprecated", "disabled"), name=op.f("ck_etl_job_status")
        ),
        sa.CheckConstraint(one_of("strategy_type", "row", "bulk", "bigdata"), name=op.f("ck_etl_job_strategy_type")),
        **TABLE,
    )
    steps.create_table(
        "etl_metric",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("updated_at", instant(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", instant(), nullable=True),
        sa.Column("created_by", key(255), nullable=False),
        sa.Column("updated_by", key(255), nullable=False),
        sa.Column("namespace", key(255), nullable=False),
        sa.Column("name", key(255), nullable=False),
        sa.Column("unit", sa.String(50), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("direction", sa.String(32), nullable=False),
        sa.Column("description", long_text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_etl_metric")),
        sa.UniqueConstraint("namespace", "name", name=op.f("uq_etl_metric_namespace_name")),
        sa.CheckConstraint(
            one_of("direction", "higher_is_better", "lower_is_better", "neutral"), name=op.f("ck_etl_metric_direction")
        ),
        sa.CheckConstraint(
            one_of("kind", "counter", "gauge", "duration", "size", "ratio"), name=op.f("ck_etl_metric_kind")
        ),
        **TABLE,
    )
    steps.create_table(
        "etl_tag",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("updated_at", instant(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", instant(), nullable=True),
        sa.Column("created_by", key(255), nullable=False),
        sa.Column("updated_by", key(255), nullable=False),
        sa.Column("key", key(100), nullable=False),
        sa.Column("value", key(255), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_etl_tag")),
        sa.UniqueConstraint("key", "value", name=op.f("uq_etl_tag_key_value")),
        **TABLE,
    )
    steps.create_table(
        "etl_component",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("name", key(255), nullable=False),
        sa.Column("component_type", key(255), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("updated_at", instant(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", instant(), nullable=True),
        sa.Column("created_by", key(255), nullable=False),
        sa.Column("updated_by", key(255), nullable=False),
        sa.Column("job_id", uuid_key(), nullable=False),
        sa.Column("description", long_text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("layout_x", sa.Double(), nullable=True),
        sa.Column("layout_y", sa.Double(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_etl_component")),
        sa.UniqueConstraint("job_id", "id", name=op.f("uq_etl_component_job_id_id")),
        sa.UniqueConstraint("job_id", "name", name=op.f("uq_etl_component_job_id_name")),
        sa.CheckConstraint("position >= 0", name=op.f("ck_etl_component_position")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_etl_component_version")),
        sa.CheckConstraint(
            one_of("status", "draft", "active", "deprecated", "disabled"), name=op.f("ck_etl_component_status")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["etl_job.id"], name=op.f("fk_etl_component_job_id"), ondelete="CASCADE"),
        **TABLE,
    )
    steps.create_table(
        "etl_dataclass_schema",
        sa.Column("dataclass_id", uuid_key(), nullable=False),
        sa.Column("schema_definition", json(), nullable=False),
        sa.PrimaryKeyConstraint("dataclass_id", name=op.f("pk_etl_dataclass_schema")),
        sa.ForeignKeyConstraint(
            ["dataclass_id"],
            ["etl_dataclass.id"],
            name=op.f("fk_etl_dataclass_schema_dataclass_id"),
            ondelete="CASCADE",
        ),
        **TABLE,
    )
    steps.create_table(
        "etl_dataclass_version",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", json(), nullable=False),
        sa.Column("content_hash", sa.String(80), nullable=False),
        sa.Column("created_by", key(255), nullable=False),
        sa.Column("dataclass_id", uuid_key(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_etl_dataclass_version")),
        sa.UniqueConstraint("dataclass_id", "version", name=op.f("uq_etl_dataclass_version_dataclass_id_version")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_etl_dataclass_version_version")),
        sa.ForeignKeyConstraint(
            ["dataclass_id"],
            ["etl_dataclass.id"],
            name=op.f("fk_etl_dataclass_version_dataclass_id"),
            ondelete="CASCADE",
        ),
        **TABLE,
    )
    steps.create_table(
        "etl_job_tag",
        sa.Column("job_id", uuid_key(), nullable=False),
        sa.Column("tag_id", uuid_key(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "tag_id", name=op.f("pk_etl_job_tag")),
        sa.ForeignKeyConstraint(["job_id"], ["etl_job.id"], name=op.f("fk_etl_job_tag_job_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tag_id"], ["etl_tag.id"], name=op.f("fk_etl_job_tag_tag_id"), ondelete="CASCADE"),
        **TABLE,
    )
    steps.create_index("ix_etl_job_tag_tag_id", "etl_job_tag", ["tag_id"])
    steps.create_table(
        "etl_job_version",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", json(), nullable=False),
        sa.Column("content_hash", sa.String(80), nullable=False),
        sa.Column("created_by", key(255), nullable=False),
        sa.Column("job_id", uuid_key(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_etl_job_version")),
        sa.UniqueConstraint("job_id", "id", name=op.f("uq_etl_job_version_job_id_id")),
        sa.UniqueConstraint("job_id", "version", name=op.f("uq_etl_job_version_job_id_version")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_etl_job_version_version")),
        sa.ForeignKeyConstraint(["job_id"], ["etl_job.id"], name=op.f("fk_etl_job_version_job_id"), ondelete="CASCADE"),
        **TABLE,
    )
    steps.create_table(
        "etl_component_configuration",
        sa.Column("component_id", uuid_key(), nullable=False),
        sa.Column("configuration", json(), nullable=False),
        sa.PrimaryKeyConstraint("component_id", name=op.f("pk_etl_component_configuration")),
        sa.ForeignKeyConstraint(
            ["component_id"],
            ["etl_component.id"],
            name=op.f("fk_etl_component_configuration_component_id"),
            ondelete="CASCADE",
        ),
        **TABLE,
    )
    steps.create_table(
        "etl_component_dataclass",
        sa.Column("component_id", uuid_key(), nullable=False),
        sa.Column("dataclass_id", uuid_key(), nullable=False),
        sa.Column("direction", sa.String(32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("component_id", "dataclass_id", "direction", name=op.f("pk_etl_component_dataclass")),
        sa.CheckConstraint("position >= 0", name=op.f("ck_etl_component_dataclass_position")),
        sa.CheckConstraint(one_of("direction", "input", "output"), name=op.f("ck_etl_component_dataclass_direction")),
        sa.ForeignKeyConstraint(
            ["component_id"],
            ["etl_component.id"],
            name=op.f("fk_etl_component_dataclass_component_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["dataclass_id"],
            ["etl_dataclass.id"],
            name=op.f("fk_etl_component_dataclass_dataclass_id"),
            ondelete="CASCADE",
        ),
        **TABLE,
    )
    steps.create_index("ix_etl_component_dataclass_dataclass_id", "etl_component_dataclass", ["dataclass_id"])
    steps.create_table(
        "etl_component_dependency",
        sa.Column("job_id", uuid_key(), nullable=False),
        sa.Column("downstream_id", uuid_key(), nullable=False),
        sa.Column("upstream_id", uuid_key(), nullable=False),
        sa.Column("out_port", key(100), nullable=False),
        sa.Column("in_port", key(100), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "downstream_id", "upstream_id", "out_port", "in_port", name=op.f("pk_etl_component_dependency")
        ),
        sa.CheckConstraint("position >= 0", name=op.f("ck_etl_component_dependency_position")),
        sa.CheckConstraint("upstream_id <> downstream_id", name=op.f("ck_etl_component_dependency_not_itself")),
        sa.ForeignKeyConstraint(
            ["job_id", "downstream_id"],
            ["etl_component.job_id", "etl_component.id"],
            name=op.f("fk_etl_component_dependency_job_id_downstream_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["job_id", "upstream_id"],
            ["etl_component.job_id", "etl_component.id"],
            name=op.f("fk_etl_component_dependency_job_id_upstream_id"),
            ondelete="CASCADE",
        ),
        **TABLE,
    )
    steps.create_index(
        "ix_etl_component_dependency_job_id_downstream_id", "etl_component_dependency", ["job_id", "downstream_id"]
    )
    steps.create_table(
        "etl_component_metric",
        sa.Column("component_id", uuid_key(), nullable=False),
        sa.Column("metric_id", uuid_key(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("component_id", "metric_id", name=op.f("pk_etl_component_metric")),
        sa.CheckConstraint("position >= 0", name=op.f("ck_etl_component_metric_position")),
        sa.ForeignKeyConstraint(
            ["component_id"],
            ["etl_component.id"],
            name=op.f("fk_etl_component_metric_component_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["metric_id"], ["etl_metric.id"], name=op.f("fk_etl_component_metric_metric_id"), ondelete="CASCADE"
        ),
        **TABLE,
    )
    steps.create_index("ix_etl_component_metric_metric_id", "etl_component_metric", ["metric_id"])
    steps.create_table(
        "etl_component_version",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", json(), nullable=False),
        sa.Column("content_hash", sa.String(80), nullable=False),
        sa.Column("created_by", key(255), nullable=False),
        sa.Column("component_id", uuid_key(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_etl_component_version")),
        sa.UniqueConstraint("component_id", "version", name=op.f("uq_etl_component_version_component_id_version")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_etl_component_version_version")),
        sa.ForeignKeyConstraint(
            ["component_id"],
            ["etl_component.id"],
            name=op.f("fk_etl_component_version_component_id"),
            ondelete="CASCADE",
        ),
        **TABLE,
    )
    steps.create_table(
        "etl_execution",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("updated_at", instant(), nullable=False),
        sa.Column("job_id", uuid_key(), nullable=False),
        sa.Column("job_version_id", uuid_key(), nullable=False),
        sa.Column("key", key(255), nullable=True),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("reason", long_text(), nullable=True),
        sa.Column("parameters", json(), nullable=False),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("trigger", sa.String(50), nullable=True),
        sa.Column("nominal_time", instant(), nullable=True),
        sa.Column("parent_id", uuid_key(), nullable=True),
        sa.Column("root_id", uuid_key(), nullable=True),
        sa.Column("rerun_of_id", uuid_key(), nullable=True),
        sa.Column("started_at", instant(), nullable=True),
        sa.Column("ended_at", instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_etl_execution")),
        sa.UniqueConstraint("job_id", "key", name=op.f("uq_etl_execution_job_id_key")),
        sa.CheckConstraint("attempt_count >= 1", name=op.f("ck_etl_execution_attempt_count")),
        sa.CheckConstraint(
            one_of(
                "state",
                "scheduled",
                "queued",
                "running",
                "cancelling",
                "succeeded",
                "failed",
                "cancelled",
                "skipped",
                "timed_out",
                "lost",
            ),
            name=op.f("ck_etl_execution_state"),
        ),
        sa.ForeignKeyConstraint(
            ["job_id", "job_version_id"],
            ["etl_job_version.job_id", "etl_job_version.id"],
            name=op.f("fk_etl_execution_job_id_job_version_id"),
        ),
        sa.ForeignKeyConstraint(["job_id"], ["etl_job.id"], name=op.f("fk_etl_execution_job_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["etl_execution.id"], name=op.f("fk_etl_execution_parent_id")),
        sa.ForeignKeyConstraint(["rerun_of_id"], ["etl_execution.id"], name=op.f("fk_etl_execution_rerun_of_id")),
        sa.ForeignKeyConstraint(["root_id"], ["etl_execution.id"], name=op.f("fk_etl_execution_root_id")),
        **TABLE,
    )
    steps.create_index("ix_etl_execution_created_at_id", "etl_execution", ["created_at", "id"])
    steps.create_index("ix_etl_execution_job_id_created_at_id", "etl_execution", ["job_id", "created_at", "id"])
    steps.create_index("ix_etl_execution_parent_id", "etl_execution", ["parent_id"])
    steps.create_index("ix_etl_execution_rerun_of_id", "etl_execution", ["rerun_of_id"])
    steps.create_index("ix_etl_execution_root_id", "etl_execution", ["root_id"])
    steps.create_index("ix_etl_execution_state_created_at_id", "etl_execution", ["state", "created_at", "id"])
    steps.create_table(
        "etl_job_version_tag",
        sa.Column("job_version_id", uuid_key(), nullable=False),
        sa.Column("tag_id", uuid_key(), nullable=False),
        sa.PrimaryKeyConstraint("job_version_id", "tag_id", name=op.f("pk_etl_job_version_tag")),
        sa.ForeignKeyConstraint(
            ["job_version_id"],
            ["etl_job_version.id"],
            name=op.f("fk_etl_job_version_tag_job_version_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tag_id"], ["etl_tag.id"], name=op.f("fk_etl_job_version_tag_tag_id"), ondelete="CASCADE"
        ),
        **TABLE,
    )
    steps.create_index("ix_etl_job_version_tag_tag_id", "etl_job_version_tag", ["tag_id"])
    steps.create_table(
        "etl_attempt",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("updated_at", instant(), nullable=False),
        sa.Column("started_at", instant(), nullable=True),
        sa.Column("ended_at", instant(), nullable=True),
        sa.Column("error_type", sa.String(255), nullable=True),
        sa.Column("error_message", long_text(), nullable=True),
        sa.Column("error_traceback", long_text(), nullable=True),
        sa.Column("execution_id", uuid_key(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("reason", long_text(), nullable=True),
        sa.Column("lease_token", uuid_key(), nullable=True),
        sa.Column("worker", json(), nullable=True),
        sa.Column("heartbeat_at", instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_etl_attempt")),
        sa.UniqueConstraint("execution_id", "number", name=op.f("uq_etl_attempt_execution_id_number")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_etl_attempt_number")),
        sa.CheckConstraint(
            one_of(
                "state",
                "scheduled",
                "queued",
                "running",
                "cancelling",
                "succeeded",
                "failed",
                "cancelled",
                "skipped",
                "timed_out",
                "lost",
            ),
            name=op.f("ck_etl_attempt_state"),
        ),
        sa.ForeignKeyConstraint(
            ["execution_id"], ["etl_execution.id"], name=op.f("fk_etl_attempt_execution_id"), ondelete="CASCADE"
        ),
        **TABLE,
    )
    steps.create_table(
        "etl_execution_tag",
        sa.Column("execution_id", uuid_key(), nullable=False),
        sa.Column("key", key(100), nullable=False),
        sa.Column("value", key(255), nullable=False),
        sa.PrimaryKeyConstraint("execution_id", "key", name=op.f("pk_etl_execution_tag")),
        sa.ForeignKeyConstraint(
            ["execution_id"], ["etl_execution.id"], name=op.f("fk_etl_execution_tag_execution_id"), ondelete="CASCADE"
        ),
        **TABLE,
    )
    steps.create_index(
        "ix_etl_execution_tag_key_value_execution_id", "etl_execution_tag", ["key", "value", "execution_id"]
    )
    steps.create_table(
        "etl_job_latest_execution",
        sa.Column("job_id", uuid_key(), nullable=False),
        sa.Column("execution_id", uuid_key(), nullable=True),
        sa.Column("execution_created_at", instant(), nullable=True),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_etl_job_latest_execution")),
        sa.UniqueConstraint("execution_id", name=op.f("uq_etl_job_latest_execution_execution_id")),
        sa.ForeignKeyConstraint(
            ["execution_id"],
            ["etl_execution.id"],
            name=op.f("fk_etl_job_latest_execution_execution_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["job_id"], ["etl_job.id"], name=op.f("fk_etl_job_latest_execution_job_id"), ondelete="CASCADE"
        ),
        **TABLE,
    )
    steps.create_table(
        "etl_component_execution",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("updated_at", instant(), nullable=False),
        sa.Column("started_at", instant(), nullable=True),
        sa.Column("ended_at", instant(), nullable=True),
        sa.Column("error_type", sa.String(255), nullable=True),
        sa.Column("error_message", long_text(), nullable=True),
        sa.Column("error_traceback", long_text(), nullable=True),
        sa.Column("attempt_id", uuid_key(), nullable=False),
        sa.Column("component_id", uuid_key(), nullable=True),
        sa.Column("name", key(255), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("reason", long_text(), nullable=True),
        sa.Column("inferred", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_etl_component_execution")),
        sa.UniqueConstraint(
            "attempt_id", "name", "ordinal", name=op.f("uq_etl_component_execution_attempt_id_name_ordinal")
        ),
        sa.CheckConstraint("ordinal >= 1", name=op.f("ck_etl_component_execution_ordinal")),
        sa.CheckConstraint(
            one_of(
                "state",
                "pending",
                "running",
                "succeeded",
                "failed",
                "cancelled",
                "skipped",
                "upstream_failed",
                "timed_out",
                "lost",
                "cached",
            ),
            name=op.f("ck_etl_component_execution_state"),
        ),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["etl_attempt.id"], name=op.f("fk_etl_component_execution_attempt_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["component_id"],
            ["etl_component.id"],
            name=op.f("fk_etl_component_execution_component_id"),
            ondelete="SET NULL",
        ),
        **TABLE,
    )
    steps.create_index("ix_etl_component_execution_component_id", "etl_component_execution", ["component_id"])
    steps.create_table(
        "etl_dataset_use",
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("id", big_integer(), nullable=False, autoincrement=True),
        sa.Column("attempt_id", uuid_key(), nullable=False),
        sa.Column("component_execution_id", uuid_key(), nullable=True),
        sa.Column("dataset_id", uuid_key(), nullable=False),
        sa.Column("direction", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_etl_dataset_use")),
        sa.UniqueConstraint(
            "attempt_id", "component_execution_id", "dataset_id", "direction", name=op.f("uq_etl_dataset_use_once")
        ),
        sa.CheckConstraint(one_of("direction", "input", "output"), name=op.f("ck_etl_dataset_use_direction")),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["etl_attempt.id"], name=op.f("fk_etl_dataset_use_attempt_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["component_execution_id"],
            ["etl_component_execution.id"],
            name=op.f("fk_etl_dataset_use_component_execution_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["dataset_id"], ["etl_dataset.id"], name=op.f("fk_etl_dataset_use_dataset_id")),
        **TABLE,
    )
    steps.create_index("ix_etl_dataset_use_component_execution_id", "etl_dataset_use", ["component_execution_id"])
    steps.create_index("ix_etl_dataset_use_dataset_id", "etl_dataset_use", ["dataset_id"])
    steps.create_table(
        "etl_metric_sample",
        sa.Column("id", big_integer(), nullable=False, autoincrement=True),
        sa.Column("attempt_id", uuid_key(), nullable=False),
        sa.Column("component_execution_id", uuid_key(), nullable=True),
        sa.Column("name", key(255), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("special", sa.String(8), nullable=True),
        sa.Column("recorded_at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_etl_metric_sample")),
        sa.CheckConstraint("(value IS NULL) <> (special IS NULL)", name=op.f("ck_etl_metric_sample_value_or_special")),
        sa.CheckConstraint(one_of("special", "nan", "inf", "-inf"), name=op.f("ck_etl_metric_sample_special")),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["etl_attempt.id"], name=op.f("fk_etl_metric_sample_attempt_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["component_execution_id"],
            ["etl_component_execution.id"],
            name=op.f("fk_etl_metric_sample_component_execution_id"),
            ondelete="CASCADE",
        ),
        sqlite_autoincrement=False,
        **TABLE,
    )
    steps.create_index(
        "ix_etl_metric_sample_attempt_id_name_sequence", "etl_metric_sample", ["attempt_id", "name", "sequence"]
    )
    steps.create_index("ix_etl_metric_sample_component_execution_id", "etl_metric_sample", ["component_execution_id"])
    steps.create_table(
        "etl_transition",
        sa.Column("id", big_integer(), nullable=False, autoincrement=True),
        sa.Column("execution_id", uuid_key(), nullable=False),
        sa.Column("attempt_id", uuid_key(), nullable=True),
        sa.Column("component_execution_id", uuid_key(), nullable=True),
        sa.Column("from_state", sa.String(32), nullable=True),
        sa.Column("to_state", sa.String(32), nullable=False),
        sa.Column("applied", sa.Boolean(), nullable=False),
        sa.Column("reason", long_text(), nullable=True),
        sa.Column("occurred_at", instant(), nullable=False),
        sa.Column("actor", key(255), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_etl_transition")),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["etl_attempt.id"], name=op.f("fk_etl_transition_attempt_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["component_execution_id"],
            ["etl_component_execution.id"],
            name=op.f("fk_etl_transition_component_execution_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["execution_id"], ["etl_execution.id"], name=op.f("fk_etl_transition_execution_id"), ondelete="CASCADE"
        ),
        **TABLE,
    )
    steps.create_index("ix_etl_transition_attempt_id", "etl_transition", ["attempt_id"])
    steps.create_index("ix_etl_transition_component_execution_id", "etl_transition", ["component_execution_id"])
    steps.create_index("ix_etl_transition_execution_id_id", "etl_transition", ["execution_id", "id"])


def downgrade() -> None:
    steps = Steps(op)
    steps.drop_table("etl_transition")
    steps.drop_table("etl_metric_sample")
    steps.drop_table("etl_dataset_use")
    steps.drop_table("etl_component_execution")
    steps.drop_table("etl_job_latest_execution")
    steps.drop_table("etl_execution_tag")
    steps.drop_table("etl_attempt")
    steps.drop_table("etl_job_version_tag")
    steps.drop_table("etl_execution")
    steps.drop_table("etl_component_version")
    steps.drop_table("etl_component_metric")
    steps.drop_table("etl_component_dependency")
    steps.drop_table("etl_component_dataclass")
    steps.drop_table("etl_component_configuration")
    steps.drop_table("etl_job_version")
    steps.drop_table("etl_job_tag")
    steps.drop_table("etl_dataclass_version")
    steps.drop_table("etl_dataclass_schema")
    steps.drop_table("etl_component")
    steps.drop_table("etl_tag")
    steps.drop_table("etl_metric")
    steps.drop_table("etl_job")
    steps.drop_table("etl_dataset")
    steps.drop_table("etl_dataclass")
    steps.drop_table("etl_component_type")
