"""Regular expressions of definition files: must compile, and stay short enough that compiling costs nothing."""

from __future__ import annotations

import re
import warnings

MAX_PATTERN_LENGTH = 1_000


def pattern_problem(pattern: str) -> str | None:
    """Return why ``pattern`` is no usable regular expression, or None."""
    if len(pattern) > MAX_PATTERN_LENGTH:
        return f"is a regular expression of {len(pattern)} characters; at most {MAX_PATTERN_LENGTH} are allowed"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "possible nested set" and the like: the pattern still compiles
            re.compile(pattern)
    except re.error as error:
        where = "" if error.pos is None else f" at position {error.pos + 1}"
        return f"is not a valid regular expression: {error.msg}{where}"
    except (OverflowError, RecursionError):
        return "is not a valid regular expression: it repeats or nests too much"
    return None
