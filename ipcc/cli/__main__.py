"""``python -m ipcc.cli``."""

from __future__ import annotations

from ipcc.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
