"""Facts of calls as CSTA events: whatever is told, in whatever order, gives events that can be written, and none twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from ipcc.contracts import call as told
from ipcc.contracts.call import Direction
from ipcc.contracts.payload import Payload
from ipcc.contracts.tags import LegRole
from services.ctiserver.core.csta import CstaEvent
from services.ctiserver.core.csta_calls import _FAILED, CstaCalls

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
LEGS = ("c", "a", "t", "s")
ROLES = {"c": LegRole.CUSTOMER, "a": LegRole.AGENT, "t": LegRole.CONSULT, "s": LegRole.SUPERVISOR}
NUMBERS = {"c": "13800000001", "a": "1001", "t": "1002", "s": "1005"}


def at(leg: str) -> dict[str, str]:
    return {"call_id": "c", "leg_id": leg, "node_id": "fs1"}


def arrived() -> told.CallArrived:
    return told.CallArrived(**at("c"), direction=Direction.INBOUND, caller_number=NUMBERS["c"], dialled_number="95500")


def started(leg: str, owner: str = "acd") -> told.LegStarted:
    return told.LegStarted(**at(leg), role=ROLES[leg], address=NUMBERS[leg], owner="" if leg == "c" else owner)


def joined(leg: str, other: str) -> told.LegsBridged:
    return told.LegsBridged(**at(leg), other_leg_id=other)


def ended(leg: str, cause: str = "NORMAL_CLEARING") -> told.LegEnded:
    return told.LegEnded(**at(leg), cause=cause)


TALKING = (
    arrived(),
    started("c"),
    told.LegAnswered(**at("c")),
    started("a"),
    told.LegRinging(**at("a")),
    told.LegAnswered(**at("a")),
    joined("c", "a"),
)
CONSULTING = (
    told.PartyHeld(**at("c"), by_leg_id="a"),
    told.ConsultStarted(**at("a"), consult_leg_id="t"),
    told.LegsUnbridged(**at("c"), other_leg_id="a"),
    started("t"),
    told.LegRinging(**at("t")),
    told.LegAnswered(**at("t")),
    joined("a", "t"),
)


def events_of(*facts: Payload, calls: CstaCalls | None = None) -> list[CstaEvent]:
    calls = calls or CstaCalls()
    moments = (START + timedelta(milliseconds=20 * number) for number in range(len(facts)))
    return [event for fact, moment in zip(facts, moments, strict=True) for event in calls.take(fact, moment)]


def names(events: list[CstaEvent], device: str) -> list[str]:
    return [event.name.removesuffix("Event") for event in events if event.device == device]


def test_who_hangs_up_in_a_consult_is_cleared_and_the_two_left_are_told_of_their_transfer() -> None:
    calls = CstaCalls()
    events_of(*TALKING, *CONSULTING, calls=calls)
    after = events_of(ended("a"), joined("c", "t"), ended("t"), calls=calls)
    assert names(after, "1001") == ["ConnectionCleared", "ConnectionCleared"]
    assert names(after, "1002") == ["ConnectionCleared", "Transfered", "ConnectionCleared"]


def test_who_listens_in_is_not_told_to_those_he_listens_to() -> None:
    calls = CstaCalls()
    events_of(*TALKING, calls=calls)
    facts = (started("s"), told.LegRinging(**at("s")), told.LegAnswered(**at("s")), ended("s"))
    assert events_of(*facts, calls=calls) == []


def test_a_customer_put_into_a_queue_by_his_agent_is_transferred_to_nobody_known() -> None:
    calls = CstaCalls()
    events_of(*TALKING, calls=calls)
    facts = (
        told.PartyHeld(**at("c"), by_leg_id="a"),
        told.LegsUnbridged(**at("c"), other_leg_id="a"),
        told.PartyRetrieved(**at("c")),
        ended("a"),
    )
    after = events_of(*facts, calls=calls)
    assert names(after, "1001") == ["Held", "Transfered"]
    assert "<transferredToDevice><notKnown" in after[-1].text("1")


def test_why_a_call_failed_is_said_in_the_standards_words() -> None:
    assert set(_FAILED.values()) <= CAUSES


def test_a_fact_told_again_tells_nothing_again() -> None:
    calls = CstaCalls()
    events_of(*TALKING, ended("a"), calls=calls)
    assert events_of(started("a"), ended("a"), told.LegHeld(**at("a")), calls=calls) == []


_PEOPLE = ("callingDevice", "calledDevice", "lastRedirectionDevice")
_TAIL = ("localConnectionInfo", "cause")
ELEMENTS: dict[str, tuple[str, ...]] = {
    "ServiceInitiatedEvent": ("initiatedConnection", "initiatingDevice", *_TAIL),
    "OriginatedEvent": ("originatedConnection", "callingDevice", "calledDevice", *_TAIL),
    "DeliveredEvent": ("connection", "alertingDevice", *_PEOPLE, *_TAIL),
    "EstablishedEvent": ("establishedConnection", "answeringDevice", *_PEOPLE, *_TAIL),
    "HeldEvent": ("heldConnection", "holdingDevice", *_TAIL),
    "RetrievedEvent": ("retrievedConnection", "retrievingDevice", *_TAIL),
    "FailedEvent": ("failedConnection", "failingDevice", *_PEOPLE, *_TAIL),
    "DivertedEvent": ("connection", "divertingDevice", "newDestination", *_PEOPLE, *_TAIL),
    "ConnectionClearedEvent": ("droppedConnection", "releasingDevice", *_TAIL),
    "TransferedEvent": (
        "primaryOldCall",
        "secondaryOldCall",
        "transferringDevice",
        "transferredToDevice",
        "transferredConnections",
        *_TAIL,
    ),
    "ConferencedEvent": (
        "primaryOldCall",
        "secondaryOldCall",
        "conferencingDevice",
        "addedParty",
        "conferenceConnections",
        *_TAIL,
    ),
}
"""The elements of each event in the order of ECMA-285's sequences and of messages real switches sent; left out: optional ones we
never write. The element of a transfer is spelt with one r in ECMA-323."""
OPTIONAL = {"secondaryOldCall"}
CAUSES = frozenset(
    [
        "alternate",
        "busy",
        "callForwardNoAnswer",
        "callNotAnswered",
        "conference",
        "consultation",
        "destNotObtainable",
        "destOutOfOrder",
        "incompatibleDestination",
        "makeCall",
        "networkCongestion",
        "networkOutOfOrder",
        "newCall",
        "normal",
        "normalClearing",
        "numberUnallocated",
        "redirected",
        "singleStepTransfer",
        "transfer",
    ]
)
"""Those of the event causes of ECMA-285 (9.18) that we have a use for."""


def check_order(text: str) -> None:
    """Every element that must be there is, once, in the standard's order."""
    root = ElementTree.fromstring(text[4:])  # noqa: S314  what our own service wrote
    found = [one.tag.rpartition("}")[2] for one in root]
    name = root.tag.rpartition("}")[2]
    wanted = ["monitorCrossRefID", *(one for one in ELEMENTS[name] if one not in OPTIONAL or one in found)]
    assert found == wanted, name
    assert root[-1].text in CAUSES


