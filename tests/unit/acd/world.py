"""A routing domain to test with: configuration, people, and short words for what happens to them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ipcc.contracts.acd import AcdPayload, AgentState, EndWrapUp, Enqueue, SetNotReady, SetReady, SignIn, SignOut
from ipcc.contracts.call import CallEnded, LegEnded, PhoneChanged
from ipcc.contracts.config import ConfigChanged, ConfigObject, Phone, Queue, Skill, User
from services.acd.core.decision import Decision, advance
from services.acd.core.effects import Effect
from services.acd.core.inputs import Joined, PickedUp, Rang, TimePassed
from services.acd.core.rows import Agent, Entry
from services.acd.core.state import State

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
NODE = "fs1"


def changed(thing: ConfigObject) -> ConfigChanged:
    """An administered object as it arrives on the bus."""
    return ConfigChanged(kind=thing.kind, object_id=thing.id, version=1, object=thing)


def queue(queue_id: str = "service", **fields: Any) -> Queue:
    """A queue that asks for the skill of its own name at level 3."""
    return Queue(id=queue_id, name=queue_id, **{"skills": {queue_id: 3}, **fields})


def user(agent_id: str, **fields: Any) -> User:
    """An agent who can do service at level 5."""
    return User(id=agent_id, name=agent_id, organisation="bank", **{"skills": {"service": 5}, **fields})


class World:
    """A state and a clock; keeps every event told and every effect ordered."""

    def __init__(self, *queues: Queue, agents: tuple[User, ...] = ()) -> None:
        self.state = State("default")
        self.now = START
        self.events: list[tuple[datetime, AcdPayload]] = []
        self.effects: list[Effect] = []
        for skill in ("service", "cards", "loans"):
            self.give(changed(Skill(id=skill, name=skill)))
        for one in queues or (queue(),):
            self.give(changed(one))
        for agent in agents:
            self.hire(agent)

    def give(self, given: object) -> Decision:
        """Decide, keep, remember."""
        decision = advance(self.state, given, self.now)
        self.events += [(self.now, event) for event in decision.events]
        self.effects += decision.effects
        return decision

    def hire(self, agent: User, *, registered: bool = True) -> None:
        """An agent with a phone of the same name."""
        self.give(changed(agent))
        self.give(changed(Phone(id=f"phone-{agent.id}", name=agent.id)))
        self.give(PhoneChanged(phone_id=f"phone-{agent.id}", registered=registered, node_id=NODE))

    def come(self, *agents: str, ready: bool = True) -> None:
        """Agents sign in, one second apart."""
        for agent_id in agents:
            if agent_id not in self.state.users:
                self.hire(user(agent_id))
            self.give(SignIn(agent_id=agent_id, phone_id=f"phone-{agent_id}", ready=ready))
            self.wait(1)

    def call(self, name: str, queue_id: str = "service", **fields: Any) -> Decision:
        """A caller asks to be queued."""
        return self.give(enqueue(name, queue_id, self.now, **fields))

    def wait(self, seconds: float) -> None:
        """Time goes by; timers run out each at its own moment."""
        end = self.now + timedelta(seconds=seconds)
        while (due := self.state.next_due()) is not None and due <= end:
            self.now = max(self.now, due)
            self.give(TimePassed())
        self.now = end

    def hang_up(self, name: str) -> Decision:
        """The caller goes."""
        leg = LegEnded(call_id=f"call-{name}", leg_id=f"leg-{name}", node_id=NODE, cause="NORMAL_CLEARING")
        decision = self.give(leg)
        self.give(CallEnded(call_id=f"call-{name}", cause="NORMAL_CLEARING", duration_ms=1))
        return decision

    def drop_agent_leg(self, offer_id: str, cause: str = "NORMAL_CLEARING") -> Decision:
        """The agent's leg ends, as ctiserver tells it."""
        return self.give(LegEnded(call_id="call", leg_id=offer_id, node_id=NODE, cause=cause))

    def serve(self, name: str) -> str:
        """The agent offered ``name`` answers and is joined; returns the offer's id."""
        offer_id = self.offer_of(name)
        self.give(Rang(offer_id, NODE))
        self.give(PickedUp(offer_id, NODE))
        self.give(Joined(offer_id))
        return offer_id

    def offer_of(self, name: str) -> str:
        """The offer out for ``name``; "" when there is none."""
        entry = self.state.entries.get(f"entry-{name}")
        return entry.offer_id if entry else ""

    def offered_to(self, name: str) -> str:
        """Who is offered ``name`` now; "" for nobody."""
        offer = self.state.offers.get(self.offer_of(name))
        return offer.agent_id if offer else ""

    def agent(self, agent_id: str) -> Agent:
        """One agent's row."""
        return self.state.agents[agent_id]

    def stands(self, agent_id: str) -> tuple[AgentState, str]:
        """State and reason."""
        return self.agent(agent_id).state, self.agent(agent_id).reason

    def entry(self, name: str) -> Entry:
        """One entry's row."""
        return self.state.entries[f"entry-{name}"]

    def told(self, kind: type[AcdPayload]) -> list[Any]:
        """The events of a kind, in order."""
        return [event for _, event in self.events if isinstance(event, kind)]


def enqueue(name: str, queue_id: str, at: datetime, **fields: Any) -> Enqueue:
    """The command for a caller known by ``name``."""
    known = {"entry_id": f"entry-{name}", "call_id": f"call-{name}", "leg_id": f"leg-{name}", "node_id": NODE}
    return Enqueue.model_validate({**known, "queue_id": queue_id, "entered_at": at, **fields})


def write(name: str, queue_id: str, at: datetime, **fields: Any) -> Enqueue:
    """The command for a customer who writes, known by ``name``."""
    known = {"entry_id": f"entry-{name}", "call_id": f"talk-{name}", "queue_id": queue_id, "entered_at": at}
    return Enqueue.model_validate({**known, **fields})


COMMANDS = (SetReady, SetNotReady, EndWrapUp, SignOut)
