"""One event-socket connection as the switch sees it: bytes and events in, bytes out. Pure but for what the switch port does.

The shell (`esl_server`) owns the socket and the clock. Events wait in a queue until the client takes what was written;
what happens when that queue is full is fact 7 of the recordings: the switch counts the loss, gives up, and hangs.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ipcc.sim import esl_log, wire
from ipcc.sim.channels import Message
from ipcc.sim.esl_input import Command, Commands, TooLong
from ipcc.sim.esl_subscription import Subscription
from ipcc.sim.outputs import Pending, SimEvent

QUEUE_EVENTS = 100_000
"""Events a connection may have waiting (13e)."""
LOST_LIMIT = 500
"""The switch gives a connection up when it has lost more than this (13e: "Lost [501]")."""
LOOK_EVERY_S = 0.02
"""The switch looks at each connection so often; a command makes it look at once, and then count anew (05k, 01n)."""
_SAME_LOOK_S = 0.001
_SLACK = 1e-6


class Switch(Protocol):
    """What a connection asks of the switch behind it."""

    def api(self, command: str, argument: str) -> str | Pending:
        """Run an api command; Pending when its answer comes later."""

    def bgapi(self, command: str, argument: str, job_uuid: str) -> None:
        """Run an api command in the background; its answer is a BACKGROUND_JOB event."""

    def execute(self, uuid: str, message: Message) -> str:
        """Queue an application on a channel; the text of the reply."""

    def hang_up(self, uuid: str, cause: str) -> str:
        """End a channel; the text of the reply."""

    def send_event(self, name: str, fields: Sequence[tuple[str, str]], body: str | None) -> None:
        """Publish a client's own event."""

    def variable(self, uuid: str, name: str) -> str | None:
        """A channel variable, None when it is not set."""

    def channel_data(self, uuid: str) -> Mapping[str, wire.Value] | None:
        """Everything about a channel, as ``connect`` answers it; None when there is no such channel."""

    def control_ended(self, uuid: str, *, is_resumed: bool) -> None:
        """The outbound connection that controlled this channel is gone."""

    def control_lingers(self, uuid: str, *, lingers: bool) -> None:
        """The outbound connection wants to outlive the channel, which then stays known until it is gone."""


@dataclass
class Control:
    """The channel an outbound connection was made for."""

    uuid: str
    is_async: bool
    is_full: bool
    is_connected: bool = False
    """``connect`` was sent."""
    linger_s: int | None = None
    """None: no linger; -1: without end."""
    is_resumed: bool = False
    is_over: bool = False
    """The channel has hung up and the client was told."""
    awaits: bool = False
    """Without async, the last execute is answered when it has been carried out (04q)."""


class Outgoing:
    """An event on its way to many connections, rendered once per format."""

    def __init__(self, event: SimEvent) -> None:
        self.event = event
        self._frames: dict[wire.Format, bytes] = {}

    def frame(self, style: wire.Format) -> bytes:
        """The bytes of the event in that format."""
        if style not in self._frames:
            self._frames[style] = wire.event_frame(style, self.event.headers, self.event.body)
        return self._frames[style]


