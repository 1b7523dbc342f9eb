"""Where an agent is rung: a phone of ours must be registered, a number outside is always there until it fails."""

from __future__ import annotations

import pytest

from ipcc.contracts.acd import AgentState, SetReady, SignIn
from ipcc.contracts.call import PhoneChanged
from ipcc.errors import NotNow
from services.acd.core.inputs import RingFailed
from services.acd.core.places import can_be_rung, is_known
from tests.unit.acd.world import NODE, World, user

PLACE = "demo/13900001001"


def test_a_number_outside_is_known_and_works_without_anybody_saying_so() -> None:
    world = World(agents=(user("ann"),))
    assert is_known(world.state, PLACE)
    assert can_be_rung(world.state, PLACE)
    assert not can_be_rung(world.state, "phone-nobody")
    world.give(SignIn(agent_id="ann", phone_id=PLACE, ready=True))
    assert world.stands("ann") == (AgentState.READY, "")


def test_two_agents_cannot_be_at_one_number() -> None:
    world = World(agents=(user("ann"), user("bob")))
    world.give(SignIn(agent_id="ann", phone_id=PLACE, ready=True))
    with pytest.raises(NotNow, match="ann is signed in"):
        world.give(SignIn(agent_id="bob", phone_id=PLACE))


@pytest.mark.parametrize(
    ("cause", "reason"),
    [("SUBSCRIBER_ABSENT", "unregistered"), ("USER_BUSY", "busy"), ("NETWORK_OUT_OF_ORDER", "failed")],
)
def test_one_that_failed_is_not_rung_again_by_itself(cause: str, reason: str) -> None:
    world = World(agents=(user("ann"),))
    world.give(SignIn(agent_id="ann", phone_id=PLACE, ready=True))
    world.call("c1")
    world.give(RingFailed(world.agent("ann").offer_id, cause))
    assert world.stands("ann") == (AgentState.NOT_READY, reason)
    assert world.agent("ann").until is None
    # what is said of phones does not concern him
    world.give(PhoneChanged(phone_id="phone-ann", registered=True, node_id=NODE))
    assert world.stands("ann") == (AgentState.NOT_READY, reason)
    world.give(SetReady(agent_id="ann"))
    assert world.stands("ann")[0] in (AgentState.READY, AgentState.OFFERED)
