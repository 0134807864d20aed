"""How long the files that are built to hurt a reader take until they are refused, beside parsing the largest valid one.

``python -m benchmarks.hostile_files [ROUNDS]`` loads every file in turn and prints medians of the processor time, the
slowest first. All files are within the size limit of a definition file.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from etl_models.errors import DefinitionError
from etl_models.specs.loader import validate_paths
from tests.support.bombs import BOMBS, HEAVY_BUT_VALID

ROUNDS = 5
SHOWN = 10


def measure(path: Path) -> float:
    """Seconds of processor time until ``path`` is loaded or refused."""
    started = time.process_time()
    with suppress(DefinitionError):
        validate_paths([path])
    return time.process_time() - started


def main(rounds: int = ROUNDS) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        paths: dict[str, Path] = {}
        builders = {name: (form, build) for name, (form, build, _) in BOMBS.items()} | dict(HEAVY_BUT_VALID)
        for name, (form, build) in builders.items():
            paths[name] = Path(folder) / f"{name}.{form}"
            paths[name].write_bytes(build())
        times: dict[str, list[float]] = {name: [] for name in paths}
        for _ in range(rounds):
            for name, path in paths.items():
                times[name].append(measure(path))
    medians = {name: statistics.median(values) for name, values in times.items()}
    heaviest = max(medians[name] for name in HEAVY_BUT_VALID)
    print(f"{len(BOMBS)} hostile files, medians of {rounds} rounds; the slowest, in s of processor time")
    for name in sorted(BOMBS, key=medians.__getitem__, reverse=True)[:SHOWN]:
        print(f"  {name:24} {medians[name]:5.2f}   {medians[name] / heaviest:4.2f} x the heaviest valid file")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
