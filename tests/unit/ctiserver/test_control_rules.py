"""Which verb is legal in which state."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ipcc.call.model import Leg, LegState
from ipcc.contracts.tags import LegRole
from ipcc.errors import Invalid, NotNow
from ipcc.ids import CallId, LegId, NodeId
from ipcc.logging import SECRET_KEYS
from services.ctiserver.core.control import GOAL, LEGAL, Verb, check_data, check_legal

T0 = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
INITIATED = Leg(LegId("a"), CallId("c"), NodeId("fs1"), LegRole.AGENT, T0)
CONNECTED = replace(INITIATED, answered_at=T0, bridged_to=LegId("c"))
BY_STATE = {
    LegState.INITIATED: INITIATED,
    LegState.ALERTING: replace(INITIATED, rang_at=T0),
    LegState.CONNECTED: CONNECTED,
    LegState.HELD: replace(CONNECTED, is_held=True),
    LegState.QUEUED: replace(INITIATED, answered_at=T0, is_parked=True),
    LegState.NULL: replace(CONNECTED, ended_at=T0),
    LegState.FAILED: replace(INITIATED, ended_at=T0),
}


@pytest.mark.parametrize("verb", list(Verb))
@pytest.mark.parametrize("state", list(LegState))
def test_a_verb_is_refused_by_name_in_any_state_but_those_of_the_table(verb: Verb, state: LegState) -> None:
    leg = BY_STATE[state]
    assert leg.state is state
    if state in LEGAL[verb]:
        check_legal(verb, leg)
    else:
        with pytest.raises(NotNow) as refused:
            check_legal(verb, leg)
        assert refused.value.code == "leg.wrong_state"
        assert state.value in refused.value.message


def test_nobody_is_put_on_hold_by_a_leg_that_hears_nobody() -> None:
    with pytest.raises(NotNow):
        check_legal(Verb.HOLD, replace(CONNECTED, bridged_to=None))


def test_no_verb_is_legal_where_it_leads() -> None:
    for verb in Verb:
        assert not LEGAL[verb] & GOAL[verb]


@pytest.mark.parametrize("key", ["pin", "card_no", "card-number", "cvv", "pass.word", "otp"])
def test_secrets_are_never_attached(key: str) -> None:
    with pytest.raises(Invalid, match="secret"):
        check_data({key: "1"}, SECRET_KEYS)
