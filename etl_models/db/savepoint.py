"""A part of a unit that may fail by itself: a SAVEPOINT that tells the right error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.orm import Session


@contextmanager
def savepoint(session: Session) -> Iterator[None]:
    """Undo what was done inside when it raises, and go on with the unit.

    A deadlock on MariaDB ends the whole transaction, savepoints included; undoing then fails as well, with an error
    that says nothing (1305, no such savepoint). The deadlock is raised in its place: it is a reason to try again.
    """
    try:
        with session.begin_nested():
            yield
    except sa.exc.DBAPIError as error:
        first = error.__context__
        if isinstance(first, sa.exc.DBAPIError):
            raise first from first.__cause__
        raise
