"""What the shell may complete. Errors are silent: a prompt is no place for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import typer

_MOST = 100


def jobs(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return names of jobs, with the namespace unless it is the default one."""

    def names(session: Any) -> Iterable[str]:
        from etl_models.operations.catalog.job import list_jobs

        for item in list_jobs(session, limit=_MOST * 10).items:
            yield f"{item.namespace}/{item.name}"
            if item.namespace == "default":
                yield item.name

    return _from_store(ctx, names, incomplete)


def dataclasses(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return names of dataclasses."""

    def names(session: Any) -> Iterable[str]:
        from etl_models.operations.catalog.dataclass import list_dataclasses

        for item in list_dataclasses(session, limit=_MOST * 10).items:
            yield f"{item.namespace}/{item.name}"

    return _from_store(ctx, names, incomplete)


def metrics(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return names of metrics."""

    def names(session: Any) -> Iterable[str]:
        from etl_models.operations.catalog.metric import list_metrics

        for item in list_metrics(session, limit=_MOST * 10).items:
            yield f"{item.namespace}/{item.name}"

    return _from_store(ctx, names, incomplete)


def components(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return names of components, of the job that is named already."""

    def names(session: Any) -> Iterable[str]:
        from etl_models.operations.catalog.component import list_components

        job = ctx.params.get("job")
        for item in list_components(session, job=job, limit=_MOST * 10).items:
            yield item.name

    return _from_store(ctx, names, incomplete)


def tags(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return tags as ``key`` or ``key=value``."""

    def names(session: Any) -> Iterable[str]:
        from etl_models.operations.catalog.tag import list_tags

        for item in list_tags(session, limit=_MOST * 10).items:
            yield item.key if item.value is None else f"{item.key}={item.value}"

    return _from_store(ctx, names, incomplete)


def executions(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the ids of the newest executions."""

    def names(session: Any) -> Iterable[str]:
        from etl_models.operations.history.listing import list_executions

        for item in list_executions(session, limit=_MOST).items:
            yield str(item.id)

    return _from_store(ctx, names, incomplete)


def execution_states(incomplete: str) -> list[str]:
    """Return the states of executions."""
    from etl_models.domain.states import ExecutionState

    return _beginning(ExecutionState, incomplete)


def component_states(incomplete: str) -> list[str]:
    """Return the states of component executions."""
    from etl_models.domain.states import ComponentState

    return _beginning(ComponentState, incomplete)


def statuses(incomplete: str) -> list[str]:
    """Return the statuses of definitions."""
    from etl_models.domain.vocabulary import DefinitionStatus

    return _beginning(DefinitionStatus, incomplete)


def groupings(incomplete: str) -> list[str]:
    """Return what statistics group by."""
    from etl_models.operations.history.stats import GROUPINGS

    return _beginning(GROUPINGS, incomplete)


def _beginning(words: Iterable[str], incomplete: str) -> list[str]:
    return [str(word) for word in words if str(word).startswith(incomplete)]


def _from_store(ctx: typer.Context, names: Callable[[Any], Iterable[str]], incomplete: str) -> list[str]:
    try:
        from etl_models.database import Database
        from etl_models.settings import load_settings

        given = ctx.params.get("database_url") or ctx.find_root().params.get("database_url")
        with Database(settings=load_settings(database_url=given)) as database:
            found = database.read(lambda session: list(names(session)))
    except Exception:  # noqa: BLE001  (nothing to complete is the only answer a shell understands)
        return []
    return _beginning(dict.fromkeys(found), incomplete)[:_MOST]
