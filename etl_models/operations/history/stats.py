"""Statistics of executions: how many, how well, how long, for each job, day, state or tag.

The database counts and ranks; what comes here is one row for each group and state, and three durations a group,
however many executions there are. Percentiles are nearest ranks: durations that were really measured.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.db.functions import local_day, local_month, local_week, microseconds_between
from etl_models.domain.states import ExecutionState
from etl_models.domain.text import check_text
from etl_models.domain.zones import load_zone, offset_spans
from etl_models.errors import InvalidInputError
from etl_models.models.execution import ExecutionTag
from etl_models.models.tag import MAX_TAG_KEY_LENGTH, JobTag, Tag
from etl_models.operations.history.filters import ExecutionFilter, When, execution, make_filter, ran_at
from etl_models.reads.execution import StatsRow
from etl_models.repositories.job import job as _job
from etl_models.specs.suggest import did_you_mean, quoted

_own_tag, _job_tag, _tag = table_of(ExecutionTag), table_of(JobTag), table_of(Tag)

GROUPINGS = ("job", "namespace", "state", "day", "week", "month", "nominal_day", "nominal_week", "nominal_month")
"""What can be grouped by, besides ``tag:KEY``."""

_TAG_PREFIX = "tag:"
_MAX_GROUPINGS = 3
_BUCKETS: Mapping[str, Callable[..., sa.ColumnElement[str]]] = {
    "day": local_day,
    "week": local_week,
    "month": local_month,
}
# Ended by their own doing; being cancelled or skipped says nothing about a job.
_JUDGED = (ExecutionState.SUCCEEDED, ExecutionState.FAILED, ExecutionState.TIMED_OUT, ExecutionState.LOST)
_PERCENTILES = {"duration_p50": 50, "duration_p95": 95, "duration_max": 100}

_Group = tuple[str | None, ...]


def execution_stats(
    session: Session,
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
) -> list[StatsRow]:
    """Return one row for each group of the executions that the filters (of ``list_executions``) choose.

    ``by`` is one or several of ``GROUPINGS`` and ``tag:KEY``; days, weeks (``2013-W06``) and months are those of the
    zone ``tz``, by when an execution ran, or with ``nominal_`` by its nominal time. A tag's group is the execution's
    own value, else its job's; None is for executions without. Rows are in the order of their groups, None last.
    ``success_rate`` is the share of succeeded among succeeded, failed, timed out and lost; durations are seconds.
    Raises :class:`InvalidInputError` and :class:`NotFoundError` as ``list_executions`` does.
    """
    names = _checked_groupings(by)
    zone = load_zone(tz)
    chosen = make_filter(
        session, job=job, namespace=namespace, states=states, since=since, until=until, tags=tags, key=key
    )
    groups = [_expression(session, name, zone, chosen) for name in names]
    facts = _facts(groups, chosen)
    labels = [facts.c[f"group_{index}"] for index in range(len(groups))]
    counts = _counts(session, facts, labels)
    durations = _durations(session, facts, labels)
    rows = [(group, count.row(dict(zip(names, group, strict=True)), durations[group])) for group, count in counts]
    return [row for _, row in sorted(rows, key=lambda pair: [(part is None, part or "") for part in pair[0]])]


def _checked_groupings(by: str | Sequence[str]) -> tuple[str, ...]:
    names = (by,) if isinstance(by, str) else tuple(by)
    if not 1 <= len(names) <= _MAX_GROUPINGS or len(set(names)) != len(names):
        raise InvalidInputError(f"group by one to {_MAX_GROUPINGS} different things", field="by")
    for name in names:
        if name.startswith(_TAG_PREFIX) and len(name) > len(_TAG_PREFIX):
            check_text(name.removeprefix(_TAG_PREFIX), "key of a tag", limit=MAX_TAG_KEY_LENGTH)
        elif name not in GROUPINGS:
            hint = did_you_mean(name, GROUPINGS)
            raise InvalidInputError(
                f"cannot group by {quoted(name)}{hint} (known: {', '.join(GROUPINGS)}, tag:KEY)", field="by"
            )
    return names


def _expression(session: Session, name: str, zone: ZoneInfo, chosen: ExecutionFilter) -> sa.ColumnElement[Any]:
    if name == "job":
        return _job.c.namespace + "/" + _job.c.name
    if name == "namespace":
        return sa.type_coerce(_job.c.namespace, sa.String())
    if name == "state":
        return sa.type_coerce(execution.c.state, sa.String())
    if name.startswith(_TAG_PREFIX):
        return _tag_value(name.removeprefix(_TAG_PREFIX))
    moment = execution.c.nominal_time if name.startswith("nominal_") else ran_at
    return _bucket(session, _BUCKETS[name.removeprefix("nominal_")], moment, zone, chosen)


def _tag_value(key: str) -> sa.ColumnElement[str | None]:
    own = sa.select(_own_tag.c.value).where(_own_tag.c.execution_id == execution.c.id, _own_tag.c.key == key)
    of_job = (
        sa.select(sa.func.min(_tag.c.value))
        .join_from(_job_tag, _tag, _tag.c.id == _job_tag.c.tag_id)
        .where(_job_tag.c.job_id == execution.c.job_id, _tag.c.key == key, _tag.c.is_deleted.is_(False))
    )
    return sa.func.coalesce(own.scalar_subquery(), of_job.scalar_subquery(), type_=sa.String())


def _bucket(
    session: Session,
    bucket: Callable[..., sa.ColumnElement[str]],
    moment: sa.ColumnElement[datetime],
    zone: ZoneInfo,
    chosen: ExecutionFilter,
) -> sa.ColumnElement[str]:
    """The local day, week or month; offsets come from here, because not every database knows zones."""
    if zone.key == "UTC":
        return bucket(moment, sa.literal(0))
    bounds: tuple[Any, ...] = (sa.func.min(moment, type_=moment.type), sa.func.max(moment, type_=moment.type))
    first, last = session.execute(_joined(sa.select(*bounds)).where(*chosen.conditions())).one()
    if first is None:
        return bucket(moment, sa.literal(0))
    *earlier, final = offset_spans(zone, first, last)
    if not earlier:
        return bucket(moment, sa.literal(final.seconds))
    return sa.case(
        *((moment < span.until, bucket(moment, sa.literal(span.seconds))) for span in earlier),
        else_=bucket(moment, sa.literal(final.seconds)),
    )


def _joined(query: sa.Select[Any]) -> sa.Select[Any]:
    return query.select_from(execution.join(_job, _job.c.id == execution.c.job_id))


def _facts(groups: Sequence[sa.ColumnElement[Any]], chosen: ExecutionFilter) -> sa.Subquery:
    """One row for each execution: its groups, state, time and duration. Expressions are written once, in here."""
    labelled = [group.label(f"group_{index}") for index, group in enumerate(groups)]
    duration = microseconds_between(execution.c.started_at, execution.c.ended_at)
    query = sa.select(*labelled, execution.c.state, ran_at.label("at"), duration.label("duration"))
    return _joined(query).where(*chosen.conditions()).subquery()


@dataclass
class _Count:
    """What is counted of one group."""

    states: Counter[ExecutionState]
    first_at: datetime
    last_at: datetime

    def row(self, group: dict[str, str | None], durations: dict[str, float]) -> StatsRow:
        judged = sum(self.states[state] for state in _JUDGED)
        return StatsRow(
            group={name: _shown(name, value) for name, value in group.items()},
            total=self.states.total(),
            states={str(state): self.states[state] for state in ExecutionState if self.states[state]},
            success_rate=self.states[ExecutionState.SUCCEEDED] / judged if judged else None,
            **{name: durations.get(name) for name in _PERCENTILES},
            first_at=self.first_at,
            last_at=self.last_at,
        )


def _shown(name: str, value: str | None) -> str | None:
    """Weeks come from the database as the date of their Monday."""
    if value is None or not name.endswith("week") or not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return value
    year, week, _ = date.fromisoformat(value).isocalendar()
    return f"{year:04}-W{week:02}"


def _counts(
    session: Session, facts: sa.Subquery, labels: Sequence[sa.ColumnElement[Any]]
) -> list[tuple[_Group, _Count]]:
    query = sa.select(
        *labels,
        facts.c.state,
        sa.func.count().label("number"),
        sa.func.min(facts.c["at"], type_=facts.c["at"].type).label("first_at"),
        sa.func.max(facts.c["at"], type_=facts.c["at"].type).label("last_at"),
    ).group_by(*labels, facts.c.state)
    found: dict[_Group, _Count] = {}
    for *group, state, number, first_at, last_at in session.execute(query):
        count = found.setdefault(tuple(group), _Count(Counter(), first_at, last_at))
        count.states[ExecutionState(state)] += number
        count.first_at, count.last_at = min(count.first_at, first_at), max(count.last_at, last_at)
    return list(found.items())


def _durations(
    session: Session, facts: sa.Subquery, labels: Sequence[sa.ColumnElement[Any]]
) -> dict[_Group, dict[str, float]]:
    """Return the percentiles of each group; rank ``r`` of ``n`` is percentile ``p`` when ``r = ceil(n * p / 100)``."""
    ranked = (
        sa.select(
            *labels,
            facts.c.duration,
            sa.func.row_number().over(partition_by=labels, order_by=facts.c.duration).label("place"),
            sa.func.count().over(partition_by=labels).label("number"),
        )
        .where(facts.c.duration.is_not(None))
        .subquery()
    )
    place, number = ranked.c.place, ranked.c.number
    is_percentile = [
        sa.and_(place * 100 >= number * percent, (place - 1) * 100 < number * percent)
        for percent in _PERCENTILES.values()
    ]
    columns = [ranked.c[label.name] for label in labels]
    query = sa.select(*columns, ranked.c.duration, *is_percentile).where(sa.or_(*is_percentile))
    found: dict[_Group, dict[str, float]] = defaultdict(dict)
    for row in session.execute(query):
        group, duration, flags = tuple(row[: len(labels)]), row[len(labels)], row[len(labels) + 1 :]
        found[group].update({name: int(duration) / 1e6 for name, flag in zip(_PERCENTILES, flags, strict=True) if flag})
    return found
