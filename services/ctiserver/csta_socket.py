"""CSTA III over a WebSocket: each service is one of our use cases, each monitor gets the events of one device."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.websockets import WebSocket, WebSocketDisconnect

from ipcc.auth.guard import CurrentPrincipal
from ipcc.auth.principal import Principal
from ipcc.call.model import Leg
from ipcc.contracts.envelope import Event
from ipcc.errors import Invalid, IpccError, NotAllowed, NotFound, NotNow
from ipcc.http.service import provided
from services.ctiserver.control_api import asker_of
from services.ctiserver.core import csta
from services.ctiserver.core.control import Standing, Verb
from services.ctiserver.core.csta import Connection, Request
from services.ctiserver.core.csta_calls import CstaCalls
from services.ctiserver.core.dialling import Target, TargetKind
from services.ctiserver.rights import OVER_ALL, Control, check_leg, check_self
from services.ctiserver.usecases import Ask, CallControl

router = APIRouter(prefix="/v1", tags=["CSTA III"])

SUBPROTOCOL = "csta"
AT_ONCE = 8
MOST_UNSENT = 1_000
MOST_MONITORS = 1_000


@dataclass
class CstaMonitors:
    """Who is told what happens at which device. A client that reads too slowly is cut off."""

    sessions: set[CstaSession] = field(default_factory=set)
    calls: CstaCalls = field(default_factory=CstaCalls)

    def take(self, event: Event, _control: CallControl) -> None:
        """Something was told."""
        for found in self.calls.take(event.data, event.time):
            for session in self.sessions:
                session.tell(found)


Monitors = Annotated[CstaMonitors, Depends(provided(CstaMonitors))]


@router.websocket("/csta")
async def csta_socket(socket: WebSocket, who: CurrentPrincipal, control: Control, monitors: Monitors) -> None:
    """Requests in, responses and events out, until the client goes."""
    offered = socket.scope.get("subprotocols", ())
    await socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
    session = CstaSession(who, control, monitors.calls)
    monitors.sessions.add(session)
    try:
        async with asyncio.TaskGroup() as group:
            ends = [group.create_task(_hear(socket, session, group)), group.create_task(_send(socket, session))]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for task in ends:
                task.cancel()
    finally:
        monitors.sessions.discard(session)


async def _hear(socket: WebSocket, session: CstaSession, group: asyncio.TaskGroup) -> None:
    turns = asyncio.Semaphore(AT_ONCE)

    async def serve(text: str) -> None:
        try:
            session.send(await session.answer(text))
        finally:
            turns.release()

    while True:
        try:
            text = await socket.receive_text()
        except (WebSocketDisconnect, RuntimeError, KeyError):
            return
        await turns.acquire()
        group.create_task(serve(text))


async def _send(socket: WebSocket, session: CstaSession) -> None:
    while True:
        text = await session.unsent.get()
        if text is None:
            return
        try:
            await socket.send_text(text)
        except (WebSocketDisconnect, RuntimeError, OSError):
            return


@dataclass(eq=False)
class CstaSession:
    """One client: its monitors, and what is to be sent to it."""

    who: Principal
    control: CallControl
    calls: CstaCalls
    monitors: dict[str, str] = field(default_factory=dict)
    unsent: asyncio.Queue[str | None] = field(default_factory=lambda: asyncio.Queue(MOST_UNSENT))
    _last: int = 0

    def tell(self, event: csta.CstaEvent) -> None:
        """Send the event for each monitor of its device."""
        for reference, device in self.monitors.items():
            if device == event.device:
                self.send(event.text(reference))

    def send(self, text: str) -> None:
        """Send as soon as can be."""
        if self.unsent.full():
            # what it has not read by now it will not read in time
            self.unsent.get_nowait()
            self.unsent.put_nowait(None)
            return
        self.unsent.put_nowait(text)

    async def answer(self, text: str) -> str:
        """The response to one message, or its error."""
        invoke_id = "0000"
        try:
            request = csta.read(text)
            invoke_id = request.invoke_id
            serve = _SERVICES.get(request.service)
            if serve is None:
                raise Invalid("csta.unknown_service", f"{request.service[:60]} is not offered")
            return await serve(self, request)
        except IpccError as error:
            return csta.error(str(error.details.get("invoke_id", invoke_id)), error)

    async def start_monitor(self, request: Request) -> str:
        """MonitorStart: an agent monitors his own phone, supervisors and systems any."""
        device = request.value("monitorObject")
        self._check_device(device)
        if len(self.monitors) >= MOST_MONITORS:
            raise Invalid("csta.too_many", f"at most {MOST_MONITORS} monitors a client")
        self._last += 1
        self.monitors[str(self._last)] = device
        return csta.response(request, monitorCrossRefID=str(self._last))

    async def stop_monitor(self, request: Request) -> str:
        """MonitorStop."""
        if self.monitors.pop(request.value("monitorCrossRefID"), None) is None:
            raise NotFound("csta.no_monitor", "there is no such monitor")
        return csta.response(request)

    async def snapshot_device(self, request: Request) -> str:
        """SnapshotDevice: the calls a device has, for whom may monitor it."""
        device = request.value("snapshotObject")
        self._check_device(device)
        return csta.snapshot(request, self.calls.snapshot(device))

    async def make_call(self, request: Request) -> str:
        """MakeCall: the phone rings, then the number or colleague is dialled from it."""
        dialling = self.control.hands.dialling
        device = request.value("callingDevice")
        agent_id = dialling.agent_at(device)
        check_self(self.who, agent_id)
        target = self._target(request.value("calledDirectoryNumber"))
        leg = await self.control.dial(agent_id, target, asker_of(self.who))
        return csta.response(request, callingDevice=Connection(leg.call_id, device))

    async def consult(self, request: Request) -> str:
        """ConsultationCall."""
        leg = self._leg(request.connection("existingCall"))
        ask = Ask(Verb.CONSULT, leg.leg_id, self._target(request.value("consultedDevice")))
        now = await self.control.do(ask, asker_of(self.who))
        return csta.response(request, initiatedCall=Connection(now.consults or leg.call_id, leg.address))

    async def transfer_at_once(self, request: Request) -> str:
        """SingleStepTransferCall."""
        leg = self._leg(request.connection("activeCall"))
        ask = Ask(Verb.TRANSFER, leg.leg_id, self._target(request.value("transferredTo")))
        await self.control.do(ask, asker_of(self.who))
        return csta.response(request, transferredCall=Connection(leg.call_id, leg.address))

    async def clear_connection(self, request: Request) -> str:
        """ClearConnection. Of one that consults, the active connection is cleared, and the held one stays to be retrieved."""
        connection = request.connection("connectionToBeCleared")
        leg = self._leg(connection)
        third = self._third_of(leg)
        if third and connection.call_id == leg.call_id:
            raise NotNow("csta.held", f"{connection.device} holds this call beside another: alternate, or reconnect")
        await self._drop(leg, third)
        return csta.response(request)

    async def clear_call(self, request: Request) -> str:
        """ClearCall: everybody in it is out."""
        connection = request.connection("callToBeCleared")
        leg = self._leg(connection)
        if connection.call_id == leg.call_id:
            await self.control.hang_up_call(leg.call_id, asker_of(self.who))
        else:
            await self._drop(leg, self._third_of(leg))
        return csta.response(request)

    async def _drop(self, leg: Leg, third: Leg | None) -> None:
        """End the third's leg, and be free for the one who waits when this returns; with no third, end the leg itself."""
        await self.control.do(Ask(Verb.HANG_UP, (third or leg).leg_id), asker_of(self.who))
        if third:
            steering = self.control.hands.steering
            await steering.changes.until(
                lambda: steering.leg(leg.leg_id).bridged_to != third.leg_id, steering.ways.timeout_s
            )

    async def send_digits(self, request: Request) -> str:
        """GenerateDigits."""
        leg = self._leg(request.connection("connectionToSendDigits"))
        ask = Ask(Verb.SEND_DIGITS, leg.leg_id, digits=request.value("charactersToSend"))
        await self.control.do(ask, asker_of(self.who))
        return csta.response(request)

    async def do(self, request: Request, verb: Verb, *names: str) -> str:
        """A service about one connection that needs nothing else."""
        leg = self._leg(request.connection(*names))
        await self._until_joined(leg)
        await self.control.do(Ask(verb, leg.leg_id), asker_of(self.who))
        result = _RESULTS.get(verb)
        return csta.response(request, **({result: Connection(leg.call_id, leg.address)} if result else {}))

    def _check_device(self, device: str) -> None:
        if not self.who.has(*OVER_ALL) and device != self.control.hands.dialling.phone_of(self.who.subject):
            raise NotAllowed("csta.other_device", f"{self.who.subject} may not monitor {device}")

    def _leg(self, connection: Connection) -> Leg:
        book = self.control.ear.book
        # the call of a consult bears the id of the third's leg
        third = None if book.call(connection.call_id) else book.leg(connection.call_id)
        call = self.control.call(third.call_id if third else connection.call_id)
        legs = [leg for leg in (book.leg(leg_id) for leg_id in sorted(call.live)) if leg]
        found = next((leg for leg in legs if leg.address == connection.device), None)
        if found is None:
            raise NotFound("csta.no_connection", f"{connection.device} has no part in call {connection.call_id}")
        check_leg(self.who, found)
        return found

    async def _until_joined(self, leg: Leg) -> None:
        """A third who has answered is heard a moment later: what a client asks on his Established event waits for that."""
        third = self._third_of(leg)
        if third and third.answered_at:
            steering = self.control.hands.steering
            await steering.changes.until(
                lambda: steering.standing(steering.leg(leg.leg_id)) is not Standing.DIALLING, steering.ways.timeout_s
            )

    def _third_of(self, leg: Leg) -> Leg | None:
        """Whom he consults now."""
        stands = self.control.hands.steering.standing(leg)
        third = self.control.ear.book.leg(leg.consults or "")
        return third if stands in (Standing.DIALLING, Standing.CONSULTING) and third and third.is_live else None

    def _target(self, number: str) -> Target:
        known = self.control.hands.dialling.directory.has_phone(number)
        return Target(kind=TargetKind.PHONE if known else TargetKind.NUMBER, value=number[:64])


