"""On a terminal: colours, widths, questions, progress. Everywhere else: none of it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

import pytest

from etl_models.domain.states import ComponentState, ExecutionState
from etl_models_cli.screen import cell_width
from tests.cli.conftest import environment_with
from tests.support.executions import Component

pytestmark = pytest.mark.database("sqlite")

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_terminal(arguments, *, cwd, width=100, answer=None, split=False, **environment):
    """Run on a pseudo terminal; returns the exit code and what it showed (``split``: standard output is a pipe)."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "etl_models_cli", *arguments],
        cwd=cwd,
        stdin=follower,
        stdout=subprocess.PIPE if split else follower,
        stderr=follower,
        env=environment_with(TERM="xterm", **environment),
        start_new_session=True,
    )
    os.close(follower)
    shown, answered, deadline = b"", answer is None, time.monotonic() + 60
    while time.monotonic() < deadline:
        ready, _, _ = select.select([leader], [], [], 0.1)
        try:
            data = os.read(leader, 65536) if ready else b""
        except OSError:
            break
        shown += data
        if not answered and b"[y/N]" in shown:
            os.write(leader, answer.encode())
            answered = True
        if not ready and process.poll() is not None:
            break
    piped = ""
    if process.stdout is not None:
        piped = process.stdout.read().decode()
        process.stdout.close()
    os.close(leader)
    return process.wait(10), shown.decode().replace("\r\n", "\n"), piped


def story(writer):
    job_id = writer.job("a-namespace-with-a-long-name/a-job-with-a-rather-long-name")
    for number in range(3):
        writer.execution(
            job_id,
            key=f"2013-02-0{number}-日本語日本語日本語",
            state=ExecutionState.FAILED if number else ExecutionState.SUCCEEDED,
            error=("CheckFailed", "the reject share of this day is far above what anybody would accept"),
            tags={"team": "operations", "place": "Zürich"},
            metrics={"rows_extracted": [336776], "rows_rejected": [9437]},
            components=[
                Component("extract_flights", metrics={"rows_extracted": [336776]}),
                Component("validate", ComponentState.FAILED, ("CheckFailed", "the reject share is far above")),
            ],
        )


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120, 200])
@pytest.mark.parametrize(
    "arguments",
    [("executions", "list"), ("executions", "stats"), ("jobs", "list"), ("executions", "stats", "--by", "day")],
    ids=" ".join,
)
def test_tables_fit_the_terminal(store, write, here, etl, monkeypatch, width, arguments):
    """No line is wider than the terminal, at any width; wide characters count twice."""
    write(story)
    monkeypatch.setenv("COLUMNS", str(width))
    lines = etl(*arguments).out.splitlines()
    assert len(lines) > 1
    assert max(cell_width(line) for line in lines) <= width, lines


def test_a_wide_terminal_shows_more(store, write, etl, monkeypatch):
    """At 60 columns the state is there, at 200 the error too."""
    write(story)
    monkeypatch.setenv("COLUMNS", "60")
    narrow = etl("executions", "list").out
    monkeypatch.setenv("COLUMNS", "320")
    wide = etl("executions", "list").out
    assert "failed" in narrow
    assert "far above" not in narrow
    assert "far above" in wide


def test_a_pipe_gets_everything(store, write, etl):
    """Without a terminal nothing is cut."""
    write(story)
    out = etl("executions", "list").out
    assert "…" not in out
    assert "the reject share of this day is far above what anybody would accept" in out


def test_the_size_of_the_terminal_is_asked_for(store, write, here):
    """Without COLUMNS the terminal itself says how wide it is."""
    write(story)
    code, shown, _ = on_terminal(["executions", "list"], cwd=here, width=60, ETL_MODELS_DATABASE_URL=store)
    assert code == 0
    assert max(cell_width(line) for line in ANSI.sub("", shown).splitlines()) <= 60


