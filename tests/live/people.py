"""Who takes part in a live test: callers at the trunk, agents at phones, customers behind the gateway; simulated or by SIP."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from ipcc.sim.people import PhoneScript


class Heard(StrEnum):
    """What somebody hears."""

    CALLER = "caller"
    AGENT = "agent"
    SOUND = "sound"
    """Music or a prompt."""
    NOTHING = "nothing"


class End(StrEnum):
    """How a call ended for the one who has it."""

    HUNG_UP = "hung up"
    """By himself."""
    BYE = "bye"
    CANCELLED = "cancelled"
    REFUSED = "refused"


class Line(Protocol):
    """One call as the person at its end has it."""

    @property
    def is_answered(self) -> bool: ...

    @property
    def end(self) -> End | None:
        """How it ended, None while it goes on."""
        ...

    @property
    def shown_name(self) -> str:
        """The caller's name as a called phone shows it."""
        ...

    async def press(self, digits: str, *, by_info: bool = False) -> None:
        """Key digits, at the pace of a quick hand; as telephone events in the sound (RFC 4733), or by SIP INFO."""
        ...

    async def hear(self) -> Heard:
        """What is heard during the next half second."""
        ...

    async def speak(self, *, speaks: bool = True) -> None:
        """Be heard, as everybody is until told otherwise, or be silent."""
        ...

    async def hang_up(self) -> None:
        """End it from this side."""
        ...


class Phone(Protocol):
    """A telephone that may be called."""

    @property
    def lines(self) -> Sequence[Line]:
        """Its calls, the oldest first."""
        ...

    def behave(self, script: PhoneScript) -> None:
        """What it does from its next call on; until told it lets calls ring."""
        ...

    async def register(self) -> None: ...

    async def unregister(self) -> None: ...


class People(Protocol):
    """Everybody; ``caller_hz`` and ``agent_hz`` are how they sound in a recording (a caller of 0 says nothing)."""

    caller_hz: int
    agent_hz: int

    async def call(self, number: str, dialled: str, name: str = "") -> Line:
        """Somebody calls in by the trunk."""
        ...

    async def phone(self, number: str, hertz: int = 0) -> Phone:
        """The agent's phone of that number; whoever speaks into it sounds like ``hertz`` (0: like an agent)."""
        ...

    async def far_end(self) -> Phone:
        """Whoever is called by the gateway."""
        ...

    async def close(self) -> None:
        """Everybody hangs up and goes."""
        ...
