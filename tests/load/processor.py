"""What a process has used of the processor: the figure that other work on the machine disturbs least."""

from __future__ import annotations

import os
from pathlib import Path


def used_s(pid: int) -> float:
    """Processor seconds, user's and system's, of a living process since its start (Linux)."""
    # the name in parentheses may hold blanks: the fields begin behind it
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
