"""Parameters in spite of everything: what JSON cannot hold is written as text that says what it was."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Any

from etl_models.domain.jsonvalue import JsonValue, canonical
from etl_models.domain.text import safe_text
from etl_models.errors import InvalidInputError
from etl_models.operations.recording.cleaning import check_parameters
from etl_models.recorder.ledger import Ledger

_MAX_DEPTH = 10
_MAX_ITEMS = 1000
_MAX_TEXT = 10_000


def tolerant_parameters(ledger: Ledger, given: Any) -> dict[str, JsonValue]:
    """Return parameters as :func:`check_parameters` does; when that refuses them, what can be kept of them.

    The refusal is a mistake in the ledger, so a strict recorder raises it.
    """
    try:
        return check_parameters(given)
    except Exception as error:  # noqa: BLE001  (a value's own methods may raise anything)
        ledger.mistake(error)
    try:
        return check_parameters({str(key): value for key, value in _storable(given, 0).items()})
    except Exception:  # noqa: BLE001  (as above; what is wrong has been told)
        return {}


def _storable(value: Any, depth: int) -> Any:  # noqa: PLR0911  (one return for each kind of value)
    if depth > _MAX_DEPTH:
        return "<nested too deep>"
    if isinstance(value, str):
        return safe_text(value, limit=_MAX_TEXT)
    if isinstance(value, float) and not math.isfinite(value):
        return repr(float(value))
    if isinstance(value, Mapping):
        items = islice(value.items(), _MAX_ITEMS)
        return {safe_text(str(key), limit=_MAX_TEXT): _storable(item, depth + 1) for key, item in items}
    if isinstance(value, Sequence | AbstractSet) and not isinstance(value, bytes | bytearray | memoryview):
        return [_storable(item, depth + 1) for item in islice(value, _MAX_ITEMS)]
    try:
        return canonical(value, "value")
    except InvalidInputError:
        # Never its repr: that may be endless, or hold a password.
        return str(value) if isinstance(value, int) else f"<{type(value).__qualname__}>"
