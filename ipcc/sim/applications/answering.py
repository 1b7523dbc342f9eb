"""answer, pre_answer, ring_ready, hangup, respond: applications that are one SIP move each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim import causes, signalling
from ipcc.sim.hangup import hang_up

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.timeline import Steps

# SIP codes the respond application turns into the cause that gives this code to the caller
_RESPONSES = {code: cause for cause, code in reversed(causes.TO_SIP.items())}


def answer(channel: Channel, argument: str) -> Steps:
    del argument
    yield from signalling.answering(channel)


def pre_answer(channel: Channel, argument: str) -> None:
    del argument
    signalling.pre_answer(channel)


def ring_ready(channel: Channel, argument: str) -> None:
    del argument
    signalling.ring_ready(channel)


def hangup(channel: Channel, argument: str) -> None:
    """Without a cause the call clears normally."""
    hang_up(channel, causes.name_of(argument.strip()) if argument.strip() else causes.NORMAL_CLEARING)


def respond(channel: Channel, argument: str) -> None:
    """Refuse an unanswered call with a SIP code."""
    code = argument.strip().partition(" ")[0]
    hang_up(channel, _RESPONSES.get(int(code), "CALL_REJECTED") if code.isdigit() else "CALL_REJECTED")
