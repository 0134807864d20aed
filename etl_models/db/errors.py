"""What repositories and table models raise: one root of their own, each also a kind of the library's root errors.

::

    RepositoryError
    ├── NotFoundError                 also errors.NotFoundError
    ├── MultipleResultsFoundError     also errors.ConflictError
    ├── InvalidFilterError            also errors.InvalidInputError
    ├── InvalidDataError              also errors.InvalidInputError
    ├── TenantRequiredError           also errors.AccessDeniedError
    ├── ReadOnlyError
    └── ConflictError                 also errors.ConflictError
        ├── DuplicateError            also errors.DuplicateError
        └── StaleDataError

So ``except RepositoryError`` catches what a repository raises, and ``except etl_models.NotFoundError`` catches every
missing thing. Facts are attributes, and the same in ``details`` for programs. Messages hold no stored values.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from etl_models import errors
from etl_models.domain.text import printable, short


class RepositoryError(errors.EtlModelsError):
    """Root of what a repository raises; ``model`` is the name of its model."""

    def __init__(self, message: str, *, model: str | None = None, **details: Any) -> None:
        super().__init__(message, model=model, **details)
        self.model = model


class NotFoundError(RepositoryError, errors.NotFoundError):
    """There is no such row, or it is deleted or another tenant's; ``identity`` or ``fields`` say what was asked for."""

    def __init__(self, model: str, *, identity: Any = None, fields: Iterable[str] = ()) -> None:
        self.identity = identity
        self.fields = tuple(fields)
        shown = None if identity is None else printable(short(str(identity)))
        what = f"with the id {shown}" if identity is not None else f"with this {', '.join(self.fields) or 'filter'}"
        super().__init__(f"there is no {model} {what}", model=model, identity=shown, fields=list(self.fields))


class ReadOnlyError(RepositoryError):
    """A session that only reads was asked to write; nothing was written."""


class MultipleResultsFoundError(RepositoryError, errors.ConflictError):
    """One row was asked for and several match."""

    def __init__(self, model: str, *, fields: Iterable[str] = ()) -> None:
        self.fields = tuple(fields)
        super().__init__(
            f"more than one {model} has this {', '.join(self.fields) or 'filter'}",
            model=model,
            fields=list(self.fields),
        )


class InvalidFilterError(RepositoryError, errors.InvalidInputError):
    """A filter, an order or a cursor cannot be used; nothing was sent to the database."""

    def __init__(
        self, reason: str, *, model: str | None = None, field: str | None = None, operator: str | None = None
    ) -> None:
        self.field = field
        self.operator = operator
        super().__init__(reason, model=model, field=field, operator=operator)


class InvalidDataError(RepositoryError, errors.InvalidInputError):
    """Values are refused by the model or by a rule of its table; ``problems`` says which and why."""

    def __init__(self, message: str, *, model: str | None = None, problems: Sequence[dict[str, Any]] = ()) -> None:
        self.problems = tuple(problems)
        super().__init__(message, model=model, problems=list(self.problems))


class TenantRequiredError(RepositoryError, errors.AccessDeniedError):
    """Rows of tenants were asked for, or one was made, and no tenant is set."""


class ConflictError(RepositoryError, errors.ConflictError):
    """What is stored contradicts the request; ``constraint``, ``table`` and ``columns`` say where, if known."""

    def __init__(
        self,
        message: str,
        *,
        model: str | None = None,
        constraint: str | None = None,
        table: str | None = None,
        columns: Iterable[str] = (),
        **details: Any,
    ) -> None:
        self.constraint = constraint
        self.table = table
        self.columns = tuple(columns)
        super().__init__(
            message, model=model, constraint=constraint, table=table, columns=list(self.columns), **details
        )


class DuplicateError(ConflictError, errors.DuplicateError):
    """Another row already has this value."""


class StaleDataError(ConflictError):
    """The row has changed since it was read; ``expected`` and ``found`` are versions, None where not known."""

    def __init__(
        self, model: str | None, *, identity: Any = None, expected: int | None = None, found: int | None = None
    ) -> None:
        self.identity = identity
        self.expected = expected
        self.found = found
        super().__init__(
            f"this {model or 'row'} has changed since it was read; read it again and repeat the change",
            model=model,
            identity=None if identity is None else str(identity),
            expected=expected,
            found=found,
        )
