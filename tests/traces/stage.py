"""Plays a script against the simulated switch, on a clock that jumps from one thing to the next.

Inbound calls keep the uuid of the recording, so the recorded commands fit as they are. A phone rung by the switch does what
the recorded phone did, at the recorded moment; where the simulator rings it later than the recording, at once.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from ipcc.sim import esl_commands
from ipcc.sim.engine import Engine
from ipcc.sim.esl_session import Control, Outgoing, Session
from ipcc.sim.outputs import ApiDone, Output, PhoneInvited, SimEvent, SocketWanted
from ipcc.sim.registrations import Sender
from ipcc.sim.sip import InboundCall
from tests.traces import golden, prior
from tests.traces.actions import (
    Action,
    Answered,
    Called,
    Cancelled,
    Closed,
    Flushed,
    HungUp,
    Keyed,
    Referred,
    Registered,
    Reinvited,
    Sent,
    Spoke,
)
from tests.traces.script import Script, is_own_half

_FRAME_S = 0.02
_TAIL_S = 0.1
_CARRIER = "carrier"
"""What the recordings call whoever answers behind the gateway of that name and beside it."""
_CARRIER_ADDRESSES = ("127.0.0.1:7080", "127.0.0.1:7081")
_SOON_S = 0.0005
"""What a network of one machine needs."""


@dataclass
class Played:
    """What the switch wrote."""

    output: dict[str, bytes] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    """Connections the switch closed."""
    aliases: dict[str, str] = field(default_factory=dict)
    """Uuids the simulator gave to legs that had another in the recording."""


def play(script: Script) -> Played:
    """Run the whole script."""
    stage = _Stage(script)
    stage.run()
    return stage.played


class _Stage:
    def __init__(self, script: Script) -> None:
        self._script = script
        self.played = Played()
        # the recorded process, its 20 ms clock in step with the recording's
        started_s = script.started_s or golden.STARTED_S
        start = script.tick_s - round((script.tick_s - started_s) / _FRAME_S) * _FRAME_S
        self._engine = Engine(golden.settings(), start)
        self._sessions: dict[str, Session] = {}
        self._todo: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._uuids: dict[str, str] = {}
        """Call-ID to the uuid in the simulator, once there is such a call."""
        self._early: dict[str, list[Action]] = {}
        """What a phone did in the recording before the simulator rang it."""
        self._invites = [(phone, call_id) for _, phone, call_id in script.invites]
        self._own_halves = list(script.own_halves)

    # --- time ------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        self._engine.kernel.rooms.next_id = prior.MEMBERS.get(self._script.name, 0) + 1
        for action in (*prior.before(self._script.name), *self._script.actions):
            self._at(self._script.wall_s + action.at_s, self._doing(action))
        for conn in self._script.connections:
            if not conn.startswith("out"):
                self._open(conn, None)
        end = self._script.wall_s + self._script.end_s + _TAIL_S
        while (when := self._next()) is not None and when <= end:
            self._advance(when)
            while self._todo and self._todo[0][0] <= when:
                heapq.heappop(self._todo)[2]()
                self._advance(when)
        self._advance(end)

    def _next(self) -> float | None:
        times = [self._engine.next_due()] + [session.next_due() for session in self._sessions.values()]
        if self._todo:
            times.append(self._todo[0][0])
        return min((when for when in times if when is not None and math.isfinite(when)), default=None)

    def _at(self, when: float, do: Callable[[], None]) -> None:
        heapq.heappush(self._todo, (when, next(self._count), do))

    def _doing(self, action: Action) -> Callable[[], None]:
        return lambda: self._do(action)

    def _advance(self, when: float) -> None:
        self._engine.advance(when)
        self._spread()
        for conn, session in self._sessions.items():
            session.tick(when)
            self._collect(conn, session)

    def _spread(self) -> None:
        while outputs := self._engine.take():
            for output in outputs:
                self._hear(output)

    # --- connections -----------------------------------------------------------------------------------------------

    def _open(self, conn: str, control: Control | None) -> None:
        numbers = itertools.count(1)
        session = Session(
            switch=self._engine,
            run=esl_commands.run,
            new_uuid=lambda: f"{next(numbers):08x}-0000-4000-8000-{len(self._sessions):012d}",
            password="ClueCon",
            control=control,
        )
        self._sessions[conn] = session
        self.played.output[conn] = b""
        session.open()

    def _collect(self, conn: str, session: Session) -> None:
        self.played.output[conn] += session.take()
        if session.is_closing and conn not in self.played.ended:
            self.played.ended.add(conn)
            session.closed()

    def _hear(self, output: Output) -> None:
        if isinstance(output, SimEvent):
            self._note_own_half(output)
            self._offer(Outgoing(output))
        elif isinstance(output, ApiDone):
            for conn, session in self._sessions.items():
                session.answer(output.ticket, output.text)
                self._collect(conn, session)
        elif isinstance(output, PhoneInvited):
            self._ring(output)
        elif isinstance(output, SocketWanted):
            self._connect(output)

    def _note_own_half(self, event: SimEvent) -> None:
        if self._own_halves and is_own_half(event.name, str(event.headers.get("Channel-Name"))):
            self.played.aliases[str(event.headers["Unique-ID"])] = self._own_halves.pop(0)

    def _offer(self, outgoing: Outgoing) -> None:
        for conn, session in self._sessions.items():
            if not session.is_closing:
                session.offer(outgoing, self._engine.kernel.now)
                self._collect(conn, session)

    def _connect(self, wanted: SocketWanted) -> None:
        free = [conn for conn in self._script.connections if conn.startswith("out") and conn not in self._sessions]
        if not free or wanted.address.endswith(":8099"):  # the port of the recordings where nobody listened
            self._engine.control_refused(wanted.uuid)
            return
        self._open(free[0], Control(wanted.uuid, is_async=wanted.is_async, is_full=wanted.is_full))
        self._engine.control_began(wanted.uuid)

    # --- phones ----------------------------------------------------------------------------------------------------

    def _ring(self, invited: PhoneInvited) -> None:
        """The next recorded INVITE to that phone is this one; a phone nobody recorded is a closed port."""
        for index, (phone, call_id) in enumerate(self._invites):
            if phone == invited.user or (phone == _CARRIER and invited.address in _CARRIER_ADDRESSES):
                del self._invites[index]
                self._uuids[call_id] = invited.uuid
                if recorded := self._script.uuids.get(call_id):
                    self.played.aliases[invited.uuid] = recorded
                for number, action in enumerate(self._early.pop(call_id, []), 1):
                    self._at(self._engine.kernel.now + number * _SOON_S, self._doing(action))
                return
        self._at(self._engine.kernel.now + _SOON_S, lambda: self._engine.phones.be_unreachable(invited.uuid))

    def _do(self, action: Action) -> None:
        if isinstance(action, Sent):
            session = self._sessions.get(action.conn)
            if session is not None and not session.is_closing:
                session.receive(self._translated(action.data), self._engine.kernel.now)
                self._collect(action.conn, session)
        elif isinstance(action, Closed):
            if action.conn in self._sessions:
                self._sessions.pop(action.conn).closed()
        elif isinstance(action, Registered):
            self._register(action)
        elif isinstance(action, Flushed):
            self._engine.api("sofia", f"profile internal flush_inbound_reg {action.user}@{golden.DOMAIN}")
        elif isinstance(action, Spoke):
            self._engine.phones.speak(self._own(action.uuid), speaks=action.speaks)
        else:
            self._phone(action)

    def _own(self, uuid: str) -> str:
        """The simulator's uuid of a recorded leg."""
        return next((own for own, other in self.played.aliases.items() if other == uuid), uuid)

    def _translated(self, data: bytes) -> bytes:
        """What a client sent, with the simulator's own uuids of legs that had others in the recording."""
        for own, other in self.played.aliases.items():
            data = data.replace(other.encode(), own.encode())
        return data

    def _register(self, action: Registered) -> None:
        phones = self._engine.phones
        if action.is_refused:
            phones.fail_to_register(action.user, action.address, action.expires_s, action.call_id)
        elif action.expires_s:
            sender = Sender(action.agent, action.source)
            phones.register(action.user, action.address, action.expires_s, action.call_id, sender)
        else:
            self._engine.phones.unregister(action.user, action.address)

    def _phone(self, action: Called | Cancelled | HungUp | Reinvited | Referred | Answered | Keyed) -> None:
        if isinstance(action, Called):
            self._call(action)
            return
        if isinstance(action, Keyed):
            self._engine.phones.press(
                self._own(action.uuid), action.digit, by_info=action.is_info, samples=action.duration
            )
            return
        uuid = self._uuids.get(action.call_id)
        if uuid is None:
            self._early.setdefault(action.call_id, []).append(action)
            return
        if isinstance(action, Cancelled):
            self._engine.phones.cancel(uuid)
        elif isinstance(action, Reinvited):
            (self._engine.phones.hold if action.holds else self._engine.phones.resume)(uuid)
        elif isinstance(action, Referred):
            self._engine.phones.refer(uuid, action.destination)
        elif isinstance(action, HungUp):
            self._engine.phones.hang_up(uuid, action.cause or "NORMAL_CLEARING")
        else:
            self._answer(uuid, action)

    def _call(self, action: Called) -> None:
        profile = "internal" if action.port == 5060 else "external"
        call = InboundCall(
            caller_number=action.number,
            dialled=action.dialled,
            caller_name=action.name,
            profile=profile,
            context="golden",
            address=action.address,
            uuid=action.uuid,
            authenticated_user=action.user,
        )
        uuid = self._engine.phones.invite(call)
        if uuid is not None:
            self._uuids[action.call_id] = uuid

    def _answer(self, uuid: str, action: Answered) -> None:
        if action.code < 200:
            (self._engine.phones.progress if action.has_media else self._engine.phones.ring)(uuid)
        elif action.code < 300:
            self._engine.phones.answer(uuid)
        elif action.code != 487 or action.phone == "487":
            self._engine.phones.refuse(uuid, action.code)
