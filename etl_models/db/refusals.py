"""What a database or a model refuses, as errors of repositories. Errors that trying again may mend pass untouched."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError as StaleRowError
from sqlmodel import SQLModel

from etl_models.db.constraints import Violation, ViolationKind, complete
from etl_models.db.dialects import dialect_of
from etl_models.db.dialects.base import DatabaseDialect
from etl_models.db.errors import ConflictError, DuplicateError, InvalidDataError, RepositoryError, StaleDataError
from etl_models.db.retry import driver_error
from etl_models.errors import EtlModelsError, InvalidInputError


class refusals:  # noqa: N801  (used like a function; a class, because it is entered for every call)
    """Raise DuplicateError, ConflictError, StaleDataError or InvalidDataError for what is refused inside the block.

    Everything else (a deadlock, a lost connection) goes on as it is, for whoever runs the unit of work again. After a
    refusal by the database the transaction has to be rolled back, as always.
    """

    __slots__ = ("_model", "_session")

    def __init__(self, session: Session, model: type[SQLModel]) -> None:
        self._session = session
        self._model = model

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None and (translated := _refusal(self._session, self._model, error)) is not None:
            raise translated from error


def _refusal(session: Session, model: type[SQLModel], error: BaseException) -> RepositoryError | None:
    if isinstance(error, ValidationError):
        return invalid(model, error)
    if isinstance(error, StaleRowError):
        return StaleDataError(model.__name__)
    if isinstance(error, sa.exc.PendingRollbackError):
        return RepositoryError("an earlier error ended this transaction: roll it back first", model=model.__name__)
    # Of a driver, before it sent anything.
    is_unstorable = isinstance(error, OverflowError | UnicodeError | InvalidInputError)
    if is_unstorable and not isinstance(error, RepositoryError):
        return InvalidDataError(f"{model.__name__}: a value cannot be stored", model=model.__name__)
    if isinstance(error, sa.exc.StatementError):
        return _translated(session, model, error)
    return None


def invalid(model: type[SQLModel], error: ValidationError) -> InvalidDataError:
    """Return our error for one of Pydantic; without the values, which may be secret."""
    problems = [
        {"field": ".".join(str(part) for part in item["loc"]), "reason": item["msg"]}
        for item in error.errors(include_input=False, include_url=False, include_context=False)
    ]
    listed = "; ".join(f"{problem['field']}: {problem['reason']}" for problem in problems)
    return InvalidDataError(f"{model.__name__}: {listed}", model=model.__name__, problems=problems)


def _translated(session: Session, model: type[SQLModel], error: sa.exc.StatementError) -> RepositoryError | None:
    dialect = dialect_of(session.get_bind(sa.inspect(model)).dialect.name)
    return refusal(error, dialect, model.metadata, model.__name__)


def refusal(
    error: sa.exc.StatementError, dialect: DatabaseDialect | None, metadata: sa.MetaData, model: str | None = None
) -> RepositoryError | None:
    """Return our error for values the database or a column type refuses, None for an error of another sort.

    ``model`` is the name of the model when it is known; otherwise messages name the table.
    """
    original = driver_error(error)
    if isinstance(original, RepositoryError):
        return original
    if not isinstance(error, sa.exc.DBAPIError):
        return _unstorable(model, original)
    violation = None if dialect is None else dialect.violation(original)
    if violation is not None:
        return _broken(model, complete(violation, metadata))
    if isinstance(error, sa.exc.DataError):
        return InvalidDataError(f"{model or 'row'}: the database cannot store a value", model=model)
    return None


def _unstorable(model: str | None, original: BaseException) -> RepositoryError | None:
    if isinstance(original, InvalidInputError):
        return InvalidDataError(f"{model or 'row'}: {original.message}", model=model)
    if isinstance(original, EtlModelsError):
        return None
    if isinstance(original, ValueError | TypeError | OverflowError):  # column types say what is wrong, without values
        return InvalidDataError(f"{model or 'row'}: a value cannot be stored", model=model)
    return None


def _broken(model: str | None, violation: Violation) -> RepositoryError:
    noun = model or violation.table or "row"
    facts: dict[str, Any] = {
        "model": model,
        "constraint": violation.constraint,
        "table": violation.table,
        "columns": violation.columns,
    }
    fields = ", ".join(violation.columns) or "value"
    if violation.kind is ViolationKind.UNIQUE:
        return DuplicateError(f"another {noun} already has this {fields}", **facts)
    if violation.kind is ViolationKind.FOREIGN_KEY:
        return ConflictError(f"{noun}: it refers to something that is not there, or is referred to", **facts)
    reason = {
        ViolationKind.CHECK: f"a value breaks the rule {violation.constraint}",
        ViolationKind.NOT_NULL: f"{fields} must not be empty",
        ViolationKind.TOO_LONG: f"{fields} is too long",
        ViolationKind.OUT_OF_RANGE: f"{fields} is out of range",
    }[violation.kind]
    problems = [{"field": column, "reason": reason} for column in violation.columns]
    return InvalidDataError(f"{noun}: {reason}", model=model, problems=problems)
