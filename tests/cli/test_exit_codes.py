"""The exit codes are promises: each of them, from a process of its own."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

pytestmark = pytest.mark.database("sqlite")


def test_success_is_zero(process):
    """Help and version end with 0 and write to standard output only."""
    for arguments in (("--help",), ("-h",), ("--version",), ("version",), ("executions", "list", "--help")):
        result = process(*arguments)
        assert (result.code, result.err) == (0, "")
        assert result.out


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("executions",),
        ("nonsense",),
        ("executions", "nonsense"),
        ("--nonsense",),
        ("executions", "list", "--nonsense"),
        ("executions", "list", "-o"),
        ("executions", "list", "extra"),
        ("register-job",),
        ("-o", "xml", "version"),
    ],
)
def test_wrong_usage_is_two(etl, arguments):
    """The message says what is wrong or how it goes, on standard error."""
    result = etl(*arguments)
    assert result.code == 2
    assert result.out == ""
    assert "Usage: etl-models" in result.err or "requires an argument" in result.err


def test_invalid_input_is_three(process, here):
    """A file that is no definition, a setting that cannot work, a URL that is none."""
    (here / "bad.yaml").write_text("jobs: [")
    assert process("validate", "bad.yaml").code == 3
    assert process("executions", "list", "--database-url", "oracle://x").code == 3
    assert process("executions", "list", "--database-url", "").code == 3
    assert process("executions", "list", ETL_MODELS__DATABASE__POOL_SIZE="many").code == 3
    assert process("executions", "list", ETL_MODELS__DATABSE__URL="x").code == 3


def test_not_found_is_four(process, store):
    """A name nobody has."""
    assert process("jobs", "show", "nobody", ETL_MODELS_DATABASE_URL=store).code == 4


def test_a_missing_or_unreachable_database_is_seven(process, here):
    """A read of a SQLite file that is not there makes none; a server that does not answer is told without a secret."""
    result = process("executions", "list")
    assert result.code == 7
    assert "etl-models db upgrade" in result.err
    assert list(here.iterdir()) == []
    url = "postgresql://etl:s3cret-word@127.0.0.1:1/etl"
    result = process("executions", "list", ETL_MODELS_DATABASE_URL=url, ETL_MODELS__DATABASE__TIMEOUT="1")
    assert result.code == 7
    assert "s3cret-word" not in result.err + result.out
    result = process("db", "current")
    assert result.code == 7
    assert list(here.iterdir()) == []


def test_a_foreign_or_newer_schema_is_eight(process, here):
    """A database at a revision this version does not know is not touched."""
    assert process("db", "upgrade").code == 0
    with closing(sqlite3.connect(here / "etl_models.db", isolation_level=None)) as connection:
        connection.execute("UPDATE etl_alembic_version SET version_num = '9999'")
    for arguments in (("executions", "list"), ("db", "upgrade"), ("db", "check")):
        result = process(*arguments)
        assert result.code == 8, result
        assert "9999" in result.err


def test_a_failed_check_is_nine(process, here):
    """``db check`` finds a dropped index, ``doctor`` an unreachable database."""
    assert process("db", "upgrade").code == 0
    with closing(sqlite3.connect(here / "etl_models.db", isolation_level=None)) as connection:
        connection.execute("DROP INDEX ix_etl_execution_created_at_id")
    result = process("db", "check")
    assert result.code == 9
    assert "ix_etl_execution_created_at_id" in result.err
    result = process("doctor", "--database-url", "postgresql://x@127.0.0.1:1/y", ETL_MODELS__DATABASE__TIMEOUT="1")
    assert result.code == 9
    assert "database" in result.err


def test_the_unexpected_is_one_line_and_one(process, here):
    """A fault of ours is told in a line without traceback; ETL_MODELS_DEBUG and -v show where it was."""
    (here / "sitecustomize.py").write_text(
        "import etl_models.settings\n"
        "def load_settings(**_): raise KeyError('password=hunter2 broke')\n"
        "etl_models.settings.load_settings = load_settings\n"
    )
    extra = {"PYTHONPATH": _with(here)}
    result = process("executions", "list", **extra)
    assert result.code == 1
    assert len(result.err.splitlines()) == 1
    assert "unexpected KeyError" in result.err
    assert "hunter2" not in result.err
    assert "ETL_MODELS_DEBUG" in result.err
    assert "Traceback" in process("executions", "list", ETL_MODELS_DEBUG="1", **extra).err
    assert "Traceback" in process("executions", "list", "-v", **extra).err


def _with(folder):
    from tests.cli.conftest import environment_with

    return f"{folder}:{environment_with()['PYTHONPATH']}"


@pytest.mark.parametrize(
    ("arguments", "kind", "code"),
    [
        (("jobs", "show", "nobody"), "NotFoundError", 4),
        (("executions", "list", "--state", "nonsense"), "InvalidInputError", 3),
        (("executions", "nonsense"), "UsageError", 2),
        (("executions", "list", "--nonsense"), "UsageError", 2),
        (("jobs", "delete", "nobody"), "UsageError", 2),
        (("register-job", "nowhere.yaml"), "DefinitionError", 3),
    ],
)
def test_errors_are_json_where_json_was_asked_for(etl, store, arguments, kind, code):
    """On standard error, one object with type, message and details; standard output stays empty."""
    for options in (("-o", "json"), ("--output=json",), ("-ojson",), ("-o", "jsonl")):
        for placed in ((*arguments, *options), (*options, *arguments)):
            result = etl(*placed)
            assert result.code == code
            assert result.out == ""
            assert len(result.err.splitlines()) == 1
            error = result.error
            assert set(error) == {"type", "message", "details"}
            assert error["type"] == kind
            assert error["message"]


def test_a_broken_argument_is_an_error_and_no_crash(process, etl, store):
    """Bytes that are no UTF-8 are told escaped."""
    for arguments in (
        ("jobs", "show", b"caf\xe9"),
        ("executions", "list", "--job", b"\xff"),
        (b"\xff\xfe",),
        ("executions", "list", "--key", b"a\xe9"),
        ("executions", "start", "x", "--parameter", b"a=\xe9"),
        ("--database-url", b"sqlite:///\xe9.db", "jobs", "list"),
        ("register-job", b"\xe9.yaml"),
    ):
        as_text = [part.decode(errors="surrogateescape") if isinstance(part, bytes) else part for part in arguments]
        result = etl(*as_text)
        assert result.code in {2, 3, 4, 7}, result
        assert etl(*as_text, "-o", "json").error["message"]
    result = process("jobs", "show", b"caf\xe9", ETL_MODELS_DATABASE_URL=store)
    assert result.code in {2, 3}
    assert "Traceback" not in result.err
    assert result.err.isascii()


def test_the_default_database_is_told_once(process, here, definitions):
    """The file is announced when it is made, on standard error, and never again."""
    first = process("register-job", "job.yaml")
    assert first.code == 0
    assert first.err.count("etl_models.db") == 1
    assert "etl_models.db" not in first.out
    second = process("register-job", "job.yaml")
    assert "etl_models.db" not in second.err
