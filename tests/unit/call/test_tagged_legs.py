"""Legs with our tags: which call they join, when they are told, and what comes late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ipcc.call.fold import CallFold
from ipcc.call.model import LegState, Told
from ipcc.contracts import call as told
from ipcc.contracts.call import Direction
from ipcc.contracts.tags import LegRole
from ipcc.esl import meaning as m
from ipcc.ids import LegId, NodeId

FS1 = NodeId("fs1")
T0 = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
CALLER, AGENT, PHONE = LegId("caller"), LegId("agent-leg"), LegId("phone-leg")
CUSTOMER_TAGS = {"ipcc_call_id": "caller", "ipcc_role": "customer", "ipcc_trunk": "bank"}
AGENT_TAGS = {
    "ipcc_call_id": "caller",
    "ipcc_role": "agent",
    "ipcc_owner": "acd",
    "ipcc_offer_id": "agent-leg",
    "ipcc_agent_id": "li",
}


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def inbound(variables: dict[str, str] | None = None, user: str = "") -> m.LegFacts:
    return m.LegFacts(
        m.LegDirection.INBOUND,
        caller_number="13800000001",
        caller_name="王先生",
        dialled="95500",
        variables=variables or {},
        trunk=(variables or {}).get("ipcc_trunk", ""),
        user=user,
    )


def outbound(variables: dict[str, str], user: str = "1001") -> m.LegFacts:
    return m.LegFacts(m.LegDirection.OUTBOUND, dialled="1001", variables=variables, user=user)


def ended(leg_id: LegId, seconds: float, facts: m.LegFacts, cause: str = "NORMAL_CLEARING") -> m.LegEnded:
    times = m.LegTimes(created_at=at(0), answered_at=at(1), billed_ms=int((seconds - 1) * 1000))
    return m.LegEnded(leg_id, at(seconds), cause, 16, m.HungUpBy.FAR_END, times, facts)


def take(fold: CallFold, *facts: m.Meaning) -> list[Told]:
    return [item for fact in facts for item in fold.take(FS1, fact)]


def parked_caller(fold: CallFold) -> list[Told]:
    return take(fold, m.LegCreated(CALLER, at(0), inbound()), m.LegParked(CALLER, at(0.02), inbound(CUSTOMER_TAGS)))


def test_a_caller_is_told_when_his_dialplan_has_said_what_he_is() -> None:
    fold = CallFold()
    assert take(fold, m.LegCreated(CALLER, at(0), inbound())) == []
    out = take(fold, m.LegParked(CALLER, at(0.02), inbound(CUSTOMER_TAGS)))
    arrived, started = (item.payload for item in out)
    assert isinstance(arrived, told.CallArrived)
    assert isinstance(started, told.LegStarted)
    assert (arrived.role, arrived.trunk, arrived.direction) == (LegRole.CUSTOMER, "bank", Direction.INBOUND)
    assert (arrived.caller_number, arrived.caller_name, arrived.dialled_number) == ("13800000001", "王先生", "95500")
    assert out[0].at == at(0)


def test_a_caller_who_gives_up_before_his_dialplan_ran_is_told_and_ended() -> None:
    fold = CallFold()
    take(fold, m.LegCreated(CALLER, at(0), inbound()))
    out = take(fold, m.LegGone(CALLER, at(0.1), "ORIGINATOR_CANCEL"))
    kinds = [type(item.payload) for item in out]
    assert kinds == [told.CallArrived, told.LegStarted, told.LegEnded, told.CallEnded]
    assert fold.book.legs[CALLER].state is LegState.FAILED


def test_an_agents_leg_joins_the_call_of_its_tag_and_carries_its_offer() -> None:
    fold = CallFold()
    parked_caller(fold)
    out = take(fold, m.LegCreated(AGENT, at(3), outbound(AGENT_TAGS)))
    assert [type(item.payload) for item in out] == [told.LegStarted]
    started = out[0].payload
    assert isinstance(started, told.LegStarted)
    assert (started.call_id, started.role, started.owner) == ("caller", LegRole.AGENT, "acd")
    assert (started.offer_id, started.agent_id, started.address) == ("agent-leg", "li", "1001")


def test_an_agents_leg_created_after_the_caller_hung_up_begins_and_ends_without_a_second_call() -> None:
    fold = CallFold()
    parked_caller(fold)
    out = take(fold, ended(CALLER, 2, inbound(CUSTOMER_TAGS)))
    out += take(fold, m.LegCreated(AGENT, at(2.1), outbound(AGENT_TAGS)), ended(AGENT, 3, outbound(AGENT_TAGS)))
    kinds = [type(item.payload) for item in out]
    assert kinds.count(told.CallArrived) == 0
    assert kinds.count(told.CallEnded) == 1
    assert kinds.count(told.LegEnded) == 2


def test_early_media_of_an_answer_is_no_ringing_of_the_caller() -> None:
    fold = CallFold()
    parked_caller(fold)
    out = take(fold, m.LegEarlyMedia(CALLER, at(0.1)), m.LegAnswered(CALLER, at(0.1), CUSTOMER_TAGS))
    assert [type(item.payload) for item in out] == [told.LegAnswered]


def test_a_registered_phone_that_dials_by_hand_makes_an_internal_call() -> None:
    fold = CallFold()
    out = take(fold, m.LegCreated(PHONE, at(0), inbound(user="1001")), m.LegAnswered(PHONE, at(1)))
    arrived = out[0].payload
    assert isinstance(arrived, told.CallArrived)
    assert (arrived.direction, arrived.role) == (Direction.INTERNAL, LegRole.PHONE)


def test_the_agents_state_follows_ringing_answer_bridge_and_hold() -> None:
    fold = CallFold()
    parked_caller(fold)
    states = []
    for fact in (
        m.LegCreated(AGENT, at(3), outbound(AGENT_TAGS)),
        m.LegRinging(AGENT, at(3.1)),
        m.LegAnswered(AGENT, at(5), AGENT_TAGS),
        m.LegParked(AGENT, at(5), outbound(AGENT_TAGS)),
        m.LegsBridged(CALLER, at(5.1), AGENT),
        m.LegHeld(AGENT, at(6)),
        m.LegResumed(AGENT, at(7)),
        ended(AGENT, 8, outbound(AGENT_TAGS)),
    ):
        take(fold, fact)
        states.append(fold.book.legs[AGENT].state.value)
    assert states == ["initiated", "alerting", "connected", "queued", "connected", "held", "connected", "null"]


def test_a_bridge_told_twice_or_after_its_end_joins_nobody_again() -> None:
    fold = CallFold()
    parked_caller(fold)
    take(fold, m.LegCreated(AGENT, at(3), outbound(AGENT_TAGS)), m.LegAnswered(AGENT, at(5), AGENT_TAGS))
    bridge, unbridge = m.LegsBridged(CALLER, at(5.1), AGENT), m.LegsUnbridged(CALLER, at(5.1), AGENT)
    out = take(fold, bridge, bridge, unbridge, bridge, unbridge)
    assert [type(item.payload) for item in out] == [told.LegsBridged, told.LegsUnbridged]


def test_a_new_partner_ends_the_bridge_with_the_old_one_first() -> None:
    fold = CallFold()
    parked_caller(fold)
    other = LegId("other-agent")
    for leg in (AGENT, other):
        take(fold, m.LegCreated(leg, at(3), outbound(AGENT_TAGS)), m.LegAnswered(leg, at(4)))
    out = take(fold, m.LegsBridged(CALLER, at(5), AGENT), m.LegsBridged(other, at(6), CALLER))
    pairs = [
        (type(item.payload).__name__, item.payload.leg_id) for item in out if isinstance(item.payload, told.LegPayload)
    ]
    assert pairs == [("LegsBridged", "caller"), ("LegsUnbridged", "caller"), ("LegsBridged", "other-agent")]


def test_a_fact_about_a_leg_nobody_told_of_makes_it_wanted() -> None:
    fold = CallFold()
    assert take(fold, m.LegAnswered(AGENT, at(1))) == []
    assert fold.wanted == {AGENT: FS1}


def test_a_leg_heard_of_only_by_its_record_is_told_whole() -> None:
    fold = CallFold()
    out = take(fold, ended(CALLER, 4, inbound(CUSTOMER_TAGS)))
    kinds = [type(item.payload) for item in out]
    assert kinds == [told.CallArrived, told.LegStarted, told.LegAnswered, told.LegEnded, told.CallEnded]
    assert out[-2].payload.model_dump()["talk_ms"] == 3000


def test_the_phone_that_is_rung_first_for_a_call_between_colleagues_rings() -> None:
    fold = CallFold()
    tags = {"ipcc_call_id": PHONE, "ipcc_role": "agent", "ipcc_owner": "ctiserver", "ipcc_direction": "internal"}
    told_now = take(fold, m.LegCreated(PHONE, at(0), outbound(tags)), m.LegRinging(PHONE, at(0.1)))
    assert isinstance(told_now[-1].payload, told.LegRinging)
    leg = fold.book.leg(PHONE)
    assert leg is not None
    assert leg.state is LegState.ALERTING
