"""``python -m etl_models_cli`` is ``etl-models``."""

from __future__ import annotations

from etl_models_cli.app import main

if __name__ == "__main__":
    main()
