"""A throw-away Redis on loopback, where ``redis-server`` is installed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import time
from dataclasses import dataclass

from tests.support.processes import (
    START_SECONDS,
    ServerProcess,
    UnavailableError,
    clean_environment,
    free_port,
    scratch_folder,
    server_account,
)

PASSWORD = "cache-secret"
"""Needed to connect, and there to be looked for where no secret may show."""


@dataclass
class RedisServer:
    """A running server that keeps everything in memory; it can go away and come back at its address."""

    port: int
    server: ServerProcess

    @property
    def url(self) -> str:
        """Its first database."""
        return f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"

    def pause(self) -> None:
        """Let it accept connections and answer nothing."""
        self.server.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it answer again."""
        self.server.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it and remove its files."""
        self.resume()
        self.server.stop()


def start(port: int | None = None) -> RedisServer:
    """Start a new, empty server. Raises UnavailableError when this machine cannot run one."""
    if importlib.util.find_spec("redis") is None:
        raise UnavailableError("no client: pip install 'etl-models[cache]'")
    daemon = _find("redis-server")
    account = server_account("redis")
    folder = scratch_folder(account)
    try:
        port = port or free_port()
        server = ServerProcess(
            argv=[
                *(daemon, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""),
                *("--appendonly", "no", "--requirepass", PASSWORD, "--daemonize", "no"),
            ],
            folder=folder,
            account=account,
            environment=clean_environment(folder, without=["REDIS"]),
            death_signal="KILL",
            stop_signal=signal.SIGTERM,
        )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    try:
        _wait_until_ready(server, port)
    except BaseException:
        server.stop()
        raise
    return RedisServer(port, server)


def _find(name: str) -> str:
    """The path of a program; ``$ETL_REDIS_BIN``, then PATH."""
    folders = [os.environ.get("ETL_REDIS_BIN", ""), os.environ.get("PATH", ""), "/usr/sbin"]
    found = shutil.which(name, path=os.pathsep.join(filter(None, folders)))
    if found is None:
        raise UnavailableError(f"no {name}: install Redis (Debian: apt-get install redis-server)")
    return found


def _wait_until_ready(server: ServerProcess, port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        server.check_alive()
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as probe:
                probe.sendall(f"AUTH {PASSWORD}\r\n".encode())
                if probe.recv(100).startswith(b"+OK"):
                    return
        except OSError:
            pass
        time.sleep(0.02)
    raise UnavailableError(f"Redis was not ready within {START_SECONDS} s: {server.log_tail()}")
