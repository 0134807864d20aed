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
from etl_models.db.errors import InvalidDataError, StaleDataError
from etl_models.db.mixins import TenantScopedMixin
from etl_models.db.reading import ReadRepository, SearchResult
from etl_models.db.selection import is_soft
from etl_models.db.serialization import ModelSerializer
from etl_models.db.versioning import Change
from etl_models.domain.clock import utcnow

T = TypeVar("T", bound=SQLModel)


class Repository(ReadRepository[T]):
    """The rows of ``model``, to find and to change; see :class:`~etl_models.db.reading.ReadRepository` for finding."""

    def create(self, data: T | Mapping[str, Any] | None = None, /, **values: Any) -> T:
        """Add a row and flush it. Raises InvalidDataError, DuplicateError or ConflictError."""
        with self._working():
            row = data if isinstance(data, self.model) else self.model.model_validate({**_mapping(data), **values})
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

        With ``expected_version``, raises StaleDataError when the row has another version by now. The primary key
        cannot be changed: InvalidDataError.
        """
        row = self._row(target)
        if expected_version is not None and (found := getattr(row, "version", None)) != expected_version:
            raise StaleDataError(
                self.model.__name__, identity=self._identity(row), expected=expected_version, found=found
            )
        with self._working():
            try:
                ModelSerializer.update_from_dict(row, {**_mapping(changes), **values})
            except ValueError as error:
                if isinstance(error, ValidationError):
                    raise
                raise InvalidDataError(str(error), model=self.model.__name__) from error
            self.session.flush()
        return row

    def upsert(
        self, data: Mapping[str, Any] | None = None, /, *, match: Collection[str] | None = None, **values: Any
    ) -> T:
        """Add a row, or change the one with the same values of ``match`` (the key by default) in the fields given."""
        row = {**_mapping(data), **values}
        names = self._match(match)
        with self._working():
            bulk.upsert_rows(self.session, self.model, [row], names)
            found = self.with_deleted()._select((), {name: row[name] for name in names if name in row})  # noqa: SLF001
            stored: T = self.session.scalars(found.rows().execution_options(populate_existing=True)).one()
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
        return self.update(target, is_deleted=True, deleted_at=utcnow())

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
        """Change rows by their keys, each in the fields it names; return how many there were."""
        with self._working():
            return bulk.update_rows(self.session, self.model, rows, self._select((), {}).conditions)

    def bulk_upsert(self, rows: Iterable[Mapping[str, Any]], *, match: Collection[str] | None = None) -> int:
        """Insert rows, or change those with the same values of ``match`` (the key by default); return how many."""
        with self._working():
            return bulk.upsert_rows(self.session, self.model, rows, self._match(match))

    # -- versions ------------------------------------------------------------------------------------------------------

    def history(self, ident: Any) -> list[Change]:
        """Return every change of a versioned row, the oldest first; also of a deleted one."""
        return versioning.changes(self.session, self._versioned(), self._key(ident))

    def as_of(self, ident: Any, moment: datetime) -> T | None:
        """Return a versioned row as it was at ``moment``, in no session; None when it did not exist then."""
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

    def _identity(self, row: T) -> Any:
        key = sa.inspect(self.model).primary_key_from_instance(row)
        return key[0] if len(key) == 1 else tuple(key)

    def _match(self, match: Collection[str] | None) -> tuple[str, ...]:
        if match is not None:
            return (match,) if isinstance(match, str) else tuple(match)
        mapper = sa.inspect(self.model)
        return tuple(mapper.get_property_by_column(column).key for column in mapper.primary_key)

    def _check_soft(self) -> None:
        if not is_soft(self.model):
            raise InvalidDataError(f"rows of {self.model.__name__} cannot be hidden", model=self.model.__name__)

    def _versioned(self) -> type[T]:
        if not issubclass(self.model, versioning.VersioningMixin):
            raise InvalidDataError(f"{self.model.__name__} keeps no versions", model=self.model.__name__)
        return self.model


BaseRepository = Repository

__all__ = ["BaseRepository", "Repository", "SearchResult"]


def _mapping(data: Any) -> Mapping[str, Any]:
    if data is None:
        return {}
    if isinstance(data, Mapping):
        return data
    if hasattr(data, "model_dump"):  # a Create or Update shape: what was not set stays as it is
        dumped: Mapping[str, Any] = data.model_dump(exclude_unset=True)
        return dumped
    raise InvalidDataError(f"a mapping or a Pydantic model is needed, not {type(data).__name__}")
