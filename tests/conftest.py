"""What every test gets: the database matrix, and an environment free of the settings of whoever runs the tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest_plugins = ["tests.support.matrix"]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of the user must not decide whether a test passes."""
    for name in os.environ:
        if name.startswith("ETL_MODELS"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def project_root(pytestconfig: pytest.Config) -> Path:
    """The folder of pyproject.toml."""
    return pytestconfig.rootpath
