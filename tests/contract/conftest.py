"""What contract tests share: a store on every database behind either face."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from etl_models.database import Database
from etl_models.recorder import AsyncRecorder, Recorder
from etl_models.store import AsyncStore, Store
from tests.support.recording import Story


@pytest.fixture
def store(migrated_url: str, face: str, blocking: Callable[[Any], Any]) -> Iterator[Store]:
    """A store on a database at head behind each face in turn, called without ``await``."""
    with blocking(AsyncStore(migrated_url)) if face == "async" else Store(migrated_url) as opened:
        yield opened


@pytest.fixture
def sync_store(migrated_url: str) -> Iterator[Store]:
    """A store behind the blocking face only, for tests about what reaches the database."""
    with Store(migrated_url) as opened:
        yield opened


@pytest.fixture
def recorder(migrated_url: str, face: str, blocking: Callable[[Any], Any]) -> Iterator[Any]:
    """A recorder on a database at head behind each face in turn, called without ``await``."""
    with blocking(AsyncRecorder(migrated_url)) if face == "async" else Recorder(migrated_url) as opened:
        yield opened


@pytest.fixture
def story(migrated_url: str) -> Iterator[Story]:
    """Reads what was recorded, and records without a recorder."""
    with Database(migrated_url) as database:
        yield Story(database)
