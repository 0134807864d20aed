"""``executions``: what ran, how it went, and recording from a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from etl_models_cli import completion
from etl_models_cli.command import UsageError, command, group
from etl_models_cli.commands.recording import add_recording
from etl_models_cli.context import Cli, every_page
from etl_models_cli.options import All, Cursor, JobFilter, Limit, Namespace, Tags, read_pairs

if TYPE_CHECKING:
    from etl_models.domain.paging import Page

app = group("executions", "Executions: what ran, how it went and why it failed; and recording from a shell.")

States = Annotated[
    list[str] | None,
    typer.Option(
        "--state",
        "-s",
        metavar="STATE",
        help="Only in this state; repeat for several.",
        autocompletion=completion.execution_states,
    ),
]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="WHEN", help="Only what ran at or after: 24h, 7d, 2013-02-01, ISO 8601, today."),
]
Until = Annotated[str | None, typer.Option("--until", metavar="WHEN", help="Only what ran before.")]
Key = Annotated[str | None, typer.Option("--key", "-k", metavar="KEY", help="Only with this idempotency key.")]


@command(
    app,
    "list",
    examples=[
        "executions list",
        "executions list --job flights/load-flights --state failed --since 7d",
        "executions list --tag team=ops -o json",
        "executions list --all -o csv > executions.csv",
    ],
)
def list_(
    cli: Cli,
    *,
    job: JobFilter = None,
    state: States = None,
    since: Since = None,
    until: Until = None,
    tag: Tags = None,
    key: Key = None,
    namespace: Namespace = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    all_: All = False,
) -> None:
    """List executions, the newest first.

    --since and --until are about when it ran: the start of any of its attempts, or its creation if it has not started.
    A tag matches when the execution carries it or its job does.
    """
    from etl_models.operations.history.listing import list_executions
    from etl_models_cli.views.executions import LIST

    tags = read_pairs(tag, "--tag")

    def fetch(after: str | None) -> Page[Any]:
        return cli.database.read(
            list_executions,
            job=job,
            namespace=namespace,
            states=state or (),
            since=since,
            until=until,
            tags=tags,
            key=key,
            limit=limit,
            cursor=after,
        )

    cli.page(every_page(fetch, cursor, follow=all_), LIST)


@command(
    app,
    "show",
    examples=[
        "executions show 4f2a91c3",
        "executions show --job flights/load-flights --key 2013-02-08 -v",
        "executions show --job flights/load-flights -o json",
    ],
)
def show(
    cli: Cli,
    execution: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]",
            help="The id, or a beginning or end of it.",
            show_default=False,
            autocompletion=completion.executions,
        ),
    ] = None,
    job: JobFilter = None,
    key: Key = None,
) -> None:
    """Explain one execution.

    Its state and why, components with metrics, what it read and wrote; with -v the traceback and every transition.

    Instead of an id, --job with --key finds it by its idempotency key, --job alone shows the latest.
    """
    from etl_models_cli.views.execution import page

    found = _find(cli, execution, job, key)
    cli.item(found, lambda screen: page(found, screen))


def _find(cli: Cli, execution: str | None, job: str | None, key: str | None) -> Any:
    from etl_models.operations.history import reading

    if execution is not None:
        if job is not None or key is not None:
            raise UsageError("give either an id, or --job with or without --key")
        return cli.database.read(reading.get_execution, execution)
    if job is None:
        raise UsageError("say which one: an id, or --job with or without --key")
    if key is None:
        return cli.database.read(reading.get_latest_execution, job)
    return cli.database.read(reading.get_execution_by_key, job, key)


@command(
    app,
    "stats",
    examples=[
        "executions stats",
        "executions stats --job flights/load-flights --by month",
        "executions stats --by job --by state --since 30d -o csv",
        "executions stats --by tag:team",
    ],
)
def stats(
    cli: Cli,
    *,
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            metavar="GROUP",
            help="job, namespace, state, day, week, month, nominal_day, nominal_week, nominal_month or tag:KEY; "
            "repeat for several. Days are those of --tz, else UTC.  [default: job]",
            show_default=False,
            autocompletion=completion.groupings,
        ),
    ] = None,
    job: JobFilter = None,
    state: States = None,
    since: Since = None,
    until: Until = None,
    tag: Tags = None,
    key: Key = None,
    namespace: Namespace = None,
) -> None:
    """Count executions and measure how long they took.

    The success rate is the share of succeeded among succeeded, failed, timed out and lost.
    """
    from etl_models.operations.history.stats import execution_stats
    from etl_models_cli.views.executions import stats_view

    names = by or ["job"]
    rows = cli.database.read(
        execution_stats,
        by=names,
        tz=cli.tz or "UTC",
        job=job,
        namespace=namespace,
        states=state or (),
        since=since,
        until=until,
        tags=read_pairs(tag, "--tag"),
        key=key,
    )
    cli.items(rows, stats_view(names))


add_recording(app)
