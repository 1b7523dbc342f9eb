"""What the switches say becomes what is told: each leg begins and ends once, each call arrives and ends once, whatever comes twice or late.

Facts of one leg come in the order they happened; between legs the order is loose (recorded: up to five steps back), and after a
gap facts are missing altogether. A fact about a leg nobody has told us of puts it among the ``wanted``: the shell looks it up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ipcc.call.book import CallBook
from ipcc.call.identity import arrival, beginning, call_tag, milliseconds
from ipcc.call.model import Call, Leg, Told
from ipcc.call.transport import Carriers
from ipcc.contracts import call as told
from ipcc.contracts.call import CallPayload, Direction
from ipcc.contracts.tags import CALL_ID, ROLE
from ipcc.esl import meaning as m
from ipcc.ids import CallId, LegId, NodeId


@dataclass(frozen=True, slots=True)
class Newcomer:
    """An inbound leg that was created but not told: its dialplan, which says what it is for, has not run yet."""

    node_id: NodeId
    created_at: datetime
    facts: m.LegFacts


@dataclass(frozen=True, slots=True)
class Ending:
    """How a leg ended."""

    at: datetime
    cause: str
    q850: int = 0
    hung_up_by: m.HungUpBy = m.HungUpBy.UNKNOWN
    talk_ms: int | None = None
    resynced: bool = False


class CallFold:
    """Turns facts into things told, and keeps the book of them. One for all nodes, since a call may have legs on several."""

    def __init__(self, book: CallBook | None = None) -> None:
        self.book = book or CallBook()
        self.wanted: dict[LegId, NodeId] = {}
        self.newcomers: dict[LegId, Newcomer] = {}
        self.carriers = Carriers()
        """Legs that only carry one of another node: nothing is told of them."""
        self.is_ours: Callable[[NodeId], bool] = lambda _: True
        """Whether we are the ear of a node. The end of a call is told by the ear of the call's own node alone: two that each heard
        the last leg of theirs end would else both tell it, or neither."""
        self.facts_taken = 0
        self._heard: dict[LegId, int] = {}
        self._callers: set[LegId] = set()
        self._out: list[Told] = []

    def take(self, node_id: NodeId, meaning: m.Meaning) -> list[Told]:
        """What is to be told because ``node_id`` said ``meaning``; often nothing."""
        take = _TAKE.get(type(meaning))
        if take is not None and self.carriers.takes(node_id, meaning):
            self.newcomers.pop(meaning.leg_id, None)  # type: ignore[union-attr]
        elif take is not None:
            self.facts_taken += 1
            take(self, node_id, meaning)
            for leg_id in (meaning.leg_id, getattr(meaning, "other_leg_id", meaning.leg_id)):  # type: ignore[union-attr]
                self._note(leg_id)
        return self.drain()

    def is_heard_since(self, leg_id: LegId, mark: int) -> bool:
        """Whether a fact about this live leg came after ``facts_taken`` was ``mark``."""
        return self._heard.get(leg_id, 0) > mark

    def tell(self, payload: CallPayload, at: datetime) -> None:
        """Put ``payload`` among what is to be told, and into the book."""
        self.book.apply(payload, at)
        self._out.append(Told(payload, at))

    def drain(self) -> list[Told]:
        """Everything put there since the last time."""
        out, self._out = self._out, []
        return out

    def begin(self, node_id: NodeId, leg_id: LegId, facts: m.LegFacts, at: datetime, *, resynced: bool = False) -> None:
        """Tell of a leg, and of its call when it is the first."""
        self.newcomers.pop(leg_id, None)
        self.wanted.pop(leg_id, None)
        call_id = self._call_of(leg_id, facts)
        call, known = self.book.call(call_id), self.book.leg(leg_id)
        is_back = known is not None and known.is_lost and resynced
        if call is None or (is_back and call.ended_at is not None):
            self.tell(arrival(call_id, leg_id, node_id, facts, resynced=resynced), at)
        if facts.direction is m.LegDirection.INBOUND:
            self._callers.add(leg_id)
        self.tell(beginning(call_id, leg_id, node_id, facts, resynced=resynced), at)

    def answer(self, leg: Leg, at: datetime, *, resynced: bool = False) -> None:
        """Tell that the leg is connected, once."""
        if leg.answered_at is None:
            told_leg = told.LegAnswered(**_of(leg, resynced), role=leg.role, agent_id=leg.agent_id)
            self.tell(told_leg, at)

    def bridge(self, leg: Leg, other: Leg, at: datetime, *, resynced: bool = False) -> None:
        """Tell that two legs hear each other; before it, that neither hears whom it heard so far."""
        for one, partner in ((leg, other), (other, leg)):
            if one.bridged_to not in (None, partner.leg_id):
                self.unbridge(one, at, resynced=resynced)
        self.tell(told.LegsBridged(**_of(leg, resynced), other_leg_id=other.leg_id), at)
        if other.call_id != leg.call_id:
            # each call's own log is complete
            self.tell(told.LegsBridged(**_of(other, resynced), other_leg_id=leg.leg_id), at)

    def unbridge(self, leg: Leg, at: datetime, *, resynced: bool = False) -> None:
        """Tell that the leg does not hear its partner any more; nothing when it has none."""
        if leg.bridged_to is None:
            return
        other = self.book.leg(leg.bridged_to)
        self.tell(told.LegsUnbridged(**_of(leg, resynced), other_leg_id=leg.bridged_to), at)
        if other and other.call_id != leg.call_id:
            self.tell(told.LegsUnbridged(**_of(other, resynced), other_leg_id=leg.leg_id), at)

    def hold(self, leg: Leg, is_held: bool, at: datetime, *, resynced: bool = False) -> None:
        """Tell a hold or its end; nothing when it is so already."""
        if leg.is_held != is_held:
            kind = told.LegHeld if is_held else told.LegResumed
            self.tell(kind(**_of(leg, resynced)), at)

    def end(self, leg: Leg, ending: Ending) -> None:
        """Tell the end of a live leg, and of its call when it was the last."""
        self.wanted.pop(leg.leg_id, None)
        self._heard.pop(leg.leg_id, None)
        self._callers.discard(leg.leg_id)
        self.unbridge(leg, ending.at, resynced=ending.resynced)
        talked = 0 if leg.answered_at is None else milliseconds(leg.answered_at, ending.at)
        payload = told.LegEnded(
            **_of(leg, ending.resynced),
            role=leg.role,
            cause=ending.cause,
            q850=ending.q850,
            hung_up_by=ending.hung_up_by.value,
            talk_ms=talked if ending.talk_ms is None else ending.talk_ms,
            agent_id=leg.agent_id,
            offer_id=leg.offer_id,
        )
        self.tell(payload, ending.at)
        call = self.book.call(leg.call_id)
        # a leg dialled for a call that had ended meanwhile begins and ends, but its call ended before
        if call and not call.live and call.ended_at is None and self.is_ours(call.node_id):
            self._end_call(call, ending)

    def adopt(self, node_id: NodeId, found: m.LegSnapshot, now: datetime) -> list[Told]:
        """What is to be told because a look at the leg found it so: what we had missed, marked as resynced.

        A leg whose end was told is left alone: the look was older than the end; but one lost with its switch is back.
        Bridges are compared in pairs, elsewhere.
        """
        newcomer = self.newcomers.get(found.leg_id)
        known = self.book.leg(found.leg_id)
        if self.carriers.takes(node_id, found):
            self.newcomers.pop(found.leg_id, None)
            return self.drain()
        if known is None or known.is_lost:
            started_at = found.times.created_at or now
            self.begin(node_id, found.leg_id, found.facts, started_at, resynced=newcomer is None)
        leg = self._live(found.leg_id)
        if leg is None:
            return self.drain()
        times = found.times
        if times.ringing_at and not leg.rang_at and not leg.answered_at and not self.is_inbound(leg):
            self.tell(told.LegRinging(**_of(leg, resynced=True)), times.ringing_at)
        if found.is_answered:
            self.answer(leg, times.answered_at or now, resynced=True)
        self.hold(leg, found.is_held, now, resynced=True)
        self.book.put(replace(self.book.legs[leg.leg_id], is_parked=found.is_parked))
        return self.drain()

    def lose(self, leg_id: LegId, ending: Ending) -> list[Told]:
        """What is to be told because the leg is not on the switch any more, and nobody said how it ended."""
        leg = self._live(leg_id)
        if leg is not None:
            self.end(leg, replace(ending, cause=leg.hangup_cause or ending.cause, resynced=True))
        return self.drain()

    def close(self, call_id: str, ending: Ending) -> list[Told]:
        """What is to be told because a call of ours has no leg left and nobody said that it is over: its last leg was another's, or its
        teller died in between."""
        call = self.book.call(call_id)
        if call and call.ended_at is None and not call.live and self.is_ours(call.node_id):
            self._end_call(call, ending)
        return self.drain()

    def attach(self, call_id: CallId, data: dict[str, str], now: datetime) -> list[Told]:
        """What is to be told because business data was joined to the call."""
        self.tell(told.CallDataAttached(call_id=call_id, data=data), now)
        return self.drain()

    def is_inbound(self, leg: Leg) -> bool:
        """Whether this leg called us, rather than being dialled."""
        if leg.leg_id in self._callers:
            return True
        # told before a restart: what was told says less; one that has an owner was dialled, also for a call between colleagues
        call = self.book.call(leg.call_id)
        return (
            call is not None
            and not leg.owner
            and call.direction is not Direction.OUTBOUND
            and call.leg_ids[:1] == (leg.leg_id,)
        )

    def _end_call(self, call: Call, ending: Ending) -> None:
        first = self.book.leg(call.leg_ids[0]) if call.leg_ids else None
        self.tell(
            told.CallEnded(
                call_id=call.call_id,
                resynced=ending.resynced,
                cause=(first.cause if first else "") or ending.cause,
                duration_ms=milliseconds(call.arrived_at, ending.at),
            ),
            ending.at,
        )

    def _call_of(self, leg_id: LegId, facts: m.LegFacts) -> CallId:
        named = call_tag(facts)
        if named is not None:
            self._introduce(LegId(named))
            return named
        parent = self._live(facts.dialled_by) if facts.dialled_by else None
        return parent.call_id if parent else CallId(leg_id)

    def _note(self, leg_id: LegId) -> None:
        leg = self.book.leg(leg_id)
        if leg_id in self.newcomers or (leg and leg.is_live):
            self._heard[leg_id] = self.facts_taken
        else:
            self._heard.pop(leg_id, None)

    def _introduce(self, leg_id: LegId) -> None:
        newcomer = self.newcomers.get(leg_id)
        if newcomer is not None:
            self.begin(newcomer.node_id, leg_id, newcomer.facts, newcomer.created_at)

    def _live(self, leg_id: LegId) -> Leg | None:
        """The leg, told of now if it was only created so far; None when it has ended or was never heard of."""
        self._introduce(leg_id)
        leg = self.book.leg(leg_id)
        return leg if leg and leg.is_live else None

    def _met(self, node_id: NodeId, leg_id: LegId) -> Leg | None:
        """As _live, but a leg never heard of is wanted from now on."""
        leg = self._live(leg_id)
        if leg is None and self.book.leg(leg_id) is None:
            self.wanted.setdefault(leg_id, node_id)
        return leg

    def _created(self, node_id: NodeId, fact: m.LegCreated) -> None:
        if self.book.leg(fact.leg_id) or fact.leg_id in self.newcomers:
            return
        facts = fact.facts
        if facts.direction is m.LegDirection.OUTBOUND or CALL_ID in facts.variables or ROLE in facts.variables:
            self.begin(node_id, fact.leg_id, facts, fact.at)
        else:
            self.newcomers[fact.leg_id] = Newcomer(node_id, fact.at, facts)

    def _ringing(self, node_id: NodeId, fact: m.LegRinging | m.LegEarlyMedia) -> None:
        # sent towards a caller it is no news, and a leg still without its tags can wait
        if fact.leg_id in self.newcomers:
            return
        leg = self._met(node_id, fact.leg_id)
        if leg and leg.rang_at is None and leg.answered_at is None and not self.is_inbound(leg):
            self.tell(told.LegRinging(**_of(leg)), fact.at)

    def _answered(self, node_id: NodeId, fact: m.LegAnswered) -> None:
        newcomer = self.newcomers.get(fact.leg_id)
        if newcomer is not None and fact.variables:
            facts = replace(newcomer.facts, variables={**newcomer.facts.variables, **fact.variables})
            self.newcomers[fact.leg_id] = replace(newcomer, facts=facts)
        leg = self._met(node_id, fact.leg_id)
        if leg:
            self.answer(leg, fact.at)

    def _parked(self, node_id: NodeId, fact: m.LegParked) -> None:
        newcomer = self.newcomers.get(fact.leg_id)
        if self.book.leg(fact.leg_id) is None:
            # the dialplan has run: now the tags say what the leg is
            self.begin(node_id, fact.leg_id, fact.facts, newcomer.created_at if newcomer else fact.at)
        leg = self._live(fact.leg_id)
        if leg:
            self.book.put(replace(leg, is_parked=True))

    def _unparked(self, node_id: NodeId, fact: m.LegUnparked) -> None:
        leg = self._met(node_id, fact.leg_id)
        if leg:
            self.book.put(replace(leg, is_parked=False))

    def _bridged(self, node_id: NodeId, fact: m.LegsBridged) -> None:
        leg, other = self._met(node_id, fact.leg_id), self._met(node_id, fact.other_leg_id)
        if leg is None or other is None or _overtaken(leg, other, "bridged", fact.at):
            return
        if leg.bridged_to != other.leg_id or other.bridged_to != leg.leg_id:
            self.bridge(leg, other, fact.at)

    def _unbridged(self, _node_id: NodeId, fact: m.LegsUnbridged) -> None:
        leg, other = self._live(fact.leg_id), self._live(fact.other_leg_id)
        if leg is None or other is None or leg.bridged_to != other.leg_id:
            return
        if not _overtaken(leg, other, "unbridged", fact.at):
            self.unbridge(leg, fact.at)

    def _held(self, node_id: NodeId, fact: m.LegHeld | m.LegResumed) -> None:
        is_held = isinstance(fact, m.LegHeld)
        leg = self._met(node_id, fact.leg_id)
        if leg and not leg.holding.is_stale("held" if is_held else "resumed", fact.at):
            self.hold(leg, is_held, fact.at)

    def _hung_up(self, _node_id: NodeId, fact: m.LegHungUp) -> None:
        leg = self._live(fact.leg_id)
        if leg:
            self.book.put(replace(leg, hangup_cause=fact.cause))

    def _ended(self, node_id: NodeId, fact: m.LegEnded) -> None:
        if self.book.leg(fact.leg_id) is None:
            self.newcomers.pop(fact.leg_id, None)
            self.begin(node_id, fact.leg_id, fact.facts, fact.times.created_at or fact.at)
        leg = self._live(fact.leg_id)
        if leg is None:
            return
        if fact.times.answered_at:
            self.answer(leg, fact.times.answered_at)
        talk_ms = fact.times.billed_ms if fact.times.answered_at else None
        self.end(
            self.book.legs[leg.leg_id],
            Ending(fact.at, fact.cause or leg.hangup_cause, fact.q850, fact.hung_up_by, talk_ms),
        )

    def _gone(self, _node_id: NodeId, fact: m.LegGone) -> None:
        leg = self._live(fact.leg_id)
        if leg:
            self.end(leg, Ending(fact.at, fact.cause or leg.hangup_cause))


def _of(leg: Leg, resynced: bool = False) -> dict[str, Any]:
    return {"call_id": leg.call_id, "leg_id": leg.leg_id, "node_id": leg.node_id, "resynced": resynced}


def _overtaken(leg: Leg, other: Leg, name: str, at: datetime) -> bool:
    return leg.bridging.is_stale(f"{name} {other.leg_id}", at) or other.bridging.is_stale(f"{name} {leg.leg_id}", at)


_TAKE: dict[type[Any], Callable[[CallFold, NodeId, Any], None]] = {
    m.LegCreated: CallFold._created,
    m.LegRinging: CallFold._ringing,
    m.LegEarlyMedia: CallFold._ringing,
    m.LegAnswered: CallFold._answered,
    m.LegParked: CallFold._parked,
    m.LegUnparked: CallFold._unparked,
    m.LegsBridged: CallFold._bridged,
    m.LegsUnbridged: CallFold._unbridged,
    m.LegHeld: CallFold._held,
    m.LegResumed: CallFold._held,
    m.LegHungUp: CallFold._hung_up,
    m.LegEnded: CallFold._ended,
    m.LegGone: CallFold._gone,
}
