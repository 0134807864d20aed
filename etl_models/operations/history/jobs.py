"""Finding the job a history is about: deleted ones too, because history survives them."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from etl_models.domain.naming import DEFAULT_NAMESPACE, parse_reference
from etl_models.repositories.definition import find_id, not_found
from etl_models.repositories.job import job


def get_job_id(session: Session, name: str, *, namespace: str | None = None) -> UUID:
    """Return the id of ``namespace/name`` or ``name``, deleted or not.

    Raises :class:`NotFoundError` with the nearest name there is, and :class:`InvalidInputError` for no name at all.
    """
    wanted = parse_reference(name, "job", namespace=namespace or DEFAULT_NAMESPACE)
    found = find_id(session, job, wanted)
    if found is None:
        raise not_found(session, job, "job", wanted)
    return found
