"""The lock files agree with pyproject.toml, and can be installed anywhere: hashes, no address of any index."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support.sources import ROOT, SHIPPED, sources

NEWEST, OLDEST = "requirements.lock", "requirements-oldest.lock"
LOCKS = {NEWEST: "dev", OLDEST: "all,test"}
"""Each lock and the extras it holds besides the base dependencies."""

OURS = {"etl_models", "etl_models_cli"}
OPTIONAL = {"etl_models/db/caching": "cache", "etl_models/db/fastapi": "fastapi"}
"""Folders whose modules stand on an extra."""

PARTS = {"pydantic_core"}
"""Packages of their own that belong to a declared one, which asks for exactly one version of them."""


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return project


def _direct(*extras: str) -> Iterator[Requirement]:
    """Base dependencies and those of the extras; an extra may name other extras of ours."""
    project = _project()
    pending = list(extras)
    yield from map(Requirement, project["dependencies"])
    while pending:
        for requirement in map(Requirement, project["optional-dependencies"][pending.pop()]):
            if canonicalize_name(requirement.name) == project["name"]:
                pending.extend(requirement.extras)
            else:
                yield requirement


def _pins(lock: str) -> list[Requirement]:
    """One requirement per pinned version; a package may have several, for several Pythons."""
    entries = (ROOT / lock).read_text("utf-8").replace("\\\n", " ").splitlines()
    return [Requirement(entry.partition("--hash")[0].strip()) for entry in entries if entry.strip()]


def _versions(lock: str) -> dict[str, list[Version]]:
    versions: dict[str, list[Version]] = {}
    for pin in _pins(lock):
        versions.setdefault(canonicalize_name(pin.name), []).append(Version(str(pin.specifier).removeprefix("==")))
    return versions


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address(lock: str) -> None:
    """Where packages come from is a matter of the machine that installs them."""
    text = (ROOT / lock).read_text("utf-8")
    assert re.findall(r"\S*://\S*|^-\S*.*|\S*\s@\s\S*", text, re.MULTILINE) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash(lock: str) -> None:
    """A package that was exchanged after locking is refused."""
    entries = (ROOT / lock).read_text("utf-8").replace("\\\n", " ").splitlines()
    assert [entry[:60] for entry in entries if entry.strip() and "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_satisfies_every_direct_dependency(lock: str) -> None:
    """Whoever changes a bound in pyproject.toml runs ``make lock``."""
    versions = _versions(lock)
    wrong = [
        f"{requirement}: locked {', '.join(map(str, versions.get(canonicalize_name(requirement.name), [])))}"
        for requirement in _direct(*LOCKS[lock].split(","))
        if not _satisfied(requirement, versions.get(canonicalize_name(requirement.name), []))
    ]
    assert wrong == []


def _satisfied(requirement: Requirement, versions: list[Version]) -> bool:
    return bool(versions) and all(requirement.specifier.contains(version, prereleases=True) for version in versions)


def test_the_oldest_lock_holds_the_lowest_versions_promised() -> None:
    """A lower bound is a promise only when that very version is tested."""
    versions = _versions(OLDEST)
    lowest = {
        canonicalize_name(requirement.name): [
            Version(bound.version) for bound in requirement.specifier if bound.operator == ">="
        ]
        for requirement in _direct("all", "test")
    }
    assert {name: versions[name] for name in lowest} == lowest


def test_both_lines_of_sqlalchemy_are_locked() -> None:
    """2.1 in the newest lock, 2.0 in the oldest: the two lines that are supported."""
    lines = {lock: {version.release[:2] for version in _versions(lock)["sqlalchemy"]} for lock in LOCKS}
    assert lines == {NEWEST: {(2, 1)}, OLDEST: {(2, 0)}}


def test_what_is_imported_is_declared() -> None:
    """A package that is there only because another one brings it may be gone tomorrow."""
    owners = packages_distributions()
    undeclared = {
        f"{source.at(statement)}: {module}"
        for source in sources(*SHIPPED)
        for statement, module in source.imports()
        if (top := module.split(".")[0]) not in {*sys.stdlib_module_names, *OURS, *PARTS}
        and not _declared_for(source.path) & {canonicalize_name(owner) for owner in owners.get(top, [top])}
    }
    assert sorted(undeclared) == []


def _declared_for(path: Path) -> set[str]:
    extras = [extra for folder, extra in OPTIONAL.items() if path.is_relative_to(ROOT / folder)]
    return {canonicalize_name(requirement.name) for requirement in _direct(*extras)}


def test_every_dependency_is_explained() -> None:
    """docs/dependencies.md has a line for each direct dependency and each extra."""
    page = (ROOT / Path("docs/dependencies.md")).read_text("utf-8").lower()
    extras = _project()["optional-dependencies"]
    wanted = {requirement.name for requirement in _direct(*extras)} | set(extras)
    assert sorted(name for name in wanted if f"`{name.lower()}`" not in page) == []
