"""A read-through cache for repositories: off unless a repository is given one. See ``docs/toolkit.md``, "Cache".

::

    repository_cache.py   what a repository asks; leases, outages, the way around the event loop
    backend.py            what a store of cached rows has to do; the one in the memory of this process
    redis_backend.py      the one on a server that speaks Redis' protocol
    rows.py               rows to bytes and back, exactly, without pickle
    names.py              what the things in a store are called
    statements.py         what a statement changes
    watch.py              listens to every engine: what has to be forgotten, and when a session may use the cache
"""
