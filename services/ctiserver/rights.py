"""Who may do what to which call: agents to their own, supervisors and the bank's systems to all."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path

from ipcc.auth.principal import Principal, Role
from ipcc.call.model import Call, Leg
from ipcc.errors import NotAllowed
from ipcc.http.service import provided
from services.ctiserver.usecases import CallControl

Id = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")]
Control = Annotated[CallControl, Depends(provided(CallControl))]

OVER_ALL = (Role.SUPERVISOR, Role.SYSTEM)


def check_self(who: Principal, agent_id: str) -> None:
    """Raises NotAllowed (agent.other)."""
    if who.subject != agent_id and not who.has(*OVER_ALL):
        raise NotAllowed("agent.other", f"{who.subject} may not act for {agent_id}")


def check_leg(who: Principal, leg: Leg) -> None:
    """Raises NotAllowed (leg.other)."""
    if leg.agent_id != who.subject and not who.has(*OVER_ALL):
        raise NotAllowed("leg.other", f"{who.subject} may not control leg {leg.leg_id}")


def check_call(who: Principal, call: Call, control: CallControl) -> None:
    """Raises NotAllowed (call.other)."""
    if not control.has_part(who.subject, call) and not who.has(*OVER_ALL):
        raise NotAllowed("call.other", f"{who.subject} has no part in call {call.call_id}")


def check_drop(who: Principal, leg: Leg, control: CallControl) -> None:
    """Whether he may end this leg: his own, and those of the conference he is in. Raises NotAllowed."""
    if leg.room and control.is_in_room(who.subject, leg):
        return
    check_leg(who, leg)
