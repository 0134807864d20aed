"""``executions start|log|finish|cancel``: recording from a shell or another language.

Unlike the recorder inside a worker these commands are strict: what cannot be recorded is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from etl_models.specs.suggest import quoted
from etl_models_cli import completion
from etl_models_cli.command import UsageError, command
from etl_models_cli.context import Cli
from etl_models_cli.options import JobName, read_pairs

if TYPE_CHECKING:
    from etl_models.reads.execution import ExecutionRead

Id = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="The id, or an end of it.", show_default=False, autocompletion=completion.executions
    ),
]
TagsToAdd = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="KEY[=VALUE]", help="Tag the execution; repeat for several."),
]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why, in a sentence.")]
ErrorType = Annotated[str | None, typer.Option("--error-type", metavar="NAME", help="The kind of error.")]
ErrorMessage = Annotated[str | None, typer.Option("--error-message", metavar="TEXT", help="What went wrong.")]


def start(
    cli: Cli,
    *,
    job: JobName,
    key: Annotated[
        str | None,
        typer.Option("--key", "-k", metavar="KEY", help="Idempotency key: the same key, the same execution."),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter", "-p", metavar="NAME=TEXT", help="A parameter as text, or NAME:=JSON; repeat for several."
        ),
    ] = None,
    tag: TagsToAdd = None,
    state: Annotated[str, typer.Option("--state", metavar="STATE", help="running, queued or scheduled.")] = "running",
    trigger: Annotated[
        str | None, typer.Option("--trigger", metavar="WORD", help="What set it off: schedule, manual, ...")
    ] = None,
    nominal_time: Annotated[
        str | None, typer.Option("--nominal-time", metavar="WHEN", help="The time the execution is about.")
    ] = None,
) -> None:
    """Start an execution, or its next attempt.

    With a key that was used before, the execution of that key is met: it begins, goes on, or gets its next attempt.
    With -q only the id is printed.
    """
    from etl_models.domain.clock import parse_when, utcnow
    from etl_models.domain.ids import uuid7
    from etl_models.operations.history.reading import get_execution
    from etl_models.operations.recording.starting import start_execution
    from etl_models.recorder.worker import worker_identity

    arguments: dict[str, Any] = {
        "execution_id": uuid7(),
        "attempt_id": uuid7(),
        "occurred_at": utcnow(),
        "key": key,
        "parameters": read_parameters(parameter),
        "tags": read_pairs(tag, "--tag"),
        "state": state,
        "trigger": trigger,
        "nominal_time": None if nominal_time is None else parse_when(nominal_time, field="nominal time"),
        "worker": worker_identity(),
    }

    def unit(session: Any) -> tuple[Any, ExecutionRead]:
        begun = start_execution(session, job, **arguments)
        return begun, get_execution(session, begun.execution_id)

    begun, execution = cli.database.run(unit)
    extra = {**begun.to_json(), "id": str(begun.execution_id)}
    if not begun.opened:
        cli.note(f"attempt {begun.attempt} of this execution is {begun.state} already")
    _tell(cli, execution, extra)


def log(
    cli: Cli,
    *,
    execution: Id,
    metric: Annotated[
        list[str] | None, typer.Option("--metric", "-m", metavar="NAME=VALUE", help="A sample; repeat for several.")
    ] = None,
    component: Annotated[
        str | None,
        typer.Option(
            "--component",
            "-c",
            metavar="NAME",
            help="Of this component, which starts if it has not; else of the execution as a whole.",
            autocompletion=completion.components,
        ),
    ] = None,
    state: Annotated[
        str | None,
        typer.Option(
            "--state",
            metavar="STATE",
            help="End the component in this state.",
            autocompletion=completion.component_states,
        ),
    ] = None,
    reads: Annotated[
        list[str] | None, typer.Option("--reads", metavar="DATASET", help="A dataset that was read; repeatable.")
    ] = None,
    writes: Annotated[
        list[str] | None, typer.Option("--writes", metavar="DATASET", help="A dataset that was written; repeatable.")
    ] = None,
    tag: TagsToAdd = None,
    reason: Reason = None,
    error_type: ErrorType = None,
    error_message: ErrorMessage = None,
) -> None:
    """Record metrics, datasets and tags.

    Of an execution, or of one of its components, which --state ends.
    """
    from etl_models_cli.shell_recording import Report

    if component is None and (state or reason or error_type or error_message):
        raise UsageError("--state, --reason and --error-... are about a component: name it with --component")
    if state is None and (reason or error_type or error_message):
        raise UsageError("--reason and --error-... tell why the component ended: give --state too")
    if not (metric or component or reads or writes or tag):
        raise UsageError("nothing to record: give --metric, --component, --reads, --writes or --tag")
    report = Report.make(
        metrics=read_pairs(metric, "--metric"),
        reads=reads or (),
        writes=writes or (),
        tags=read_pairs(tag, "--tag"),
        component=component,
        state=state,
        reason=reason,
        error=(error_type, error_message),
    )
    _tell(cli, cli.database.run(report.write, execution))


def finish(
    cli: Cli,
    *,
    execution: Id,
    state: Annotated[
        str,
        typer.Option(
            "--state",
            metavar="STATE",
            help="succeeded, failed, cancelled, skipped, timed_out, or queued to be retried.",
            show_default=False,
            autocompletion=completion.execution_states,
        ),
    ],
    reason: Reason = None,
    error_type: ErrorType = None,
    error_message: ErrorMessage = None,
) -> None:
    """End an execution.

    More exactly its newest attempt, with every component that it leaves open.
    """
    from etl_models.domain.clock import utcnow
    from etl_models.operations.history.reading import get_execution, resolve_id
    from etl_models.operations.recording.finishing import finish_execution
    from etl_models.operations.recording.values import Failure

    moment = utcnow()
    error = Failure(error_type, error_message) if error_type or error_message else None

    def unit(session: Any) -> tuple[Any, ExecutionRead]:
        id_ = resolve_id(session, execution)
        outcome = finish_execution(session, id_, state=state, occurred_at=moment, reason=reason, error=error)
        return outcome, get_execution(session, id_)

    outcome, found = cli.database.run(unit)
    outcome.require()
    _tell(cli, found)


def cancel(cli: Cli, execution: Id, reason: Reason = None) -> None:
    """Ask an execution to end.

    One that runs becomes cancelling, one that waits is cancelled at once.
    """
    from etl_models.domain.clock import utcnow
    from etl_models.operations.history.reading import get_execution, resolve_id
    from etl_models.operations.recording.finishing import cancel_execution

    moment = utcnow()

    def unit(session: Any) -> tuple[Any, ExecutionRead]:
        id_ = resolve_id(session, execution)
        outcome = cancel_execution(session, id_, occurred_at=moment, reason=reason)
        return outcome, get_execution(session, id_)

    outcome, found = cli.database.run(unit)
    outcome.require()
    _tell(cli, found)


def read_parameters(values: Sequence[str] | None) -> dict[str, Any]:
    """Read ``name=text`` and ``name:=json``."""
    import json

    found: dict[str, Any] = {}
    for text in values or ():
        name, equals, value = text.partition("=")
        is_json = name.endswith(":")
        name = name.removesuffix(":") if is_json else name
        if not equals or not name or name in found:
            raise typer.BadParameter(
                f"write NAME=TEXT or NAME:=JSON, each name once, not {quoted(text)}", param_hint="--parameter"
            )
        try:
            found[name] = json.loads(value) if is_json else value
        except (ValueError, RecursionError):
            raise typer.BadParameter(f"{quoted(value)} is not JSON", param_hint="--parameter") from None
    return found


def _tell(cli: Cli, execution: ExecutionRead, extra: dict[str, Any] | None = None) -> None:
    """Write what the execution looks like now; a person gets one line."""
    if cli.for_people and cli.quiet:
        print(execution.id)
        return
    from etl_models.domain.text import printable
    from etl_models.reads.execution import ExecutionSummary

    document = execution.to_json()
    summary = {name: document[name] for name in ExecutionSummary.model_fields}
    job = printable(f"{execution.namespace}/{execution.job}")
    line = f"{execution.id}  {job}  "
    cli.item({**(extra or {}), **summary}, lambda screen: [line + screen.palette.state(str(execution.state))])


def add_recording(app: typer.Typer) -> None:
    """Declare the commands of this file in the group of executions."""
    command(
        app,
        "start",
        examples=[
            "executions start flights/load-flights --key 2013-01-01 -p day=2013-01-01",
            "executions start flights/load-flights -q    # prints only the id",
        ],
    )(start)
    command(
        app,
        "log",
        examples=[
            "executions log 4f2a91c3 -c extract -m rows_out=842 --writes lake/raw_flight --state succeeded",
            "executions log 4f2a91c3 -m seconds=1.5 --tag team=ops",
        ],
    )(log)
    command(
        app,
        "finish",
        examples=[
            "executions finish 4f2a91c3 --state succeeded",
            'executions finish 4f2a91c3 --state failed --error-message "disk full"',
        ],
    )(finish)
    command(app, "cancel", examples=['executions cancel 4f2a91c3 --reason "wrong day"'])(cancel)
