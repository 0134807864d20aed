"""``jobs``: what is executed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from etl_models_cli.command import command, group
from etl_models_cli.context import Cli, every_page
from etl_models_cli.options import (
    All,
    Cursor,
    Deleted,
    JobName,
    Limit,
    NamePattern,
    Namespace,
    Status,
    Tags,
    Yes,
    read_pairs,
)

if TYPE_CHECKING:
    from etl_models.domain.paging import Page

app = group("jobs", "Jobs: what is executed, and every version their definitions have had.")


@command(app, "list", examples=["jobs list", "jobs list --tag team=ops --status active -o json"])
def list_(
    cli: Cli,
    *,
    namespace: Namespace = None,
    name: NamePattern = None,
    status: Status = None,
    tag: Tags = None,
    deleted: Deleted = False,
    limit: Limit = 50,
    cursor: Cursor = None,
    all_: All = False,
) -> None:
    """List jobs by name, with their latest execution."""
    from etl_models_cli.views.definitions import JOBS

    def fetch(after: str | None) -> Page[Any]:
        return cli.catalog.jobs.list(
            namespace=namespace,
            name=name,
            status=status,
            tags=read_pairs(tag, "--tag"),
            include_deleted=deleted,
            limit=limit,
            cursor=after,
        )

    cli.page(every_page(fetch, cursor, follow=all_), JOBS)


@command(app, "show", examples=["jobs show flights/load-flights"])
def show(cli: Cli, job: JobName, deleted: Deleted = False) -> None:
    """Show a job with its components."""
    from etl_models_cli.views.definition import job_page

    found = cli.catalog.jobs.get(job, include_deleted=deleted)
    cli.item(found, lambda screen: job_page(found, screen))


@command(app, "history", examples=["jobs history flights/load-flights"])
def history(cli: Cli, job: JobName, limit: Limit = 50, cursor: Cursor = None, all_: All = False) -> None:
    """List the versions of a job's definition, the newest first."""
    from etl_models_cli.views.definitions import VERSIONS

    def fetch(after: str | None) -> Page[Any]:
        return cli.catalog.jobs.history(job, limit=limit, cursor=after)

    cli.page(every_page(fetch, cursor, follow=all_), VERSIONS)


@command(app, "export", examples=["jobs export flights/load-flights > load-flights.yaml"])
def export(cli: Cli, job: JobName) -> None:
    """Print a job as a definition file.

    It registers the same job again, here or elsewhere; YAML, or JSON with -o json.
    """
    from etl_models_cli.output import write_document

    write_document(cli, cli.catalog.jobs.export(job))


@command(app, "delete", examples=["jobs delete flights/load-flights --yes"])
def delete(cli: Cli, job: JobName, yes: Yes = False) -> None:
    """Hide a job and its components.

    Executions and versions stay, and it can be restored.
    """
    from etl_models_cli.views.definitions import CHANGES

    cli.confirm(f"Delete the job {job}?", yes=yes)
    cli.items([cli.catalog.jobs.delete(job)], CHANGES)


@command(app, "restore", examples=["jobs restore flights/load-flights"])
def restore(cli: Cli, job: JobName) -> None:
    """Bring a deleted job back as it was."""
    from etl_models_cli.views.definitions import CHANGES

    cli.items([cli.catalog.jobs.restore(job)], CHANGES)
