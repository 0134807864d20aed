"""Content hashes of definitions: equal documents have equal hashes, whatever the order of their keys."""

from __future__ import annotations

import hashlib

from etl_models.domain.jsonvalue import JsonValue, dumps


def content_hash(document: JsonValue) -> str:
    """Return ``sha256:<64 hex digits>`` of the canonical JSON of ``document``."""
    return "sha256:" + hashlib.sha256(dumps(document).encode()).hexdigest()
