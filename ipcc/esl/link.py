"""One event-socket connection as the asyncio side sees it; `green` makes them, anything that keeps this shape could."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from ipcc.errors import Unavailable
from ipcc.esl.port import LinkCounters, NodeAddress
from ipcc.esl.requests import Request
from ipcc.esl.wire import Frame, SwitchEvent


class LinkError(Unavailable):
    """No connection; the code says why, the message names the address and what to do.

    ``switch.unreachable``, ``switch.acl_refused``, ``switch.wrong_password``, ``switch.not_an_event_socket``, ``switch.lost``.
    """


@dataclass(frozen=True)
class LinkLimits:
    """How long a connection may take, and how much it may hold."""

    connect_s: float = 3.0
    """TCP connect."""
    greeting_s: float = 3.0
    """The greeting, and then the answer to the password."""
    send_s: float = 3.0
    """A write the switch does not take within this closes the link: half a command must never stay on the wire."""
    backlog_bytes: int = 256 << 20
    """Heard but not yet taken by the asyncio thread; beyond it the link is closed, for a client that reads too slowly
    freezes the whole switch once its queue of 100,000 events is full (fact 7)."""


class LinkSink(Protocol):
    """Who hears a link; called in the asyncio thread, in the order of the wire."""

    counters: LinkCounters

    def on_event(self, event: SwitchEvent) -> None:
        """An event came."""

    def on_lost(self, error: LinkError) -> None:
        """The link is gone, once; every future of it has failed."""


class Link(Protocol):
    """A connection that has been let in."""

    @property
    def heard_at(self) -> float:
        """When the last bytes came, on the clock of the event loop."""

    def send(self, request: Request) -> asyncio.Future[Frame]:
        """Send, behind what was sent before; the answer. Fails with SwitchDown when the link is lost. Raises Unrenderable."""

    def close(self) -> None:
        """Close now; futures fail, ``on_lost`` is not called."""


Connect = Callable[[NodeAddress, LinkSink], Awaitable[Link]]
"""Connect and authenticate. Raises LinkError."""
