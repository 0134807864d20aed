"""Migrations: upgrade, downgrade, check, stamp, and the same as SQL text. The only module that imports alembic.

Every change of a schema happens under a lock, so that processes that start at once take turns; the later ones find
nothing left to do. On PostgreSQL and SQLite all steps are one transaction; on MariaDB and MySQL the steps can be
repeated (``db/steps.py``), so that running again heals what a killed process left behind.

Only tables of our own metadata are looked at, and the version table has a name of its own: what else is in the
database, a user's tables or alembic history, is neither seen nor touched.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError

import etl_models.models  # noqa: F401 - registers the tables with the metadata
from etl_models import revisions
from etl_models.db.bases import metadata
from etl_models.db.dialects import dialect_of
from etl_models.db.dialects.base import DatabaseDialect, EngineOptions
from etl_models.db.engine import build_engine
from etl_models.db.retry import DATABASE_ERRORS, Retrying
from etl_models.db.target import Target
from etl_models.db.translate import give_up
from etl_models.errors import CheckFailedError, ConflictError, InvalidInputError, SchemaVersionError

DatabaseRef = str | Target | sa.Connection
"""A URL, a target, or a connection without a transaction (for a database in memory there is no other way)."""

T = TypeVar("T")

WAIT = 60.0
"""Seconds to wait for another process that migrates, or for transactions that hold a table."""

# Short lock timeouts, so that a waiting schema change does not hold up everybody behind it; the retries make up for it.
# Nothing here needs prepared statements or a session, so it works through a transaction pooler without being told.
_OPTIONS = EngineOptions(pool_size=1, max_overflow=0, timeout=15, statement_timeout=0, transaction_pooling=True)


def _is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    return kind != "table" or name in metadata.tables


_COMPARING = {
    "version_table": revisions.VERSION_TABLE,
    "include_name": _is_ours,
    "compare_type": True,
    "compare_server_default": True,
}


@dataclass(frozen=True, slots=True)
class Step:
    """A revision that has just been applied or taken back; ``number`` counts from 1."""

    revision: str
    title: str
    number: int


@dataclass(frozen=True, slots=True)
class Migration:
    """What a migration did; ``before == after`` when there was nothing to do."""

    before: str | None
    after: str | None


Progress = Callable[[Step], None]


def upgrade(
    database: DatabaseRef, revision: str = "head", *, progress: Progress | None = None, wait: float = WAIT
) -> Migration:
    """Apply all revisions up to ``revision``. Raises SchemaVersionError when the schema is newer than this library."""
    return _migrate(database, lambda config: command.upgrade(config, revision), progress, wait)


def downgrade(
    database: DatabaseRef, revision: str, *, progress: Progress | None = None, wait: float = WAIT
) -> Migration:
    """Take back all revisions after ``revision`` (``base``: all), and the data that only they have a place for.

    Raises ConflictError when all are to go while a table of somebody else refers to one of ours.
    """

    def act(config: Config) -> None:
        if revision == "base":
            _refuse_if_referred_to(config.attributes["connection"])
        command.downgrade(config, revision)

    return _migrate(database, act, progress, wait)


def stamp(database: DatabaseRef, revision: str, *, wait: float = WAIT) -> Migration:
    """Write down that the schema is that of ``revision``, without changing it; mends a wrong version table too."""
    return _migrate(database, lambda config: command.stamp(config, revision, purge=True), None, wait, check=False)


def current(database: DatabaseRef) -> str | None:
    """Return the revision of the schema, None when there is none (or no database file yet, which is not made)."""
    return _look(database, revisions.current)


def drop_all(database: DatabaseRef) -> None:
    """Drop every table of ours, whatever revision they are of; a user's own tables stay.

    Raises ConflictError, and drops nothing, while one of those refers to one of ours.
    """
    _with_connection(database, _drop_all, WAIT)


def check(database: DatabaseRef) -> None:
    """Raise SchemaVersionError unless the schema is at head, CheckFailedError when it differs from the models."""
    differences = _look(database, _check)
    if differences is None:
        raise _too_old(None)
    if differences:
        raise CheckFailedError(
            "the schema differs from the tables of this version:\n" + "\n".join(differences), differences=differences
        )


def exclude_etl_models(name: str | None, kind: str, _parents: Any) -> bool:
    """Keep our tables out of a user's autogenerate: ``context.configure(..., include_name=exclude_etl_models)``."""
    return kind != "table" or not (name in metadata.tables or name == revisions.VERSION_TABLE)