_LEG = st.sampled_from(LEGS)
_ABOUT_ONE = st.sampled_from(
    (
        told.LegRinging,
        told.LegAnswered,
        told.LegHeld,
        told.LegResumed,
        told.PartyRetrieved,
        told.LegMuted,
    )
)
_FACTS = st.one_of(
    st.just(arrived()),
    st.builds(started, _LEG, st.sampled_from(("acd", "ctiserver"))),
    st.builds(lambda kind, leg: kind(**at(leg)), _ABOUT_ONE, _LEG),
    st.builds(joined, _LEG, _LEG),
    st.builds(lambda leg, other: told.LegsUnbridged(**at(leg), other_leg_id=other), _LEG, _LEG),
    st.builds(lambda leg, by: told.PartyHeld(**at(leg), by_leg_id=by), _LEG, st.sampled_from((*LEGS, ""))),
    st.builds(lambda leg, by: told.ConsultStarted(**at(leg), consult_leg_id=by), _LEG, _LEG),
    st.builds(lambda leg, by: told.PartyTransferred(**at(leg), by_leg_id=by, address="1002"), _LEG, _LEG),
    st.builds(lambda leg: told.LegConferenced(**at(leg), room="c"), _LEG),
    st.builds(ended, _LEG, st.sampled_from(("NORMAL_CLEARING", "USER_BUSY", "NO_ANSWER"))),
    st.just(told.CallEnded(call_id="c", cause="NORMAL_CLEARING", duration_ms=1)),
)


@given(st.lists(_FACTS, max_size=30))
def test_whatever_is_told_gives_events_that_can_be_written(facts: list[Payload]) -> None:
    calls = CstaCalls()
    for event in events_of(arrived(), started("c"), started("a"), started("t"), *facts, calls=calls):
        assert event.device
        assert event.text("1").startswith("9999<")
        check_order(event.text("1"))
    for device in NUMBERS.values():
        assert all(state for _, state in calls.snapshot(device))
