"""The faces of history: what ``store.history`` offers, blocking and asynchronous, over the same operations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from etl_models.domain.paging import DEFAULT_LIMIT, Page
from etl_models.domain.states import ExecutionState
from etl_models.operations.history import listing, reading
from etl_models.operations.history import stats as statistics
from etl_models.operations.history.filters import When
from etl_models.reads.execution import ExecutionRead, ExecutionSummary, StatsRow

if TYPE_CHECKING:
    from etl_models.database import AsyncDatabase, Database

_List = list  # the name means a method below


class History:
    """Reads of executions on a :class:`~etl_models.database.Database`; shared by threads as it is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(
        self,
        *,
        job: str | None = None,
        namespace: str | None = None,
        states: Iterable[ExecutionState | str] = (),
        since: When = None,
        until: When = None,
        tags: Mapping[str, str | None] | None = None,
        key: str | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[ExecutionSummary]:
        """Return a page of executions, newest first; see :func:`~.operations.history.listing.list_executions`."""
        return self._database.read(
            listing.list_executions,
            job=job,
            namespace=namespace,
            states=tuple(states),
            since=since,
            until=until,
            tags=tags,
            key=key,
            limit=limit,
            cursor=cursor,
        )

    def get(self, id: UUID | str) -> ExecutionRead:  # noqa: A002  (the id of an execution)
        """Return one execution by its id or a fragment of it that no other shares."""
        return self._database.read(reading.get_execution, id)

    def get_by_key(self, job: str, key: str) -> ExecutionRead:
        """Return the execution of a job with this idempotency key."""
        return self._database.read(reading.get_execution_by_key, job, key)

    def latest(self, job: str) -> ExecutionRead:
        """Return the newest execution of a job."""
        return self._database.read(reading.get_latest_execution, job)

    def stats(
        self,
        *,
        by: str | Sequence[str] = "job",
        tz: str = "UTC",
        job: str | None = None,
        namespace: str | None = None,
        states: Iterable[ExecutionState | str] = (),
        since: When = None,
        until: When = None,
        tags: Mapping[str, str | None] | None = None,
        key: str | None = None,
    ) -> _List[StatsRow]:
        """Return counts, success rates and durations; see :func:`~.operations.history.stats.execution_stats`."""
        return self._database.read(
            statistics.execution_stats,
            by=by,
            tz=tz,
            job=job,
            namespace=namespace,
            states=tuple(states),
            since=since,
            until=until,
            tags=tags,
            key=key,
        )


class AsyncHistory:
    """The same on an :class:`~etl_models.database.AsyncDatabase`."""

    def __init__(self, database: AsyncDatabase) -> None:
        self._database = database

    async def list(
        self,
        *,
        job: str | None = None,
        namespace: str | None = None,
        states: Iterable[ExecutionState | str] = (),
        since: When = None,
        until: When = None,
        tags: Mapping[str, str | None] | None = None,
        key: str | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[ExecutionSummary]:
        """Return a page of executions, newest first; see :func:`~.operations.history.listing.list_executions`."""
        return await self._database.read(
            listing.list_executions,
            job=job,
            namespace=namespace,
            states=tuple(states),
            since=since,
            until=until,
            tags=tags,
            key=key,
            limit=limit,
            cursor=cursor,
        )

    async def get(self, id: UUID | str) -> ExecutionRead:  # noqa: A002  (the id of an execution)
        """Return one execution by its id or a fragment of it that no other shares."""
        return await self._database.read(reading.get_execution, id)

    async def get_by_key(self, job: str, key: str) -> ExecutionRead:
        """Return the execution of a job with this idempotency key."""
        return await self._database.read(reading.get_execution_by_key, job, key)

    async def latest(self, job: str) -> ExecutionRead:
        """Return the newest execution of a job."""
        return await self._database.read(reading.get_latest_execution, job)

    async def stats(
        self,
        *,
        by: str | Sequence[str] = "job",
        tz: str = "UTC",
        job: str | None = None,
        namespace: str | None = None,
        states: Iterable[ExecutionState | str] = (),
        since: When = None,
        until: When = None,
        tags: Mapping[str, str | None] | None = None,
        key: str | None = None,
    ) -> _List[StatsRow]:
        """Return counts, success rates and durations; see :func:`~.operations.history.stats.execution_stats`."""
        return await self._database.read(
            statistics.execution_stats,
            by=by,
            tz=tz,
            job=job,
            namespace=namespace,
            states=tuple(states),
            since=since,
            until=until,
            tags=tags,
            key=key,
        )
