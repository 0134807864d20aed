"""Targets: URLs understood before anything is opened."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from etl_models.db.engine import build_async_engine, build_engine
from etl_models.db.target import Target
from etl_models.errors import ConfigurationError


@pytest.mark.parametrize(
    ("url", "sync", "asynchronous"),
    [
        ("sqlite:///a.db", "sqlite+pysqlite", "sqlite+aiosqlite"),
        ("postgresql://u@h/d", "postgresql+psycopg", "postgresql+psycopg"),
        ("postgres://u@h/d", "postgresql+psycopg", "postgresql+psycopg"),
        ("mysql://u@h/d", "mysql+pymysql", "mysql+asyncmy"),
        ("mariadb://u@h/d", "mysql+pymysql", "mysql+asyncmy"),
        ("mysql+pymysql://u@h/d", "mysql+pymysql", "mysql+asyncmy"),
        ("mysql+asyncmy://u@h/d", "mysql+pymysql", "mysql+asyncmy"),
        ("sqlite+aiosqlite:///a.db", "sqlite+pysqlite", "sqlite+aiosqlite"),
    ],
)
def test_plain_urls_get_the_driver_of_the_face(url: str, sync: Any, asynchronous: Any) -> None:
    """One URL serves both faces; a driver that is named stays where it fits."""
    target = Target.parse(url)
    assert build_engine(target).url.drivername == sync
    assert build_async_engine(target).url.drivername == asynchronous


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("postgresqll://u@h/d", "did you mean postgresql://?"),
        ("oracle://u@h/d", "not supported; known: mariadb://, mysql://, postgres://, postgresql://, sqlite://"),
        ("etl.db", "cannot be understood"),
        ("", "cannot be understood"),
        ("postgresql://u:geheim@h:port/d", "cannot be understood"),
    ],
)
def test_what_is_no_url_of_ours_is_refused(url: str, complaint: Any) -> None:
    """A URL that cannot work is a ConfigurationError that shows no password."""
    with pytest.raises(ConfigurationError) as caught:
        Target.parse(url)
    assert complaint in caught.value.message
    assert "geheim" not in caught.value.message


def test_a_missing_driver_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who lacks a driver is told what to install."""
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in ("psycopg", "aiosqlite") else real(name)
    )
    with pytest.raises(ConfigurationError, match=r"pip install 'etl-models\[postgresql\]'"):
        build_engine(Target.parse("postgresql://h/d"))
    with pytest.raises(ConfigurationError, match=r"pip install 'etl-models\[async\]'"):
        build_async_engine(Target.parse("sqlite://"))


def test_an_explicit_driver_that_is_not_there_is_refused() -> None:
    """A driver nobody installed is a ConfigurationError, not an ImportError."""
    with pytest.raises(ConfigurationError, match="needs the package pg9000"):
        build_engine(Target.parse("postgresql+pg9000://h/d"))


@pytest.mark.parametrize(
    ("url", "place", "name", "is_memory"),
    [
        ("sqlite:////var/etl.db", "/var/etl.db", "etl.db", False),
        ("sqlite://", "memory", ":memory:", True),
        ("sqlite:///:memory:", "memory", ":memory:", True),
        ("sqlite:///file:/var/etl%20x.db?mode=ro&uri=true", "/var/etl x.db", "etl x.db", False),
        ("postgresql://u:geheim@db.example/etl", "db.example:5432/etl", "etl", False),
        ("mysql://u:geheim@db.example:3307/etl", "db.example:3307/etl", "etl", False),
    ],
)
def test_places_and_names(url: str, place: Any, name: str, is_memory: Any) -> None:
    """A target says where it is and what it is called, without its password."""
    target = Target.parse(url)
    assert (target.place, target.database_name, target.is_memory) == (place, name, is_memory)
    assert "geheim" not in target.safe_url + target.label + str(target.facts)


def test_a_relative_file_is_meant_from_the_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """sqlite:///x.db lies where the process was when it named it, wherever the process goes."""
    monkeypatch.chdir(tmp_path)
    target = Target.parse("sqlite:///x.db")
    monkeypatch.chdir("/")
    assert target.file == Path(tmp_path) / "x.db"
    assert build_engine(target).url.database == str(tmp_path / "x.db")
