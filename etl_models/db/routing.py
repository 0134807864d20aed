"""Which database a session uses, primary or replica, and what errors that leave it mean. Opens nothing."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.orm.exc import StaleDataError as StaleRowError

from etl_models.db.dialects.base import EngineOptions
from etl_models.db.errors import ReadOnlyError, StaleDataError
from etl_models.db.health import ConnectionHealth
from etl_models.db.model_sessions import REFUSAL
from etl_models.db.refusals import refusal
from etl_models.db.retry import DATABASE_ERRORS, Retrying, driver_error
from etl_models.db.target import Target
from etl_models.db.translate import translate
from etl_models.errors import ConfigurationError, DatabaseUnavailableError, EtlModelsError

REPLICA_PAUSE = 30.0
"""Seconds for which a replica that could not be reached is left alone, where its sessions fall back."""

_MISSING_OBJECT = "create_tables() or a migration makes it"

logger = logging.getLogger("etl_models.db")


class Routing:
    """What both faces of a manager share: its two targets, its options, its rules."""

    def __init__(
        self,
        url: str | sa.URL,
        replica_url: str | sa.URL | None,
        *,
        replica_fallback: bool,
        metadata: sa.MetaData,
        options: EngineOptions,
    ) -> None:
        self.primary = Target.parse(url)
        self.replica = None if replica_url is None else Target.parse(replica_url)
        self.replica_fallback = replica_fallback
        self.metadata = metadata
        self.options = options
        self.closed = False
        self._replica_rests_until = 0.0
        self._check_replica()

    def _check_replica(self) -> None:
        if self.replica is None:
            if self.replica_fallback:
                raise ConfigurationError("replica_fallback needs a replica_url")
        elif self.replica.dialect is not self.primary.dialect:
            raise ConfigurationError(
                f"{self.replica.label} cannot be a replica of {self.primary.label}: another kind of database"
            )
        elif self.replica.is_memory:
            raise ConfigurationError("a database in memory cannot be a replica: nothing can be copied into it")

    @property
    def targets(self) -> tuple[Target, ...]:
        """The primary, and the replica where there is one."""
        return (self.primary,) if self.replica is None else (self.primary, self.replica)

    def target(self, *, readonly: bool) -> Target:
        """Return the database to try first.

        Raises DatabaseUnavailableError when the manager is closed, or a file that shall only be read is not there.
        """
        target = self.primary
        if readonly and self.replica is not None and time.monotonic() >= self._replica_rests_until:
            target = self.replica
        if self.must_probe(target):
            return target
        self.check_open(target, readonly=readonly)
        return target

    def must_probe(self, target: Target) -> bool:
        """Say whether to try a connection first, because another database stands in when there is none."""
        return self.replica_fallback and target is self.replica

    def check_open(self, target: Target, *, readonly: bool = True) -> None:
        """Raise DatabaseUnavailableError when the manager is closed or a SQLite file to be read is not there.

        Opening the file would make an empty one.
        """
        if self.closed:
            raise DatabaseUnavailableError(f"the connection to {target.label} was closed by this program")
        if readonly and target.is_missing:
            raise DatabaseUnavailableError(
                f"there is no database at {target.place}; create_tables() makes it", **target.facts
            )

    def fall_back(self, error: Exception) -> Target:
        """Leave the replica alone for a while, and return the primary."""
        assert self.replica is not None
        self._replica_rests_until = time.monotonic() + REPLICA_PAUSE
        problem = self.translated(error, self.replica, readonly=True)
        logger.warning("reading from the primary for %g s: %s", REPLICA_PAUSE, problem.message)
        return self.primary

    @contextmanager
    def translating(self, target: Target, *, readonly: bool) -> Iterator[None]:
        """Turn SQLAlchemy's errors about the database into ours."""
        try:
            yield
        except (*DATABASE_ERRORS, StaleRowError) as error:
            translated = self.translated(error, target, readonly=readonly)
            raise translated from (None if translated is driver_error(error) else error)

    def translated(self, error: BaseException, target: Target, *, readonly: bool) -> EtlModelsError:
        """Return what an error means to a caller."""
        if isinstance(error, EtlModelsError):
            return error
        if isinstance(error, StaleRowError):
            return StaleDataError(None)
        if readonly and target.dialect.is_refused_write(driver_error(error)):
            return ReadOnlyError(REFUSAL)
        if isinstance(error, sa.exc.StatementError):
            refused = refusal(error, target.dialect, self.metadata)
            if refused is not None:
                return refused
        return translate(error, target, self.metadata, missing_object=_MISSING_OBJECT)

    def retrying(self, *, readonly: bool) -> Retrying:
        """Return the attempts of one unit."""
        return Retrying(self.primary.dialect, self.options.timeout, read_only=readonly)

    def pause(self, retrying: Retrying, error: BaseException, target: Target, *, readonly: bool) -> float:
        """Return the seconds to wait before the next attempt; raises our error when there shall be none."""
        pause = retrying.pause_after(error)
        if pause is None:
            with self.translating(target, readonly=readonly):
                raise error
        logger.debug("%s: attempt %d failed, trying again", target.label, retrying.failures)
        return pause

    def failed(self, target: Target, error: Exception) -> ConnectionHealth:
        """Describe a database that could not be looked at."""
        return ConnectionHealth.failed(target, self.translated(error, target, readonly=True).message)

    def health(self, found: Mapping[Target, ConnectionHealth]) -> ConnectionHealth:
        """Return the health of the primary, with that of its replica."""
        replica = None if self.replica is None else found[self.replica]
        return found[self.primary].beside(replica, needed=not self.replica_fallback)
