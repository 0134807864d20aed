"""Who is acting: the name that goes into ``created_by`` and ``updated_by``."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from etl_models.domain.naming import check_name

_actor: ContextVar[str | None] = ContextVar("etl_models_actor", default=None)


def current_actor() -> str:
    """Return the name set by :func:`acting_as`, else the operating system's user, else ``unknown``."""
    name = _actor.get()
    if name is not None:
        return name
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container user without an entry in the password database
        return "unknown"


@contextmanager
def acting_as(name: str) -> Iterator[None]:
    """Let everything inside the block (this thread or task) be recorded as done by ``name``."""
    token = _actor.set(check_name(name, "actor", slash=True))
    try:
        yield
    finally:
        _actor.reset(token)
