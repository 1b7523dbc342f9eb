"""``python -m bankcore`` serves the stand-in; ``python -m bankcore --openapi`` prints its contract."""

from __future__ import annotations

import sys

from bankcore.app import build, contract
from bankcore.settings import BankSettings
from ipcc.http.server import run_service
from ipcc.settings import load, settings_from_command_line

if __name__ == "__main__":
    if sys.argv[1:] == ["--openapi"]:
        sys.stdout.write(contract(load(BankSettings)))
        raise SystemExit(0)
    raise SystemExit(run_service(build(settings_from_command_line(BankSettings, sys.argv[1:]))))
