"""URLs in messages."""

from __future__ import annotations

from typing import Any

import pytest

from etl_models.domain.urls import safe_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://etl:geheim@db:5432/etl", "postgresql://etl:***@db:5432/etl"),
        ("postgresql://etl@db/etl", "postgresql://etl@db/etl"),
        ("mysql+pymysql://etl:ge/he@im:x@db/etl", "mysql+pymysql://etl:***@db/etl"),
        ("postgresql://etl:ge?im@db/etl", "postgresql://etl:***@db/etl"),
        ("postgresql://db/etl?password=geheim&sslmode=require", "postgresql://db/etl?password=***&sslmode=require"),
        ("postgresql://db/etl?sslpassword=geheim", "postgresql://db/etl?sslpassword=***"),
        ("postgresql://:geheim@db/etl", "postgresql://:***@db/etl"),
        ("sqlite:////home/me@host/etl.db", "sqlite:////home/me@host/etl.db"),
        ("sqlite://", "sqlite://"),
        ("etl:geheim@db", "***"),
        ("", ""),
    ],
)
def test_passwords_never_show(url: str, shown: Any) -> None:
    """A URL is shown whole but for its password and the secrets of its query, also when it is malformed."""
    assert safe_url(url) == shown
