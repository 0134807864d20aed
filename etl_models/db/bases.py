"""The declarative base of every table: a private MetaData, named constraints, snake_case table names.

A private MetaData keeps our tables apart from those of a user who extends the library, so that neither side's
autogenerate ever sees the other's.
"""

import re
from typing import TYPE_CHECKING, Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.orm import declared_attr, registry
from sqlmodel import SQLModel

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
TABLE_PREFIX = "etl_"
MYSQL_OPTIONS = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
}

metadata = sa.MetaData(naming_convention=NAMING_CONVENTION)


def snake_case(name: str) -> str:
    """``JobVersion`` -> ``job_version``; runs of capitals stay one word (``HTTPStep`` -> ``http_step``)."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def table_options(*constraints: Any, **options: Any) -> Any:
    """Return ``__table_args__`` with what every table of ours has on MySQL and MariaDB."""
    return (*constraints, {**MYSQL_OPTIONS, **options})


class EtlBase(SQLModel, registry=registry(metadata=metadata)):
    """Base of the library's own tables. Construct through ``model_validate``: it checks, the constructor does not."""

    __table_prefix__: ClassVar[str] = TABLE_PREFIX

    if TYPE_CHECKING:
        __table__: ClassVar[sa.Table]
    else:

        @declared_attr.directive
        def __tablename__(cls) -> str:  # noqa: N805  (a declared_attr is given the class)
            return cls.__table_prefix__ + snake_case(cls.__name__)


def table_of(model: type[SQLModel]) -> sa.Table:
    """Return the Core table behind a table model."""
    table: sa.Table = model.__table__  # type: ignore[attr-defined]
    return table
