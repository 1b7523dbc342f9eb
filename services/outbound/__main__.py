"""``python -m services.outbound``."""

from __future__ import annotations

import sys

from ipcc.http.server import run_service
from ipcc.settings import settings_from_command_line
from services.outbound.app import build
from services.outbound.settings import OutboundSettings

if __name__ == "__main__":
    raise SystemExit(run_service(build(settings_from_command_line(OutboundSettings, sys.argv[1:]))))
