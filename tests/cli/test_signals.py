"""Interrupts, termination and closed pipes end a command quietly, with their own exit codes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import environment_with
from tests.support.executions import Writer

pytestmark = pytest.mark.database("sqlite")


def begin(arguments, cwd, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "etl_models_cli", *arguments],
        cwd=cwd,
        env=environment_with(**environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


# Where a process says that it is ready and stays: in the middle of starting, or of working.
STARTING = """
import importlib.abc, sys, time
class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "typer":
            print("READY", file=sys.stderr, flush=True)
            time.sleep(60)
sys.meta_path.insert(0, Finder())
"""
WORKING = """
import sys, time
import etl_models.settings
def load_settings(**_):
    print("READY", file=sys.stderr, flush=True)
    time.sleep(60)
etl_models.settings.load_settings = load_settings
"""


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
@pytest.mark.parametrize("moment", [STARTING, WORKING], ids=["starting", "working"])
def test_signals_have_their_codes(here, number, code, word, moment):
    """Still starting or at work: the code is the signal's, one word is said, no traceback."""
    (here / "sitecustomize.py").write_text(moment)
    path = f"{here}{os.pathsep}{environment_with()['PYTHONPATH']}"
    process = begin(["executions", "list"], here, PYTHONPATH=path)
    assert process.stderr.readline() == "READY\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err.strip()) == (code, "", word)


def test_a_reader_that_goes_away_is_no_error(store, write, here):
    """``etl-models ... | head -1`` ends quietly with 0, though there was more to write."""

    def story(writer: Writer) -> None:
        job_id = writer.job()
        for number in range(300):
            writer.execution(job_id, tags={"note": "x" * 200, "number": str(number)})

    write(story)
    for output in ("json", "jsonl", "csv", "yaml", "table"):
        process = begin(["executions", "list", "--all", "-o", output], here, ETL_MODELS_DATABASE_URL=store)
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait(60) == 0, err
        assert "Traceback" not in err
        assert "BrokenPipe" not in err
        process.stdin.close()
        process.stderr.close()


def test_a_full_disk_is_an_error(here, process):
    """When standard output cannot be written the exit code says so."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "etl_models_cli", "schema"],
            cwd=here,
            env=environment_with(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
