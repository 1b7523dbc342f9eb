"""``python -m services.record``."""

from __future__ import annotations

import sys

from ipcc.http.server import run_service
from ipcc.settings import settings_from_command_line
from services.record.app import build
from services.record.settings import RecordSettings

if __name__ == "__main__":
    raise SystemExit(run_service(build(settings_from_command_line(RecordSettings, sys.argv[1:]))))
