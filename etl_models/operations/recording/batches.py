"""Several recording operations as one unit: what a recorder sends, and what can be kept for later when it cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Command:
    """One operation with its arguments, all of them clean values: no secrets, nothing a database refuses."""

    operation: Callable[..., Any]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    reads_only: bool = False

    @property
    def name(self) -> str:
        """What it does, for messages."""
        return self.operation.__name__


def perform(session: Session, commands: Sequence[Command]) -> Any:
    """Run the commands in order, and return what the last one returned."""
    result = None
    for command in commands:
        result = command.operation(session, **command.arguments)
    return result
