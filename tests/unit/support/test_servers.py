"""Servers of the tests end with the tests, however those end."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.databases import Backend
from tests.support.processes import scratch_folder
from tests.support.sources import ROOT

_PROGRAM = """
import time
from tests.support import {module}
started = {module}.start()
print(started.server.process.pid, started.server.folder, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="ties between processes are a thing of Linux")
@pytest.mark.database("postgresql", "mariadb")
def test_a_server_dies_with_the_tests_that_started_it(backend: Backend) -> None:
    """``kill -9`` of a test run leaves no server behind; its files go when the next server is started."""
    program = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM.format(module=backend.name)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    pid, folder = program.stdout.readline().split()
    program.kill()
    program.communicate()
    deadline = time.monotonic() + 15
    while _runs(int(pid)):
        assert time.monotonic() < deadline, "the server outlived its tests"
        time.sleep(0.05)
    # Another worker that starts a server just now may have swept already.
    shutil.rmtree(scratch_folder(None))
    assert not Path(folder).exists()


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
