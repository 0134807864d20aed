"""Driver errors become ours, here and nowhere else: by code and by constraint, never with SQL or values in the text."""

from __future__ import annotations

from typing import Any, NoReturn

import sqlalchemy as sa

from etl_models.db.constraints import Violation, ViolationKind, complete
from etl_models.db.retry import Verdict, classify, driver_error
from etl_models.db.target import Target
from etl_models.domain.redaction import redact
from etl_models.errors import (
    AccessDeniedError,
    ConflictError,
    DatabaseUnavailableError,
    DuplicateError,
    EtlModelsError,
    InvalidInputError,
    SchemaVersionError,
)

_DENIED: frozenset[int | str] = frozenset({"42501", 1044, 1142, 1143, 1227})
_UNAVAILABLE = (Verdict.RETRY, Verdict.RECONNECT, Verdict.BACK_OFF, Verdict.REFUSED)
_UPGRADE = "run: etl-models db upgrade"
"""What to do about a missing table of ours; for tables of a user's, they say so themselves."""


def give_up(error: BaseException, target: Target, metadata: sa.MetaData, *, read_only: bool = False) -> NoReturn:
    """Raise what ``error`` means to a caller; the driver's error stays as its cause."""
    translated = translate(error, target, metadata, read_only=read_only)
    raise translated from (None if translated is driver_error(error) else error)


def translate(
    error: BaseException,
    target: Target,
    metadata: sa.MetaData,
    *,
    read_only: bool = False,
    missing_object: str = _UPGRADE,
) -> EtlModelsError:
    """Return our error for one of SQLAlchemy or a driver.

    ``missing_object`` is what to do when a table or column is not there.

    A broken constraint becomes DuplicateError, ConflictError or InvalidInputError with ``constraint``, ``table`` and
    ``columns`` in its details; the rest DatabaseUnavailableError, SchemaVersionError or AccessDeniedError.
    """
    original = driver_error(error)
    if isinstance(original, EtlModelsError):
        return original
    dialect = target.dialect
    if (violation := dialect.violation(original)) is not None:
        return _broken(complete(violation, metadata))
    if dialect.is_missing_object(original):
        return SchemaVersionError(
            f"the schema of {target.label} is not the one this program needs: a table or column is missing; "
            f"{missing_object}",
            **target.facts,
        )
    if _DENIED.intersection(dialect.codes(original)):
        return AccessDeniedError(f"the account of the database URL lacks a privilege in {target.label}", **target.facts)
    if isinstance(error, sa.exc.StatementError) and not isinstance(error, sa.exc.DBAPIError):
        return InvalidInputError(f"a value cannot be stored: {_reason_of_value(original)}")
    return _by_verdict(error, target, read_only=read_only)


def _by_verdict(error: BaseException, target: Target, *, read_only: bool) -> EtlModelsError:
    original = driver_error(error)
    verdict = classify(error, target.dialect)
    facts: dict[str, Any] = {**target.facts, "codes": list(target.dialect.codes(original)[:1])}
    if target.dialect.is_refused_write(original):
        if read_only:
            return EtlModelsError("a unit that only reads tried to write; it belongs into run(), not read()", **facts)
        return DatabaseUnavailableError(f"{target.label} refused a write: it is read-only", **facts)
    if isinstance(original, UnicodeError | OverflowError) or verdict is Verdict.POISON or _is_data_error(error):
        return InvalidInputError("a value cannot be stored: the database refuses it", **facts)
    if verdict in _UNAVAILABLE:
        return DatabaseUnavailableError(f"{target.label} {_why_unavailable(error, verdict, target)}", **facts)
    code = f" ({facts['codes'][0]})" if facts["codes"] else ""
    return EtlModelsError(f"{target.label} refused a statement: {type(original).__name__}{code}", **facts)


def _why_unavailable(error: BaseException, verdict: Verdict, target: Target) -> str:
    if verdict is Verdict.RETRY:
        return "is too busy: other transactions stayed in the way"
    if isinstance(error, sa.exc.TimeoutError):
        return "gave no free connection in time: all connections of this process are in use"
    text = driver_text(driver_error(error), target)
    if verdict is Verdict.BACK_OFF:
        return f"cannot take on this work now: {text}"
    return f"cannot be reached: {text}"


def driver_text(original: BaseException, target: Target) -> str:
    """Return the first line of what a driver says about a connection; such texts hold neither SQL nor values."""
    arguments = [item for item in original.args if isinstance(item, str)] or [type(original).__name__]
    line = next(iter(arguments[-1].strip().splitlines()), type(original).__name__)
    hint = ""
    if "unsupported startup parameter" in line:
        hint = " (behind PgBouncer, set database.transaction_pooling)"
    password = target.url.password
    text = redact(line)
    return (text.replace(str(password), "***") if password else text) + hint


def _reason_of_value(original: BaseException) -> str:
    # Our own types raise ValueError and TypeError with texts of ours, which name no value.
    return "naive datetime; pass an aware one" if "naive datetime" in str(original) else type(original).__name__


def _is_data_error(error: BaseException) -> bool:
    return isinstance(error, sa.exc.DataError)


def _broken(violation: Violation) -> EtlModelsError:
    details: dict[str, Any] = {
        "kind": violation.kind.value,
        "constraint": violation.constraint,
        "table": violation.table,
        "columns": list(violation.columns),
    }
    noun = (violation.table or "row").removeprefix("etl_").replace("_", " ")
    fields = ", ".join(violation.columns)
    error_class, sentence = _SENTENCES[violation.kind]
    return error_class(
        sentence.format(noun=noun, fields=fields or "value", constraint=violation.constraint or "a constraint"),
        **details,
    )


_SENTENCES: dict[ViolationKind, tuple[type[EtlModelsError], str]] = {
    ViolationKind.UNIQUE: (DuplicateError, "{noun}: another one already has this {fields}"),
    ViolationKind.FOREIGN_KEY: (ConflictError, "{noun}: it refers to something that is not there, or is referred to"),
    ViolationKind.CHECK: (InvalidInputError, "{noun}: a value breaks the rule {constraint}"),
    ViolationKind.NOT_NULL: (InvalidInputError, "{noun}: {fields} must not be empty"),
    ViolationKind.TOO_LONG: (InvalidInputError, "{noun}: {fields} is too long"),
    ViolationKind.OUT_OF_RANGE: (InvalidInputError, "{noun}: {fields} is out of range"),
}
