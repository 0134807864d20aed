"""Sessions on tables of a user's, on every database and both faces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from etl_models.db.versioning import VersioningMixin, history_table
from tests.support.toolkit import Rows, opened


@pytest.fixture
def rows_of(database_url: str, face: str) -> Iterator[Callable[..., Rows]]:
    """Makes the tables of these models in an empty database and opens a session on it."""
    with ExitStack() as stack:

        def make(*models: Any) -> Rows:
            tables = [model.__table__ for model in models]
            tables += [history_table(model) for model in models if issubclass(model, VersioningMixin)]
            return stack.enter_context(opened(database_url, face, *tables))

        yield make
