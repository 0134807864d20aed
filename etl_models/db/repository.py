"""``Repository[T]``: finding, changing and counting the rows of one model, on a blocking session.

A concrete one is a few lines::

    class CampaignRepository(Repository[Campaign]):
        def find_active(self) -> list[Campaign]:
            return self.find_all(status="active", order_by="name")

It flushes and never commits: the transaction belongs to whoever opened the session. Rows that are softly deleted, and
rows of other tenants, are as if they were not there; ``with_deleted()``, ``only_deleted()`` and ``every_tenant()``
return a repository that sees them. Nothing is written twice for asynchronous code:
:class:`~etl_models.db.async_repository.AsyncRepository` runs these very methods.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Self, TypeVar

import sqlalchemy as sa
from pydantic import ValidationError
from sqlmodel import SQLModel

from etl_models.db import bulk, tenancy, versioning
from etl_models.db.errors import InvalidDataError, NotFoundError, StaleDataError
from etl_models.db.filters import column_attribute, is_soft
from etl_models.db.given import values_of
from etl_models.db.mixins import TenantScopedMixin
from etl_models.db.reading import ReadRepository, SearchResult, key_names
from etl_models.db.serialization import ModelSerializer
from etl_models.db.validation import set_fields
from etl_models.db.versioning import Change
from etl_models.domain.clock import utcnow

T = TypeVar("T", bound=SQLModel)


class Repository(ReadRepository[T]):
    """The rows of ``model``, to find and to change; see :class:`~etl_models.db.reading.ReadRepository` for finding."""

    def create(self, data: T | Mapping[str, Any] | None = None, /, **values: Any) -> T:
        """Add a row and flush it. Raises InvalidDataError, DuplicateError or ConflictError."""
        with self._working():
            row = self._new(data, values)
            if isinstance(row, TenantScopedMixin):
                tenancy.check_tenant(self.model, row.tenant_id)
            self.session.add(row)
            self.session.flush()
            return row

    def update(
        self,
        target: T | Any,
        changes: Mapping[str, Any] | None = None,
        /,
        *,
        expected_version: int | None = None,
        **values: Any,
    ) -> T:
        """Set the named fields of a row, given itself or by its key, and flush it; the others stay.

        A row that another session holds, or none, names its key: the row of this session is changed and returned. With
        ``expected_version``, raises StaleDataError when the row has another version by now. The primary key cannot be
        changed: InvalidDataError.
        """
        row = self._row(target)
        if expected_version is not None:
            self._check_version(row, expected_version)
        with self._working():
            try:
                ModelSerializer.update_from_dict(row, {**values_of(changes), **values})
            except ValueError as error:
                if isinstance(error, ValidationError):
                    raise
                raise InvalidDataError(str(error), model=self.model.__name__) from error
            self.session.flush()
        return row

    def upsert(
        self, data: Mapping[str, Any] | None = None, /, *, match: Collection[str] | None = None, **values: Any
    ) -> T:
        """Add a row, or change the one with the same values of ``match`` (the key by default) in the fields given.

        A row that is softly deleted counts: it is changed, stays deleted and is returned. Versions are counted on, not
        compared. Without a key that the database would number, a row is added.
        """
        with self._working():
            given = {**values_of(data), **values}
            row = bulk.upsert_row(self.session, self.model, given, self._match(match))
            if row is None:
                return self.create(given)
            columns = (column_attribute(self.model, name) == value for name, value in row.items())
            statement = sa.select(self.model).where(*columns).execution_options(populate_existing=True)
            stored: T = self.session.scalars(statement).unique().one()
            return stored

    def delete(self, target: T | Any) -> None:
        """Remove a row for good, given itself or by its key."""
        row = self._row(target)
        with self._working():
            self.session.delete(row)
            self.session.flush()

    def soft_delete(self, target: T | Any) -> T:
        """Hide a row. Raises NotFoundError when it is hidden already, InvalidDataError where rows cannot be hidden."""
        self._check_soft()
        row: Any = self._row(target)
        if row.is_deleted:
            raise NotFoundError(self.model.__name__, identity=self._identity(row))
        return self.update(row, is_deleted=True, deleted_at=utcnow())

    def restore(self, target: T | Any) -> T:
        """Show a hidden row again."""
        self._check_soft()
        return self.with_deleted().update(target, is_deleted=False, deleted_at=None)

    # -- many rows -----------------------------------------------------------------------------------------------------

    def bulk_create(self, rows: Iterable[Mapping[str, Any]]) -> int:
        """Insert rows of plain values and return how many; see :mod:`~etl_models.db.bulk`."""
        with self._working():
            return bulk.insert_rows(self.session, self.model, rows)

    def bulk_update(self, rows: Iterable[Mapping[str, Any]]) -> int:
        """Change rows by their keys, each in the fields it names; return how many there were.

        Rows that are missing, softly deleted or another tenant's are left out of the count.
        """
        with self._working():
            return bulk.update_rows(self.session, self.model, rows, self._select((), {}).conditions)

    def bulk_upsert(self, rows: Iterable[Mapping[str, Any]], *, match: Collection[str] | None = None) -> int:
        """Insert rows, or change those with the same values of ``match`` (the key by default); return how many."""
        with self._working():
            return bulk.upsert_rows(self.session, self.model, rows, self._match(match))

    # -- versions ------------------------------------------------------------------------------------------------------

    def history(self, ident: Any) -> list[Change]:
        """Return every change of a versioned row, the oldest first; also of a deleted one."""
        with self._working():
            return versioning.changes(self.session, self._versioned(), self._key(ident))

    def as_of(self, ident: Any, moment: datetime) -> T | None:
        """Return a versioned row as it was at ``moment``, in no session; None when it did not exist then."""
        with self._working():
            found: T | None = versioning.state_at(self.session, self._versioned(), self._key(ident), moment)
            return found

    def revert_to(self, target: T | Any, version: int) -> T:
        """Give a versioned row the values of an older version. Raises NotFoundError without such a version."""
        self._versioned()
        row: Any = self.with_deleted()._row(target)  # noqa: SLF001
        with self._working():
            reverted: T = row.revert_to(version)
            return reverted

    # -- inside --------------------------------------------------------------------------------------------------------

    def _row(self, target: T | Any) -> T:
        if not isinstance(target, self.model):
            return self._uncached().get(target)
        state = sa.inspect(target)
        if state.session is not self.session or state.deleted:
            # Changing it would change nothing that is stored: what counts is the row of this session.
            if not state.identity:
                raise InvalidDataError(
                    f"this {self.model.__name__} is not stored; create it, or give the key of the row that is meant",
                    model=self.model.__name__,
                )
            return self._uncached().get(state.identity)
        row: T = target
        if issubclass(self.model, TenantScopedMixin) and not self.scope.every_tenant:
            tenancy.check_tenant(self.model, getattr(row, "tenant_id"))  # noqa: B009
        return row

    def _uncached(self) -> Self:
        # What is about to change is read where it is changed.
        if self.cache is None:
            return self
        other = copy.copy(self)
        other.cache = None
        return other

    def _new(self, data: T | Mapping[str, Any] | None, values: Mapping[str, Any]) -> T:
        if not isinstance(data, self.model):
            return self.model.model_validate({**values_of(data), **values})
        if sa.inspect(data).key is not None:
            raise InvalidDataError(f"this {self.model.__name__} is stored already", model=self.model.__name__)
        row: T = data
        set_fields(row, values)
        return row

    def _check_version(self, row: T, expected: int) -> None:
        counter = sa.inspect(self.model).version_id_col
        if counter is None:
            raise InvalidDataError(f"{self.model.__name__} has no version to compare", model=self.model.__name__)
        if getattr(row, counter.key) != expected and not self.session.is_modified(row):
            self.session.refresh(row)  # what this session holds may be older than what the caller has seen
        if (found := getattr(row, counter.key)) != expected:
            raise StaleDataError(self.model.__name__, identity=self._identity(row), expected=expected, found=found)

    def _identity(self, row: T) -> Any:
        key = sa.inspect(self.model).primary_key_from_instance(row)
        return key[0] if len(key) == 1 else tuple(key)

    def _match(self, match: Collection[str] | None) -> tuple[str, ...]:
        if match is None:
            return key_names(self.model)
        return bulk.matching(self.model, (match,) if isinstance(match, str) else tuple(match))

    def _check_soft(self) -> None:
        if not is_soft(self.model):
            raise InvalidDataError(f"rows of {self.model.__name__} cannot be hidden", model=self.model.__name__)

    def _versioned(self) -> type[T]:
        if not issubclass(self.model, versioning.VersioningMixin):
            raise InvalidDataError(f"{self.model.__name__} keeps no versions", model=self.model.__name__)
        return self.model


BaseRepository = Repository

__all__ = ["BaseRepository", "Repository", "SearchResult"]
