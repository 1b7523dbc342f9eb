"""The states of a channel with the switch's own names and numbers (switch_types.h), as seen in event headers."""

from __future__ import annotations

from enum import IntEnum, StrEnum, auto


class State(IntEnum):
    """``Channel-State`` shows the state being run, ``Channel-State-Number`` the one wanted next."""

    NEW = 0
    INIT = 1
    ROUTING = 2
    SOFT_EXECUTE = 3
    EXECUTE = 4
    EXCHANGE_MEDIA = 5
    PARK = 6
    CONSUME_MEDIA = 7
    HIBERNATE = 8
    RESET = 9
    HANGUP = 10
    REPORTING = 11
    DESTROY = 12
    NONE = 13


class CallState(IntEnum):
    """``Channel-Call-State`` and ``Channel-Call-State-Number``."""

    DOWN = 0
    DIALING = 1
    RINGING = 2
    EARLY = 3
    ACTIVE = 4
    HELD = 5
    RING_WAIT = 6
    HANGUP = 7
    UNHELD = 8


class Flag(StrEnum):
    """What a channel is marked with; the names are the switch's CF_ flags."""

    ANSWERED = auto()
    EARLY_MEDIA = auto()
    RING_READY = auto()
    DIALPLAN = auto()
    TRANSFER = auto()
    REDIRECT = auto()
    RESET = auto()
    CONTROLLED = auto()
    PARK = auto()
    BRIDGED = auto()
    BRIDGE_ORIGINATOR = auto()
    UUID_BRIDGE_ORIGINATOR = auto()
    UUID_BRIDGE = auto()
    ORIGINATING = auto()
    INTERCEPT = auto()
    INTERCEPTED = auto()
    BLEG = auto()
    BREAK = auto()
    BROADCAST = auto()
    STOP_BROADCAST = auto()
    HOLD = auto()
    LEG_HOLDING = auto()
    HANGUP_HELD = auto()
    INNER_BRIDGE = auto()
    PROTO_HOLD = auto()
    EVENT_LOCK = auto()
    EVENT_LOCK_PRI = auto()
    LINGER = auto()


class Control(StrEnum):
    """How a channel stands with an outbound event socket server."""

    NONE = auto()
    WANTED = auto()
    STANDS = auto()
    ENDED = auto()
