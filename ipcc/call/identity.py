"""Who a leg is and which call it belongs to, read from what the switch knows of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ipcc.contracts import call as told
from ipcc.contracts import tags
from ipcc.contracts.call import Direction
from ipcc.contracts.tags import LegRole
from ipcc.esl.meaning import LegDirection, LegFacts
from ipcc.ids import CallId, LegId, NodeId

# set by our dialplan (freeswitch/conf), which knows what the caller wants: a colleague, or a number outside
_DIRECTION = "ipcc_direction"
_DIALLED = "ipcc_dialled"
_DIRECTIONS: Mapping[str, Direction] = {direction.value: direction for direction in Direction}
_ROLES: Mapping[str, LegRole] = {role.value: role for role in LegRole}


def role_of(facts: LegFacts) -> LegRole:
    """The role in its tag; an untagged leg of a registered phone is somebody dialling by hand."""
    tagged = _ROLES.get(facts.variables.get(tags.ROLE, ""))
    if tagged is not None:
        return tagged
    by_hand = facts.direction is LegDirection.INBOUND and bool(facts.user)
    return LegRole.PHONE if by_hand else LegRole.UNKNOWN


def call_tag(facts: LegFacts) -> CallId | None:
    """The call named by the leg's tag."""
    named = facts.variables.get(tags.CALL_ID, "")
    return CallId(named) if named else None


def direction_of(facts: LegFacts) -> Direction:
    """Who started a call that begins with this leg."""
    tagged = _DIRECTIONS.get(facts.variables.get(_DIRECTION, ""))
    if tagged is not None:
        return tagged
    if facts.direction is LegDirection.OUTBOUND:
        return Direction.OUTBOUND
    return Direction.INTERNAL if role_of(facts) is LegRole.PHONE else Direction.INBOUND


def arrival(call_id: CallId, leg_id: LegId, node_id: NodeId, facts: LegFacts, *, resynced: bool) -> told.CallArrived:
    """The call that begins with this leg."""
    return told.CallArrived(
        call_id=call_id,
        resynced=resynced,
        node_id=node_id,
        leg_id=leg_id,
        direction=direction_of(facts),
        role=role_of(facts),
        caller_number=facts.caller_number,
        caller_name=facts.caller_name,
        dialled_number=facts.variables.get(_DIALLED, "") or facts.dialled,
        trunk=facts.trunk or facts.gateway,
        owner=facts.variables.get(tags.OWNER, ""),
    )


def beginning(call_id: CallId, leg_id: LegId, node_id: NodeId, facts: LegFacts, *, resynced: bool) -> told.LegStarted:
    """This leg as a member of its call."""
    inbound = facts.direction is LegDirection.INBOUND
    return told.LegStarted(
        call_id=call_id,
        resynced=resynced,
        leg_id=leg_id,
        node_id=node_id,
        role=role_of(facts),
        address=facts.user or (facts.caller_number if inbound else facts.dialled),
        owner=facts.variables.get(tags.OWNER, ""),
        offer_id=facts.variables.get(tags.OFFER_ID, ""),
        agent_id=facts.variables.get(tags.AGENT_ID, ""),
    )


def milliseconds(start: datetime, end: datetime) -> int:
    """The time between, never less than nothing: two clocks may be involved."""
    return max(0, round((end - start).total_seconds() * 1000))
