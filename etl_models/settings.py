"""Settings: flag over environment over configuration file over default.

* Environment: ``ETL_MODELS_DATABASE_URL``, ``ETL_MODELS_DATABASE_PASSWORD``, and ``ETL_MODELS__SECTION__KEY`` for
  everything. With ``_FILE`` appended, the value is the path of a file that holds the setting.
* File: ``etl-models.toml``, or the table ``[tool.etl-models]`` of ``pyproject.toml``, whichever is found first from
  the current directory upwards. A relative SQLite path in it counts from the file's own folder.

Plain pydantic, because pydantic-settings alone would take longer to import than all the rest of a short command.
Nothing is read when this module is imported; :func:`load_settings` reads.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from etl_models.domain.urls import safe_url
from etl_models.errors import ConfigurationError

DEFAULT_DATABASE_URL = "sqlite:///etl_models.db"
CONFIG_FILE = "etl-models.toml"

_PREFIX = "ETL_MODELS"
_SHORT_NAMES = {
    f"{_PREFIX}_DATABASE_URL": ("database", "url"),
    f"{_PREFIX}_DATABASE_PASSWORD": ("database", "password"),
}
_FILE = "_FILE"
_MAX_FILE_BYTES = 1_000_000

_Path = tuple[str, ...]
_Source = dict[_Path, tuple[Any, str]]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class DatabaseSettings(_Section):
    """Where the store is and how connections behave; times in seconds."""

    url: SecretStr = Field(default=SecretStr(DEFAULT_DATABASE_URL), repr=False, description="Where the store is.")
    password: SecretStr | None = Field(default=None, repr=False, description="Password, for a URL that has none.")
    pool_size: int = Field(default=5, ge=1, le=1000, description="Connections kept open.")
    max_overflow: int = Field(default=10, ge=0, le=1000, description="Connections opened besides when all are busy.")
    pool_recycle: float = Field(default=1800, gt=0, description="Age at which an idle connection is made anew.")
    timeout: float = Field(default=30, gt=0, le=3600, description="Patience of one unit of work, retries included.")
    statement_timeout: float = Field(default=300, ge=0, description="Limit of one statement on a server; 0 for none.")
    transaction_pooling: bool = Field(default=False, description="Behind PgBouncer in transaction mode.")
    auto_migrate: bool = Field(default=False, description="Migrate a server's schema on the first write.")

    @property
    def safe_url(self) -> str:
        """The URL without its password."""
        return safe_url(self.url.get_secret_value())

    @property
    def is_default_url(self) -> bool:
        """Whether nobody chose a database."""
        return self.url.get_secret_value() == DEFAULT_DATABASE_URL

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        yield "url", self.safe_url
        yield from super().__repr_args__()


class Settings(_Section):
    """All settings, checked. ``Settings()`` holds the defaults; :func:`load_settings` asks the surroundings."""

    database: DatabaseSettings = DatabaseSettings()


def load_settings(
    *, directory: Path | None = None, environment: Mapping[str, str] | None = None, **overrides: Any
) -> Settings:
    """Read the settings as they are for a process in ``directory`` (default: the current one).

    ``overrides`` are flags, named ``section_key`` (``database_url=...``); one that is None was not given. Raises
    ConfigurationError that lists every problem and where it comes from.
    """
    sources = (
        _from_file(directory or Path.cwd()),
        _from_environment(os.environ if environment is None else environment),
        _from_overrides(overrides),
    )
    values: dict[str, Any] = {}
    origins: dict[_Path, str] = {}
    for source in sources:
        for path, (value, origin) in source.items():
            _place(values, path, value, origin)
            origins[path] = origin
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise ConfigurationError("\n".join(_problems(error, origins))) from None


def _place(values: dict[str, Any], path: _Path, value: Any, origin: str) -> None:
    here = values
    for part in path[:-1]:
        here = here.setdefault(part, {})
        if not isinstance(here, dict):
            raise ConfigurationError(f"{origin}: {'.'.join(path[:-1])} is a section, not a value")
    here[path[-1]] = value


# -- flags


def _from_overrides(overrides: Mapping[str, Any]) -> _Source:
    given = {name: value for name, value in overrides.items() if value is not None}
    return {tuple(name.split("_", 1)): (value, f"argument {name}") for name, value in given.items()}


# -- environment


def _from_environment(environment: Mapping[str, str]) -> _Source:
    source: _Source = {}
    for name, text in sorted(environment.items()):
        if not text or (found := _path_of(name)) is None:
            continue
        path, is_file = found
        if path in source and source[path][0] != text:
            raise ConfigurationError(f"{source[path][1]} and {name} both set {'.'.join(path)}; keep one of them")
        value = _read_secret(Path(text), name) if is_file else text
        source[path] = (value, f"environment variable {name}")
    return source


def _path_of(name: str) -> tuple[_Path, bool] | None:
    """Return which setting a variable means and whether it names a file; None for one that is not ours."""
    is_file = name.endswith(_FILE)
    bare = name.removesuffix(_FILE)
    if bare in _SHORT_NAMES:
        return _SHORT_NAMES[bare], is_file
    if name.startswith(f"{_PREFIX}__"):
        parts = tuple(part.lower() for part in bare.removeprefix(f"{_PREFIX}__").split("__"))
        return parts, is_file
    if name.startswith(f"{_PREFIX}_DATABASE"):
        raise ConfigurationError(f"environment variable {name} is not known{_did_you_mean(name, list(_SHORT_NAMES))}")
    return None


def _read_secret(path: Path, origin: str) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigurationError(f"{origin}: cannot read {path}: {reason}") from None
    if not (secret := text.rstrip("\r\n")):
        raise ConfigurationError(f"{origin}: {path} is empty")
    return secret


# -- configuration file


def _from_file(directory: Path) -> _Source:
    for folder in (directory.absolute(), *directory.absolute().parents):
        for path, is_ours in ((folder / CONFIG_FILE, True), (folder / "pyproject.toml", False)):
            document = _read_toml(path) if path.is_file() else None
            table = document if is_ours or document is None else document.get("tool", {}).get("etl-models")
            if isinstance(table, dict):
                return _resolved(dict(_leaves(table, ())), path)
    return {}


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise ConfigurationError(f"{path} is larger than {_MAX_FILE_BYTES} bytes")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigurationError(f"{path}: {error}") from None


def _leaves(table: Mapping[str, Any], path: _Path) -> Iterator[tuple[_Path, Any]]:
    for key, value in table.items():
        here = (*path, key.replace("-", "_"))
        if isinstance(value, dict) and len(here) == 1:
            yield from _leaves(value, here)
        else:
            yield here, value


def _resolved(leaves: dict[_Path, Any], path: Path) -> _Source:
    source: _Source = {}
    for place, value in leaves.items():
        origin = f"{path}"
        name = place[-1]
        if name.endswith("_file") and isinstance(value, str):
            source[*place[:-1], name.removesuffix("_file")] = (_read_secret(path.parent / value, origin), origin)
        elif place == ("database", "url") and isinstance(value, str):
            source[place] = (_beside(value, path.parent), origin)
        else:
            source[place] = (value, origin)
    return source


def _beside(url: str, folder: Path) -> str:
    """Turn a relative SQLite path into one from ``folder``: the file may have been found from a folder below."""
    scheme, separator, name = url.partition(":///")
    if not separator or not scheme.startswith("sqlite") or name.startswith((":", "file:")) or not name:
        return url
    return f"{scheme}{separator}{folder / name}"


# -- problems


def _problems(error: ValidationError, origins: Mapping[_Path, str]) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_input=False):
        path = tuple(str(part) for part in problem["loc"])
        origin = next((text for key, text in origins.items() if key[: len(path)] == path), "default")
        name = ".".join(path)
        if problem["type"] == "extra_forbidden":
            yield f"{origin}: the setting {name} is not known{_did_you_mean(path[-1], _names_beside(path))}"
        else:
            yield f"{origin}: {name}: {problem['msg']}"


def _names_beside(path: _Path) -> list[str]:
    if len(path) == 1:
        return list(Settings.model_fields)
    section = Settings.model_fields.get(path[0])
    model = section.annotation if section else None
    return list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []


def _did_you_mean(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f"; known: {', '.join(sorted(known))}"
