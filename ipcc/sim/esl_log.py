"""Lines of the switch's log for connections that asked for ``log``: the few that calls cause (01l). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from ipcc.sim import wire
from ipcc.sim.outputs import SimEvent

NOTICE = 5
_TEXT_SESSION = 3


@dataclass(frozen=True)
class LogLine:
    """One line, as the switch would write it."""

    level: int
    channel: int
    """The kind of text: 3 belongs to a call."""
    file: str
    function: str
    number: int
    uuid: str
    text: str

    def frame(self, now: float) -> bytes:
        """The frame a connection gets."""
        stamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        headers = {
            "Log-Level": str(self.level),
            "Text-Channel": str(self.channel),
            "Log-File": self.file,
            "Log-Func": self.function,
            "Log-Line": str(self.number),
            "User-Data": self.uuid,
        }
        return wire.log_frame(headers, f"{stamp} 100.00% [NOTICE] {self.file}:{self.number} {self.text}\n")


_SESSION = "switch_core_session.c", "switch_core_session_thread"
# per event: the kind of text, where the real switch writes it, and what
_LINES: dict[str, tuple[tuple[int, str, str, int, str], ...]] = {
    "CHANNEL_CREATE": (
        (_TEXT_SESSION, "switch_channel.c", "switch_channel_set_name", 1142, "New Channel {name} [{uuid}]"),
    ),
    "CHANNEL_PROGRESS_MEDIA": ((0, "sofia_media.c", "sofia_media_tech_media", 90, "Pre-Answer {name}!"),),
    "CHANNEL_ANSWER": ((0, "mod_dptools.c", "answer_function", 1406, "Channel [{name}] has been answered"),),
    "CHANNEL_HANGUP": ((0, "sofia.c", "sofia_handle_sip_i_bye", 1065, "Hangup {name} [{state}] [{cause}]"),),
    "CHANNEL_DESTROY": (
        (_TEXT_SESSION, *_SESSION, 1762, "Session {session} ({name}) Ended"),
        (0, *_SESSION, 1766, "Close Channel {name} [CS_DESTROY]"),
    ),
}


def lines(event: SimEvent) -> Iterator[LogLine]:
    """What the log says when this event happens."""
    for channel, file, function, number, text in _LINES.get(event.name, ()):
        uuid = _text(event, "Unique-ID")
        filled = text.format(
            name=_text(event, "Channel-Name"),
            uuid=uuid,
            state=_text(event, "Channel-State"),
            cause=_text(event, "Hangup-Cause"),
            session=_text(event, "variable_session_id"),
        )
        yield LogLine(NOTICE, channel, file, function, number, uuid, filled)


def _text(event: SimEvent, name: str) -> str:
    value = event.headers.get(name, "")
    return value if isinstance(value, str) else "|:".join(value)
