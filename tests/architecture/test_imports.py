"""The layers hold: every import contract of pyproject.toml, checked by import-linter."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.architecture.tree import ROOT


def test_import_contracts_are_kept() -> None:
    run = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    done = subprocess.run(
        [sys.executable, "-c", run],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stdout[done.stdout.find("Contracts") :] + done.stderr