def upgrade_sql(kind: str, revision: str = "head", *, start: str | None = None) -> str:
    """Return the SQL of an upgrade from ``start`` (None: from nothing), made without any database.

    ``kind`` is a URL, or ``sqlite``, ``postgresql``, ``mysql`` or ``mariadb``.
    """
    span = f"{start}:{revision}" if start else revision
    return _sql(kind, lambda config: command.upgrade(config, span, sql=True))


def downgrade_sql(kind: str, revision: str, *, start: str = "head") -> str:
    """Return the SQL of a downgrade from ``start``, as :func:`upgrade_sql`."""
    return _sql(kind, lambda config: command.downgrade(config, f"{start}:{revision}", sql=True))


def stamp_sql(kind: str, revision: str, *, start: str | None = None) -> str:
    """Return the SQL of a stamp on a version table that holds ``start`` (None: nothing), as :func:`upgrade_sql`."""
    span = f"{start}:{revision}" if start else revision
    return _sql(kind, lambda config: command.stamp(config, span, sql=True))


def run_environment(environment: Any, **options: Any) -> None:
    """What ``migrations/env.py`` runs, with alembic's ``context``: on our connection, as text, or for a contributor."""
    attributes = environment.config.attributes
    options = {"target_metadata": metadata, **_COMPARING, **options}
    if environment.is_offline_mode():
        _write_sql(environment, attributes["dialect"], options)
    elif (connection := attributes.get("connection")) is not None:
        environment.configure(connection=connection, on_version_apply=attributes["on_step"], **options)
        environment.run_migrations()
    else:
        _develop(environment, options)


def _write_sql(environment: Any, dialect: DatabaseDialect, options: dict[str, Any]) -> None:
    environment.configure(
        dialect_name=dialect.name,
        dialect_opts={"paramstyle": "named"},
        literal_binds=True,
        transactional_ddl=dialect.ddl_rolls_back,
        **options,
    )
    with environment.begin_transaction():
        environment.run_migrations()


def _develop(environment: Any, options: dict[str, Any]) -> None:
    """Serve alembic's own command line, with which contributors draft a new revision."""
    from etl_models.settings import load_settings

    target = Target.parse(load_settings().database.url.get_secret_value())
    with build_engine(target, _OPTIONS).connect() as connection, target.dialect.migrating(connection, wait=WAIT):
        environment.configure(connection=connection, **options)
        environment.run_migrations()


# -- running alembic


def _migrate(
    database: DatabaseRef, act: Callable[[Config], None], progress: Progress | None, wait: float, *, check: bool = True
) -> Migration:
    def work(connection: sa.Connection) -> Migration:
        dialect = dialect_of(connection.dialect.name)
        assert dialect is not None
        with dialect.migrating(connection, wait=wait):
            before = _current(connection) if check else None
            _refuse_unknown(before)
            with _our_errors():
                act(_config(connection=connection, on_step=_Reporter(progress)))
            return Migration(before, _current(connection))

    return _with_connection(database, work, wait)


def _current(connection: sa.Connection) -> str | None:
    """Ask whether there is a version table first: a statement that fails would end the transaction on PostgreSQL."""
    return revisions.current(connection) if sa.inspect(connection).has_table(revisions.VERSION_TABLE) else None


def _refuse_unknown(revision: str | None) -> None:
    if revision is not None and not revisions.is_known(revision):
        raise SchemaVersionError(
            f"the schema has revision {revision}, which is newer than this version of etl-models knows "
            f"({revisions.head()}): upgrade the package",
            current=revision,
            head=revisions.head(),
        )


