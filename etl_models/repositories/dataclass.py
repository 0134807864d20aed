"""Finders of dataclasses: as lists show them, and complete with schema, rules and who uses them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.domain.naming import Reference
from etl_models.domain.vocabulary import DataDirection
from etl_models.models.dataclass import ComponentDataclass, Dataclass, DataclassSchema
from etl_models.reads.definition import DataclassRead, DataclassSummary
from etl_models.repositories.component import users_of

dataclass = table_of(Dataclass)
_schema, _used = table_of(DataclassSchema), table_of(ComponentDataclass)


def summary_query() -> sa.Select[Any]:
    """Select the columns of a :class:`DataclassSummary`."""
    return sa.select(*(column for column in dataclass.c if column.name in DataclassSummary.model_fields))


def find_dataclass_read(session: Session, reference: Reference) -> DataclassRead | None:
    """Return the dataclass, deleted or not, in two statements."""
    query = (
        sa.select(dataclass, _schema.c.schema_definition)
        .outerjoin(_schema, _schema.c.dataclass_id == dataclass.c.id)
        .where(dataclass.c.namespace == reference.namespace, dataclass.c.name == reference.name)
    )
    row = session.execute(query).one_or_none()
    if row is None:
        return None
    users: dict[DataDirection, list[str]] = {DataDirection.INPUT: [], DataDirection.OUTPUT: []}
    for user in users_of(session, _used, "dataclass_id", row.id):
        users[user.direction].append(f"{user.namespace}/{user.job}.{user.component}")
    return DataclassRead(
        **row._asdict(), read_by=tuple(users[DataDirection.INPUT]), written_by=tuple(users[DataDirection.OUTPUT])
    )
