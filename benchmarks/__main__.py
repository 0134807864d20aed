"""Run every measurement: ``make bench``."""

from __future__ import annotations

from benchmarks import hostile_files, startup, toolkit

if __name__ == "__main__":
    startup.main()
    hostile_files.main()
    toolkit.main([])
