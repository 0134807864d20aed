"""A throw-away MariaDB on loopback, where ``mariadbd`` is installed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path

import pymysql

from tests.support.processes import (
    START_SECONDS,
    Account,
    ServerProcess,
    UnavailableError,
    clean_environment,
    free_port,
    run_quietly,
    scratch_folder,
    server_account,
)

USER = "etl"
PASSWORD = "etl-secret"
"""Needed to connect, and there to be looked for where no secret may show."""

_FAST = {
    "innodb-flush-log-at-trx-commit": "0",
    "innodb-buffer-pool-size": "64M",
    "innodb-log-file-size": "16M",
    "performance-schema": "0",
    "character-set-server": "utf8mb4",
}


@dataclass(frozen=True)
class MariadbServer:
    """A running server on which ``USER`` may do everything."""

    port: int
    server: ServerProcess

    def url(self, database: str) -> str:
        """The plain form of a database's URL, no driver named."""
        return f"mysql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        """End it and remove its files."""
        self.server.stop()


def start(**settings: str) -> MariadbServer:
    """Start a new server; ``settings`` override options (``innodb_flush_log_at_trx_commit="1"`` for crash tests).

    Raises UnavailableError when this machine cannot run one.
    """
    daemon, installer = _find("mariadbd"), _find("mariadb-install-db")
    account = server_account("mysql")
    folder = scratch_folder(account)
    overrides = {name.replace("_", "-"): value for name, value in settings.items()}
    try:
        environment = clean_environment(folder, without=["MYSQL", "MARIADB"])
        run_quietly(
            [
                *(installer, "--no-defaults", f"--datadir={folder}/data", f"--tmpdir={folder}"),
                *("--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"),
            ],
            account=account,
            environment=environment,
        )
        return _start(daemon, folder, account, environment, {**_FAST, **overrides})
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _find(name: str) -> str:
    """The path of a program; ``$ETL_MARIADB_BIN``, then PATH and the folders where daemons lie."""
    folders = [os.environ.get("ETL_MARIADB_BIN", ""), os.environ.get("PATH", ""), "/usr/sbin", "/usr/libexec"]
    found = shutil.which(name, path=os.pathsep.join(filter(None, folders)))
    if found is None:
        raise UnavailableError(f"no {name}: install MariaDB (Debian: apt-get install mariadb-server)")
    return found


def _start(
    daemon: str, folder: Path, account: Account | None, environment: dict[str, str], options: dict[str, str]
) -> MariadbServer:
    port = free_port()
    server = ServerProcess(
        argv=[
            *(daemon, "--no-defaults", f"--datadir={folder}/data", f"--socket={folder}/socket", f"--port={port}"),
            *("--bind-address=127.0.0.1", f"--pid-file={folder}/pid", f"--tmpdir={folder}", "--skip-name-resolve"),
            *(f"--{name}={value}" for name, value in options.items()),
        ],
        folder=folder,
        account=account,
        environment=environment,
        death_signal="KILL",
        stop_signal=signal.SIGTERM,
    )
    try:
        _create_account(_wait_until_ready(server))
    except BaseException:
        server.stop()
        raise
    return MariadbServer(port, server)


def _wait_until_ready(server: ServerProcess) -> pymysql.Connection[pymysql.cursors.Cursor]:
    deadline = time.monotonic() + START_SECONDS
    address = str(server.folder / "socket")
    while time.monotonic() < deadline:
        server.check_alive()
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(address) == 0:
                return pymysql.connect(unix_socket=address, user="root", autocommit=True)
        time.sleep(0.02)
    raise UnavailableError(f"MariaDB was not ready within {START_SECONDS} s: {server.log_tail()}")


def _create_account(connection: pymysql.Connection[pymysql.cursors.Cursor]) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE USER '{USER}'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'")
        cursor.execute(f"GRANT ALL PRIVILEGES ON *.* TO '{USER}'@'127.0.0.1'")
