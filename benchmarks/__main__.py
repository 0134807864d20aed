"""Run every measurement: ``make bench``."""

from __future__ import annotations

from benchmarks import startup

if __name__ == "__main__":
    startup.main()
