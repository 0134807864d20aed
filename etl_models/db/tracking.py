"""JSON columns that notice changes made inside them, at any depth.

SQLAlchemy sees an assignment to an attribute, not ``row.settings["a"]["b"] = 1``; its own MutableDict sees the first
level only. Containers read from or assigned to a tracked attribute are replaced by equal ones that report upwards.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import Any, Self, SupportsIndex

from sqlalchemy import event, inspect
from sqlalchemy.orm import InstanceState, QueryableAttribute
from sqlalchemy.orm.attributes import flag_modified

from etl_models.domain.jsonvalue import MAX_DEPTH
from etl_models.errors import InvalidInputError

_keys: weakref.WeakKeyDictionary[type[Any], list[str]] = weakref.WeakKeyDictionary()


class _Node:
    """What both containers share: the container around them, or the row and the attribute that hold them."""

    around: _Node | None = None
    holder: tuple[weakref.ref[InstanceState[Any]], str] | None = None

    def _changed(self) -> None:
        node = self
        while node.around is not None:
            node = node.around
        if node.holder is None:
            return
        state, (_, key) = node.holder[0](), node.holder
        row = None if state is None else state.obj()
        if row is not None and row.__dict__.get(key) is node:
            flag_modified(row, key)

    def _adopt(self, value: Any) -> Any:
        child = tracked(value)
        if isinstance(child, _Node):
            child.around = self
        return child


def _reporting(name: str) -> Callable[..., Any]:
    """Make a method that does what the built-in container does, and reports the change."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = getattr(super(type(self), self), name)(*args, **kwargs)
        self._changed()
        return result

    method.__name__ = name
    return method


class TrackedDict(dict[str, Any], _Node):
    """A JSON object that reports changes; equal to a dict, copied and pickled as one."""

    def __init__(self, items: dict[str, Any]) -> None:
        super().__init__()
        for key, value in items.items():
            super().__setitem__(key, self._adopt(value))

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, self._adopt(value))
        self._changed()

    def update(self, *args: Any, **kwargs: Any) -> None:
        """As ``dict.update``."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def __ior__(self, other: Any) -> Self:  # type: ignore[override,misc]
        self.update(other)
        return self

    def setdefault(self, key: str, default: Any = None) -> Any:
        """As ``dict.setdefault``."""
        if key not in self:
            self[key] = default
        return self[key]

    __delitem__ = _reporting("__delitem__")
    pop = _reporting("pop")
    popitem = _reporting("popitem")
    clear = _reporting("clear")

    def copy(self) -> dict[str, Any]:
        """Return a plain dict of the same items."""
        return plain(self)  # type: ignore[no-any-return]

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        return plain, (plain(self),)

    def __deepcopy__(self, memo: Any) -> dict[str, Any]:
        return plain(self)  # type: ignore[no-any-return]


class TrackedList(list[Any], _Node):
    """A JSON array that reports changes; equal to a list, copied and pickled as one."""

    def __init__(self, items: Iterable[Any]) -> None:
        super().__init__()
        super().extend(self._adopt(item) for item in items)

    def __setitem__(self, index: Any, value: Any) -> None:
        adopted = [self._adopt(item) for item in value] if isinstance(index, slice) else self._adopt(value)
        super().__setitem__(index, adopted)
        self._changed()

    def append(self, item: Any) -> None:
        """As ``list.append``."""
        super().append(self._adopt(item))
        self._changed()

    def extend(self, items: Iterable[Any]) -> None:
        """As ``list.extend``."""
        super().extend([self._adopt(item) for item in items])
        self._changed()

    def __iadd__(self, items: Iterable[Any]) -> Self:  # type: ignore[misc]
        self.extend(items)
        return self

    def insert(self, index: SupportsIndex, item: Any) -> None:
        """As ``list.insert``."""
        super().insert(index, self._adopt(item))
        self._changed()

    __delitem__ = _reporting("__delitem__")
    __imul__ = _reporting("__imul__")
    pop = _reporting("pop")
    remove = _reporting("remove")
    clear = _reporting("clear")
    sort = _reporting("sort")
    reverse = _reporting("reverse")

    def copy(self) -> list[Any]:
        """Return a plain list of the same items."""
        return plain(self)  # type: ignore[no-any-return]

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        return plain, (plain(self),)

    def __deepcopy__(self, memo: Any) -> list[Any]:
        return plain(self)  # type: ignore[no-any-return]


def tracked(value: Any) -> Any:
    """Return ``value`` with every dict and list in it replaced by one that reports changes."""
    if isinstance(value, dict):
        return TrackedDict(value)
    if isinstance(value, list):
        return TrackedList(value)
    return value


def plain(value: Any) -> Any:
    """Return ``value`` with every dict and list in it replaced by a new built-in one."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def _held(state: InstanceState[Any], key: str, value: Any) -> Any:
    try:
        held = tracked(value)
    except RecursionError:  # much deeper than any column takes, which would be told when it is written
        raise InvalidInputError(f"{key} is nested more than {MAX_DEPTH} levels deep", field=key) from None
    if isinstance(held, _Node):
        held.holder = (weakref.ref(state), key)
    return held


def _hold(state: InstanceState[Any], key: str) -> None:
    if (value := state.dict.get(key)) is not None:
        state.dict[key] = _held(state, key, value)


def track(attribute: QueryableAttribute[Any]) -> None:
    """Let changes inside the value of a mapped attribute count as changes of its row."""
    key: str = attribute.key
    owner: Any = attribute.class_
    _keys.setdefault(owner, []).append(key)

    def on_load(state: InstanceState[Any], *_: Any) -> None:
        _hold(state, key)

    def on_refresh(state: InstanceState[Any], _: Any, names: Any) -> None:
        if not names or key in names:
            _hold(state, key)

    def on_set(state: InstanceState[Any], value: Any, *_: Any) -> Any:
        return _held(state, key, value)

    event.listen(owner, "load", on_load, raw=True, propagate=True)
    event.listen(owner, "refresh", on_refresh, raw=True, propagate=True)
    event.listen(owner, "refresh_flush", on_refresh, raw=True, propagate=True)
    event.listen(attribute, "set", on_set, raw=True, retval=True, propagate=True)


def track_again(row: Any) -> None:
    """Track the values of a row that was pickled: its values come after SQLAlchemy's event for it."""
    for key in _keys.get(type(row), ()):
        _hold(inspect(row), key)
