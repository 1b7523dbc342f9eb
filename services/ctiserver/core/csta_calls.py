"""Facts of calls as CSTA III sees them (ECMA-269): which call and connection each device has, and the events about them. Pure.

In CSTA a consult is a call of its own: its id is that of the third's leg, until it is merged by a transfer or conference. Who is
told what depends only on the facts told so far, so every replica writes the same events in the same order.

The elements of each event stand in the order of its sequence in ECMA-285 (section 15.2, one clause an event; causes: 9.18), which was
compared event by event, read in the ASN.1 of the open library Wildboar-Software/asn1-typescript-libraries (packages/csta).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from ipcc.call.book import CallBook
from ipcc.call.model import Call, Leg
from ipcc.contracts import call as told
from ipcc.contracts.call import Direction
from ipcc.contracts.payload import Payload
from ipcc.contracts.tags import LegRole
from ipcc.ids import LegId
from services.ctiserver.core.csta import NOT_REQUIRED, Connection, CstaEvent, Device, Moved, Part

KEEP_ENDED = timedelta(minutes=1)
MOST_ENDED = 1_000
_OWN = "ctiserver"
_FAILED: Mapping[str, str] = {
    "USER_BUSY": "busy",
    "NO_ANSWER": "callNotAnswered",
    "NO_USER_RESPONSE": "callNotAnswered",
    "CALL_REJECTED": "callNotAnswered",
    "UNALLOCATED_NUMBER": "numberUnallocated",
    "NO_ROUTE_DESTINATION": "destNotObtainable",
    "DESTINATION_OUT_OF_ORDER": "destOutOfOrder",
    "USER_NOT_REGISTERED": "destNotObtainable",
    "NORMAL_TEMPORARY_FAILURE": "networkOutOfOrder",
    "NETWORK_OUT_OF_ORDER": "networkOutOfOrder",
    "NORMAL_CIRCUIT_CONGESTION": "networkCongestion",
    "INCOMPATIBLE_DESTINATION": "incompatibleDestination",
}
"""Why a device that was called could not be reached, in the words of ECMA-269's event causes."""

Events = Iterator[CstaEvent]
Before = Mapping[str, Leg]


