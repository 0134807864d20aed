"""Hostile files: each is refused with a clear error, soon and without big memory."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from etl_models.errors import DefinitionError
from etl_models.specs.loader import load, validate_paths
from etl_models.specs.source import MAX_FILE_BYTES
from tests.support.bombs import BOMBS, HEAVY_BUT_VALID

WIDE = ["laughs-of-long-text", "flat-mapping", "one-key-often", "jobs-of-numbers", "json-flat-list", "json-nan"]
WIDE += ["near-misses", "thousands-of-faults", "broken-schema", "time-zones", "toml-flat-keys", "toml-many-tables"]


# What is refused takes well under a second (benchmarks/hostile_files.py measures it); what a bomb does to a reader
# without limits takes minutes or all memory. This is far from both, also on a busy machine and under a tracer.
RUNAWAY_SECONDS = 20


def refusal(path: Path) -> DefinitionError:
    """The error that loading ``path`` ends with; far more processor time than that takes is a failure."""
    started = time.process_time()
    with pytest.raises(DefinitionError) as raised:
        validate_paths([path])
    assert time.process_time() - started < RUNAWAY_SECONDS
    return raised.value


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused(name: str, tmp_path: Path) -> None:
    """Deep, wide, repeating and self-holding files end in a few short problems that name the file."""
    form, build, said = BOMBS[name]
    file = tmp_path / f"bomb.{form}"
    file.write_bytes(build())
    error = refusal(file)
    assert said in str(error)
    assert len(str(error)) < 100_000
    assert all(problem.file == str(file) or problem.file is None for problem in error.problems)


@pytest.mark.parametrize("name", HEAVY_BUT_VALID)
def test_heavy_files_within_the_limits_are_loaded(name: str, tmp_path: Path) -> None:
    """The limits leave room for large catalogues."""
    form, build = HEAVY_BUT_VALID[name]
    file = tmp_path / f"heavy.{form}"
    file.write_bytes(build())
    assert file.stat().st_size <= MAX_FILE_BYTES
    assert load(file).jobs


@pytest.mark.parametrize("size", [MAX_FILE_BYTES + 1, 10 * 1024 * 1024])
def test_a_file_is_refused_by_its_size_before_it_is_parsed(size: int, tmp_path: Path) -> None:
    """Ten megabytes cost no more than one."""
    file = tmp_path / "large.yaml"
    file.write_bytes(b"[" * size)
    assert "is larger than 1048576 bytes, the limit for a definition file" in str(refusal(file))


def test_the_size_limit_is_for_the_caller_to_choose(tmp_path: Path) -> None:
    """A larger catalogue can be loaded on purpose; at the limit itself nothing is refused."""
    file = tmp_path / "a.yaml"
    file.write_text("jobs: [{name: a}]")
    assert load(file, max_bytes=17).jobs
    with pytest.raises(DefinitionError, match="larger than 16 bytes"):
        load(file, max_bytes=16)


def test_standard_input_is_read_no_further_than_the_limit() -> None:
    """An endless pipe is refused after a megabyte."""

    class Endless:
        taken = 0

        def read(self, size: int) -> bytes:
            self.taken += size
            return b"x" * size

    endless = Endless()
    with pytest.raises(DefinitionError, match="<stdin>: is larger than"):
        load("-", stdin=endless)  # type: ignore[call-overload]
    assert endless.taken == MAX_FILE_BYTES + 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_only_regular_files_are_read(tmp_path: Path) -> None:
    """Pipes without a writer, devices and sockets are refused at once instead of being waited for."""
    fifo = tmp_path / "fifo.yaml"
    os.mkfifo(fifo)
    started = time.monotonic()
    assert "is not a regular file" in str(refusal(fifo))
    assert "is not a regular file" in str(refusal(Path("/dev/zero")))
    address = tmp_path / "s.yaml"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(address))
        assert "cannot be read" in str(refusal(address))
    assert time.monotonic() - started < 30


def test_a_folder_that_leads_back_into_itself_is_refused(tmp_path: Path) -> None:
    """A loop of links ends in an error, not in endless reading."""
    (tmp_path / "a.yaml").write_text("jobs: [{name: a}]")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "up").symlink_to(tmp_path)
    assert "leads back into itself" in str(refusal(tmp_path))


def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    """A link that names itself cannot be read."""
    (tmp_path / "a.yaml").symlink_to(tmp_path / "a.yaml")
    assert "cannot be read" in str(refusal(tmp_path))


@pytest.mark.parametrize("name", ["no such file.yaml", "no/such/folder", "nul\0byte.yaml", "long" * 2000, ""])
def test_what_is_not_there_is_said_so(name: str) -> None:
    """A path that leads nowhere, or is no path, is a problem like any other."""
    with pytest.raises(DefinitionError, match="cannot be read"):
        load(name)


def test_all_files_together_are_limited_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand files of a megabyte are not read into memory."""
    monkeypatch.setattr("etl_models.specs.reading.MAX_TOTAL_BYTES", 40)
    for index in range(3):
        (tmp_path / f"{index}.yaml").write_text(f"jobs: [{{name: j{index}}}]")
    with pytest.raises(DefinitionError, match=r"2.yaml: is one file too many"):
        load(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_bombs_take_little_memory(tmp_path: Path) -> None:
    """Refusing the widest bombs, one after the other, grows a fresh process by less than 100 MB."""
    for name in WIDE:
        form, build, _ = BOMBS[name]
        (tmp_path / f"{name}.{form}").write_bytes(build())
    program = """
import pathlib, sys
from etl_models.errors import DefinitionError
from etl_models.specs import json_source, loader, toml_source, yaml_source
def peak():
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) // 1024
loader.load({"jobs": []})
before = peak()
for file in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    try:
        loader.validate_paths([str(file)])
    except DefinitionError:
        pass
print(peak() - before)
"""
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 100
