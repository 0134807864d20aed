"""The history: executions as they were recorded, to list, to look into and to count."""

from __future__ import annotations

from etl_models.operations.history.listing import list_executions
from etl_models.operations.history.reading import get_execution, get_execution_by_key, get_latest_execution
from etl_models.operations.history.stats import execution_stats
from etl_models.store.faces import AsyncFace, Face, async_reads, reads


class History(Face):
    """Executions; everything here only reads."""

    get = reads(get_execution)
    get_by_key = reads(get_execution_by_key)
    get_latest = reads(get_latest_execution)
    list = reads(list_executions)
    stats = reads(execution_stats)


class AsyncHistory(AsyncFace):
    """As :class:`History`, with ``await``."""

    get = async_reads(get_execution)
    get_by_key = async_reads(get_execution_by_key)
    get_latest = async_reads(get_latest_execution)
    list = async_reads(list_executions)
    stats = async_reads(execution_stats)