class CstaCalls:
    """The sum of what was told, and what a monitor of each device is told because of one fact more."""

    def __init__(self) -> None:
        self._book = CallBook(KEEP_ENDED, MOST_ENDED)
        self._consulters: dict[LegId, LegId] = {}
        """Who consults, by the leg of the third."""
        self._left: set[LegId] = set()
        """Legs that a transfer took out of their call and that have not ended yet."""

    def take(self, payload: Payload, at: datetime) -> list[CstaEvent]:
        """The events because of a fact, in order: often one a device, often none."""
        ids = (getattr(payload, name, "") for name in ("leg_id", "other_leg_id"))
        before: Before = {str(leg.leg_id): leg for leg in map(self._book.leg, ids) if leg}
        self._book.apply(payload, at)
        if isinstance(payload, told.CallEnded):
            self._book.forget(at)
        tell, leg = _TELL.get(type(payload)), self._book.leg(getattr(payload, "leg_id", ""))
        if tell is None or leg is None or leg.role is LegRole.SUPERVISOR:
            # who listens in is not told to those he listens to
            return []
        was = before.get(leg.leg_id)
        if was is not None and (not was.is_live or isinstance(payload, told.LegStarted)):
            # told again, or too late
            return []
        return list(tell(self, payload, leg, before))

    def snapshot(self, device: str) -> list[tuple[Connection, str]]:
        """The connections a device has, each with its state; one that consults has two."""
        found: list[tuple[Connection, str]] = []
        for leg in self._book.live_legs():
            if leg.address == device and leg.role is not LegRole.SUPERVISOR and leg.leg_id not in self._left:
                found += [(Connection(call, device), self._state(leg, call)) for call in self._calls_of(leg)]
        return [(connection, state) for connection, state in found if state != "null"]

    def _calls_of(self, leg: Leg) -> list[str]:
        """The CSTA calls a leg has part in: the held one too, for one that consults."""
        third = self._third_of(leg)
        if third is None:
            return [self._call_of(leg)]
        is_held = any(other.leg_id not in (leg.leg_id, third.leg_id) for other in self._legs(leg))
        return [leg.call_id, third.leg_id] if is_held else [third.leg_id]

    def _call_of(self, leg: Leg) -> str:
        return leg.leg_id if leg.leg_id in self._consulters else leg.call_id

    def _third_of(self, leg: Leg) -> Leg | None:
        """The live third whom he consults, in a call of their own."""
        third = self._book.leg(leg.consults or "")
        return third if third and third.is_live and self._consulters.get(third.leg_id) == leg.leg_id else None

    def _legs(self, leg: Leg) -> list[Leg]:
        call = self._book.call(leg.call_id)
        legs = (self._book.leg(leg_id) for leg_id in sorted(call.live if call else ()))
        return [one for one in legs if one and one.role is not LegRole.SUPERVISOR and one.leg_id not in self._left]

    def _consulter_of(self, call: str) -> list[Leg]:
        """Who dialled the third of this CSTA call; he is told of the third's end, too."""
        consulter = self._book.leg(self._consulters.get(LegId(call), ""))
        return [consulter] if consulter and consulter.is_live and consulter.leg_id not in self._left else []

    def _parties(self, leg: Leg, call: str) -> list[Leg]:
        """Those who have part in a CSTA call, of our call of ``leg``."""
        return [one for one in self._legs(leg) if call in self._calls_of(one)]

    def _state(self, leg: Leg, call: str) -> str:
        """The local connection state of a leg in a CSTA call."""
        if not leg.is_live or leg.leg_id in self._left:
            return "null"
        if leg.answered_at is None and not _is_calling(leg):
            if _is_prompted(leg):
                return "initiated"
            return "alerting" if leg.rang_at else "null"
        third = self._third_of(leg)
        if third:
            return "connected" if (call == third.leg_id) == (third.waits_for != leg.leg_id) else "hold"
        is_holding = leg.is_held or any(other.waits_for == leg.leg_id for other in self._legs(leg))
        return "hold" if is_holding else "connected"

    def _tell(
        self, name: str, parts: Mapping[str, Part], leg: Leg, call: str, cause: str, **states: str
    ) -> Iterator[CstaEvent]:
        """One event for each device in a CSTA call and for that of ``leg``; ``states`` are by leg where they differ."""
        told_to = {one.leg_id: one for one in (leg, *self._consulter_of(call), *self._parties(leg, call))}
        seen = set[str]()
        for one in told_to.values():
            if one.address and one.address not in seen:
                seen.add(one.address)
                state = states.get(one.leg_id) or self._state(one, call)
                yield CstaEvent(one.address, name, {**parts, "localConnectionInfo": state, "cause": cause})

    def _ends(self, leg: Leg, call: str) -> dict[str, Part]:
        """Who calls whom in a CSTA call, and who redirected it last."""
        consulter = self._book.leg(self._consulters.get(LegId(call), ""))
        third = self._book.leg(call)
        known = self._book.call(leg.call_id)
        calling, called = _ends_of(known, self._book.leg(known.call_id) if known else None)
        if consulter and third:
            calling, called = consulter.address, third.address
        return {"callingDevice": Device(calling), "calledDevice": Device(called or leg.address)}

    def _dialled(self, payload: told.LegStarted, leg: Leg, _: Before) -> Events:
        consulter = self._book.leg(self._consulters.get(leg.leg_id, ""))
        if consulter:
            yield from self._originate(consulter, leg.leg_id, "consultation")
        elif _is_prompted(leg):
            where = Connection(leg.call_id, leg.address)
            parts: dict[str, Part] = {"initiatedConnection": where, "initiatingDevice": Device(leg.address)}
            yield from self._tell("ServiceInitiatedEvent", parts, leg, leg.call_id, "makeCall")
        elif _is_calling(leg) and leg.role is not LegRole.CUSTOMER:
            yield from self._originate(leg, leg.call_id, "newCall")

    def _originate(self, leg: Leg, call: str, cause: str) -> Events:
        parts: dict[str, Part] = {"originatedConnection": Connection(call, leg.address), **self._ends(leg, call)}
        for event in self._tell("OriginatedEvent", parts, leg, call, cause):
            if event.device == leg.address:
                yield event

    def _ring(self, _: told.LegRinging, leg: Leg, __: Before) -> Events:
        if _is_prompted(leg):
            return
        call = self._call_of(leg)
        own: dict[str, Part] = {"connection": Connection(call, leg.address), "alertingDevice": Device(leg.address)}
        yield from self._tell("DeliveredEvent", {**own, **self._ends(leg, call), **_REDIRECTED}, leg, call, "newCall")

    def _answer(self, _: told.LegAnswered, leg: Leg, __: Before) -> Events:
        call = self._call_of(leg)
        if _is_calling(leg):
            # the one who calls is connected from the start: it is the called device that is established
            return
        if _is_prompted(leg):
            yield from self._originate(leg, call, "makeCall")
            return
        own: dict[str, Part] = {
            "establishedConnection": Connection(call, leg.address),
            "answeringDevice": Device(leg.address),
        }
        yield from self._tell("EstablishedEvent", {**own, **self._ends(leg, call), **_REDIRECTED}, leg, call, "newCall")

    def _hold(self, _: told.LegHeld, leg: Leg, __: Before) -> Events:
        yield from self._hold_of(leg, self._call_of(leg), "normal")

    def _hold_of(self, leg: Leg, call: str, cause: str) -> Events:
        parts: dict[str, Part] = {
            "heldConnection": Connection(call, leg.address),
            "holdingDevice": Device(leg.address),
        }
        yield from self._tell("HeldEvent", parts, leg, call, cause, **{leg.leg_id: "hold"})

    def _set_aside(self, payload: told.PartyHeld, leg: Leg, _: Before) -> Events:
        by = self._book.leg(payload.by_leg_id)
        if by and by.is_live:
            yield from self._hold_of(by, self._call_of(leg), "alternate" if self._third_of(by) else "consultation")

    def _resume(self, _: told.LegResumed, leg: Leg, __: Before) -> Events:
        yield from self._retrieve_of(leg, self._call_of(leg), "normal")

    def _retrieve_of(self, leg: Leg, call: str, cause: str) -> Events:
        parts: dict[str, Part] = {
            "retrievedConnection": Connection(call, leg.address),
            "retrievingDevice": Device(leg.address),
        }
        yield from self._tell("RetrievedEvent", parts, leg, call, cause, **{leg.leg_id: "connected"})

    def _take_back(self, _: told.PartyRetrieved, leg: Leg, before: Before) -> Events:
        was = before[leg.leg_id]
        by = self._book.leg(was.waits_for or "")
        if not by or not by.is_live or not leg.is_live:
            return
        if leg.bridged_to == by.leg_id:
            yield from self._retrieve_of(by, self._call_of(leg), "normal")
        else:
            yield from self._transfer(by, [leg], Device(""), "transfer")

    def _join(self, payload: told.LegsBridged, leg: Leg, before: Before) -> Events:
        other = self._book.leg(payload.other_leg_id)
        if other is None or other.call_id != leg.call_id or payload.call_id != leg.call_id:
            return
        for mine, his in ((leg, other), (other, leg)):
            third_by = self._consulters.get(his.leg_id)
            if third_by and third_by != mine.leg_id:
                yield from self._complete(mine, his, third_by)
            elif before[his.leg_id].waits_for == mine.leg_id:
                cause = "alternate" if self._third_of(mine) and self._call_of(his) == his.call_id else "normal"
                yield from self._retrieve_of(mine, self._call_of(his), cause)

    def _complete(self, waiting: Leg, third: Leg, by: LegId) -> Events:
        consulter = self._book.leg(by)
        if consulter:
            yield from self._transfer(consulter, [waiting, third], Device(third.address), "transfer")

    def _transfer(self, by: Leg, parties: list[Leg], to: Device, cause: str) -> Events:
        """``by`` is out of the call, and those left are in the primary one."""
        third = next((one for one in parties if one.leg_id in self._consulters), None)
        parts: dict[str, Part] = {"primaryOldCall": Connection(by.call_id, by.address)}
        if third:
            parts["secondaryOldCall"] = Connection(third.leg_id, by.address)
        left = tuple(self._moved(one) for one in parties)
        parts |= {"transferringDevice": Device(by.address), "transferredToDevice": to, "transferredConnections": left}
        if third:
            self._consulters.pop(third.leg_id)
        told_to = [by] if by.is_live else []
        self._left |= {one.leg_id for one in told_to}
        for one in {one.address: one for one in (*told_to, *parties) if one.address}.values():
            state = self._state(one, one.call_id)
            yield CstaEvent(one.address, "TransferedEvent", {**parts, "localConnectionInfo": state, "cause": cause})

    def _moved(self, leg: Leg) -> Moved:
        old = Connection(self._call_of(leg), leg.address)
        return Moved(Connection(leg.call_id, leg.address), old, leg.address)

    def _send_on(self, payload: told.PartyTransferred, leg: Leg, _: Before) -> Events:
        by = self._book.leg(payload.by_leg_id)
        if by and by.is_live:
            yield from self._transfer(by, [leg], Device(payload.address), "singleStepTransfer")

    def _consult(self, payload: told.ConsultStarted, leg: Leg, _: Before) -> Events:
        self._consulters[LegId(payload.consult_leg_id)] = leg.leg_id
        yield from ()

    def _confer(self, payload: told.LegConferenced, leg: Leg, before: Before) -> Events:
        """The first who is in the room made it, and everybody of the call comes with him; later ones were dialled into it."""
        others = [one for one in self._legs(leg) if one.leg_id != leg.leg_id]
        room = [one for one in others if one.room == payload.room]
        if before[leg.leg_id].room or (room and leg.answered_at is not None):
            return
        third = self._third_of(leg)
        added = leg if room else third or next((one for one in others if one.leg_id == leg.bridged_to), leg)
        by = room[0] if room else leg
        parts: dict[str, Part] = {"primaryOldCall": Connection(leg.call_id, by.address)}
        if third:
            parts["secondaryOldCall"] = Connection(third.leg_id, by.address)
        members = (leg, *(room or others))
        parts |= {
            "conferencingDevice": Device(by.address),
            "addedParty": Device(added.address),
            "conferenceConnections": tuple(self._moved(one) for one in members),
        }
        if third:
            self._consulters.pop(third.leg_id)
        states = {one.leg_id: "connected" for one in members if one.answered_at}
        yield from self._tell("ConferencedEvent", parts, leg, leg.call_id, "conference", **states)

    def _end(self, payload: told.LegEnded, leg: Leg, before: Before) -> Events:
        if leg.leg_id in self._left:
            # the transfer has said that he is out
            self._left.discard(leg.leg_id)
            return
        call = self._call_of(leg)
        if not _is_calling(leg) and leg.answered_at is None and not _is_prompted(leg):
            yield from self._miss(payload, leg, call)
            if self._is_diverted(leg):
                return
        was = before[leg.leg_id]
        third = self._third_of(was)
        for one in (third.leg_id, leg.call_id) if third else (call,):
            yield from self._clear(payload, leg, one)
        consulter = self._book.leg(self._consulters.pop(leg.leg_id, ""))
        if consulter and consulter.is_live:
            parts: dict[str, Part] = {
                "droppedConnection": Connection(call, consulter.address),
                "releasingDevice": Device(leg.address),
            }
            state = {"localConnectionInfo": "null", "cause": "normalClearing"}
            yield CstaEvent(consulter.address, "ConnectionClearedEvent", {**parts, **state})

    def _is_diverted(self, leg: Leg) -> bool:
        """Whether an offer went from this phone while the caller still waits."""
        return bool(leg.offer_id) and any(one.role is LegRole.CUSTOMER for one in self._legs(leg))

    def _miss(self, payload: told.LegEnded, leg: Leg, call: str) -> Events:
        """A device that was called and did not answer: the call goes on elsewhere, or it has failed here."""
        where, ends = Connection(call, leg.address), self._ends(leg, call)
        parts: dict[str, Part]
        if self._is_diverted(leg):
            parts = {"connection": where, "divertingDevice": Device(leg.address), "newDestination": Device("")}
            cause = "callForwardNoAnswer" if payload.cause == "NO_ANSWER" else "redirected"
            yield from self._tell("DivertedEvent", {**parts, **ends, **_REDIRECTED}, leg, call, cause)
        elif payload.cause in _FAILED:
            parts = {"failedConnection": where, "failingDevice": Device(leg.address)}
            cause = _FAILED[payload.cause]
            yield from self._tell(
                "FailedEvent", {**parts, **ends, **_REDIRECTED}, leg, call, cause, **{leg.leg_id: "fail"}
            )

    def _clear(self, payload: told.LegEnded, leg: Leg, call: str) -> Events:
        released = "" if payload.hung_up_by == "switch" else leg.address
        parts: dict[str, Part] = {
            "droppedConnection": Connection(call, leg.address),
            "releasingDevice": Device(released),
        }
        yield from self._tell("ConnectionClearedEvent", parts, leg, call, "normalClearing")


