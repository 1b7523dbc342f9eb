"""What is in the repository: the files that are tracked, or would be."""

from __future__ import annotations

import subprocess
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# raw traffic of a real switch: data, not text of ours
DATA = ("tests/traces/recorded/", "tests/traces/golden/")


@cache
def _files() -> tuple[str, ...]:
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip(f"not a git work tree: {done.stderr.strip()}", allow_module_level=True)
    return tuple(sorted(name for name in set(done.stdout.splitlines()) if (ROOT / name).is_file()))


def tracked(pattern: str) -> list[str]:
    """Files whose path fits ``pattern`` (``*`` crosses folders), recorded data left out; relative to the repository."""
    return [name for name in _files() if fnmatch(name, pattern) and not name.startswith(DATA)]


@cache
def read(name: str) -> str:
    """The text of a file; "" when it is no text."""
    try:
        return (ROOT / name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""
