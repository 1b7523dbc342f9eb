"""``python -m services.admin``."""

from __future__ import annotations

import sys

from ipcc.errors import Invalid
from ipcc.http.server import run_service
from ipcc.settings import settings_from_command_line
from services.admin.app import build
from services.admin.settings import AdminSettings


def main() -> int:
    """Serve until a signal; 2 when the settings or the organisation's document are wrong."""
    settings = settings_from_command_line(AdminSettings, sys.argv[1:])
    try:
        service = build(settings)
    except Invalid as error:
        sys.stderr.write(f"{error.message}\n")
        return 2
    return run_service(service)


if __name__ == "__main__":
    raise SystemExit(main())
