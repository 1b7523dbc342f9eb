"""What an agent's desktop is shown: facts about agents, offers and calls become messages to the agents they concern. Pure."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ipcc.call.model import Call
from ipcc.contracts import acd, call, digital, ivr, recording
from ipcc.contracts.envelope import Event
from ipcc.contracts.payload import Payload
from services.ctiserver.core.voicemails import OpenVoicemails, kind_of

MOST_PATHS = 10_000
QUEUE = "queue/"


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one agent, or to all who serve ``queue_id``; ``data`` is JSON."""

    agent_id: str
    type: str
    data: dict[str, Any] = field(repr=False)
    queue_id: str = ""

    @property
    def subject(self) -> str:
        """Whom it is for; no agent has an id with a stroke in it."""
        return self.agent_id or of_queue(self.queue_id)


def of_queue(queue_id: str) -> str:
    """The subject of messages for all who serve a queue."""
    return f"{QUEUE}{queue_id}"


@dataclass(frozen=True, slots=True)
class AgentNow:
    """The last word of acd about an agent, and when it was said."""

    changed: acd.AgentChanged
    since: datetime


@dataclass(frozen=True, slots=True)
class _AgentLeg:
    agent_id: str
    call_id: str


class Desktops:
    """``find_call`` knows the calls, ``queue_name`` what people call a queue."""

    def __init__(self, find_call: Callable[[str], Call | None], queue_name: Callable[[str], str]) -> None:
        self.agents: dict[str, AgentNow] = {}
        self.offers: dict[str, acd.OfferMade] = {}
        self.voicemails = OpenVoicemails(queue_name)
        self._find_call = find_call
        self._queue_name = queue_name
        self._legs: dict[str, _AgentLeg] = {}
        self._agents_in: defaultdict[str, set[str]] = defaultdict(set)
        self._paths: OrderedDict[str, list[str]] = OrderedDict()

    def take(self, event: Event) -> list[Message]:
        """The messages to send because of ``event``; often none."""
        take = _TAKE.get(type(event.data))
        if take is None:
            return []
        about = {"at": event.time, "event_id": event.id}
        return [replace(m, data={**m.data, **about}) for m in take(self, event.data, event.time)]

    def agent_legs(self, agent_id: str) -> list[str]:
        """The live legs at this agent's phone."""
        return [leg_id for leg_id, leg in self._legs.items() if leg.agent_id == agent_id]

    def offers_to(self, agent_id: str) -> list[dict[str, Any]]:
        """The offers he has now, as they popped up."""
        return [self._popup(offer) for offer in self.offers.values() if offer.agent_id == agent_id]

    def _changed(self, data: acd.AgentChanged, at: datetime) -> Iterable[Message]:
        self.agents[data.agent_id] = AgentNow(data, at)
        yield Message(data.agent_id, "agent.state", _public(data, "domain", "cause", "agent_id"))

    def _offered(self, data: acd.OfferMade, _at: datetime) -> Iterable[Message]:
        self.offers[data.offer_id] = data
        yield Message(data.agent_id, "offer.made", self._popup(data))

    def _popup(self, data: acd.OfferMade) -> dict[str, Any]:
        """The screen pop: who calls, from where in the bank's menu, for what."""
        known = self._find_call(data.call_id)
        return {
            **_public(data, "domain", "cause", "agent_id", "epoch", "why"),
            "queue_name": self._queue_name(data.queue_id),
            "caller_number": data.caller_number or (known.caller_number if known else ""),
            "caller_name": data.caller_name or (known.caller_name if known else ""),
            "dialled_number": known.dialled_number if known else "",
            "data": dict(known.data) if known else {},
            "flow_path": list(self._paths.get(data.call_id, ())),
        }

    def _offer_rings(self, data: acd.OfferRinging, _at: datetime) -> Iterable[Message]:
        yield Message(data.agent_id, "offer.ringing", {"offer_id": data.offer_id, "entry_id": data.entry_id})

    def _offer_over(self, data: acd.OfferEnded, _at: datetime) -> Iterable[Message]:
        self.offers.pop(data.offer_id, None)
        yield Message(data.agent_id, "offer.ended", _public(data, "domain", "cause", "agent_id"))

    def _handled(self, data: acd.ContactHandled, _at: datetime) -> Iterable[Message]:
        yield Message(data.agent_id, "contact.handled", _public(data, "domain", "cause", "agent_id"))

    def _medium_changed(self, data: digital.AgentMediumChanged, _at: datetime) -> Iterable[Message]:
        yield Message(data.agent_id, "agent.medium", _public(data, "domain", "cause", "agent_id"))

    def _contact_ended(self, data: digital.ContactEnded, _at: datetime) -> Iterable[Message]:
        yield Message(data.agent_id, "contact.ended", _public(data, "domain", "cause", "agent_id"))

    def _leg_started(self, data: call.LegStarted, _at: datetime) -> Iterable[Message]:
        if data.agent_id:
            self._legs[data.leg_id] = _AgentLeg(data.agent_id, data.call_id)
            self._agents_in[data.call_id].add(data.agent_id)
            yield Message(data.agent_id, "call.dialled", _about_leg(data))

    def _leg_rings(self, data: call.LegRinging, _at: datetime) -> Iterable[Message]:
        return self._to_own(data, "call.ringing", _about_leg(data))

    def _leg_answered(self, data: call.LegAnswered, _at: datetime) -> Iterable[Message]:
        return self._to_own(data, "call.answered", _about_leg(data))

    def _to_own(self, data: call.LegPayload, kind: str, what: dict[str, Any]) -> Iterable[Message]:
        leg = self._legs.get(data.leg_id)
        return [Message(leg.agent_id, kind, what)] if leg else []

    def _joined(self, data: call.LegsBridged | call.LegsUnbridged, _at: datetime) -> Iterable[Message]:
        kind = "call.connected" if isinstance(data, call.LegsBridged) else "call.disconnected"
        for mine, other in ((data.leg_id, data.other_leg_id), (data.other_leg_id, data.leg_id)):
            leg = self._legs.get(mine)
            # a bridge between two calls is told in both: an agent hears of it in his own
            if leg and leg.call_id == data.call_id:
                yield Message(leg.agent_id, kind, {"call_id": data.call_id, "leg_id": mine, "other_leg_id": other})

    def _held(self, data: call.LegHeld | call.LegResumed, _at: datetime) -> Iterable[Message]:
        kind = "call.held" if isinstance(data, call.LegHeld) else "call.resumed"
        for agent_id in sorted(self._agents_in.get(data.call_id, ())):
            yield Message(agent_id, kind, _about_leg(data))

    def _in_call(self, data: call.LegPayload, _at: datetime) -> Iterable[Message]:
        """What call control did, to every agent in the call."""
        what = data.model_dump(mode="json", exclude={"resynced", "node_id"})
        for agent_id in sorted(self._agents_in.get(data.call_id, ())):
            yield Message(agent_id, _IN_CALL[type(data)], what)

    def _supervised(self, data: call.SupervisionChanged, _at: datetime) -> Iterable[Message]:
        """To the supervisor alone, unless he can be heard: who is listened to is not told."""
        what = data.model_dump(mode="json", exclude={"resynced", "node_id"})
        if data.agent_id:
            yield Message(data.agent_id, "supervision.changed", what)

    def _leg_ended(self, data: call.LegEnded, _at: datetime) -> Iterable[Message]:
        leg = self._legs.pop(data.leg_id, None)
        if leg is None:
            return
        if not any(other.agent_id == leg.agent_id and other.call_id == leg.call_id for other in self._legs.values()):
            self._agents_in[leg.call_id].discard(leg.agent_id)
        what = {"cause": data.cause, "hung_up_by": data.hung_up_by, "talk_ms": data.talk_ms}
        yield Message(leg.agent_id, "call.ended", {**_about_leg(data), **what})

    def _call_over(self, data: call.CallEnded, _at: datetime) -> Iterable[Message]:
        self._paths.pop(data.call_id, None)
        if not self._agents_in.get(data.call_id):
            self._agents_in.pop(data.call_id, None)
        return []

    def _attached(self, data: call.CallDataAttached, _at: datetime) -> Iterable[Message]:
        offered = {offer.agent_id for offer in self.offers.values() if offer.call_id == data.call_id}
        for agent_id in sorted(self._agents_in.get(data.call_id, set()) | offered):
            yield Message(agent_id, "call.data", {"call_id": data.call_id, "data": data.data})

    def _voicemail_changed(self, data: recording.VoicemailChanged, _at: datetime) -> Iterable[Message]:
        """To all who serve its queue, so that nobody calls a customer whom another calls already."""
        if self.voicemails.take(data):
            yield Message("", kind_of(data), self.voicemails.shown(data), data.queue_id)

    def _walked(self, data: ivr.NodeEntered, _at: datetime) -> Iterable[Message]:
        self._paths.setdefault(data.call_id, []).append(data.flow_node)
        if len(self._paths) > MOST_PATHS:
            self._paths.popitem(last=False)
        return []


