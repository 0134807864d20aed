"""Does a configuration meet the JSON Schema of its component type? Errors say where and why, never what was there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from etl_models.domain.jsonvalue import JsonValue
from etl_models.errors import Problem
from etl_models.specs.base import MAX_FINDINGS, Finding
from etl_models.specs.positions import Path, show
from etl_models.specs.secrets import is_secret_reference
from etl_models.specs.suggest import did_you_mean, quoted
from etl_models.specs.wording import kind_of


class _Secret(str):
    """Stands for the value of a secret, which nobody knows before the job runs."""

    __slots__ = ()


def check_configuration(configuration: JsonValue, schema: JsonValue, path: str = "configuration") -> list[Problem]:
    """Return what ``schema`` (a valid JSON Schema 2020-12) refuses in ``configuration``; empty when it fits.

    ``path`` is where the configuration stands; paths of problems begin with it. A reference to a secret meets any
    condition on a text. References of the schema to other documents are never fetched.
    """
    found = configuration_findings(configuration, schema)
    return [Problem(each.message, path=_joined(path, each.loc)) for each in found]


def _joined(path: str, loc: Path) -> str:
    below = show(loc)
    return path + ("." if path and below and not below.startswith("[") else "") + below


def configuration_findings(configuration: JsonValue, schema: JsonValue) -> Iterator[Finding]:
    """Yield what ``schema`` refuses in ``configuration``, in the order of the schema, at most 100 findings."""
    # Both are slow to load and wanted only where a component type brings a schema.
    from jsonschema import Draft202012Validator
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    validator = Draft202012Validator(schema, registry=Registry())  # an own registry: nothing is fetched
    try:
        for count, error in enumerate(validator.iter_errors(_with_secrets(configuration))):
            if count == MAX_FINDINGS:
                return
            if not isinstance(error.instance, _Secret):
                yield _finding(error)
    except Unresolvable:
        yield Finding((), "cannot be checked: the schema of the component type refers to something that is not there")
    except RecursionError:
        yield Finding((), "cannot be checked: the schema of the component type refers to itself without end")


def _with_secrets(value: Any) -> Any:
    if is_secret_reference(value) and isinstance(value["secret"], str):
        return _Secret()
    if isinstance(value, Mapping):
        return {key: _with_secrets(item) for key, item in value.items()}
    return [_with_secrets(item) for item in value] if isinstance(value, list | tuple) else value


def _finding(error: Any) -> Finding:
    loc: Path = tuple(error.absolute_path)
    keyword, wanted, given = error.validator, error.validator_value, error.instance
    if keyword == "required":
        missing = next((name for name in wanted if name not in given and repr(name) in error.message), wanted[0])
        return Finding((*loc, missing), f"required key {quoted(missing)} is missing")
    if keyword in ("additionalProperties", "unevaluatedProperties") and isinstance(given, Mapping):
        return _unexpected(loc, given, error.schema)
    return Finding(loc, _sentence(keyword, wanted, given))


def _sentence(keyword: str, wanted: Any, given: Any) -> str:
    if keyword == "type":
        kinds = wanted if isinstance(wanted, str) else " or ".join(wanted)
        return f"must be of type {kinds}, not {kind_of(given)}"
    if keyword == "enum":
        words = [word for word in wanted if isinstance(word, str)]
        hint = did_you_mean(given, words) if isinstance(given, str) else ""
        return f"must be one of the {len(wanted)} values that its component type allows{hint}"
    limit = f" {wanted}" if isinstance(wanted, int | float) else ""
    return f"does not meet '{keyword}'{limit} of its component type"


def _unexpected(loc: Path, given: Mapping[str, Any], schema: Mapping[str, Any]) -> Finding:
    known = [str(name) for name in schema.get("properties", {})]
    unknown = next((key for key in given if key not in known), None)
    if unknown is None:
        return Finding(loc, "holds a key the component type does not know")
    message = f"unknown key {quoted(unknown)} for this component type{did_you_mean(unknown, known)}"
    return Finding((*loc, unknown), message, at_key=True)
