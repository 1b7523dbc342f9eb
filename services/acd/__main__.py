"""``python -m services.acd``."""

from __future__ import annotations

import sys

from ipcc.http.server import run_service
from ipcc.settings import settings_from_command_line
from services.acd.app import build
from services.acd.settings import AcdSettings

if __name__ == "__main__":
    raise SystemExit(run_service(build(settings_from_command_line(AcdSettings, sys.argv[1:]))))