def _public(data: Payload, *without: str) -> dict[str, Any]:
    return data.model_dump(mode="json", exclude=set(without))


def _about_leg(data: call.LegPayload) -> dict[str, Any]:
    return {"call_id": data.call_id, "leg_id": data.leg_id}


_IN_CALL: dict[type[Payload], str] = {
    call.PartyHeld: "call.party_held",
    call.PartyRetrieved: "call.party_retrieved",
    call.PartySentToFlow: "call.flow_begun",
    call.PartyBackFromFlow: "call.flow_returned",
    call.ConsultStarted: "call.consult_started",
    call.LegMuted: "call.muted",
    call.LegUnmuted: "call.unmuted",
    call.LegConferenced: "call.conferenced",
}

_TAKE: dict[type[Payload], Callable[[Desktops, Any, datetime], Iterable[Message]]] = {
    acd.AgentChanged: Desktops._changed,
    acd.OfferMade: Desktops._offered,
    acd.OfferRinging: Desktops._offer_rings,
    acd.OfferEnded: Desktops._offer_over,
    acd.ContactHandled: Desktops._handled,
    digital.AgentMediumChanged: Desktops._medium_changed,
    digital.ContactEnded: Desktops._contact_ended,
    call.LegStarted: Desktops._leg_started,
    call.LegRinging: Desktops._leg_rings,
    call.LegAnswered: Desktops._leg_answered,
    call.LegsBridged: Desktops._joined,
    call.LegsUnbridged: Desktops._joined,
    call.LegHeld: Desktops._held,
    call.LegResumed: Desktops._held,
    call.LegEnded: Desktops._leg_ended,
    call.CallEnded: Desktops._call_over,
    call.CallDataAttached: Desktops._attached,
    **dict.fromkeys(_IN_CALL, Desktops._in_call),
    call.SupervisionChanged: Desktops._supervised,
    ivr.NodeEntered: Desktops._walked,
    recording.VoicemailChanged: Desktops._voicemail_changed,
}
