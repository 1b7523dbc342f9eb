"""``python -m services.report``."""

from __future__ import annotations

import sys

from ipcc.http.server import run_service
from ipcc.settings import settings_from_command_line
from services.report.app import build
from services.report.settings import ReportSettings

if __name__ == "__main__":
    raise SystemExit(run_service(build(settings_from_command_line(ReportSettings, sys.argv[1:]))))
