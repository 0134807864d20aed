"""How much work one load puts into wording its problems.

A file of a megabyte can hold ten thousand faults. Only the first few hundred are reported, so looking for the
nearest word of each, or checking further definitions once that many are refused, would only burn time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

MAX_SUGGESTIONS = 100
MAX_FINDINGS = 10_000


class _Budget:
    def __init__(self) -> None:
        self.suggestions = MAX_SUGGESTIONS
        self.findings = MAX_FINDINGS


_current: ContextVar[_Budget | None] = ContextVar("etl_models_specs_budget", default=None)


@contextmanager
def limited() -> Iterator[None]:
    """Limit the work of everything validated inside; without it there is no limit."""
    token = _current.set(_Budget())
    try:
        yield
    finally:
        _current.reset(token)


def may_suggest() -> bool:
    """Take one suggestion from the budget; False when none is left."""
    budget = _current.get()
    if budget is None:
        return True
    budget.suggestions -= 1
    return budget.suggestions >= 0


def report(findings: int) -> None:
    """Take ``findings`` from the budget."""
    budget = _current.get()
    if budget is not None:
        budget.findings -= findings


def is_spent() -> bool:
    """Say whether so much was refused already that checking more tells nobody anything."""
    budget = _current.get()
    return budget is not None and budget.findings < 0
