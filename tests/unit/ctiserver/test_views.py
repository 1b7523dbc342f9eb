"""What REST shows of calls and legs: what its page names, read from the models, and nothing else they hold."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

from ipcc.call.model import Call, FlowStay, Leg
from ipcc.contracts.call import Direction
from ipcc.contracts.tags import LegRole
from ipcc.ids import CallId, LegId, NodeId
from services.ctiserver.schemas import CallView, LegView

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
LEG = Leg(
    leg_id=LegId("l1"),
    call_id=CallId("c1"),
    node_id=NodeId("fs1"),
    role=LegRole.CUSTOMER,
    started_at=NOON,
    address="13800000001",
    answered_at=NOON + timedelta(seconds=1),
    is_held=True,
    hangup_cause="inner",
    in_flow=FlowStay("secret-session", "verify", NOON),
    consults=LegId("other"),
)
CALL = Call(CallId("c1"), NodeId("fs1"), Direction.INBOUND, NOON, "13800000001", "Li", "95500", data={"case": "7"})
INNER = {"rang_at", "is_lost", "hangup_cause", "is_held", "is_parked", "consults", "bridging", "holding"}


def test_a_leg_is_shown_with_the_words_of_its_state_and_the_name_of_its_flow() -> None:
    shown = LegView.of(LEG).model_dump(mode="json")
    assert (shown["role"], shown["state"], shown["in_flow"]) == ("customer", "held", "verify")
    assert (shown["address"], shown["bridged_to"], shown["ended_at"]) == ("13800000001", None, None)
    assert type(LegView.of(LEG).role) is str
    assert LegView.of(dataclasses.replace(LEG, in_flow=None)).in_flow == ""
    # shown as it was shown once, an answer is read again
    assert LegView.model_validate(shown) == LegView.of(LEG)


def test_nothing_is_shown_that_the_page_does_not_name() -> None:
    shown = LegView.of(LEG).model_dump_json()
    assert {field.name for field in dataclasses.fields(Leg)} - LegView.model_fields.keys() == INNER
    for hidden in (*INNER, "secret-session", "inner"):
        assert hidden not in shown


def test_a_call_is_shown_with_its_legs() -> None:
    shown = CallView.of(CALL, [LEG]).model_dump(mode="json")
    assert (shown["direction"], shown["data"], shown["cause"]) == ("inbound", {"case": "7"}, "")
    assert [leg["leg_id"] for leg in shown["legs"]] == ["l1"]
    assert {field.name for field in dataclasses.fields(Call)} - shown.keys() == {"leg_ids", "live"}
