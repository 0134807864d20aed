"""References to secrets in configurations: ``{secret: warehouse_password}``. They name a secret, they hold none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from etl_models.domain.naming import name_problem
from etl_models.specs.base import Finding
from etl_models.specs.fields import MAX_VALUE_DEPTH
from etl_models.specs.positions import Path
from etl_models.specs.wording import kind_of

SECRET = "secret"  # noqa: S105  (the key of a reference)


def is_secret_reference(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Say whether ``value`` has the shape of a reference: a mapping with the one key ``secret``."""
    return isinstance(value, Mapping) and len(value) == 1 and SECRET in value


def secret_findings(value: object, loc: Path = ()) -> Iterator[Finding]:
    """Yield the references in ``value`` that name no secret."""
    if len(loc) > MAX_VALUE_DEPTH:
        return
    if is_secret_reference(value) and not is_secret_reference(value[SECRET]):
        name = value[SECRET]
        problem = name_problem(name, slash=True) if isinstance(name, str) else f"must be text, not {kind_of(name)}"
        if problem is not None:
            yield Finding((*loc, SECRET), f"the name of a secret {problem}")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(key, str):
                yield from secret_findings(item, (*loc, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from secret_findings(item, (*loc, index))