def test_colours_are_for_terminals(store, write, here, process):
    """A terminal gets colours unless NO_COLOR, --no-color or TERM=dumb; a pipe only with FORCE_COLOR."""
    write(story)
    url = {"ETL_MODELS_DATABASE_URL": store}
    assert "\x1b[31mfailed" in on_terminal(["executions", "list"], cwd=here, **url)[1]
    assert "\x1b[" not in on_terminal(["executions", "list"], cwd=here, NO_COLOR="1", **url)[1]
    assert "\x1b[" not in on_terminal(["executions", "list", "--no-color"], cwd=here, **url)[1]
    assert "\x1b[" not in on_terminal(["executions", "list"], cwd=here, NO_COLOR="1", FORCE_COLOR="1", **url)[1]
    assert "\x1b[" not in process("executions", "list", **url).out
    assert "\x1b[31mfailed" in process("executions", "list", FORCE_COLOR="1", **url).out
    assert "\x1b[" not in process("executions", "list", "-o", "json", FORCE_COLOR="1", **url).out
    assert "\x1b[31m" in on_terminal(["jobs", "show", "nobody"], cwd=here, **url)[1]
    assert "\x1b[" not in process("jobs", "show", "nobody", **url).err


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("yes\n", 0), ("n\n", 1), ("\n", 1), ("\x04", 1)])
def test_destructive_commands_ask(registered, here, etl, answer, code):
    """On a terminal they ask, and only yes goes on."""
    ended, shown, _ = on_terminal(
        ["jobs", "delete", "flights/load-flights"], cwd=here, answer=answer, ETL_MODELS_DATABASE_URL=registered
    )
    assert ended == code, shown
    assert "Delete the job flights/load-flights? [y/N]" in shown
    assert etl("jobs", "show", "flights/load-flights").code == (4 if code == 0 else 0)


@pytest.mark.parametrize(
    "arguments",
    [
        ("jobs", "delete", "flights/load-flights"),
        ("components", "delete", "load", "--job", "flights/load-flights"),
        ("dataclasses", "delete", "flights/raw_flight"),
        ("metrics", "delete", "flights/rows_out"),
        ("tags", "delete", "team=ops"),
        ("db", "downgrade", "base"),
    ],
    ids=" ".join,
)
def test_without_a_terminal_they_need_yes(registered, process, arguments):
    """Nobody can be asked: exit code 2, and nothing has happened."""
    result = process(*arguments, ETL_MODELS_DATABASE_URL=registered)
    assert result.code == 2
    assert "--yes" in result.err
    assert process("jobs", "show", "flights/load-flights", ETL_MODELS_DATABASE_URL=registered).code == 0


def test_progress_is_shown_on_a_terminal_only(here, process):
    """``db upgrade`` names the revisions as they come, on the terminal that standard error is."""
    code, shown, piped = on_terminal(["db", "upgrade", "-o", "json"], cwd=here, split=True)
    assert code == 0, shown
    assert "0001 initial" in shown
    assert '"after"' in piped
    assert "\x1b" not in piped
    (here / "etl_models.db").unlink()
    silent = process("db", "upgrade")
    assert "0001 initial" not in silent.err
    (here / "etl_models.db").unlink()
    assert "0001 initial" not in on_terminal(["db", "upgrade", "-q"], cwd=here)[1]


def test_following_pages_shows_how_far_it_is(store, write, here):
    """``--all`` counts on the terminal that standard error is; one page alone shows nothing."""

    def many(writer):
        job_id = writer.job()
        for _ in range(30):
            writer.execution(job_id)

    write(many)
    url = {"ETL_MODELS_DATABASE_URL": store}
    arguments = ["executions", "list", "--limit", "10", "-o", "json"]
    code, shown, piped = on_terminal([*arguments, "--all"], cwd=here, split=True, **url)
    assert code == 0, shown
    assert "so far" in shown
    assert piped.count('"id":') == 30
    code, shown, _ = on_terminal([*arguments, "-q"], cwd=here, split=True, **url)
    assert (code, shown) == (0, "")
