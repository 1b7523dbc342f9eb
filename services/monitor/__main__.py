"""``python -m services.monitor``."""

from __future__ import annotations

import sys

from ipcc.http.server import run_service
from ipcc.settings import settings_from_command_line
from services.monitor.app import build
from services.monitor.settings import MonitorSettings

if __name__ == "__main__":
    raise SystemExit(run_service(build(settings_from_command_line(MonitorSettings, sys.argv[1:]))))
