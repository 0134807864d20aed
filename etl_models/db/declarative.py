"""``Base``: what tables of a user's project stand on. Validated, named, tracked, and apart from our own tables.

A table on it has a snake_case name, constraints named by one convention, columns that mean the same on every database
(:mod:`~etl_models.db.column_types`), and the indexes and constraints of its mixins. Several databases in one program
need a base each: ``class ReportingBase(Base, registry=new_registry()): ...``.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import sqlalchemy as sa
from pydantic_core import from_json
from sqlalchemy import event
from sqlalchemy.orm import Mapper, RelationshipDirection, declared_attr, registry
from sqlmodel import SQLModel
from sqlmodel._compat import SQLModelConfig

from etl_models.db import tenancy, tracking
from etl_models.db.bases import MYSQL_OPTIONS, NAMING_CONVENTION, snake_case
from etl_models.db.column_types import choose_types
from etl_models.db.mixins import RowVersionMixin, TenantScopedMixin, own_hooks, own_items
from etl_models.db.serialization import ModelSerializer, with_columns_of_composites
from etl_models.db.types import SmartJSON, one_of
from etl_models.db.validation import STATE, as_row, hand_over, is_bare, set_fields, validated

MAX_MYSQL_KEY = 768
"""How many characters of four bytes fit a key of MySQL."""
_RESERVED = frozenset({"metadata", "registry"})


def new_registry(schema: str | None = None) -> registry:
    """Return a registry with a MetaData of its own, whose constraints are named by our convention."""
    return registry(metadata=sa.MetaData(naming_convention=NAMING_CONVENTION, schema=schema))


class Base(SQLModel, registry=new_registry()):
    """Base of a user's tables: ``class Campaign(Base, table=True)`` is the table ``campaign``.

    Construction and assignment are validated: pydantic.ValidationError is raised for a wrong value, a missing or an
    unknown field, and the instance keeps what it had. Its text says what is wrong, not what was given, which may be
    secret. A field with an alias is taken by either name. Tables are not subclassed: TypeError.
    """

    model_config = SQLModelConfig(extra="forbid", hide_input_in_errors=True, populate_by_name=True)

    __table_prefix__: ClassVar[str] = ""

    if TYPE_CHECKING:
        __table__: ClassVar[sa.Table]
    else:

        @declared_attr.directive
        def __tablename__(cls) -> str:  # noqa: N805  (a declared_attr is given the class)
            return cls.__table_prefix__ + snake_case(cls.__name__)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        for parent in cls.__mro__[1:]:
            if issubclass(parent, Base) and _is_table(parent):
                raise TypeError(
                    f"{cls.__name__} cannot inherit from the table {parent.__name__}, which SQLModel would not map; "
                    "move what they share to a base without table=True"
                )
        super().__init_subclass__(**kwargs)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        for name in _RESERVED & cls.model_fields.keys():
            raise TypeError(
                f"{cls.__name__}: SQLAlchemy needs the name {name} for itself; call the field otherwise, "
                f'and its column so with sa_column_kwargs={{"name": "{name}"}}'
            )
        if choose_types(cls.model_fields):
            cls.model_rebuild(force=True)

    def __init__(self, **data: Any) -> None:
        if not _is_table(type(self)):
            super().__init__(**data)
            return
        _fill(self, data)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == STATE or not _is_table(type(self)) or name.startswith("__pydantic"):
            super().__setattr__(name, value)
        elif is_bare(self) and name in type(self).model_fields:
            self.__dict__[name] = value
        elif name in type(self).model_fields:
            set_fields(self, {name: value})
        elif name in sa.inspect(type(self)).all_orm_descriptors:
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    @classmethod
    def model_validate(  # type: ignore[override]  # the signature is SQLModel's
        cls,
        obj: Any,
        *,
        strict: bool | None = None,
        from_attributes: bool | None = None,
        context: dict[str, Any] | None = None,
        update: dict[str, Any] | None = None,
    ) -> Self:
        """Make an instance of a mapping, or of an object with such attributes. Raises pydantic.ValidationError."""
        if not _is_table(cls):
            return super().model_validate(
                obj, strict=strict, from_attributes=from_attributes, context=context, update=update
            )
        if not isinstance(obj, Mapping):
            obj = {name: getattr(obj, name) for name in cls.model_fields if hasattr(obj, name)}
        instance: Self = sa.inspect(cls).class_manager.new_instance()
        _fill(instance, {**obj, **(update or {})}, strict=strict, context=context)
        return instance

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Make an instance of a JSON object. Raises pydantic.ValidationError, or ValueError for what is no JSON."""
        if not _is_table(cls):
            return super().model_validate_json(json_data, **options)
        return cls.model_validate(from_json(json_data))

    @classmethod
    def model_construct(cls, _fields_set: set[str] | None = None, **values: Any) -> Self:
        """Make an instance of values that are known to be right: nothing is validated, defaults are filled in."""
        made = super().model_construct(_fields_set, **values)
        return as_row(cls, made) if _is_table(cls) else made

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a new row of the same values, in no session and without relations; ``update`` is not validated."""
        if not _is_table(type(self)):
            return super().model_copy(update=update, deep=deep)
        values = {name: getattr(self, name) for name in type(self).model_fields}
        made = type(self).model_construct(set(self.model_fields_set), **tracking.plain(values))
        for name, value in (update or {}).items():
            object.__setattr__(made, name, value)
        made.__pydantic_fields_set__.update(update or ())
        return made

    def __copy__(self) -> Self:
        return self.model_copy() if _is_table(type(self)) else super().__copy__()

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        return self.model_copy() if _is_table(type(self)) else super().__deepcopy__(memo)

    def __setstate__(self, state: dict[Any, Any]) -> None:
        super().__setstate__(state)
        if _is_table(type(self)):
            tracking.track_again(self)

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """As Pydantic's; also of a row whose values a commit has expired: they are loaded."""
        self._load()
        return super().model_dump(**options)

    def model_dump_json(self, **options: Any) -> str:
        """As Pydantic's; also of a row whose values a commit has expired: they are loaded."""
        self._load()
        return super().model_dump_json(**options)

    def _load(self) -> None:
        if _is_table(type(self)):
            for name in type(self).model_fields:
                getattr(self, name)

    def to_dict(
        self,
        *,
        depth: int = 0,
        include: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
    ) -> dict[str, Any]:
        """Return the columns as JSON values, relations down to ``depth`` levels; see :class:`ModelSerializer`."""
        return ModelSerializer.to_dict(self, depth=depth, include=include, exclude=exclude)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Make an instance of what :meth:`to_dict` gives. Raises pydantic.ValidationError."""
        return ModelSerializer.from_dict(cls, data)


BaseModel = Base


def _is_table(model: type[Any]) -> bool:
    return bool(model.model_config.get("table", False))


def _fill(
    instance: SQLModel, data: dict[str, Any], *, strict: bool | None = None, context: dict[str, Any] | None = None
) -> None:
    """Validate ``data`` and put it into a new instance, relations and composites as well."""
    model = type(instance)
    related = {key: data.pop(key) for key in model.__sqlmodel_relationships__ if key in data}
    values = with_columns_of_composites(model, data) | _keys_of_parents(model, related)
    source = validated(model, values, strict=strict, context=context)
    hand_over(source, instance)
    for key, value in related.items():
        object.__setattr__(instance, key, value)


def _keys_of_parents(model: type[SQLModel], related: Mapping[str, Any]) -> dict[str, Any]:
    """Return the foreign keys that follow from parents: who gives a row its parent need not give the key as well."""
    mapper, keys = sa.inspect(model), {}
    for name, parent in related.items():
        relation = mapper.relationships[name]
        if relation.direction is RelationshipDirection.MANYTOONE and isinstance(parent, relation.mapper.class_):
            for local, remote in relation.local_remote_pairs or ():
                key = getattr(parent, relation.mapper.get_property_by_column(remote).key)
                if key is not None:  # else the database numbers it, when it is flushed
                    keys[mapper.get_property_by_column(local).key] = key
    return keys


@event.listens_for(Base, "after_mapper_constructed", propagate=True)
def _complete(mapper: Mapper[Any], model: type[Any]) -> None:
    """Give a new table what its columns and mixins ask for."""
    table = mapper.local_table
    if not isinstance(table, sa.Table):
        return
    _add_mysql_options(table)
    _shorten_mysql_indexes(table)
    for column in table.columns:
        if isinstance(column.type, sa.Enum) and column.type.enum_class is not None and not column.type.native_enum:
            table.append_constraint(one_of(column.name, column.type.enum_class))
    for item in own_items(model, table):
        _attach(table, item)
    for column in table.columns:  # mapper.column_attrs would configure the mapper, whose neighbours may not exist yet
        if isinstance(column.type, SmartJSON):
            tracking.track(getattr(model, mapper.get_property_by_column(column).key))
    if issubclass(model, RowVersionMixin) and mapper.version_id_col is None:  # the model has __mapper_args__ of its own
        mapper.version_id_col = table.c.version
    if issubclass(model, TenantScopedMixin):
        tenancy.guard(model)


def _attach(table: sa.Table, item: sa.Index | sa.Constraint) -> None:
    if isinstance(item, sa.Constraint) and item.parent is not table:
        table.append_constraint(item)


def _add_mysql_options(table: sa.Table) -> None:
    for name, value in MYSQL_OPTIONS.items():
        dialect, _, option = name.partition("_")
        options = table.dialect_options[dialect]
        if options.get(option) is None:
            options[option] = value


def _shorten_mysql_indexes(table: sa.Table) -> None:
    """Index the beginning of long text: keys of MySQL end at 3072 bytes."""
    for index in table.indexes:
        long = {
            column.name: MAX_MYSQL_KEY
            for column in index.columns
            if isinstance(column.type, sa.String) and (column.type.length or 0) > MAX_MYSQL_KEY
        }
        if long and not index.unique:
            for dialect in ("mysql", "mariadb"):
                index.dialect_options[dialect]["length"] = long


@event.listens_for(Base, "before_insert", propagate=True)
@event.listens_for(Base, "before_update", propagate=True)
def _before_write(mapper: Mapper[Any], _: sa.Connection, target: Any) -> None:
    for hook in own_hooks(mapper.class_, "__before_write__"):
        hook(target)


@event.listens_for(Base, "before_delete", propagate=True)
def _before_delete(mapper: Mapper[Any], _: sa.Connection, target: Any) -> None:
    for hook in own_hooks(mapper.class_, "__before_delete__"):
        hook(target)
