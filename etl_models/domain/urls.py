"""Database URLs as they may be shown: never with a password in them."""

from __future__ import annotations

import re

from etl_models.domain.redaction import is_sensitive_key

_HIDDEN = "***"
_QUERY_SECRET = re.compile(r"pass|pwd|secret|token|key", re.IGNORECASE)


def safe_url(url: str) -> str:
    """Return ``url`` without its password and without secret query values; made for messages, not for connecting.

    Works on malformed URLs too: everything between the first colon after ``://`` and the last ``@`` is hidden,
    because a password that was not percent-encoded may hold any character.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return _HIDDEN if "@" in url else url
    address, question, query = rest.partition("?")
    if "@" in query and not scheme.startswith("sqlite"):  # an unencoded question mark inside the password
        address, question, query = rest, "", ""
    if not scheme.startswith("sqlite"):
        address = _without_password(address)
    return scheme + separator + address + question + "&".join(_safe_item(item) for item in query.split("&"))


def _without_password(address: str) -> str:
    account, at, host = address.rpartition("@")
    user, colon, _ = account.partition(":")
    return f"{user}:{_HIDDEN}{at}{host}" if at and colon else address


def _safe_item(item: str) -> str:
    name, equals, _ = item.partition("=")
    hide = equals and (is_sensitive_key(name) or _QUERY_SECRET.search(name))
    return f"{name}={_HIDDEN}" if hide else item
