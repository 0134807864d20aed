"""Hiding secrets in recorded text and values, by the shapes and names secrets have.

The constant mask says nothing of the secret: no first character, no length. Redaction comes before shortening,
so that a cut can never leave half a secret that no pattern recognises any more.
"""

from __future__ import annotations

import re

from etl_models.domain.jsonvalue import JsonValue

MASK = "********"

_NAME = (
    r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|secret[_-]?key"
    r"|credentials?|authorization|connection[_-]?string)"
)
# Looked for in snake_case.
_SENSITIVE_KEY = re.compile(rf"(?:^|[^a-z]){_NAME}(?:$|[^a-z])", re.IGNORECASE)
_PLAIN_KEY = re.compile(r"(?:_name|_id|_count|_length|_rows|_file|_path|_type|_in|_out)$", re.IGNORECASE)

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|\Z)", re.DOTALL
        ),
        MASK,
    ),
    # scheme://user:password@host -- the user stays, it helps to find the connection
    (re.compile(r"(\b[a-zA-Z][a-zA-Z0-9+.-]{0,30}://[^\s:/@'\"]{0,256}):[^\s'\"]{1,1024}@"), rf"\1:{MASK}@"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{5,4096}\.[A-Za-z0-9_-]{5,8192}\.[A-Za-z0-9_-]{0,4096}"), MASK),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), MASK),
    (re.compile(r"\bgh[pousr]_[A-Za-z0-9]{20,255}\b|\bgithub_pat_[A-Za-z0-9_]{20,255}\b"), MASK),
    (re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,255}\b|\bsk_(?:live|test)_[A-Za-z0-9]{10,255}\b"), MASK),
    (re.compile(r"\bAIza[A-Za-z0-9_-]{30,60}\b"), MASK),
    (re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,4096}", re.IGNORECASE), rf"\1 {MASK}"),
    # password=..., "password": "...", --password ..., ?token=...
    (
        re.compile(
            rf"((?<![A-Za-z]){_NAME}(?![A-Za-z])['\"]?\s{{0,4}}(?:=>|[=:])\s{{0,4}}|--{_NAME}[ =])"
            r"(?:'[^'\n]{0,1024}'|\"[^\"\n]{0,1024}\"|[^\s,;&'\")\]}]{1,1024})",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
)


def redact(text: str) -> str:
    """Return ``text`` with what looks like a secret replaced by a constant mask."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def is_sensitive_key(key: str) -> bool:
    """Say whether a value under this name is likely to be a secret (``db_password``, ``apiKey``, ``token``)."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key)
    return bool(_SENSITIVE_KEY.search(snake)) and not _PLAIN_KEY.search(snake)


def redact_value(value: JsonValue) -> JsonValue:
    """Return a JSON value with secrets masked: by the name of their key, and by shape inside texts.

    ``{"secret": "name"}`` references are kept: they name a secret, they do not hold it.
    """
    if isinstance(value, dict):
        return {key: _redact_item(key, item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact_value(item) for item in value]
    return redact(value) if isinstance(value, str) else value


def _redact_item(key: str, item: JsonValue) -> JsonValue:
    if isinstance(item, dict) and set(item) == {"secret"}:
        return item
    if is_sensitive_key(key) and item not in (None, "", True, False):
        return MASK
    return redact_value(item)
