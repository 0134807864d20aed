"""How tests start a database server: as which user, where its files lie, and how it ends with the tests.

Nothing here knows a particular server.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_PREFIX = "etl-models-test"
START_SECONDS = 60
"""How long a server may take to start on a busy machine."""


class UnavailableError(Exception):
    """This machine cannot run the server; the message says why and what to do."""


@dataclass(frozen=True)
class Account:
    """The operating system user a server runs as: servers refuse to run as root."""

    uid: int
    gid: int

    def as_popen_arguments(self) -> dict[str, Any]:
        """What ``subprocess`` needs to become this user, no other groups kept."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def server_account(*preferred: str) -> Account | None:
    """The first existing user of these names, else nobody; None when we are an ordinary user already."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    import pwd

    for name in (*preferred, "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    raise UnavailableError("running as root, and there is no user a server could run as")


def may_read(path: Path, account: Account | None) -> bool:
    """Whether that user gets as far as ``path``: folders on the way may be private."""
    if account is None:
        return os.access(path, os.R_OK)
    result = subprocess.run(["test", "-r", str(path)], cwd="/", check=False, **account.as_popen_arguments())
    return result.returncode == 0


def scratch_folder(account: Account | None) -> Path:
    """A new private folder for that user, with a path short enough for a unix socket."""
    for parent in dict.fromkeys((tempfile.gettempdir(), "/var/tmp")):
        if not Path(parent).is_dir() or not may_read(Path(parent), account):
            continue
        _sweep(Path(parent))
        folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}-{os.getpid()}-", dir=parent))
        if account is not None:
            os.chown(folder, account.uid, account.gid)
        return folder
    raise UnavailableError("no folder for temporary files that the server's user can reach")


def _sweep(parent: Path) -> None:
    """Remove folders whose tests were killed before they could."""
    for folder in parent.glob(f"{_PREFIX}-*"):
        owner = re.match(rf"{_PREFIX}-(\d+)-", folder.name)
        if owner and not _is_alive(int(owner[1])):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def free_port() -> int:
    """A loopback port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def clean_environment(home: Path, *, without: Sequence[str]) -> dict[str, str]:
    """Our environment without the variables that would lead a server or its client elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(tuple(without))}
    return {**kept, "LC_ALL": "C.UTF-8", "HOME": str(home)}


@dataclass
class ServerProcess:
    """A running server; it dies with the tests even when they are killed.

    Start it from the main thread: the kernel ties it to the thread that started it.
    """

    argv: Sequence[str]
    folder: Path
    account: Account | None
    environment: dict[str, str]
    death_signal: str
    stop_signal: signal.Signals
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [*self._tied_to_us(), *self.argv],
                env=self.environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **(self.account.as_popen_arguments() if self.account else {}),
            )

    def _tied_to_us(self) -> list[str]:
        setpriv = shutil.which("setpriv")
        return [setpriv, "--pdeathsig", self.death_signal] if setpriv else []

    def check_alive(self) -> None:
        """Raises UnavailableError with the server's own words when it has ended."""
        if self.process.poll() is not None:
            raise UnavailableError(f"the server ended while starting: {self.log_tail()}")

    def log_tail(self) -> str:
        """The last 2,000 characters it printed."""
        return (self.folder / "log").read_text(errors="replace")[-2000:]

    def stop(self) -> None:
        """End the server and remove its files."""
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def run_quietly(argv: Sequence[str], *, account: Account | None, environment: dict[str, str]) -> None:
    """Run a preparing command as that user; raises UnavailableError with its output when it fails."""
    result = subprocess.run(
        argv,
        env=environment,
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        **(account.as_popen_arguments() if account else {}),
    )
    if result.returncode != 0:
        raise UnavailableError(f"{Path(argv[0]).name} failed: {(result.stdout + result.stderr)[-2000:]}")