_REDIRECTED: Mapping[str, Part] = {"lastRedirectionDevice": NOT_REQUIRED}


def _is_calling(leg: Leg) -> bool:
    """The one who dialled us by himself."""
    return str(leg.leg_id) == leg.call_id and not leg.owner


def _is_prompted(leg: Leg) -> bool:
    """The phone that is rung first for a call it is to make."""
    return str(leg.leg_id) == leg.call_id and leg.owner == _OWN


def _ends_of(call: Call | None, first: Leg | None) -> tuple[str, str]:
    if call is None:
        return "", ""
    is_inbound = call.direction is Direction.INBOUND or first is None
    return (call.caller_number if is_inbound or not first else first.address), call.dialled_number


_TELL: dict[type[Payload], Callable[[CstaCalls, Any, Leg, Before], Iterable[CstaEvent]]] = {
    told.LegStarted: CstaCalls._dialled,
    told.LegRinging: CstaCalls._ring,
    told.LegAnswered: CstaCalls._answer,
    told.LegHeld: CstaCalls._hold,
    told.LegResumed: CstaCalls._resume,
    told.PartyHeld: CstaCalls._set_aside,
    told.PartyRetrieved: CstaCalls._take_back,
    told.PartyTransferred: CstaCalls._send_on,
    told.ConsultStarted: CstaCalls._consult,
    told.LegsBridged: CstaCalls._join,
    told.LegConferenced: CstaCalls._confer,
    told.LegEnded: CstaCalls._end,
}
