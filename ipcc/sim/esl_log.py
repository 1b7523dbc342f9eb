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


def lines(event: SimEvent) -> Iterator[LogLine]:
    """What the log says when this event happens."""
    uuid, name = _text(event, "Unique-ID"), _text(event, "Channel-Name")
    if event.name == "CHANNEL_CREATE":
        text = f"New Channel {name} [{uuid}]"
        yield LogLine(NOTICE, _TEXT_SESSION, "switch_channel.c", "switch_channel_set_name", 1142, uuid, text)
    elif event.name == "CHANNEL_HANGUP":
        text = f"Hangup {name} [{_text(event, 'Channel-State')}] [{_text(event, 'Hangup-Cause')}]"
        yield LogLine(NOTICE, 0, "sofia.c", "sofia_handle_sip_i_bye", 1065, uuid, text)
    elif event.name == "CHANNEL_DESTROY":
        text = f"Session {_text(event, 'variable_session_id')} ({name}) Ended"
        yield LogLine(NOTICE, _TEXT_SESSION, "switch_core_session.c", "switch_core_session_thread", 1762, uuid, text)


def _text(event: SimEvent, name: str) -> str:
    value = event.headers.get(name, "")
    return value if isinstance(value, str) else "|:".join(value)
