"""Stories of calls as events: what the services tell of one call, topic by topic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ipcc.contracts.acd import (
    AgentChanged,
    AgentState,
    ContactHandled,
    EntryEnded,
    EntryOutcome,
    EntryQueued,
    OfferEnded,
    OfferMade,
    OfferOutcome,
)
from ipcc.contracts.call import CallArrived, CallEnded, Direction, LegAnswered, LegEnded, LegStarted
from ipcc.contracts.envelope import Event, wrap
from ipcc.contracts.ivr import BankOperationDone, NodeEntered, NodeLeft, SessionEnded, SessionStarted
from ipcc.contracts.payload import Payload
from ipcc.contracts.recording import RecordingStored
from ipcc.contracts.tags import LegRole

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Ids:
    """The ids of one story."""

    n: str

    def __getattr__(self, kind: str) -> str:
        return f"{kind}-{self.n}"


def at(event_id: str, data: Payload, seconds: float, start: datetime = START) -> Event:
    """``data`` as told so many seconds after the start."""
    return wrap(data, event_id=event_id, source="test/test", time=start + timedelta(seconds=seconds))


def a_served_call(n: str, start: datetime = START) -> list[list[Event]]:
    """Menu, bank, a queue, one agent who does not answer, one who does, recorded: one list for each topic, in order."""
    i = Ids(n)
    call = {"call_id": i.call}
    leg = {**call, "leg_id": i.leg, "node_id": "fs1"}
    agent_leg = {**call, "leg_id": i.offer2, "node_id": "fs1"}
    session = {**call, "session_id": i.session}
    entry = {**call, "entry_id": i.entry, "queue_id": "retail"}
    stories: list[Sequence[tuple[float, Payload]]] = [
        [
            (0, CallArrived(**leg, direction=Direction.INBOUND, caller_number="13800000001", dialled_number="95500")),
            (0.2, LegAnswered(**leg, role=LegRole.CUSTOMER)),
            (30, LegStarted(**agent_leg, role=LegRole.AGENT, agent_id=i.agent2, offer_id=i.offer2)),
            (35, LegAnswered(**agent_leg, role=LegRole.AGENT, agent_id=i.agent2)),
            (95, LegEnded(**agent_leg, role=LegRole.AGENT, cause="NORMAL_CLEARING", talk_ms=60_000)),
            (95, LegEnded(**leg, role=LegRole.CUSTOMER, cause="NORMAL_CLEARING", talk_ms=94_800, hung_up_by="far_end")),
            (95, CallEnded(**call, cause="NORMAL_CLEARING", duration_ms=95_000)),
        ],
        [
            (0.1, SessionStarted(**session, flow_id="bank-main", flow_version=1, entry_point="main", node_id="fs1", leg_id=i.leg)),
            (0.2, NodeEntered(**session, flow_node="language", kind="menu")),
            (3, NodeEntered(**session, flow_node="balance", kind="bank")),
            (4, BankOperationDone(**session, operation="balance", outcome="ok", elapsed_ms=20)),
            (5, NodeEntered(**session, flow_node="to-agent", kind="queue")),
            (35, SessionEnded(**session, outcome="answered_by_agent", last_flow_node="to-agent")),
        ],
        [
            (5, EntryQueued(**entry, leg_id=i.leg, node_id="fs1", entered_at=start + timedelta(seconds=5))),
            (6, _offer(i, i.offer1, i.agent1, start)),
            (6, AgentChanged(agent_id=i.agent1, state=AgentState.OFFERED)),
            (26, OfferEnded(offer_id=i.offer1, **entry, agent_id=i.agent1, outcome=OfferOutcome.NO_ANSWER, ring_ms=20_000)),
            (26, AgentChanged(agent_id=i.agent1, state=AgentState.NOT_READY, reason="no_answer")),
            (30, _offer(i, i.offer2, i.agent2, start)),
            (35, OfferEnded(offer_id=i.offer2, **entry, agent_id=i.agent2, outcome=OfferOutcome.ANSWERED, ring_ms=4000)),
            (35, EntryEnded(**entry, outcome=EntryOutcome.ANSWERED, wait_ms=30_000, agent_id=i.agent2, offer_id=i.offer2)),
            (110, ContactHandled(**entry, agent_id=i.agent2, talk_ms=60_000, wrap_up_ms=15_000, wrap_up_code="done")),
        ],
        [
            (
                97,
                RecordingStored(
                    recording_id=i.offer2,
                    call_id=i.call,
                    leg_id=i.offer2,
                    location="2026/03/02/x.wav",
                    duration_ms=60_000,
                    size_bytes=1,
                    sha256="0" * 64,
                    channels=2,
                    agent_id=i.agent2,
                ),
            )
        ],
    ]  # fmt: skip
    return [
        [at(f"{n}-{t}-{k}", data, seconds, start) for k, (seconds, data) in enumerate(story)]
        for t, story in enumerate(stories)
    ]


def a_stay(n: str, entered: datetime, outcome: EntryOutcome | None, wait_ms: int, queue: str = "retail") -> list[Event]:
    """Only a stay in a queue; None: it lasts."""
    i = Ids(n)
    entry = {"call_id": i.call, "entry_id": i.entry, "queue_id": queue}
    told = [
        wrap(
            EntryQueued(**entry, leg_id=i.leg, node_id="fs1", entered_at=entered),
            event_id=f"{n}-q",
            source="t/t",
            time=entered,
        )
    ]
    if outcome is not None:
        ended = EntryEnded(**entry, outcome=outcome, wait_ms=wait_ms)
        told.append(wrap(ended, event_id=f"{n}-e", source="t/t", time=entered + timedelta(milliseconds=wait_ms)))
    return told


def _offer(i: Ids, offer: str, agent: str, start: datetime) -> OfferMade:
    return OfferMade(
        offer_id=offer,
        entry_id=i.entry,
        call_id=i.call,
        queue_id="retail",
        agent_id=agent,
        phone_id="p",
        node_id="fs1",
        epoch=1,
        deadline=start,
        why={"rule": "longest_idle", "candidates": 2},
    )


def a_walk(
    n: str, version: int, exits: list[tuple[str, str, int, int]], outcome: str, second: float = 0
) -> list[Event]:
    """A session at one second a node: node, way out, how often keyed, how often silent; it ends so unless that is empty."""
    ids = {"call_id": f"call-{n}", "session_id": f"session-{n}"}
    flow = {"flow_id": "bank-main", "flow_version": version}
    told: list[Event] = [
        at(f"{n}-start", SessionStarted(**ids, **flow, entry_point="main", node_id="fs1", leg_id=f"leg-{n}"), second)
    ]
    for visit, (node, way, keyed, timeouts) in enumerate(exits, start=1):
        place = {**ids, "flow_node": node, "kind": "menu", "visit": visit}
        left = NodeLeft(
            **place, **flow, outcome=way, input_kind="digits", keyed=keyed, timeouts=timeouts, elapsed_ms=1000
        )
        told += [at(f"{n}-in-{visit}", NodeEntered(**place), second), at(f"{n}-out-{visit}", left, second + visit)]
    if outcome:
        ended = SessionEnded(**ids, outcome=outcome, last_flow_node=exits[-1][0])
        told.append(at(f"{n}-end", ended, second + len(exits)))
    return told
