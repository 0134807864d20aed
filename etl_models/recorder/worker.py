"""Who records: the process, told apart from every other one, also from one that reuses its host name and pid."""

from __future__ import annotations

import os
import platform
import socket
import uuid
from functools import lru_cache
from pathlib import Path

from etl_models._version import __version__

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def worker_identity() -> dict[str, object]:
    """Return host, pid, boot id of the machine (where it has one), an id of this process, and versions."""
    return _identity(os.getpid())


@lru_cache(maxsize=1)
def _identity(pid: int) -> dict[str, object]:
    boot_id = _boot_id()
    return {
        "host": socket.gethostname(),
        "pid": pid,
        **({} if boot_id is None else {"boot_id": boot_id}),
        "process_id": str(uuid.uuid4()),
        "python": platform.python_version(),
        "etl_models": __version__,
    }


def _boot_id() -> str | None:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
