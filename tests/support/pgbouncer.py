"""A throw-away PgBouncer in transaction mode before a test's PostgreSQL, where it is installed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from tests.support.processes import (
    START_SECONDS,
    ServerProcess,
    UnavailableError,
    clean_environment,
    free_port,
    scratch_folder,
    server_account,
)


@contextmanager
def pooled(url: str) -> Iterator[str]:
    """The URL of the same database through two server connections that all clients share."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise UnavailableError("PgBouncer is not installed")
    behind = sa.make_url(url)
    account = server_account("postgres")
    folder = scratch_folder(account)
    port = free_port()
    (folder / "ini").write_text(
        f"[databases]\n* = host={behind.host} port={behind.port} user={behind.username}\n"
        f"[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port={port}\nunix_socket_dir=\nauth_type=any\n"
        "pool_mode=transaction\ndefault_pool_size=2\nmax_client_conn=200\n"
    )
    server = ServerProcess(
        argv=[program, str(folder / "ini")],
        folder=folder,
        account=account,
        environment=clean_environment(folder, without=["PG"]),
        death_signal="KILL",
        stop_signal=signal.SIGTERM,
    )
    try:
        _wait(server, port)
        yield behind.set(port=port).render_as_string(hide_password=False)
    finally:
        server.stop()


def _wait(server: ServerProcess, port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        server.check_alive()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise UnavailableError(f"PgBouncer was not ready within {START_SECONDS} s: {server.log_tail()}")
