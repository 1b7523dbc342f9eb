"""All calls and legs known, as the sum of what was told about them: the same whether told just now or read back after a crash."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ipcc.call.model import Call, FlowStay, Leg
from ipcc.contracts import call as told
from ipcc.contracts.payload import Payload
from ipcc.ids import CallId, LegId, NodeId

KEEP_ENDED = timedelta(minutes=10)
MOST_ENDED = 20_000
LOST_WITH_SWITCH = "NETWORK_OUT_OF_ORDER"


class CallBook:
    """Calls and legs by id. Ended ones stay for a while, so that a late fact about them is known to be late.

    ``keep_ended`` and ``most_ended`` bound the memory: an ended call is forgotten when it is older than the one, or when
    more than the other have ended after it.
    """

    def __init__(self, keep_ended: timedelta = KEEP_ENDED, most_ended: int = MOST_ENDED) -> None:
        self.calls: dict[CallId, Call] = {}
        self.legs: dict[LegId, Leg] = {}
        self._ended: deque[CallId] = deque()
        self._keep_ended = keep_ended
        self._most_ended = most_ended

    def call(self, call_id: str) -> Call | None:
        """The call, also one that ended a while ago."""
        return self.calls.get(CallId(call_id))

    def leg(self, leg_id: str) -> Leg | None:
        """The leg, also one that ended a while ago."""
        return self.legs.get(LegId(leg_id))

    def live_legs(self, node_id: str | None = None) -> Iterator[Leg]:
        """The legs whose end has not been told, of one node or of all."""
        return (leg for leg in self.legs.values() if leg.is_live and node_id in (None, leg.node_id))

    def live_calls(self) -> Iterator[Call]:
        """The calls whose end has not been told."""
        return (call for call in self.calls.values() if call.ended_at is None)

    def apply(self, payload: Payload, at: datetime) -> None:
        """Take what was told into account; telling it twice changes nothing. What is not about calls is passed over."""
        take = _TAKE.get(type(payload))
        if take is not None:
            take(self, payload, at)

    def put(self, leg: Leg) -> None:
        """Replace a leg by a newer value of it."""
        self.legs[leg.leg_id] = leg

    def forget(self, now: datetime) -> int:
        """Drop calls that ended long ago and return how many. A call with a leg left over stays until that has ended too."""
        forgotten = 0
        for _ in range(len(self._ended)):
            call = self.calls[self._ended[0]]
            is_old = call.ended_at is not None and call.ended_at <= now - self._keep_ended
            if not is_old and len(self._ended) <= self._most_ended:
                break
            self._ended.popleft()
            if call.live:
                self._ended.append(call.call_id)
                continue
            forgotten += 1
            del self.calls[call.call_id]
            for leg_id in call.leg_ids:
                self.legs.pop(leg_id, None)
        return forgotten

    def _arrive(self, payload: told.CallArrived, at: datetime) -> None:
        call_id = CallId(payload.call_id)
        known = self.calls.get(call_id)
        if known is not None:
            if payload.resynced and known.ended_at is not None:
                # its legs were lost with their switch, and are back
                self._ended.remove(call_id)
                self.calls[call_id] = replace(known, ended_at=None, cause="")
            return
        self.calls[call_id] = Call(
            call_id=call_id,
            node_id=NodeId(payload.node_id),
            direction=payload.direction,
            arrived_at=at,
            caller_number=payload.caller_number,
            caller_name=payload.caller_name,
            dialled_number=payload.dialled_number,
            trunk=payload.trunk,
            owner=payload.owner,
        )

    def _start(self, payload: told.LegStarted, at: datetime) -> None:
        leg_id, call = LegId(payload.leg_id), self.call(payload.call_id)
        # a leg of a call whose arrival is older than what was read back: the switch will be asked about it
        known = self.legs.get(leg_id)
        is_back = known is not None and known.is_lost and payload.resynced
        if call is None or (known is not None and not is_back):
            return
        self.legs[leg_id] = Leg(
            leg_id=leg_id,
            call_id=call.call_id,
            node_id=NodeId(payload.node_id),
            role=payload.role,
            started_at=at,
            address=payload.address,
            owner=payload.owner,
            offer_id=payload.offer_id,
            agent_id=payload.agent_id,
        )
        leg_ids = call.leg_ids if is_back else (*call.leg_ids, leg_id)
        self.calls[call.call_id] = replace(call, leg_ids=leg_ids, live=call.live | {leg_id})

    def _ring(self, payload: told.LegRinging, at: datetime) -> None:
        leg = self.leg(payload.leg_id)
        if leg and leg.rang_at is None:
            self.put(replace(leg, rang_at=at))

    def _answer(self, payload: told.LegAnswered, at: datetime) -> None:
        leg = self.leg(payload.leg_id)
        if leg and leg.answered_at is None:
            self.put(replace(leg, answered_at=at))

    def _bridge(self, payload: told.LegsBridged, at: datetime) -> None:
        self._join(payload.leg_id, payload.other_leg_id, at, payload.resynced)
        self._join(payload.other_leg_id, payload.leg_id, at, payload.resynced)

    def _unbridge(self, payload: told.LegsUnbridged, at: datetime) -> None:
        self._part(payload.leg_id, payload.other_leg_id, at, payload.resynced)
        self._part(payload.other_leg_id, payload.leg_id, at, payload.resynced)

    def _join(self, leg_id: str, other: str, at: datetime, resynced: bool) -> None:
        leg = self.leg(leg_id)
        if leg and leg.is_live:
            # a moment found by looking is by our clock: it must not make the switch's own next word look old
            bridging = leg.bridging if resynced else leg.bridging.taken(f"bridged {other}", at)
            self.put(
                replace(
                    leg,
                    bridged_to=LegId(other),
                    bridging=bridging,
                    is_waiting=False,
                    waits_for=None,
                    in_flow=None,
                    room="",
                )
            )

    def _part(self, leg_id: str, other: str, at: datetime, resynced: bool) -> None:
        leg = self.leg(leg_id)
        if leg and leg.bridged_to == other:
            bridging = leg.bridging if resynced else leg.bridging.taken(f"unbridged {other}", at)
            self.put(replace(leg, bridged_to=None, bridging=bridging))

    def _hold(self, payload: told.LegHeld | told.LegResumed, at: datetime) -> None:
        leg = self.leg(payload.leg_id)
        if leg and leg.is_live:
            held = isinstance(payload, told.LegHeld)
            holding = leg.holding if payload.resynced else leg.holding.taken("held" if held else "resumed", at)
            self.put(replace(leg, is_held=held, holding=holding))

    def _end_leg(self, payload: told.LegEnded, at: datetime) -> None:
        leg = self.leg(payload.leg_id)
        if leg is None or not leg.is_live:
            return
        self.put(
            replace(
                leg,
                ended_at=at,
                cause=payload.cause,
                is_lost=payload.resynced and payload.cause == LOST_WITH_SWITCH,
                bridged_to=None,
                is_held=False,
                is_parked=False,
                is_waiting=False,
                waits_for=None,
            )
        )
        call = self.calls[leg.call_id]
        self.calls[leg.call_id] = replace(call, live=call.live - {leg.leg_id})

    def _set_aside(self, payload: told.PartyHeld, _at: datetime) -> None:
        self._change(payload, is_waiting=True, waits_for=LegId(payload.by_leg_id) if payload.by_leg_id else None)

    def _take_back(self, payload: told.PartyRetrieved, _at: datetime) -> None:
        self._change(payload, is_waiting=False, waits_for=None)

    def _send_to_flow(self, payload: told.PartySentToFlow, at: datetime) -> None:
        waits_for = LegId(payload.by_leg_id) if payload.by_leg_id else None
        stay = FlowStay(payload.session_id, payload.flow_id, at)
        self._change(payload, is_waiting=True, waits_for=waits_for, in_flow=stay)

    def _back_from_flow(self, payload: told.PartyBackFromFlow, _at: datetime) -> None:
        leg = self.leg(payload.leg_id)
        if leg and leg.in_flow and leg.in_flow.session_id == payload.session_id:
            self.put(replace(leg, in_flow=None))

    def _consult(self, payload: told.ConsultStarted, _at: datetime) -> None:
        self._change(payload, consults=LegId(payload.consult_leg_id))

    def _mute(self, payload: told.LegMuted | told.LegUnmuted, _at: datetime) -> None:
        self._change(payload, is_muted=isinstance(payload, told.LegMuted))

    def _confer(self, payload: told.LegConferenced, _at: datetime) -> None:
        self._change(payload, room=payload.room, is_waiting=False, waits_for=None)

    def _supervise(self, payload: told.SupervisionChanged, _at: datetime) -> None:
        self._change(payload, supervises=LegId(payload.target_leg_id), supervision=payload.mode)

    def _change(self, payload: told.LegPayload, **changes: Any) -> None:
        leg = self.leg(payload.leg_id)
        if leg and leg.is_live:
            self.put(replace(leg, **changes))

    def _end_call(self, payload: told.CallEnded, at: datetime) -> None:
        call = self.call(payload.call_id)
        if call and call.ended_at is None:
            self.calls[call.call_id] = replace(call, ended_at=at, cause=payload.cause)
            self._ended.append(call.call_id)

    def _attach(self, payload: told.CallDataAttached, _at: datetime) -> None:
        call = self.call(payload.call_id)
        if call:
            self.calls[call.call_id] = replace(call, data={**call.data, **payload.data})


_TAKE: dict[type[Payload], Callable[[CallBook, Any, datetime], None]] = {
    told.CallArrived: CallBook._arrive,
    told.LegStarted: CallBook._start,
    told.LegRinging: CallBook._ring,
    told.LegAnswered: CallBook._answer,
    told.LegsBridged: CallBook._bridge,
    told.LegsUnbridged: CallBook._unbridge,
    told.LegHeld: CallBook._hold,
    told.LegResumed: CallBook._hold,
    told.LegEnded: CallBook._end_leg,
    told.CallEnded: CallBook._end_call,
    told.CallDataAttached: CallBook._attach,
    told.PartyHeld: CallBook._set_aside,
    told.PartyRetrieved: CallBook._take_back,
    told.PartySentToFlow: CallBook._send_to_flow,
    told.PartyBackFromFlow: CallBook._back_from_flow,
    told.ConsultStarted: CallBook._consult,
    told.LegMuted: CallBook._mute,
    told.LegUnmuted: CallBook._mute,
    told.LegConferenced: CallBook._confer,
    told.SupervisionChanged: CallBook._supervise,
}
