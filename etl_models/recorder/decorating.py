"""What a decorated function needs of its arguments: the key, the parameters, and whether it wants the handle."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from etl_models.errors import InvalidInputError
from etl_models.operations.recording.cleaning import TagsInput
from etl_models.recorder.ledger import Ledger

KeyInput: TypeAlias = str | Callable[..., object] | None
"""A text with the names of arguments in braces, or a function of the arguments."""

ParametersInput: TypeAlias = Mapping[str, object] | Callable[..., Mapping[str, object]] | None
"""Parameters, or a function of the arguments that returns them."""

HANDLE_PARAMETER = "execution"


class JobFunction:
    """A function whose calls are recorded; a parameter called ``execution`` receives the handle."""

    def __init__(
        self, ledger: Ledger, function: Callable[..., Any], key: KeyInput, parameters: ParametersInput, tags: TagsInput
    ) -> None:
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise InvalidInputError(
                f"{function.__qualname__} is a generator, which runs while it is iterated over;"
                " open the execution inside it: with recorder.execution(...)"
            )
        self._ledger = ledger
        self._function = function
        self._key = key
        self._parameters = parameters
        self._tags = tags
        self._signature = inspect.signature(function)
        self._wants_handle = HANDLE_PARAMETER in self._signature.parameters

    @property
    def is_asynchronous(self) -> bool:
        """Whether it is a coroutine function."""
        return inspect.iscoroutinefunction(self._function)

    def start_arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return key, parameters and tags of the execution that records this call."""
        return {
            "key": self._ledger.tolerated(lambda key: self._made_key(key, args, kwargs), self._key, None),
            "parameters": self._ledger.tolerated(
                lambda given: given(*args, **kwargs) if callable(given) else given, self._parameters, None
            ),
            "tags": self._tags,
        }

    def call_arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any], handle: Any) -> dict[str, Any]:
        """Return the keyword arguments of the call, the handle among them if the function wants it and has none."""
        if not self._wants_handle or HANDLE_PARAMETER in self._bound(args, kwargs):
            return kwargs
        return {**kwargs, HANDLE_PARAMETER: handle}

    def dress(self, wrapper: Callable[..., Any]) -> Any:
        """Give the wrapper the name, the text and the signature of the function, without the parameter we fill in."""
        functools.update_wrapper(wrapper, self._function)
        shown = [found for name, found in self._signature.parameters.items() if name != HANDLE_PARAMETER]
        wrapper.__signature__ = self._signature.replace(parameters=shown)  # type: ignore[attr-defined]
        return wrapper

    def _made_key(self, key: KeyInput, args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        if callable(key):
            return key(*args, **kwargs)
        if key is None or "{" not in key:
            return key
        return key.format_map(self._bound(args, kwargs))

    def _bound(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        bound = self._signature.bind_partial(*args, **kwargs)
        given = dict(bound.arguments)
        bound.apply_defaults()
        defaults = {name: value for name, value in bound.arguments.items() if name != HANDLE_PARAMETER}
        return {**defaults, **given}
