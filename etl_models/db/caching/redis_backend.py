"""Cached rows on a server that speaks Redis' protocol (Redis, Valkey, KeyDB, Dragonfly): each step is one script."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Sequence
from typing import Any

from etl_models.db.caching.backend import Answer, Ticket
from etl_models.domain.urls import safe_url
from etl_models.errors import ConfigurationError

_GENERATION_SECONDS = 24 * 3600
# Under a name: "!marker" is a block, "?lease" a lease, "=stamp\nrow" a row; under a scope a block or its generation.
_STAMP = """
local function stamp_of(count, fresh, life)
  local stamp = ''
  for i = 1, count do
    local generation = redis.call('GET', KEYS[i])
    if not generation then
      if not fresh then return nil end
      generation = fresh
      redis.call('SET', KEYS[i], generation, 'PX', life)
    end
    if string.sub(generation, 1, 1) == '!' then return nil end
    stamp = stamp .. generation .. '.'
  end
  return stamp
end
"""
_LOOK = (
    _STAMP
    + """
local name, lease, lease_life, fresh, life = KEYS[#KEYS], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local stamp = stamp_of(#KEYS - 1, fresh, life)
if not stamp then return {false, false} end
local held = redis.call('GET', name)
if held then
  local kind = string.sub(held, 1, 1)
  if kind ~= '=' then return {false, false} end
  local cut = string.find(held, '\\n', 1, true)
  if string.sub(held, 2, cut - 1) == stamp then return {string.sub(held, cut + 1), false} end
end
if lease == '' then return {false, false} end
redis.call('SET', name, '?' .. lease, 'PX', lease_life)
return {false, stamp}
"""
)
_FILL = (
    _STAMP
    + """
local name, lease, stamp, row, life = KEYS[#KEYS], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if redis.call('GET', name) ~= '?' .. lease or stamp_of(#KEYS - 1) ~= stamp then return 0 end
redis.call('SET', name, '=' .. stamp .. '\\n' .. row, 'PX', life)
return 1
"""
)
_BLOCK = """
for i = 1, #KEYS do redis.call('SET', KEYS[i], '!' .. ARGV[1], 'PX', ARGV[2]) end
"""
_RELEASE = """
for i = 1, #KEYS do
  local held = redis.call('GET', KEYS[i])
  if held and (string.sub(held, 1, 1) ~= '!' or held == '!' .. ARGV[1]) then redis.call('DEL', KEYS[i]) end
end
"""


class RedisBackend:
    """A client of one server. ``deadline``, in seconds, ends every call."""

    is_remote = True

    def __init__(self, url: str, *, prefix: str, deadline: float) -> None:
        try:
            import redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry
        except ImportError:
            raise ConfigurationError(
                "a cache on Redis needs the package redis, which is not installed; pip install 'etl-models[cache]'"
            ) from None
        self.place = safe_url(url)
        self._prefix = prefix
        self._failures = (redis.RedisError, OSError)
        try:
            self._client: Any = redis.Redis.from_url(
                url, socket_timeout=deadline, socket_connect_timeout=deadline, retry=Retry(NoBackoff(), 0)
            )
        except ValueError:
            raise ConfigurationError(
                f"the address of the cache {self.place!r} cannot be understood; it looks like redis://host:6379/0"
            ) from None
        self._scripts = {text: self._client.register_script(text) for text in (_LOOK, _FILL, _BLOCK, _RELEASE)}

    def look(self, scopes: Sequence[str], name: str, lease: str | None, seconds: float) -> Answer:
        """As the protocol says."""
        arguments = [lease or "", _milliseconds(seconds), secrets.token_hex(8), _GENERATION_SECONDS * 1000]
        payload, stamp = self._run(_LOOK, [*scopes, name], arguments)
        return Answer(payload, None if stamp is None or lease is None else Ticket(lease, stamp.decode()))

    def fill(self, scopes: Sequence[str], name: str, ticket: Ticket, payload: bytes, seconds: float) -> bool:
        """As the protocol says."""
        arguments = [*ticket, payload, _milliseconds(seconds)]
        return bool(self._run(_FILL, [*scopes, name], arguments))

    def block(self, names: Collection[str], marker: str, seconds: float) -> None:
        """As the protocol says."""
        self._run(_BLOCK, names, [marker, _milliseconds(seconds)])

    def release(self, names: Collection[str], marker: str) -> None:
        """As the protocol says."""
        self._run(_RELEASE, names, [marker])

    def close(self) -> None:
        """Close the connections; what is stored ends by itself."""
        self._client.close()

    def _run(self, script: str, names: Collection[str], arguments: list[Any]) -> Any:
        run: Callable[..., Any] = self._scripts[script]
        try:
            return run(keys=[f"{self._prefix}:{name}" for name in names], args=arguments)
        except self._failures as error:
            raise ConnectionError(type(error).__name__) from None


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
