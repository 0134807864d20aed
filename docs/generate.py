"""Write every generated page: ``make docs``."""

from __future__ import annotations

import runpy
from pathlib import Path

if __name__ == "__main__":
    for script in sorted(Path(__file__).parent.glob("generate_*.py")):
        runpy.run_path(str(script), run_name="__main__")