class _Reporter:
    """Turns alembic's callback into ours."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._titles = {revision.number: revision.title for revision in revisions.known()}
        self._number = 0

    def __call__(self, *, step: Any, **_: Any) -> None:
        self._number += 1
        if self._progress is not None:
            revision = step.up_revision_id
            self._progress(Step(revision, self._titles.get(revision, ""), self._number))


def _config(**attributes: Any) -> Config:
    config = Config(output_buffer=attributes.pop("output", None))
    config.set_main_option("script_location", str(revisions.script_location()).replace("%", "%%"))
    config.attributes.update(attributes)
    return config


@contextmanager
def _our_errors() -> Iterator[None]:
    try:
        yield
    except CommandError as error:
        raise InvalidInputError(f"{error}; known revisions: {_known()}") from error


def _known() -> str:
    return ", ".join(revision.number for revision in revisions.known())


def _sql(kind: str, act: Callable[[Config], None]) -> str:
    scheme = kind.partition("://")[0].partition("+")[0]
    output = io.StringIO()
    with _our_errors():
        act(_config(output=output, dialect=Target.parse(f"{scheme}://").dialect))
    return output.getvalue()


def _look(database: DatabaseRef, work: Callable[[sa.Connection], T]) -> T | None:
    """Run ``work`` in a transaction that only reads: it waits for no writer, and makes no file (None without one)."""
    if isinstance(database, sa.Connection):
        return work(database)
    target = Target.parse(database) if isinstance(database, str) else database
    if target.file is not None and not target.file.exists():
        return None
    options = target.dialect.read_options()
    return _with_connection(target, lambda connection: work(connection.execution_options(**options)), WAIT)


def _check(connection: sa.Connection) -> list[str]:
    """Return how the schema differs from the models."""
    found = _current(connection)
    _refuse_unknown(found)
    if found != revisions.head():
        raise _too_old(found)
    context = MigrationContext.configure(connection, opts={"target_metadata": metadata, **_COMPARING})
    return [_describe(item) for item in compare_metadata(context, metadata)]


def _too_old(found: str | None) -> SchemaVersionError:
    head = revisions.head()
    return SchemaVersionError(
        f"the schema has revision {found or 'none'}, this version needs {head}; run: etl-models db upgrade",
        current=found,
        head=head,
    )


def _describe(difference: Any) -> str:
    """Write one of alembic's differences as a line: what would have to be done, to what."""
    if isinstance(difference, list):  # changes of one column come as a list
        return "; ".join(_describe(item) for item in difference)
    action, *subject = difference
    return f"{action}: " + " ".join(_name(item) for item in subject if isinstance(item, str) or hasattr(item, "name"))


def _name(item: Any) -> str:
    table = getattr(item, "table", None)
    name = item if isinstance(item, str) else str(item.name)
    return f"{table.name}.{name}" if table is not None else name


def _refuse_if_referred_to(connection: sa.Connection) -> None:
    """Look before the first table is dropped: MariaDB would stop at the one referred to, with the others gone."""
    inspector = sa.inspect(connection)
    for name in set(inspector.get_table_names()) - set(metadata.tables):
        for key in inspector.get_foreign_keys(name):
            if key["referred_table"] in metadata.tables:
                raise ConflictError(
                    f"the table {name} refers to {key['referred_table']}: drop it, or its foreign key, first",
                    table=name,
                    refers_to=key["referred_table"],
                )


def _drop_all(connection: sa.Connection) -> None:
    dialect = dialect_of(connection.dialect.name)
    assert dialect is not None
    with dialect.migrating(connection, wait=WAIT):
        _refuse_if_referred_to(connection)
        metadata.drop_all(connection)
        sa.Table(revisions.VERSION_TABLE, sa.MetaData()).drop(connection, checkfirst=True)


def _with_connection(database: DatabaseRef, work: Callable[[sa.Connection], T], wait: float) -> T:
    """Run ``work`` on a connection, again as long as others are in the way."""
    if isinstance(database, sa.Connection):
        return _patiently(database, Target.parse(database.engine.url), work, wait)
    target = Target.parse(database) if isinstance(database, str) else database
    engine = build_engine(target, _OPTIONS)
    try:
        return _patiently(engine, target, work, wait)
    finally:
        engine.dispose()


def _patiently(bind: sa.Engine | sa.Connection, target: Target, work: Callable[[sa.Connection], T], wait: float) -> T:
    retrying = Retrying(target.dialect, wait)
    while True:
        try:
            if isinstance(bind, sa.Connection):
                return work(bind)
            with bind.connect() as connection:
                return work(connection)
        except DATABASE_ERRORS as error:
            pause = retrying.pause_after(error)
            if pause is None:
                give_up(error, target, metadata)
        time.sleep(pause)