Service = Callable[[CstaSession, Request], Awaitable[str]]


def _verb(verb: Verb, *names: str) -> Service:
    return lambda session, request: session.do(request, verb, *names)


_RESULTS: Mapping[Verb, str] = {Verb.COMPLETE: "transferredCall", Verb.CONFERENCE: "conferenceCall"}
_SERVICES: Mapping[str, Service] = {
    "MonitorStart": CstaSession.start_monitor,
    "MonitorStop": CstaSession.stop_monitor,
    "MakeCall": CstaSession.make_call,
    "AnswerCall": _verb(Verb.ANSWER, "callToBeAnswered"),
    "ClearConnection": CstaSession.clear_connection,
    "ClearCall": CstaSession.clear_call,
    "HoldCall": _verb(Verb.HOLD, "callToBeHeld"),
    "RetrieveCall": _verb(Verb.RETRIEVE, "callToBeRetrieved"),
    "ConsultationCall": CstaSession.consult,
    "AlternateCall": _verb(Verb.ALTERNATE, "activeCall", "heldCall"),
    "ReconnectCall": _verb(Verb.CANCEL, "activeCall", "heldCall"),
    "TransferCall": _verb(Verb.COMPLETE, "activeCall", "heldCall"),
    "SingleStepTransferCall": CstaSession.transfer_at_once,
    "ConferenceCall": _verb(Verb.CONFERENCE, "activeCall", "heldCall"),
    "GenerateDigits": CstaSession.send_digits,
    "SnapshotDevice": CstaSession.snapshot_device,
}
