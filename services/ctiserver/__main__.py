"""``python -m services.ctiserver``."""

from __future__ import annotations

import sys

from ipcc.http.server import run_service
from ipcc.settings import settings_from_command_line
from services.ctiserver.app import build
from services.ctiserver.settings import CtiSettings

if __name__ == "__main__":
    raise SystemExit(run_service(build(settings_from_command_line(CtiSettings, sys.argv[1:]))))
