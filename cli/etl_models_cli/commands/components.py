"""``components``: the steps of jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from etl_models_cli import completion
from etl_models_cli.command import command, group
from etl_models_cli.context import Cli, every_page
from etl_models_cli.options import All, Cursor, Deleted, JobFilter, Limit, NamePattern, Namespace, Status, Yes

if TYPE_CHECKING:
    from etl_models.domain.paging import Page

app = group("components", "Components: the steps of jobs, and every version their definitions have had.")

ComponentName = Annotated[
    str, typer.Argument(metavar="[NAMESPACE/JOB.]COMPONENT", show_default=False, autocompletion=completion.components)
]
OfJob = Annotated[
    str | None,
    typer.Option(
        "--job",
        "-j",
        metavar="[NAMESPACE/]JOB",
        help="The job it is part of; may be left out when only one job has a component of this name.",
        autocompletion=completion.jobs,
    ),
]


@command(app, "list", examples=["components list --job flights/load-flights", "components list --type filter"])
def list_(
    cli: Cli,
    *,
    job: JobFilter = None,
    namespace: Namespace = None,
    name: NamePattern = None,
    status: Status = None,
    component_type: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", help="Only of this component type.")
    ] = None,
    deleted: Deleted = False,
    limit: Limit = 50,
    cursor: Cursor = None,
    all_: All = False,
) -> None:
    """List components, job by job in their order there."""
    from etl_models_cli.views.definitions import COMPONENTS

    def fetch(after: str | None) -> Page[Any]:
        return cli.catalog.components.list(
            job=job,
            namespace=namespace,
            name=name,
            status=status,
            component_type=component_type,
            include_deleted=deleted,
            limit=limit,
            cursor=after,
        )

    cli.page(every_page(fetch, cursor, follow=all_), COMPONENTS)


@command(
    app,
    "show",
    examples=["components show clean --job flights/load-flights", "components show flights/load.clean"],
)
def show(cli: Cli, component: ComponentName, job: OfJob = None, deleted: Deleted = False) -> None:
    """Show a component.

    With its type, its configuration, what it depends on, reads and writes.
    """
    from etl_models_cli.views.definition import component_page

    name, owner = _wanted(cli, component, job)
    found = cli.catalog.components.get(name, job=owner, include_deleted=deleted)
    cli.item(found, lambda screen: component_page(found, screen))


@command(app, "history", examples=["components history clean --job flights/load-flights"])
def history(
    cli: Cli,
    *,
    component: ComponentName,
    job: OfJob = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    all_: All = False,
) -> None:
    """List the versions of a component, the newest first."""
    from etl_models_cli.views.definitions import VERSIONS

    name, owner = _wanted(cli, component, job)

    def fetch(after: str | None) -> Page[Any]:
        return cli.catalog.components.history(name, job=owner, limit=limit, cursor=after)

    cli.page(every_page(fetch, cursor, follow=all_), VERSIONS)


@command(app, "export", examples=["components export clean --job flights/load-flights > clean.yaml"])
def export(cli: Cli, component: ComponentName, job: OfJob = None) -> None:
    """Print a component as a definition file.

    ``register-component`` takes it; YAML, or JSON with -o json.
    """
    from etl_models_cli.output import write_document

    name, owner = _wanted(cli, component, job)
    write_document(cli, cli.catalog.components.export(name, job=owner))


@command(app, "delete", examples=["components delete clean --job flights/load-flights --yes"])
def delete(cli: Cli, component: ComponentName, job: OfJob = None, yes: Yes = False) -> None:
    """Take a component out of its job.

    The job gets a new version; the component can be restored.
    """
    from etl_models_cli.views.definitions import CHANGES

    name, owner = _wanted(cli, component, job)
    cli.confirm(f"Take the component {name} out of the job {owner}?", yes=yes)
    cli.items([cli.catalog.components.delete(name, job=owner)], CHANGES)


@command(app, "restore", examples=["components restore clean --job flights/load-flights"])
def restore(cli: Cli, component: ComponentName, job: OfJob = None) -> None:
    """Put a removed component back where it stood in its job."""
    from etl_models_cli.views.definitions import CHANGES

    name, owner = _wanted(cli, component, job)
    cli.items([cli.catalog.components.restore(name, job=owner)], CHANGES)


def _wanted(cli: Cli, component: str, job: str | None) -> tuple[str, str]:
    """Return name and job of the component: the job that was named, else the only one that has such a component.

    ``namespace/job.component``, as lists of changes print it, names both.
    """
    if job is not None:
        return component, job
    from etl_models.domain.naming import check_name
    from etl_models.errors import InvalidInputError, NotFoundError
    from etl_models.specs.suggest import quoted

    if "/" in component:
        return _split(cli, component)
    check_name(component, "component")
    owners = _owners(cli, component)
    if not owners:
        raise NotFoundError(f"no job has a component {quoted(component)}", kind="component", name=component)
    if len(owners) > 1:
        raise InvalidInputError(
            f"several jobs have a component {quoted(component)}; name one with --job: {', '.join(owners)}", jobs=owners
        )
    return component, owners[0]


def _split(cli: Cli, label: str) -> tuple[str, str]:
    """Return component and job of ``namespace/job.component``; both may hold dots, so what exists decides."""
    from etl_models.errors import NotFoundError
    from etl_models.specs.suggest import quoted

    dots = [place for place, character in enumerate(label) if character == "."]
    for place in dots:
        job, component = label[:place], label[place + 1 :]
        if component and job in _owners(cli, component):
            return component, job
    raise NotFoundError(
        f"there is no component {quoted(label)}; write NAMESPACE/JOB.COMPONENT, or COMPONENT and --job",
        kind="component",
        name=label,
    )


def _owners(cli: Cli, component: str) -> list[str]:
    page = cli.catalog.components.list(name=component, include_deleted=True, limit=1000)
    return [f"{item.namespace}/{item.job}" for item in page.items if item.name == component]
