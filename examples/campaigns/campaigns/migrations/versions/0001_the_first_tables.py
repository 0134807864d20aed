"""The first tables.

Revision 0001, after nothing.
"""

import sqlalchemy as sa
from alembic import op

import etl_models.db

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "marketing_campaign_history",
        sa.Column("history_id", etl_models.db.big_integer(), nullable=False),
        sa.Column("row_id", etl_models.db.uuid_key(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("changed_at", etl_models.db.UTCDateTime(), nullable=False),
        sa.Column("changed_by", etl_models.db.key_string(255), nullable=False),
        sa.Column("before", etl_models.db.SmartJSON(checked=True), nullable=True),
        sa.Column("after", etl_models.db.SmartJSON(checked=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('created', 'updated', 'deleted')", name=op.f("ck_marketing_campaign_history_kind")
        ),
        sa.PrimaryKeyConstraint("history_id", name=op.f("pk_marketing_campaign_history")),
        mariadb_charset="utf8mb4",
        mariadb_collate="utf8mb4_bin",
        mariadb_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("marketing_campaign_history", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_marketing_campaign_history_row_id_version"), ["row_id", "version"], unique=False
        )

    op.create_table(
        "marketing_role",
        sa.Column("id", etl_models.db.big_integer(), nullable=False),
        sa.Column("created_at", etl_models.db.UTCDateTime(), nullable=False),
        sa.Column("updated_at", etl_models.db.UTCDateTime(), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.CheckConstraint("name IN ('admin', 'planner', 'analyst')", name=op.f("ck_marketing_role_name")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_marketing_role")),
        sa.UniqueConstraint("name", name=op.f("uq_marketing_role_name")),
        mariadb_charset="utf8mb4",
        mariadb_collate="utf8mb4_bin",
        mariadb_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("marketing_role", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_marketing_role_created_at"), ["created_at"], unique=False)

    op.create_table(
        "marketing_user",
        sa.Column("id", etl_models.db.uuid_key(), nullable=False),
        sa.Column("created_at", etl_models.db.UTCDateTime(), nullable=False),
        sa.Column("updated_at", etl_models.db.UTCDateTime(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", etl_models.db.UTCDateTime(), nullable=True),
        sa.Column("metadata_json", etl_models.db.SmartJSON(checked=True), nullable=False),
        sa.Column("tags", sa.String(length=500), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("full_name", sa.String(length=255), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("deleted_at IS NULL OR is_deleted", name=op.f("ck_marketing_user_deleted_at")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_marketing_user")),
        sa.UniqueConstraint("email", name=op.f("uq_marketing_user_email")),
        mariadb_charset="utf8mb4",
        mariadb_collate="utf8mb4_bin",
        mariadb_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("marketing_user", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_marketing_user_created_at"), ["created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_marketing_user_is_deleted"), ["is_deleted"], unique=False)

    op.create_table(
        "marketing_campaign",
        sa.Column("id", etl_models.db.uuid_key(), nullable=False),
        sa.Column("created_at", etl_models.db.UTCDateTime(), nullable=False),
        sa.Column("updated_at", etl_models.db.UTCDateTime(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", etl_models.db.UTCDateTime(), nullable=True),
        sa.Column("metadata_json", etl_models.db.SmartJSON(checked=True), nullable=False),
        sa.Column("tags", sa.String(length=500), nullable=False),
        sa.Column("created_by", etl_models.db.key_string(255), nullable=False),
        sa.Column("updated_by", etl_models.db.key_string(255), nullable=False),
        sa.Column("version", etl_models.db.big_integer(), nullable=False),
        sa.Column("slug", etl_models.db.key_string(255), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("platform", sa.String(length=32), nullable=False),
        sa.Column("settings", etl_models.db.SmartJSON(checked=True), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("budget_micros", etl_models.db.big_integer(), nullable=False),
        sa.Column("budget_currency", sa.String(length=3), nullable=False),
        sa.Column("owner_id", etl_models.db.uuid_key(), nullable=True),
        sa.CheckConstraint("platform IN ('google', 'meta', 'tiktok')", name=op.f("ck_marketing_campaign_platform")),
        sa.CheckConstraint("slug != ''", name=op.f("ck_marketing_campaign_slug")),
        sa.CheckConstraint(
            "status IN ('draft', 'active', 'paused', 'ended')", name=op.f("ck_marketing_campaign_status")
        ),
        sa.CheckConstraint("deleted_at IS NULL OR is_deleted", name=op.f("ck_marketing_campaign_deleted_at")),
        sa.CheckConstraint("ends_on >= starts_on", name=op.f("ck_marketing_campaign_dates")),
        sa.CheckConstraint("length(budget_currency) = 3", name=op.f("ck_marketing_campaign_budget_currency")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_marketing_campaign_version")),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["marketing_user.id"], name=op.f("fk_marketing_campaign_owner_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_marketing_campaign")),
        sa.UniqueConstraint("slug", name=op.f("uq_marketing_campaign_slug")),
        mariadb_charset="utf8mb4",
        mariadb_collate="utf8mb4_bin",
        mariadb_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("marketing_campaign", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_marketing_campaign_created_at"), ["created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_marketing_campaign_is_deleted"), ["is_deleted"], unique=False)
        batch_op.create_index(batch_op.f("ix_marketing_campaign_name"), ["name"], unique=False)
        batch_op.create_index(batch_op.f("ix_marketing_campaign_owner_id"), ["owner_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_marketing_campaign_status"), ["status"], unique=False)

    op.create_table(
        "marketing_user_role",
        sa.Column("user_id", etl_models.db.uuid_key(), nullable=False),
        sa.Column("role_id", etl_models.db.big_integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["role_id"], ["marketing_role.id"], name=op.f("fk_marketing_user_role_role_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["marketing_user.id"], name=op.f("fk_marketing_user_role_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "role_id", name=op.f("pk_marketing_user_role")),
        mariadb_charset="utf8mb4",
        mariadb_collate="utf8mb4_bin",
        mariadb_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "marketing_ad",
        sa.Column("id", etl_models.db.uuid_key(), nullable=False),
        sa.Column("created_at", etl_models.db.UTCDateTime(), nullable=False),
        sa.Column("updated_at", etl_models.db.UTCDateTime(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", etl_models.db.UTCDateTime(), nullable=True),
        sa.Column("metadata_json", etl_models.db.SmartJSON(checked=True), nullable=False),
        sa.Column("tags", sa.String(length=500), nullable=False),
        sa.Column("impressions", etl_models.db.big_integer(), nullable=False),
        sa.Column("clicks", etl_models.db.big_integer(), nullable=False),
        sa.Column("conversions", etl_models.db.big_integer(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("is_paused", sa.Boolean(), nullable=False),
        sa.Column("campaign_id", etl_models.db.uuid_key(), nullable=False),
        sa.CheckConstraint("deleted_at IS NULL OR is_deleted", name=op.f("ck_marketing_ad_deleted_at")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["marketing_campaign.id"], name=op.f("fk_marketing_ad_campaign_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_marketing_ad")),
        sa.UniqueConstraint("code", name=op.f("uq_marketing_ad_code")),
        mariadb_charset="utf8mb4",
        mariadb_collate="utf8mb4_bin",
        mariadb_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("marketing_ad", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_marketing_ad_campaign_id"), ["campaign_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_marketing_ad_created_at"), ["created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_marketing_ad_is_deleted"), ["is_deleted"], unique=False)

    op.create_table(
        "marketing_creative",
        sa.Column("id", etl_models.db.uuid_key(), nullable=False),
        sa.Column("created_at", etl_models.db.UTCDateTime(), nullable=False),
        sa.Column("updated_at", etl_models.db.UTCDateTime(), nullable=False),
        sa.Column("impressions", etl_models.db.big_integer(), nullable=False),
        sa.Column("clicks", etl_models.db.big_integer(), nullable=False),
        sa.Column("conversions", etl_models.db.big_integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("headline", sa.String(length=200), nullable=False),
        sa.Column("asset_url", sa.String(length=2000), nullable=True),
        sa.Column("ad_id", etl_models.db.uuid_key(), nullable=False),
        sa.CheckConstraint("kind IN ('text', 'image', 'video')", name=op.f("ck_marketing_creative_kind")),
        sa.ForeignKeyConstraint(
            ["ad_id"], ["marketing_ad.id"], name=op.f("fk_marketing_creative_ad_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_marketing_creative")),
        mariadb_charset="utf8mb4",
        mariadb_collate="utf8mb4_bin",
        mariadb_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("marketing_creative", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_marketing_creative_ad_id"), ["ad_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_marketing_creative_created_at"), ["created_at"], unique=False)

    op.create_table(
        "marketing_daily_performance",
        sa.Column("id", etl_models.db.big_integer(), nullable=False),
        sa.Column("created_at", etl_models.db.UTCDateTime(), nullable=False),
        sa.Column("updated_at", etl_models.db.UTCDateTime(), nullable=False),
        sa.Column("impressions", etl_models.db.big_integer(), nullable=False),
        sa.Column("clicks", etl_models.db.big_integer(), nullable=False),
        sa.Column("conversions", etl_models.db.big_integer(), nullable=False),
        sa.Column("ad_id", etl_models.db.uuid_key(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("spend_micros", etl_models.db.big_integer(), nullable=False),
        sa.Column("spend_currency", sa.String(length=3), nullable=False),
        sa.CheckConstraint("length(spend_currency) = 3", name=op.f("ck_marketing_daily_performance_spend_currency")),
        sa.ForeignKeyConstraint(
            ["ad_id"], ["marketing_ad.id"], name=op.f("fk_marketing_daily_performance_ad_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_marketing_daily_performance")),
        sa.UniqueConstraint("ad_id", "day", name=op.f("uq_marketing_daily_performance_ad_id_day")),
        mariadb_charset="utf8mb4",
        mariadb_collate="utf8mb4_bin",
        mariadb_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("marketing_daily_performance", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_marketing_daily_performance_created_at"), ["created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_marketing_daily_performance_day"), ["day"], unique=False)


def downgrade() -> None:
    op.drop_table("marketing_daily_performance")
    op.drop_table("marketing_creative")
    op.drop_table("marketing_ad")
    op.drop_table("marketing_user_role")
    op.drop_table("marketing_campaign")
    op.drop_table("marketing_user")
    op.drop_table("marketing_role")
    op.drop_table("marketing_campaign_history")
