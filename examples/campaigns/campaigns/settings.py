"""Where everything is: one database for the tables of this example and those of etl-models."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1]
DATA = FOLDER / "data"
JOBS = FOLDER / "jobs"


def database_url() -> str:
    """The database etl-models uses as well, by default a file in the current directory."""
    return os.environ.get("ETL_MODELS_DATABASE_URL", "sqlite:///campaigns.db")
