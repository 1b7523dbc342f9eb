"""The folder a suite works in: one suite at a time, and a demonstration clears only what a demonstration left there."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ipcc.cli.remote import FILE
from ipcc.errors import Invalid

LOCK = "lock"
MARK = ".demonstration"
FOLDERS = ("spool", "recordings", "log", "sounds")
FILES = ("*.db", "*.db-*", "*.relay", FILE)


@contextmanager
def claimed(var: Path, *, fresh: bool = False) -> Iterator[None]:
    """Hold ``var`` for one suite; ``fresh`` begins without what a former demonstration left.

    Raises Invalid when another suite uses it, or when it is to be cleared and is nobody's demonstration.
    """
    var.mkdir(parents=True, exist_ok=True)
    handle = os.open(var / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(handle, var)
        if fresh:
            _clear(var)
        yield
    finally:
        # the word of a suite that is gone would only mislead
        with suppress(FileNotFoundError):
            if _is_held(handle):
                (var / FILE).unlink()
        os.close(handle)


def _lock(handle: int, var: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(handle, 20).decode(errors="replace").strip()
        text = f"{var} is used by another suite (process {holder}): stop it, or name another folder with --var"
        raise Invalid("var.in_use", text) from None
    os.ftruncate(handle, 0)
    os.write(handle, str(os.getpid()).encode())


def _is_held(handle: int) -> bool:
    os.lseek(handle, 0, os.SEEK_SET)
    return os.read(handle, 20).decode(errors="replace").strip() == str(os.getpid())


def _clear(var: Path) -> None:
    foreign = [path.name for path in var.iterdir() if path.name not in (LOCK, MARK)]
    if foreign and not (var / MARK).exists():
        text = f"{var} holds {foreign[0]} and was not made by a demonstration: name an empty folder with --var"
        raise Invalid("var.foreign", text)
    (var / MARK).touch()
    for name in FOLDERS:
        shutil.rmtree(var / name, ignore_errors=True)
    for pattern in FILES:
        for path in var.glob(pattern):
            path.unlink()
