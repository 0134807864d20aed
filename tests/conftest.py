"""What every test gets: the database matrix, and an environment free of the settings of whoever runs the tests."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Time limits per example judge the machine, not the code. In CI the examples are the same every time: a new one that
# fails is found on somebody's desk, where it can be looked at, and not in a change that has nothing to do with it.
settings.register_profile("desk", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("desk"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")

# What runs in the background of a shell inherits that Control-C is ignored, and so would the processes of the tests.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

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
