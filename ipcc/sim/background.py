"""What a switch does all by itself: HEARTBEAT every 20 seconds, the cleaning of mod_hash, and the notices of when next."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipcc.sim.kernel import Kernel

_UNITS = (
    ("years", 365 * 86400 * 1000),
    ("days", 86400 * 1000),
    ("hours", 3600 * 1000),
    ("minutes", 60 * 1000),
    ("seconds", 1000),
    ("milliseconds", 1),
)
_CHECK_IP_S = 60
_CLEAN_LIMITS_S = 900


def start(kernel: Kernel) -> None:
    """Begin to beat, and to clean the limits of mod_hash."""
    kernel.scheduler.repeat(
        _CLEAN_LIMITS_S,
        "mod_hash",
        "limit_hash_cleanup",
        lambda number: _tell_next(kernel, str(number), "limit_hash_cleanup", "mod_hash", _CLEAN_LIMITS_S),
    )
    kernel.timeline.after(kernel.settings.heartbeat_s, lambda: _beat(kernel))


def up_time(milliseconds: int) -> str:
    """``0 years, 0 days, … 0 microseconds`` as HEARTBEAT writes it."""
    parts = []
    for name, size in _UNITS:
        count, milliseconds = divmod(milliseconds, size)
        parts.append(f"{count} {name[:-1] if count == 1 else name}")
    return ", ".join([*parts, "0 microseconds"])


def _beat(kernel: Kernel) -> None:
    counters = kernel.counters
    milliseconds = round((kernel.now - kernel.timeline.start) * 1000)
    last = counters.in_second if counters.second == int(kernel.now) else 0
    kernel.fire(
        "HEARTBEAT",
        {
            "Event-Info": "System Ready",
            "Up-Time": up_time(milliseconds),
            "FreeSWITCH-Version": "1.10.12-release~64bit",
            "Uptime-msec": str(milliseconds),
            "Session-Count": str(len(kernel.channels)),
            "Max-Sessions": str(kernel.settings.max_sessions),
            "Session-Per-Sec": str(kernel.settings.sessions_per_second),
            "Session-Per-Sec-Last": str(last),
            "Session-Per-Sec-Max": str(counters.in_second_max),
            "Session-Per-Sec-FiveMin": str(counters.in_second_max),
            "Session-Since-Startup": str(counters.sessions),
            "Session-Peak-Max": str(counters.peak),
            "Session-Peak-FiveMin": str(counters.peak),
            "Idle-CPU": "97.000000",
        },
    )
    for number, description, period in (
        ("1", "heartbeat", kernel.settings.heartbeat_s),
        ("2", "check_ip", _CHECK_IP_S),
    ):
        _tell_next(kernel, number, description, "core", period)
    kernel.timeline.after(kernel.settings.heartbeat_s, lambda: _beat(kernel))


def _tell_next(kernel: Kernel, number: str, description: str, group: str, period: float) -> None:
    kernel.fire(
        "RE_SCHEDULE",
        {
            "Task-ID": number,
            "Task-Desc": description,
            "Task-Group": group,
            "Task-Runtime": str(int(kernel.now + period)),
        },
    )
    kernel.scheduler.told()
