"""Alembic's environment: everything but the names is the library's."""

from __future__ import annotations

from alembic import context

from campaigns.models import Marketing
from campaigns.settings import database_url
from etl_models.db import run_migrations

run_migrations(context, Marketing.metadata, url=database_url(), version_table="marketing_alembic_version")
