"""What Pydantic found wrong, said in the words of someone who edits a definition file.

No sentence holds the value it speaks of: a file may hold secrets. Only names of keys are quoted, shortened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

from etl_models.specs.suggest import did_you_mean, quoted

_YAML_1_1_TRUTH = frozenset({"yes", "no", "on", "off", "y", "n", "true", "false"})


def kind_of(value: object) -> str:
    """Name the JSON kind of ``value`` with its article."""
    if value is None:
        return "nothing (null)"
    for kind, name in (
        (bool, "a truth value"),
        (int, "a whole number"),
        (float, "a decimal number"),
        (str, "text"),
        (Mapping, "a mapping"),
        (list | tuple, "a list"),
    ):
        if isinstance(value, kind):
            return name
    return f"a value of type {type(value).__name__}"


def sentence(error: ErrorDetails) -> str:
    """Say what ``error`` means."""
    say = _SENTENCES.get(error["type"])
    if say is None:
        return f"is not valid ({error['type']})"
    return say(error.get("ctx", {}), error["input"], error["loc"])


def one_of(words: list[str], given: object = None) -> str:
    """Say that a word must be one of ``words``, and which of them was probably meant."""
    listed = ", ".join(f"'{word}'" for word in words)
    return f"must be one of {listed}" + (did_you_mean(given, words) if isinstance(given, str) else "")


def _text(_: Mapping[str, Any], given: object, __: object) -> str:
    hint = "; write it in quotes" if isinstance(given, int | float) else ""
    return f"must be text, not {kind_of(given)}{hint}"


def _truth(_: Mapping[str, Any], given: object, __: object) -> str:
    hint = "; write true or false, without quotes" if str(given).lower() in _YAML_1_1_TRUTH else ""
    return f"must be true or false, not {kind_of(given)}{hint}"


def _whole_number(_: Mapping[str, Any], given: object, __: object) -> str:
    return f"must be a whole number, not {kind_of(given)}"


def _number(_: Mapping[str, Any], given: object, __: object) -> str:
    return f"must be a number, not {kind_of(given)}"


def _mapping(_: Mapping[str, Any], given: object, __: object) -> str:
    return f"must be a mapping (key: value), not {kind_of(given)}"


def _list(_: Mapping[str, Any], given: object, __: object) -> str:
    return f"must be a list, not {kind_of(given)}"


def _choice(ctx: Mapping[str, Any], given: object, _: object) -> str:
    # Pydantic words the choices as "'row', 'bulk' or 'bigdata'"; the words stand between the quotes.
    return one_of(str(ctx["expected"]).split("'")[1::2], given)


def _tag(ctx: Mapping[str, Any], given: object, _: object) -> str:
    key = str(ctx["discriminator"]).strip("'")
    word = given.get(key) if isinstance(given, Mapping) else None
    return one_of(str(ctx["expected_tags"]).split("'")[1::2], word)


def _missing(_: Mapping[str, Any], __: object, loc: tuple[str | int, ...]) -> str:
    return f"required key {quoted(str(loc[-1]))} is missing" if loc else "is missing"


_Sentence = Callable[[Mapping[str, Any], Any, tuple[str | int, ...]], str]

_SENTENCES: Mapping[str, _Sentence] = {
    "missing": _missing,
    "string_type": _text,
    "string_unicode": lambda *_: "holds a lone surrogate, which databases cannot store",
    "bool_type": _truth,
    "int_type": _whole_number,
    "int_from_float": _whole_number,
    "float_type": _number,
    "finite_number": lambda *_: "must be a finite number, not NaN or infinity",
    "dict_type": _mapping,
    "model_type": _mapping,
    "model_attributes_type": _mapping,
    "list_type": _list,
    "tuple_type": _list,
    "enum": _choice,
    "literal_error": _choice,
    "union_tag_invalid": _tag,
    "union_tag_not_found": lambda ctx, *_: f"required key {ctx['discriminator']} is missing",
    "greater_than": lambda ctx, *_: f"must be greater than {ctx['gt']}",
    "greater_than_equal": lambda ctx, *_: f"must be at least {ctx['ge']}",
    "less_than_equal": lambda ctx, *_: f"must be at most {ctx['le']}",
    "recursion_loop": lambda *_: "holds itself",
}