@dataclass(eq=False)
class Session:
    """The state of one connection.

    Whether an event is wanted is decided when it happens, not when it is written: a subscription made in between changes
    nothing for it.
    """

    switch: Switch
    run: Callable[[Session, Command], None]
    """Carries out one command; see `esl_commands.run`."""
    new_uuid: Callable[[], str]
    password: str
    control: Control | None = None
    queue_events: int = QUEUE_EVENTS
    is_greeted: bool = False
    is_authed: bool = False
    is_closing: bool = False
    """Everything has been said; the shell closes when the bytes are out."""
    is_held: bool = False
    """The client does not take what was written: events wait in the queue."""
    is_diverting: bool = False
    log_level: int | None = None
    close_at: float | None = None
    """When the linger ends, on the switch's clock."""
    lost: int = 0
    now: float = 0.0
    looked_at: float = 0.0
    """When the switch last looked at this connection: every 20 ms, and whenever the client sends something."""
    subscription: Subscription = field(default_factory=Subscription)
    _input: Commands = field(default_factory=Commands)
    _waiting: deque[Command] = field(default_factory=deque)
    _events: deque[Outgoing] = field(default_factory=deque)
    _waits_since: float | None = None
    """When the first thing came that the switch has not looked at yet. What comes later does not put the look off."""
    _ticket: int | None = None
    _out: bytearray = field(default_factory=bytearray)

    def open(self) -> None:
        """Greet an inbound client; an outbound server speaks first."""
        self.is_greeted = True
        if self.control is None:
            self.write(wire.auth_request())
        else:
            self.is_authed = True

    def receive(self, data: bytes, now: float) -> None:
        """Take what the client sent and run every whole command, unless one before still waits for its answer."""
        self.now = now
        try:
            self._waiting.extend(self._input.feed(data))
        except TooLong:
            self.is_closing = True
        self._go_on()
        self._look()

    def answer(self, ticket: int, text: str) -> bool:
        """The late answer to an api command. False when this connection did not ask for it."""
        if ticket != self._ticket:
            return False
        self._ticket = None
        self.write(wire.api_response(text))
        self._go_on()
        self._look()
        return True

    def offer(self, outgoing: Outgoing, now: float) -> None:
        """Queue an event if this client wants it. It goes out when the switch next looks at the connection."""
        self.now = now
        event = outgoing.event
        if self.control is not None:
            if self.control.is_over:
                return  # nothing of the call follows its end (04i)
            self._watch(self.control, event)
        if self.log_level is not None:
            self._log(event)
        if self.subscription.wants(event.name, event.subclass, event.headers):
            self._queue(outgoing)
        if self._waits_since is None and (self._events or self._is_ending):
            self._waits_since = now
        if now - self.looked_at < _SAME_LOOK_S:
            self._look()

    def next_due(self) -> float | None:
        """When `tick` has something to do: a look with events waiting, the end of a linger."""
        if self.is_closing:
            return None
        if self._waits_since is None or not (self._is_ending or (self._events and not self._is_blocked)):
            return self.close_at
        looks = math.floor((self._waits_since - self.looked_at) / LOOK_EVERY_S + _SLACK) + 1
        return self.looked_at + looks * LOOK_EVERY_S

    def tick(self, now: float) -> None:
        """Let time pass: waiting events go out, a linger may end."""
        due = self.next_due()
        self.now = now
        if due is None or now < due:
            return
        if self.close_at is not None and now >= self.close_at:
            self.close_at = None
            self.say_goodbye()
        else:
            self._look()

    def flush(self) -> None:
        """The client takes what is written again."""
        self._look()

    def take(self) -> bytes:
        """What is to be written now."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def closed(self) -> None:
        """The socket is gone, from either side."""
        self.is_closing = True
        self._events.clear()
        if self.control is not None:
            self.switch.control_ended(self.control.uuid, is_resumed=self.control.is_resumed)

    @property
    def is_overrun(self) -> bool:
        """So many events were lost that the switch gives this connection up, and hangs doing so (fact 7)."""
        return self.lost > LOST_LIMIT

    @property
    def queued(self) -> int:
        """Events waiting."""
        return len(self._events)

    def write(self, frame: bytes) -> None:
        """Add a frame to what goes out."""
        self._out += frame

    def reply(self, text: str, extra: Mapping[str, str] | None = None) -> None:
        """Answer a command."""
        self.write(wire.command_reply(text, extra))

    def wait_for(self, pending: Pending) -> None:
        """An api command answers later; until then this connection does nothing, events included (01i)."""
        self._ticket = pending.ticket

    def carried_out(self) -> None:
        """The application this connection waits for has ended."""
        if self.control is not None and self.control.awaits:
            self.control.awaits = False
            self.reply("+OK")
            self._go_on()
            self._look()

    def say_goodbye(self) -> None:
        """The last frame; after it the socket is closed."""
        uuid = self.control.uuid if self.control else None
        self.write(wire.session_disconnect_notice(uuid) if uuid else wire.disconnect_notice())
        self.is_closing = True

    def _log(self, event: SimEvent) -> None:
        for line in esl_log.lines(event):
            if self.log_level is not None and line.level <= self.log_level and not self._is_blocked:
                self.write(line.frame(self.now))

    def _queue(self, outgoing: Outgoing) -> None:
        if len(self._events) >= self.queue_events:
            self.lost += 1
            return
        self.lost = 0
        self._events.append(outgoing)

    @property
    def _is_ending(self) -> bool:
        return self.control is not None and self.control.is_over and self.close_at is None

    @property
    def _is_blocked(self) -> bool:
        return self.is_held or self.is_closing or self._ticket is not None or self._awaits_application

    def _go_on(self) -> None:
        while self._waiting and not self.is_closing and self._ticket is None and not self._awaits_application:
            self.run(self, self._waiting.popleft())

    def _look(self) -> None:
        self.looked_at = self.now
        while self._events and not self._is_blocked:
            self.write(self._events.popleft().frame(self.subscription.style))
        if not self._events:
            self._waits_since = None
        self._end_if_over()

    @property
    def _awaits_application(self) -> bool:
        return self.control is not None and self.control.awaits

    def _watch(self, control: Control, event: SimEvent) -> None:
        if event.name == "CHANNEL_HANGUP_COMPLETE" and event.headers.get("Unique-ID") == control.uuid:
            control.is_over = True
            control.awaits = False

    def _end_if_over(self) -> None:
        control = self.control
        if control is None or not control.is_over or self._events or self.is_closing or self.close_at is not None:
            return
        if control.linger_s is None:
            self.say_goodbye()
            return
        data = self.switch.channel_data(control.uuid) or {}
        name = data.get("Channel-Name", "")
        self.write(wire.linger_notice(control.uuid, name if isinstance(name, str) else "", control.linger_s))
        # counted in whole seconds of the clock on the wall: 3 s lasted 3.2 to 3.9 s (05k, 05n); -1 never ends by itself
        self.close_at = math.inf if control.linger_s < 0 else math.floor(self.now) + control.linger_s + 1
