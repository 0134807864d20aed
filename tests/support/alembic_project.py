"""A folder with models and Alembic, as a user of the toolkit has it; every command is a process of its own."""

from __future__ import annotations

import ast
import builtins
import os
import subprocess
import sys
from pathlib import Path

from etl_models.db.target import Target
from tests.support.sources import ROOT

MODELS = "shop"
ENVIRONMENT = f"""
from alembic import context
from etl_models.db import run_migrations
from {MODELS} import Base
run_migrations(context, Base.metadata, version_table="shop_version")
"""
# Several commands in one process: starting Python takes longer than most of them.
_RUN = """
import json, sys
from alembic.config import main
for arguments in json.loads(sys.argv[1]):
    main(argv=arguments, prog="alembic")
"""


class Project:
    """Models in ``shop.py``, migrations in ``migrations/``, a database that can be changed for another."""

    def __init__(self, folder: Path, url: str, environment: str = ENVIRONMENT) -> None:
        self.folder = folder
        self.alembic("init", "migrations")
        (folder / "migrations" / "env.py").write_text(environment)
        self.use(url)

    def use(self, url: str) -> None:
        """Name the database in ``alembic.ini``."""
        text = Target.parse(url).url.render_as_string(hide_password=False).replace("%", "%%")
        ini = self.folder / "alembic.ini"
        lines = ini.read_text().splitlines()
        ini.write_text(
            "\n".join(f"sqlalchemy.url = {text}" if line.startswith("sqlalchemy.url") else line for line in lines)
        )

    def alembic(self, *arguments: str) -> str:
        """Run ``alembic`` as it is typed; it has to succeed, warnings being errors. Returns what it prints."""
        return self._run("-m", "alembic", *arguments)

    def each(self, *commands: str) -> str:
        """Run several commands, each as it is typed, one after the other in one process."""
        listed = ", ".join(f"[{', '.join(f'{word!r}' for word in command.split())}]" for command in commands)
        return self._run("-c", _RUN, f"[{listed}]".replace("'", '"'))

    def write(self, models: str) -> None:
        """Write the models."""
        (self.folder / f"{MODELS}.py").write_text(models)

    def draft(self, title: str, models: str | None = None) -> str:
        """Let Alembic write a revision for these models; returns its text."""
        if models is not None:
            self.write(models)
        known = set(self.folder.glob("migrations/versions/*.py"))
        self.alembic("revision", "--autogenerate", "-m", title, "--rev-id", f"{len(known) + 1:04}")
        (made,) = set(self.folder.glob("migrations/versions/*.py")) - known
        return made.read_text()

    def _run(self, *arguments: str) -> str:
        result = subprocess.run(
            [sys.executable, "-W", "error", *arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{self.folder}", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout


def missing_names(text: str) -> set[str]:
    """Return the names a module uses and nobody defines."""
    tree = ast.parse(text)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    bound = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.FunctionDef):
            bound.add(node.name)
    return {node.id for node in names} - bound - set(dir(builtins))


def body(revision: str) -> str:
    """Return the part of a revision that does something."""
    return revision.partition("def upgrade")[2]
