"""Help: every command explains itself, misspelt words are met half-way, and asking costs little."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from typer.main import get_command

from etl_models_cli.command import COMMON_OPTIONS
from etl_models_cli.root import COMMANDS, app
from tests.cli.conftest import environment_with


def leaves():
    """Every command with its path."""
    root: Any = get_command(app)
    for part in COMMANDS.values():
        for name in part:
            command = root.get_command(None, name)
            children = getattr(command, "commands", None)
            for child, leaf in children.items() if children else [("", command)]:
                yield pytest.param([name, *([child] if child else [])], leaf, id=f"{name} {child}".strip())


@pytest.mark.parametrize(("path", "command"), list(leaves()))
def test_every_command_explains_itself(etl, path, command):
    """Its help says what it does, gives an example and the options that every command has."""
    result = etl(*path, "--help")
    assert result.code == 0
    assert result.err == ""
    first = command.help.partition("\n")[0]
    assert first.endswith(".")
    assert first in result.out
    assert f"etl-models {' '.join(path)}" in result.out
    assert "Examples:" in result.out
    assert "Options of every command:" in result.out
    assert max(map(len, result.out.splitlines())) <= 120
    assert {parameter.name for parameter in command.params} >= set(COMMON_OPTIONS)
    own = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    assert [parameter.name for parameter in own if not parameter.help] == []


def test_the_root_says_what_its_commands_say(etl):
    """The lazy table of the root and the commands behind it agree."""
    root: Any = get_command(app)
    for part in COMMANDS.values():
        for name, entry in part.items():
            command = root.get_command(None, name)
            assert command is not None, name
            if not hasattr(command, "commands"):
                assert entry.summary == command.help.partition("\n")[0]
            else:
                listed = entry.summary.rpartition(": ")[2].rstrip(".").split(", ")
                assert listed == list(command.commands), name
    out = etl("--help").out
    assert all(name in out for part in COMMANDS.values() for name in part)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (("executons",), "executions"),
        (("job",), "jobs"),
        (("register-jobs",), "register-job"),
        (("executions", "lst"), "list"),
        (("db", "upgrad"), "upgrade"),
        (("executions", "list", "--jbo", "x"), "--job"),
        (("executions", "list", "--sinc", "1d"), "--since"),
        (("--databaseurl", "x"), "--database-url"),
    ],
)
def test_a_misspelt_word_is_met_half_way(etl, typed, meant):
    """The nearest command or option is offered."""
    result = etl(*typed)
    assert result.code == 2
    assert meant in result.err.splitlines()[-1]


def test_help_loads_nothing_heavy():
    """The help of the root needs nothing; that of a command at most pydantic, with which the parser reads options."""
    code = (
        "import sys\n"
        "from etl_models_cli import app\n"
        "app.run(sys.argv[1:])\n"
        "heavy = {'sqlalchemy', 'pydantic', 'sqlmodel', 'rich', 'yaml', 'alembic', 'jsonschema', 'asyncio'}\n"
        "print(*sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )

    def loaded(*arguments):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=environment_with(), check=True
        )
        return set(done.stderr.split())

    assert loaded("--help") == set()
    for arguments in (("executions", "list", "--help"), ("version",), ("db", "history")):
        assert loaded(*arguments) & {"sqlmodel", "alembic", "rich", "yaml", "jsonschema"} == set(), arguments


def test_a_list_loads_no_more_than_it_needs(tmp_path):
    """``executions list`` imports no alembic, rich, YAML, JSON Schema and no database driver but its own."""
    code = (
        "import sys\n"
        "from etl_models_cli import app\n"
        "app.run(['db', 'upgrade', '-q']) if sys.argv[1] == 'make' else app.run(['executions', 'list'])\n"
        "heavy = {'alembic', 'rich', 'yaml', 'jsonschema', 'psycopg', 'pymysql', 'fastapi',\n"
        "         'sqlalchemy.dialects.postgresql', 'etl_models.specs.loader', 'etl_models.migrate'}\n"
        "print(*sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    for step in ("make", "list"):
        done = subprocess.run(
            [sys.executable, "-c", code, step],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment_with(),
            check=True,
        )
    assert done.stdout == "no executions\n"
    assert done.stderr.split() == []
