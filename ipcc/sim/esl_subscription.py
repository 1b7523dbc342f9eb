"""Which events a connection gets: event names, custom subclasses, filters, one channel only. Pure.

Every rule here was recorded (01g, 01h, 01n, 14h); the odd ones are told where they stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ipcc.sim.wire import Format, Headers, Value

_NAMES = """CUSTOM CLONE CHANNEL_CREATE CHANNEL_DESTROY CHANNEL_STATE CHANNEL_CALLSTATE CHANNEL_ANSWER CHANNEL_HANGUP
    CHANNEL_HANGUP_COMPLETE CHANNEL_EXECUTE CHANNEL_EXECUTE_COMPLETE CHANNEL_HOLD CHANNEL_UNHOLD CHANNEL_BRIDGE
    CHANNEL_UNBRIDGE CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA CHANNEL_OUTGOING CHANNEL_PARK CHANNEL_UNPARK
    CHANNEL_APPLICATION CHANNEL_ORIGINATE CHANNEL_UUID API LOG INBOUND_CHAN OUTBOUND_CHAN STARTUP SHUTDOWN PUBLISH
    UNPUBLISH TALK NOTALK SESSION_CRASH MODULE_LOAD MODULE_UNLOAD DTMF MESSAGE PRESENCE_IN NOTIFY_IN PRESENCE_OUT
    PRESENCE_PROBE MESSAGE_WAITING MESSAGE_QUERY ROSTER CODEC BACKGROUND_JOB DETECTED_SPEECH DETECTED_TONE
    PRIVATE_COMMAND HEARTBEAT TRAP ADD_SCHEDULE DEL_SCHEDULE EXE_SCHEDULE RE_SCHEDULE RELOADXML NOTIFY PHONE_FEATURE
    PHONE_FEATURE_SUBSCRIBE SEND_MESSAGE RECV_MESSAGE REQUEST_PARAMS CHANNEL_DATA GENERAL COMMAND SESSION_HEARTBEAT
    CLIENT_DISCONNECTED SERVER_DISCONNECTED SEND_INFO RECV_INFO RECV_RTCP_MESSAGE SEND_RTCP_MESSAGE CALL_SECURE NAT
    RECORD_START RECORD_STOP PLAYBACK_START PLAYBACK_STOP CALL_UPDATE FAILURE SOCKET_DATA MEDIA_BUG_START
    MEDIA_BUG_STOP CONFERENCE_DATA_QUERY CONFERENCE_DATA CALL_SETUP_REQ CALL_SETUP_RESULT CALL_DETAIL
    DEVICE_STATE TEXT SHUTDOWN_REQUESTED ALL"""
NAMES = frozenset(_NAMES.split())
"""The names a client may ask for; any other word is ignored."""

# What `myevents` of an outbound socket delivered (fact 16): never DESTROY, CALLSTATE, PLAYBACK_* or RECORD_*.
_MY_EVENTS = """CHANNEL_EXECUTE CHANNEL_EXECUTE_COMPLETE CHANNEL_STATE CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA CHANNEL_ANSWER
    CHANNEL_PARK CHANNEL_UNPARK CHANNEL_BRIDGE CHANNEL_UNBRIDGE CHANNEL_HANGUP CHANNEL_HANGUP_COMPLETE CHANNEL_OUTGOING
    CHANNEL_HOLD CHANNEL_UNHOLD CHANNEL_APPLICATION CHANNEL_ORIGINATE CHANNEL_UUID TALK NOTALK DTMF
    DETECTED_SPEECH"""
MY_EVENTS = frozenset(_MY_EVENTS.split())


@dataclass
class Subscription:
    """The wishes of one connection."""

    style: Format = Format.PLAIN
    """The last format asked for holds for everything (fact 31)."""
    names: set[str] = field(default_factory=set)
    subclasses: set[str] = field(default_factory=set)
    filters: list[tuple[str, str]] = field(default_factory=list)
    only_uuid: str | None = None
    """Set by ``myevents <uuid>``: nothing else is ever delivered again (01h)."""

    def add(self, words: Sequence[str]) -> bool:
        """``event …``. False when no word was a known event: then nothing but the format changed."""
        wanted = list(words)
        if wanted and (style := _style(wanted[0])) is not None:
            self.style = style
            del wanted[0]
        names, subclasses = _parse(wanted)
        self.names |= names
        self.subclasses |= subclasses
        return bool(names)

    def remove(self, words: Sequence[str]) -> bool:
        """``nixevent …``. False when no word was a known event."""
        names, subclasses = _parse(words)
        if "ALL" in names:
            self.clear()
        elif names and "ALL" in self.names:
            # ALL becomes every single name; custom events of subclasses never asked for by name are lost with it (01n)
            self.names = set(NAMES - {"ALL"})
        self.subclasses -= subclasses
        self.names -= names - {"CUSTOM"} if subclasses else names
        return bool(names)

    def clear(self) -> None:
        """``noevents``: the filters stay."""
        self.names.clear()
        self.subclasses.clear()

    def follow(self, uuid: str) -> None:
        """``myevents`` of the connection that controls ``uuid``."""
        self.names |= MY_EVENTS
        self.only_uuid = uuid

    def add_filter(self, name: str, value: str) -> None:
        """Deliver only events whose header ``name`` holds ``value``, or matches it when written ``/…/``."""
        self.filters.append((name, value))

    def remove_filter(self, name: str, value: str | None) -> None:
        """Forget the filters on a header (of that value), or all of them."""
        if name.lower() == "all" and value is None:
            self.filters.clear()
        self.filters = [
            (key, kept)
            for key, kept in self.filters
            if key.lower() != name.lower() or (value is not None and kept != value)
        ]

    def wants(self, name: str, subclass: str | None, headers: Headers) -> bool:
        """Whether this connection gets the event."""
        if not self._asked_for(name, subclass):
            return False
        if self.only_uuid is None and not self.filters:
            return True
        values = _lowered(headers)
        if self.only_uuid is not None and values.get("unique-id") != self.only_uuid:
            return False
        return not self.filters or any(_matches(values.get(key.lower()), wanted) for key, wanted in self.filters)

    def _asked_for(self, name: str, subclass: str | None) -> bool:
        if "ALL" in self.names:
            return True
        return name in self.names and (name != "CUSTOM" or not subclass or subclass in self.subclasses)


def _style(word: str) -> Format | None:
    try:
        return Format(word.lower())
    except ValueError:
        return None


def _parse(words: Iterable[str]) -> tuple[set[str], set[str]]:
    """Event names, and after the word CUSTOM only subclasses."""
    names: set[str] = set()
    subclasses: set[str] = set()
    for word in words:
        if "CUSTOM" in names:
            subclasses.add(word)
        elif word.upper() in NAMES:
            names.add(word.upper())
    return names, subclasses


def _lowered(headers: Headers) -> dict[str, Value]:
    pairs = headers if isinstance(headers, Sequence) else list(headers.items())
    return {name.lower(): value for name, value in pairs}


def _matches(value: Value | None, wanted: str) -> bool:
    if not isinstance(value, str):
        return False
    if len(wanted) < 2 or not wanted.startswith("/") or not wanted.endswith("/"):
        return value == wanted
    try:
        return re.search(wanted[1:-1], value) is not None
    except re.error:
        return False
