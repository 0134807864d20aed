"""What ``doctor`` looks at. Each finding is ``check``, ``verdict`` (ok, warning, error) and ``found``, a sentence."""

from __future__ import annotations

import importlib.util
import platform
import sqlite3
from collections.abc import Iterator
from importlib import metadata
from typing import TYPE_CHECKING

from etl_models.errors import EtlModelsError
from etl_models_cli.context import Cli

if TYPE_CHECKING:
    from etl_models.db.target import Target

Finding = dict[str, str]

# https://sqlite.org/wal.html: two connections that write while one resets the log may corrupt the file.
_WAL_FIXED = (3, 51, 3)
_WAL_BACKPORTS = ((3, 44, 6), (3, 50, 7))
_DISTRIBUTIONS = (
    "SQLAlchemy",
    "sqlmodel",
    "pydantic",
    "alembic",
    "typer",
    "psycopg",
    "PyMySQL",
    "asyncmy",
    "aiosqlite",
)
_EXTRAS = {
    "postgresql": ("psycopg",),
    "mysql": ("pymysql", "asyncmy"),
    "async": ("aiosqlite", "greenlet"),
}


def versions() -> dict[str, str | None]:
    """Return the versions of etl-models, Python, SQLite and the packages it stands on; None for what is missing."""
    return {
        "etl-models": _version("etl-models") or _own_version(),
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        **{name: _version(name) for name in _DISTRIBUTIONS},
    }


def examine(cli: Cli) -> Iterator[Finding]:
    """Yield everything there is to say about the database and this installation."""
    yield from _installation()
    try:
        target = cli.database.target
    except EtlModelsError as error:
        yield _finding("settings", "error", error.message)
        return
    yield _finding("settings", "ok", f"the database is {target.safe_url}")
    yield from _database(cli)
    if target.dialect.name == "sqlite":
        yield _sqlite()
    yield from _extras(target)


def _finding(check: str, verdict: str, found: str) -> Finding:
    return {"check": check, "verdict": verdict, "found": found}


def _installation() -> Iterator[Finding]:
    found = versions()
    names = ("etl-models", "Python", "SQLAlchemy", "sqlmodel")
    yield _finding("versions", "ok", ", ".join(f"{name} {found[name]}" for name in names))


def _database(cli: Cli) -> Iterator[Finding]:
    file = cli.database.target.file
    if file is not None and not file.exists():
        yield _finding("database", "warning", f"there is no {file} yet; the first write makes it")
        return
    health = cli.database.health_check()
    if health.latency_ms is None:
        yield _finding("database", "error", health.error or "it cannot be reached")
        return
    server = f"{health.dialect} {health.server_version}, answered in {health.latency_ms:.1f} ms"
    yield _finding("database", "ok", server)
    schema = f"revision {health.schema_revision or 'none'}, newest {health.schema_head}"
    yield _finding("schema", "ok" if health.ok else "error", schema if health.ok else health.error or schema)
    facts = ", ".join(f"{name} {value}" for name, value in health.facts.items())
    if facts:
        yield _finding("database settings", "ok", facts)


def _sqlite() -> Finding:
    version = sqlite3.sqlite_version_info
    if not has_wal_reset_bug(version):
        return _finding("SQLite", "ok", sqlite3.sqlite_version)
    return _finding(
        "SQLite",
        "warning",
        f"{sqlite3.sqlite_version} has the WAL-reset bug (3.7.0 to 3.51.2): with several writers the file can be "
        "damaged in rare cases; keep backups, or use a Python with SQLite 3.51.3 or newer",
    )


def has_wal_reset_bug(version: tuple[int, ...]) -> bool:
    """Say whether this version of SQLite can damage a file that several connections write to."""
    if version >= _WAL_FIXED or version < (3, 7, 0):
        return False
    return not any(version[:2] == fixed[:2] and version >= fixed for fixed in _WAL_BACKPORTS)


def _extras(target: Target) -> Iterator[Finding]:
    needed = {"postgresql": "postgresql", "mysql": "mysql"}.get(target.dialect.name)
    for extra, modules in _EXTRAS.items():
        missing = [module for module in modules if importlib.util.find_spec(module) is None]
        if not missing:
            yield _finding(f"extra {extra}", "ok", "installed")
        elif extra == needed:
            yield _finding(f"extra {extra}", "error", f"needed here: pip install 'etl-models[{extra}]'")
        else:
            yield _finding(f"extra {extra}", "ok", f"not installed, not needed here ({', '.join(missing)})")


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _own_version() -> str:
    from etl_models._version import __version__

    return __version__
