"""Which executions are open around the running code: one context variable, so threads and tasks have their own."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

_open: ContextVar[tuple[Any, ...]] = ContextVar("etl_models_open_executions", default=())


def enter(handle: Any) -> None:
    """Make a handle the innermost of this context."""
    _open.set((*_open.get(), handle))


def leave(handle: Any) -> None:
    """Take a handle out again; not by token, because a generator may be closed in another context."""
    _open.set(tuple(other for other in _open.get() if other is not handle))


def innermost(recorder: Any) -> Any | None:
    """Return the innermost open handle of a recorder, None when there is none."""
    return next((handle for handle in reversed(_open.get()) if handle.recorder is recorder), None)
