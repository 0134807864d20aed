"""``Store`` and ``AsyncStore``: everything an application does with one database of etl-models."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from etl_models.database import AsyncDatabase, Database
from etl_models.reads.health import DatabaseHealth
from etl_models.recorder.asynchronous import AsyncRecorder
from etl_models.recorder.blocking import Recorder
from etl_models.settings import Settings
from etl_models.store.catalog import AsyncCatalog, Catalog
from etl_models.store.history import AsyncHistory, History


class Store:
    """The blocking face: ``catalog`` for definitions, ``recorder`` for executions, ``history`` for what happened.

    ``url`` wins over ``settings``; without either, settings are loaded. Nothing is opened before the first call;
    a store may be shared by threads, and closes as a context manager.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        settings: Settings | None = None,
        on_created: Callable[[str], None] | None = None,
    ) -> None:
        self.database = Database(url, settings=settings, on_created=on_created)
        self.catalog = Catalog(self.database)
        self.recorder = Recorder(database=self.database)
        self.history = History(self.database)

    def create_tables(self) -> None:
        """Bring the schema to the newest revision, creating everything where there is nothing."""
        self.database.create_tables()

    def health_check(self) -> DatabaseHealth:
        """Look whether the database can be used, and describe it; raises nothing when it cannot."""
        return self.database.health_check()

    def close(self) -> None:
        """Close all connections; the store cannot be used any more."""
        self.recorder.close()
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.database.target.safe_url!r})"


class AsyncStore:
    """The asynchronous face: as :class:`Store`, with ``await`` and ``async with``."""

    def __init__(
        self,
        url: str | None = None,
        *,
        settings: Settings | None = None,
        on_created: Callable[[str], None] | None = None,
    ) -> None:
        self.database = AsyncDatabase(url, settings=settings, on_created=on_created)
        self.catalog = AsyncCatalog(self.database)
        self.recorder = AsyncRecorder(database=self.database)
        self.history = AsyncHistory(self.database)

    async def create_tables(self) -> None:
        """Bring the schema to the newest revision, creating everything where there is nothing."""
        await self.database.create_tables()

    async def health_check(self) -> DatabaseHealth:
        """Look whether the database can be used, and describe it; raises nothing when it cannot."""
        return await self.database.health_check()

    async def close(self) -> None:
        """Close all connections; the store cannot be used any more."""
        await self.recorder.close()
        await self.database.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.database.target.safe_url!r})"
