"""Random histories: whatever happens, in whatever order, twice or late, the invariants hold and the log restores the state."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from ipcc.contracts.acd import (
    AcdPayload,
    AgentState,
    ChangeEntry,
    ContactHandled,
    EndWrapUp,
    EntryChanged,
    EntryEnded,
    EntryOutcome,
    EntryQueued,
    InputRef,
    LeaveQueue,
    OfferEnded,
    OfferMade,
    OfferOutcome,
    PullEntry,
    SetNotReady,
    SetReady,
    SignIn,
    SignOut,
)
from ipcc.contracts.call import CallEnded, LegAnswered, LegEnded, LegRinging, LegsBridged, PhoneChanged
from ipcc.errors import Refused
from services.acd.core.decision import advance, decide
from services.acd.core.fold import evolve
from services.acd.core.inputs import (
    Joined,
    JoinFailed,
    LegsSeen,
    NodeChanged,
    PickedUp,
    Rang,
    RingFailed,
    SeenLeg,
    TakenOver,
    TimePassed,
)
from services.acd.core.needs import need_in
from services.acd.core.snapshot import from_dict, to_dict
from services.acd.core.state import PAST_KEPT, State, overflows_at
from services.acd.core.strategies import STRATEGIES
from tests.unit.acd.history_of_callbacks import CAUSES, CallbackHistory
from tests.unit.acd.history_of_digital import QUEUES, TERMS, DigitalHistory
from tests.unit.acd.world import NODE, World, changed, enqueue, queue, user

AGENTS = ("ann", "bob", "cho", "dia")
BACK: dict[str, Any] = {
    "tries": 2,
    "pause_s": 20,
    "ring_s": 10,
    "window_s": 150,
    "not_before": "00:00",
    "not_after": "24:00",
}
SERVICE: dict[str, Any] = {"callback": BACK, "ring_s": 10, "wrap_up_s": 5, "max_wait_s": 120}
CARDS: dict[str, Any] = {
    "callback": {**BACK, "first": "customer"},
    "ring_s": 10,
    "wrap_up_s": 0,
    "after_no_answer": "ready",
    "max_waiting": 5,
}
# what the two queues may have besides
RULES: tuple[dict[str, Any], ...] = (
    *({"strategy": strategy} for strategy in STRATEGIES),
    {"strategy": "ring_all", "ring_at_once": 2},
    {"strategy": "top_down", "agent_order": ("cho", "bob")},
    {"ageing_s": 20},
    {"share": 3},
    {"relax": ({"after_s": 5, "lower_by": 2}, {"after_s": 30, "drop": ("cards", "service")})},
    {"expression": "loans >= 1 or cards >= 4", "relax": ({"after_s": 10, "lower_by": 9},)},
    {"groups": ("day",), "relax": ({"after_s": 10, "groups": ("night",)},), "prefer_sites": ("south",)},
    {"preferred_wait_s": 30},
    {"last_agent_wait_s": 30, "last_agent_within_s": 600},
    {"reserve": 1, "reserve_priority": 1},
    {"precedence": ({"when": 'segment == "vip"', "priority": 1},), "overflow_to": "voicemail:bank"},
)
PLACES = {
    "ann": {"groups": ("day",), "site": "north"},
    "bob": {"groups": ("night",), "site": "south"},
    "cho": {"groups": ("day", "night"), "site": "south"},
    "dia": {},
}
SKILLS = {
    "ann": {"service": 5},
    "bob": {"service": 4, "cards": 4},
    "cho": {"cards": 9, "service": 3},
    "dia": {"cards": 3, "loans": 9},
}


def log_part(state: State) -> dict[str, Any]:
    """What the fold must reproduce, without regard to the order of rows."""
    saved = to_dict(state)
    return {k: sorted(v, key=lambda row: str(row["id"])) if isinstance(v, list) else v for k, v in saved.items()}


class History(CallbackHistory, DigitalHistory):
    """A day in one domain."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.callers = 0
        self.heard: list[tuple[datetime, object]] = []
        self.offset = 0
        self.log: list[tuple[Any, AcdPayload]] = []
        self.snapshot: tuple[dict[str, Any], dict[str, int], int] | None = None

    @initialize(
        service=st.sampled_from(RULES),
        cards=st.sampled_from(RULES),
        terms=st.lists(st.sampled_from(TERMS), min_size=4, max_size=4),
    )
    def open(self, service: dict[str, Any], cards: dict[str, Any], terms: list[dict[str, Any]]) -> None:
        written = [queue(queue_id, **fields) for queue_id, fields in QUEUES.items()]
        self.world = World(queue("service", **SERVICE, **service), queue("cards", **CARDS, **cards), *written)
        self.places = {name: {"skills": SKILLS[name], **PLACES[name]} for name in AGENTS}
        for name, capacity in zip(AGENTS, terms, strict=True):
            self.world.hire(user(name, **self.places[name], **capacity))
            self.tell(SignIn(agent_id=name, phone_id=f"phone-{name}", ready=True))

    # --- what happens --------------------------------------------------------------------------
    def tell(self, given: object) -> None:
        """One input, decided purely first and then kept: both must agree, and a refusal must change nothing."""
        state, now = self.world.state, self.world.now
        self.heard.append((now, given))
        self.offset += 1
        cause = InputRef(topic="input", partition=0, offset=self.offset)
        before = log_part(state)
        try:
            foretold = decide(state, given, now, cause)
        except Refused:
            assert log_part(state) == before
            return
        assert log_part(state) == before
        assert advance(state, given, now, cause) == foretold
        self.log += [(now, event) for event in foretold.events]
        for event in foretold.events:
            if isinstance(event, OfferMade):
                self.check_order(event)

    def check_order(self, made: OfferMade) -> None:
        """I3: nobody with the same need who stands before him in the queue is left without an offer."""
        state = self.world.state
        entry = state.entries[made.entry_id]
        queue = state.queues[entry.queue_id]
        for other in state.entries.values():
            if other.queue_id == entry.queue_id and not other.offer_id and other.order < entry.order:
                # each of the ways in which this may be is declared, and named in the offer
                assert made.why["inverted_by"]
                limit = overflows_at(other, queue)
                is_overdue = limit is not None and limit <= self.world.now
                is_reserved = queue.reserve and other.priority > queue.reserve_priority
                is_same = need_in(queue, other) == need_in(queue, entry) and entry.queue_id == made.queue_id
                assert other.is_paused or is_overdue or is_reserved or made.why["rule"] == "pulled" or not is_same

    @rule(agent=st.sampled_from(AGENTS), ready=st.booleans())
    def sign_in(self, agent: str, ready: bool) -> None:
        self.tell(SignIn(agent_id=agent, phone_id=f"phone-{agent}", ready=ready))

    @rule(agent=st.sampled_from(AGENTS), force=st.booleans())
    def sign_out(self, agent: str, force: bool) -> None:
        self.tell(SignOut(agent_id=agent, force=force))

    @rule(agent=st.sampled_from(AGENTS))
    def get_ready(self, agent: str) -> None:
        self.tell(SetReady(agent_id=agent))

    @rule(agent=st.sampled_from(AGENTS), reason=st.sampled_from(("lunch", "training")))
    def pause(self, agent: str, reason: str) -> None:
        self.tell(SetNotReady(agent_id=agent, reason=reason))

    @rule(agent=st.sampled_from(AGENTS))
    def end_wrap_up(self, agent: str) -> None:
        self.tell(EndWrapUp(agent_id=agent, code="done"))

    @rule(agent=st.sampled_from(AGENTS), registered=st.booleans())
    def change_phone(self, agent: str, registered: bool) -> None:
        self.tell(PhoneChanged(phone_id=f"phone-{agent}", registered=registered, node_id=NODE))

    @rule(up=st.booleans())
    def change_node(self, up: bool) -> None:
        self.tell(NodeChanged(NODE, is_up=up, reason="cut"))

    @rule(
        data=st.data(),
        queue_id=st.sampled_from(("service", "cards")),
        priority=st.integers(1, 3),
        age_s=st.integers(0, 60),
    )
    def arrive(self, data: st.DataObject, queue_id: str, priority: int, age_s: int) -> None:
        self.callers += 1
        entered = self.world.now - timedelta(seconds=age_s)
        also = data.draw(st.sampled_from(((), ("service",), ("cards",))))
        preferred = data.draw(st.sampled_from(((), ("ann",), ("bob", "dia"))))
        attributes = data.draw(st.sampled_from(({}, {"segment": "vip"}, {"customer_id": "c1"})))
        terms: dict[str, Any] = {"priority": priority, "also": also, "preferred": preferred, "attributes": attributes}
        self.tell(enqueue(str(self.callers), queue_id, entered, **terms))

    @rule(data=st.data(), queue_id=st.sampled_from((None, "service", "cards")), priority=st.sampled_from((None, 1, 9)))
    def change_entry(self, data: st.DataObject, queue_id: str | None, priority: int | None) -> None:
        name = data.draw(st.integers(0, self.callers))
        self.tell(ChangeEntry(entry_id=f"entry-{name}", queue_id=queue_id, priority=priority))

    @rule(data=st.data(), agent=st.sampled_from(AGENTS))
    def pull_entry(self, data: st.DataObject, agent: str) -> None:
        self.tell(PullEntry(entry_id=f"entry-{data.draw(st.integers(0, self.callers))}", agent_id=agent))

    @rule(queue_id=st.sampled_from(("service", "cards")), rules=st.sampled_from(RULES))
    def change_queue(self, queue_id: str, rules: dict[str, Any]) -> None:
        kept = SERVICE if queue_id == "service" else CARDS
        self.tell(changed(queue(queue_id, **kept, **rules)))

    @rule(data=st.data(), by=st.sampled_from(("leg", "call")))
    def hang_up(self, data: st.DataObject, by: str) -> None:
        name = str(data.draw(st.integers(0, self.callers)))
        if by == "leg":
            self.tell(LegEnded(call_id=f"call-{name}", leg_id=f"leg-{name}", node_id=NODE, cause="NORMAL_CLEARING"))
        else:
            self.tell(CallEnded(call_id=f"call-{name}", cause="NORMAL_CLEARING", duration_ms=1))

    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        self.tell(LeaveQueue(entry_id=f"entry-{data.draw(st.integers(0, self.callers))}"))

    @precondition(lambda self: self.world.state.offers)
    @rule(data=st.data(), what=st.sampled_from(("rang", "picked", "joined", "failed", "join_failed", "facts")))
    def happen_to_offer(self, data: st.DataObject, what: str) -> None:
        offer = self.world.state.offers[data.draw(st.sampled_from(sorted(self.world.state.offers)))]
        entry = self.world.state.entries[offer.entry_id]
        alive = data.draw(st.tuples(st.booleans(), st.booleans()))
        leg: dict[str, str] = {"call_id": offer.call_id, "leg_id": offer.id, "node_id": NODE}
        bridged = LegsBridged(**{**leg, "leg_id": entry.leg_id}, other_leg_id=offer.id)
        given: dict[str, object] = {
            "rang": Rang(offer.id, NODE),
            "picked": PickedUp(offer.id, NODE),
            "joined": Joined(offer.id),
            "failed": RingFailed(offer.id, data.draw(st.sampled_from(CAUSES))),
            "join_failed": JoinFailed(offer.id, *alive),
            "facts": data.draw(st.sampled_from((LegRinging(**leg), LegAnswered(**leg), bridged))),
        }
        self.tell(given[what])

    @precondition(lambda self: self.world.state.contacts)
    @rule(data=st.data())
    def agent_leg_ends(self, data: st.DataObject) -> None:
        contacts = self.world.state.contacts
        contact = contacts[data.draw(st.sampled_from(sorted(contacts)))]
        ended = {"call_id": contact.call_id, "leg_id": contact.offer_id, "node_id": NODE, "cause": "NORMAL_CLEARING"}
        self.tell(LegEnded(**ended))

    @precondition(lambda self: self.heard)
    @rule(data=st.data())
    def hear_again(self, data: st.DataObject) -> None:
        """An earlier input, repeated or delayed, but not for longer than ended entries are remembered."""
        at, given = data.draw(st.sampled_from(self.heard[-30:]))
        if self.world.now - at < PAST_KEPT:
            self.tell(given)

    @rule(seconds=st.sampled_from((0.1, 1, 5, 11, 40, 130)))
    def time_passes(self, seconds: float) -> None:
        state, end = self.world.state, self.world.now + timedelta(seconds=seconds)
        while (due := state.next_due()) is not None and due <= end:
            self.world.now = max(self.world.now, due)
            told = len(self.log)
            self.tell(TimePassed())
            if len(self.log) == told:
                break  # what is due waits for a switch to come back
        self.world.now = end
        self.tell(TimePassed())

    @rule(data=st.data(), takeover=st.booleans())
    def look_at_switch(self, data: st.DataObject, takeover: bool) -> None:
        state = self.world.state
        legs = {e.leg_id: SeenLeg(e.leg_id, True) for e in state.entries.values() if e.leg_id}
        picked = data.draw(st.booleans())
        legs |= {key: SeenLeg(key, picked, customer_of=offer) for key, offer in state.by_customer.items()}
        rung = [offer for offer in state.offers.values() if offer.has_agent_leg]
        legs |= {o.id: SeenLeg(o.id, o.answered_at is not None, "", o.id) for o in rung}
        talks = [c for c in state.contacts.values() if c.leg_id]
        legs |= {c.offer_id: SeenLeg(c.offer_id, True, c.leg_id, c.offer_id) for c in talks}
        missing = data.draw(st.sets(st.sampled_from(sorted(legs)))) if legs else set()
        seen = {key: leg for key, leg in legs.items() if key not in missing}
        self.tell(LegsSeen(NODE, self.world.now, seen, is_takeover=takeover))

    @rule()
    def save(self) -> None:
        self.snapshot = (to_dict(self.world.state), dict(self.world.state.offsets), len(self.log))

    @rule(from_snapshot=st.booleans())
    def restart(self, from_snapshot: bool) -> None:
        """The owner dies; the next one folds the log, or a snapshot and its tail, and learns the rest anew."""
        old = self.world.state
        if from_snapshot and self.snapshot is not None:
            saved, inputs, index = self.snapshot
            state = from_dict("default", saved, inputs)
        else:
            state, index = State("default"), 0
        for at, event in self.log[index:]:
            evolve(state, type(event).model_validate_json(event.model_dump_json()), at)
        assert log_part(state) == log_part(old)
        assert state.offsets == {**old.offsets, **state.offsets}
        for table in ("users", "queues", "skills", "phones", "registrations", "nodes"):
            for key, row in getattr(old, table).items():
                state.write(getattr(state, table), key, row)
        self.world.state = state
        self.tell(TakenOver())

    # --- what must hold ------------------------------------------------------------------------
    @invariant()
    def a_contact_is_offered_to_one_agent(self) -> None:
        """I1: and to several only when its queue rang all at once."""
        state = self.world.state
        offered = [offer.entry_id for offer in state.offers.values()]
        rang_all = {e.offer_id for _, e in self.log if isinstance(e, OfferMade) and e.why["rule"] == "ring_all"}
        for offer in state.offers.values():
            assert offered.count(offer.entry_id) == 1 or offer.id in rang_all
        answered = [offer.entry_id for offer in state.offers.values() if offer.answered_at is not None]
        assert all(offered.count(entry_id) == 1 for entry_id in answered)
        for entry in state.entries.values():
            assert (entry.id in offered) == bool(entry.offer_id)
            assert not entry.offer_id or state.offers[entry.offer_id].entry_id == entry.id
        made = {event.offer_id for _, event in self.log if isinstance(event, OfferMade)}
        assert len(made) == sum(isinstance(event, OfferMade) for _, event in self.log)

    @invariant()
    def nobody_is_ready_without_a_phone(self) -> None:
        """I9."""
        state = self.world.state
        for agent in state.agents.values():
            assert agent.state is not AgentState.READY or state.is_registered(agent.phone_id)

    @invariant()
    def nobody_waits_while_somebody_who_fits_is_idle(self) -> None:
        state = self.world.state
        for entry in state.entries.values():
            limit = overflows_at(entry, state.queues[entry.queue_id])
            is_overdue = limit is not None and limit <= self.world.now
            if entry.offer_id or is_overdue or entry.is_paused or not state.is_up(entry.node_id):
                continue
            for queue_id in (entry.queue_id, *entry.also):
                rules = state.queues[queue_id]
                need = need_in(rules, entry)
                fitting = [agent.id for agent in state.agents.values() if self.is_idle_for(agent, need)]
                assert not fitting or (entry.priority > rules.reserve_priority and len(fitting) <= rules.reserve)

    @invariant()
    def every_entry_is_accounted_for(self) -> None:
        """I6, and I5: place and clock of whoever waits are those of his first entry."""
        queued = {e.entry_id: e for _, e in self.log if isinstance(e, EntryQueued)}
        ended = [e for _, e in self.log if isinstance(e, EntryEnded)]
        assert len({e.entry_id for e in ended}) == len(ended)
        waiting = self.world.state.entries
        assert set(queued) == {e.entry_id for e in ended} | set(waiting)
        for entry in waiting.values():
            orders = [e for _, e in self.log if isinstance(e, EntryChanged) and e.entry_id == entry.id]
            told = orders[-1] if orders else queued[entry.id]
            assert (entry.queue_id, entry.priority) == (told.queue_id, told.priority)
            assert entry.entered_at == queued[entry.id].entered_at
        sums = {outcome: sum(e.outcome is outcome for e in ended) for outcome in EntryOutcome}
        assert len(queued) == sum(sums.values()) + len(waiting)

    @invariant()
    def every_offer_ends_once_and_every_answer_is_handled(self) -> None:
        state = self.world.state
        made = [e.offer_id for _, e in self.log if isinstance(e, OfferMade)]
        ended = [e for _, e in self.log if isinstance(e, OfferEnded)]
        assert sorted(made) == sorted([e.offer_id for e in ended] + list(state.offers))
        answered = sum(e.outcome is OfferOutcome.ANSWERED for e in ended)
        handled = sum(isinstance(e, ContactHandled) for _, e in self.log)
        assert answered == handled + len(state.contacts)


# more of it: raise max_examples; 600 are a minute of one core
History.TestCase.settings = settings(
    max_examples=150,
    stateful_step_count=60,
    deadline=None,
    phases=(Phase.reuse, Phase.generate, Phase.shrink),
)
TestHistory = History.TestCase
