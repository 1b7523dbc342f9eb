"""``python -m services.ivr``."""

from __future__ import annotations

import sys

from ipcc.http.server import run_service
from ipcc.settings import settings_from_command_line
from services.ivr.app import build
from services.ivr.settings import IvrSettings

if __name__ == "__main__":
    raise SystemExit(run_service(build(settings_from_command_line(IvrSettings, sys.argv[1:]))))
