"""``metrics``: definitions of what is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from etl_models_cli import completion
from etl_models_cli.command import command, group
from etl_models_cli.context import Cli, every_page
from etl_models_cli.options import All, Cursor, Deleted, Limit, NamePattern, Namespace, Yes

if TYPE_CHECKING:
    from etl_models.domain.paging import Page

app = group("metrics", "Metrics: definitions of what is measured. Samples are shown with executions.")

MetricName = Annotated[
    str, typer.Argument(metavar="[NAMESPACE/]METRIC", show_default=False, autocompletion=completion.metrics)
]


@command(app, "list", examples=["metrics list"])
def list_(
    cli: Cli,
    *,
    namespace: Namespace = None,
    name: NamePattern = None,
    deleted: Deleted = False,
    limit: Limit = 50,
    cursor: Cursor = None,
    all_: All = False,
) -> None:
    """List definitions of metrics by name."""
    from etl_models_cli.views.definitions import METRICS

    def fetch(after: str | None) -> Page[Any]:
        return cli.catalog.metrics.list(
            namespace=namespace, name=name, include_deleted=deleted, limit=limit, cursor=after
        )

    cli.page(every_page(fetch, cursor, follow=all_), METRICS)


@command(app, "show", examples=["metrics show flights/rows_out"])
def show(cli: Cli, metric: MetricName, deleted: Deleted = False) -> None:
    """Show the definition of a metric."""
    from etl_models_cli.views.definition import metric_page

    found = cli.catalog.metrics.get(metric, include_deleted=deleted)
    cli.item(found, lambda screen: metric_page(found, screen))


@command(app, "export", examples=["metrics export flights/rows_out"])
def export(cli: Cli, metric: MetricName) -> None:
    """Print a metric as a definition file.

    It registers the same metric again, here or elsewhere; YAML, or JSON with -o json.
    """
    from etl_models_cli.output import write_document

    write_document(cli, cli.catalog.metrics.export(metric))


@command(app, "delete", examples=["metrics delete flights/rows_out --yes"])
def delete(cli: Cli, metric: MetricName, yes: Yes = False) -> None:
    """Hide a metric that no component promises.

    Samples stay, and it can be restored.
    """
    from etl_models_cli.views.definitions import CHANGES

    cli.confirm(f"Delete the metric {metric}?", yes=yes)
    cli.items([cli.catalog.metrics.delete(metric)], CHANGES)


@command(app, "restore", examples=["metrics restore flights/rows_out"])
def restore(cli: Cli, metric: MetricName) -> None:
    """Bring a deleted metric back as it was."""
    from etl_models_cli.views.definitions import CHANGES

    cli.items([cli.catalog.metrics.restore(metric)], CHANGES)
