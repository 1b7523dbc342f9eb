"""What happens to contacts in writing in a random history, and what must hold of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ipcc.contracts.acd import AcdPayload, AgentState, EndWrapUp, EntryOutcome, LeaveQueue, OfferMade, SetReady, SignIn
from ipcc.contracts.call import PhoneChanged
from ipcc.contracts.config import VOICE
from ipcc.contracts.digital import AcceptOffer, AgentMediumChanged, DeclineOffer, EndContact
from ipcc.contracts.envelope import wrap
from services.acd.core.inputs import Joined, NodeChanged, PickedUp, Rang
from services.acd.core.media import obstacle_for
from services.acd.core.needs import Need, misfit
from services.acd.core.rows import Agent, Offer
from services.monitor.core.invariants import Watch
from tests.unit.acd.world import NODE, World, changed, queue, user, write

ENGAGED = {AgentState.OFFERED, AgentState.RINGING, AgentState.TALKING, AgentState.WRAP_UP}
PEOPLE = ("ann", "bob", "cho", "dia")
WRITTEN = ("web", "letters")
QUEUES: dict[str, dict[str, Any]] = {
    "web": {"medium": "chat", "skills": {"service": 3}, "ring_s": 10, "wrap_up_s": 5, "max_wait_s": 120},
    "letters": {"medium": "mail", "skills": {}, "ring_s": 15, "wrap_up_s": 0, "after_no_answer": "ready"},
}
# what the people may hold, and beside what
TERMS: tuple[dict[str, Any], ...] = (
    {},
    {"capacity": {"chat": 2, "mail": 2}},
    {"capacity": {"chat": 3}, "blending": {"call_beside": {"chat": 2}}},
    {"capacity": {"chat": 2, "mail": 3}, "blending": {"beside_call": {"chat": 1, "mail": 2}, "call_beside": {}}},
    {"capacity": {"chat": 2, "mail": 2}, "blending": {"together": 3, "call_beside": {"chat": 1, "mail": 1}}},
    {"capacity": {"voice": 0, "chat": 1, "mail": 1}},
)


class DigitalHistory(RuleBasedStateMachine):
    """The part of a history that is about contacts in writing."""

    world: World
    callers: int
    log: list[tuple[Any, AcdPayload]]
    terms: dict[str, dict[str, Any]]
    places: dict[str, dict[str, Any]]

    def tell(self, given: object) -> None:
        """One input."""
        raise NotImplementedError

    @rule(data=st.data(), queue_id=st.sampled_from(WRITTEN), count=st.integers(1, 5), age_s=st.integers(0, 60))
    def some_write(self, data: st.DataObject, queue_id: str, count: int, age_s: int) -> None:
        entered = self.world.now - timedelta(seconds=age_s)
        preferred = data.draw(st.sampled_from(((), ("ann",), ("bob", "dia"))))
        also = data.draw(st.sampled_from(((), ("web",), ("service",))))
        for number in range(count):
            self.callers += 1
            terms: dict[str, Any] = {"priority": 1 + number % 3, "preferred": preferred, "also": also}
            self.tell(write(str(self.callers), queue_id, entered, **terms))

    @rule(agent=st.sampled_from(PEOPLE), terms=st.sampled_from(TERMS))
    def change_capacity(self, agent: str, terms: dict[str, Any]) -> None:
        self.tell(changed(user(agent, **self.places[agent], **terms)))

    @rule(queue_id=st.sampled_from(WRITTEN), strategy=st.sampled_from(("longest_idle", "ring_all", "least_busy")))
    def change_written_queue(self, queue_id: str, strategy: str) -> None:
        self.tell(changed(queue(queue_id, **QUEUES[queue_id], strategy=strategy)))

    def _in_writing(self) -> list[Offer]:
        return sorted((o for o in self.world.state.offers.values() if not o.is_by_phone), key=lambda o: o.epoch)

    @precondition(lambda self: self._in_writing())
    @rule(data=st.data(), how=st.sampled_from(("accept", "decline", "by another")))
    def answer_in_writing(self, data: st.DataObject, how: str) -> None:
        offer = data.draw(st.sampled_from(self._in_writing()))
        agent = data.draw(st.sampled_from(PEOPLE)) if how == "by another" else offer.agent_id
        kind = DeclineOffer if how == "decline" else AcceptOffer
        self.tell(kind(agent_id=agent, offer_id=offer.id))

    @rule()
    def everybody_comes_to_work(self) -> None:
        """Without it most of a history goes by with nobody there."""
        self.tell(NodeChanged(NODE, is_up=True))
        for agent in PEOPLE:
            self.tell(PhoneChanged(phone_id=f"phone-{agent}", registered=True, node_id=NODE))
            self.tell(SignIn(agent_id=agent, phone_id=f"phone-{agent}", ready=True))
            self.tell(SetReady(agent_id=agent))

    @rule()
    def everybody_answers(self) -> None:
        """Whoever is offered something takes it."""
        for offer in sorted(self.world.state.offers.values(), key=lambda o: o.epoch):
            if offer.is_by_phone:
                for given in (Rang(offer.id, NODE), PickedUp(offer.id, NODE), Joined(offer.id)):
                    self.tell(given)
            else:
                self.tell(AcceptOffer(agent_id=offer.agent_id, offer_id=offer.id))

    @rule()
    def everybody_writes_goodbye(self) -> None:
        """All conversations in writing are over."""
        for contact in sorted(self.world.state.contacts.values(), key=lambda c: c.id):
            if contact.medium != VOICE:
                self.tell(EndContact(entry_id=contact.id))

    @precondition(lambda self: self.world.state.contacts)
    @rule(data=st.data(), how=st.sampled_from(("end", "end", "wrap up")))
    def end_in_writing(self, data: st.DataObject, how: str) -> None:
        contacts = self.world.state.contacts
        contact = contacts[data.draw(st.sampled_from(sorted(contacts)))]
        if how == "end":
            self.tell(EndContact(entry_id=contact.id))
        else:
            self.tell(EndWrapUp(agent_id=contact.agent_id, entry_id=contact.id, code="done"))

    @rule(data=st.data())
    def stop_writing(self, data: st.DataObject) -> None:
        name = data.draw(st.integers(0, self.callers))
        self.tell(LeaveQueue(entry_id=f"entry-{name}", outcome=EntryOutcome.ABANDONED))

    def teardown(self) -> None:
        """What monitor would say of the day: nothing about who is offered what, or who holds how much."""
        watch = Watch()
        for number, (at, event) in enumerate(self.log):
            told = wrap(event, event_id=str(number), source="acd/0", time=at)
            assert [b for b in watch.apply(told) if b.rule in ("I1", "I2", "I6") and not b.cleared] == []

    @invariant()
    def nobody_is_given_more_than_his_capacity(self) -> None:
        """I2: what he holds of a medium never grows beyond what he may hold; lowered below it, it only shrinks."""
        state = self.world.state
        for agent in state.agents.values():
            for medium, use in agent.uses.items():
                offers = [o for o in state.offers.values() if (o.agent_id, o.medium) == (agent.id, medium)]
                theirs = [c for c in state.contacts.values() if (c.agent_id, c.medium) == (agent.id, medium)]
                over = [c for c in theirs if c.ended_at is not None]
                assert use.offered == len(offers)
                assert use.serving == len(theirs) - len(over)
                assert use.wrapping == len(over)
        held: dict[tuple[str, str], int] = {}
        for _, event in self.log:
            if isinstance(event, AgentMediumChanged):
                key = (event.agent_id, event.medium)
                now = event.offered + event.serving + event.wrapping
                assert now <= max(event.capacity, held.get(key, 0))
                held[key] = now

    @invariant()
    def an_agent_holds_at_most_one_call(self) -> None:
        """I2: offers and contacts together, and only an agent in such a state holds one."""
        state = self.world.state
        held = [o.agent_id for o in state.offers.values() if o.medium == VOICE]
        held += [c.agent_id for c in state.contacts.values() if c.medium == VOICE]
        # one signed out by force leaves his conversation running; nothing else is his then
        assert len(held) == len(set(held))
        for agent in state.agents.values():
            assert (agent.state in ENGAGED) <= (agent.id in held)
            assert agent.state not in (AgentState.READY, AgentState.NOT_READY) or agent.id not in held

    def is_idle_for(self, agent: Agent, need: Need) -> bool:
        """Signed in, fits, and has room for one more of the medium."""
        state = self.world.state
        if agent.state is AgentState.OUT or misfit(state, agent, need):
            return False
        return not obstacle_for(state.users[agent.id], agent, need.medium)

    @invariant()
    def nothing_in_writing_has_a_leg(self) -> None:
        for _, event in self.log:
            if isinstance(event, OfferMade) and event.medium != VOICE:
                assert not event.phone_id
                assert not event.node_id
        state = self.world.state
        out = [a.id for a in state.agents.values() if a.state is AgentState.OUT]
        assert not [o for o in state.offers.values() if o.agent_id in out]
