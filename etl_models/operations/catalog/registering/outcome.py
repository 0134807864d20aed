"""What registering did, noted definition by definition, and the problems that stop it."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from etl_models.domain.hashing import content_hash
from etl_models.domain.jsonvalue import JsonValue, canonical
from etl_models.errors import InvalidInputError, Problem
from etl_models.reads.definition import Action
from etl_models.repositories.definition import Stored
from etl_models.specs.base import Finding, Spec
from etl_models.specs.loaded import LaterProblem
from etl_models.specs.positions import Path, show


class Content(NamedTuple):
    """A spec as it is stored: the whole document, and its hash."""

    document: dict[str, JsonValue]
    hash: str


def content_of(spec: Spec, path: Path, problems: list[Problem]) -> Content:
    """Return the content of ``spec``; a document too large or too deep to be stored is added to ``problems``."""
    try:
        document = canonical(spec.document(), show(path) or "the definition")
    except InvalidInputError as error:
        problems.append(LaterProblem.of(Finding(path, error.message.removeprefix(f"{show(path)} "))))
        return Content({}, "")
    return Content(document, content_hash(document))


def judge(stored: Stored | None, hash_: str) -> Action:
    """Say what has to be done to make the stored definition the wanted one."""
    if stored is None:
        return Action.CREATED
    if stored.is_deleted:
        return Action.RESTORED
    return Action.UNCHANGED if stored.content_hash == hash_ else Action.UPDATED


def next_version(stored: Stored | None, hash_: str) -> int:
    """Return the version the definition has afterwards: a new number for new content only."""
    if stored is None:
        return 1
    return stored.version if stored.content_hash == hash_ else stored.version + 1


class Placed(NamedTuple):
    """An id that is stored already, or was made for a row that is about to be."""

    id: UUID
    is_new: bool
