"""Call control over HTTP: parse, authorise, call a use case, answer when the switch has done it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header

from ipcc.auth.guard import CurrentPrincipal, require
from ipcc.auth.principal import Principal, Role
from services.ctiserver.core.control import Verb
from services.ctiserver.dialling import Asker
from services.ctiserver.rights import OVER_ALL, Control, Id, check_drop, check_leg, check_self
from services.ctiserver.schemas import DigitsBody, LegView, ModeBody, TargetBody
from services.ctiserver.usecases import Ask

router = APIRouter(prefix="/v1", tags=["call control"])

RequestId = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        max_length=64,
        pattern=r"^[A-Za-z0-9_.:-]*$",
        description="The same request with the same key is done once and answered alike, for ten minutes.",
    ),
]
Supervisor = Annotated[Principal, Depends(require(*OVER_ALL))]


def asker_of(who: Principal, request_id: str = "") -> Asker:
    """Who asks, by which request."""
    return Asker(who.subject, frozenset(role.value for role in Role if who.has(role)), request_id)


async def do(ask: Ask, who: Principal, control: Control, request_id: str) -> LegView:
    """Authorise and carry out one order about one leg."""
    leg = control.leg(ask.leg_id)
    if ask.verb is Verb.HANG_UP:
        check_drop(who, leg, control)
    else:
        check_leg(who, leg)
    return LegView.of(await control.do(ask, asker_of(who, request_id)))


@router.post("/agents/{agent_id}/dial", summary="Ring the agent's phone, then whom he wants")
async def dial(agent_id: Id, body: TargetBody, who: CurrentPrincipal, control: Control, key: RequestId = "") -> LegView:
    check_self(who, agent_id)
    return LegView.of(await control.dial(agent_id, body.to, asker_of(who, key)))


@router.post("/legs/{leg_id}/answer", summary="The ringing phone answers by itself, if it can")
async def answer(leg_id: Id, who: CurrentPrincipal, control: Control, key: RequestId = "") -> LegView:
    return await do(Ask(Verb.ANSWER, leg_id), who, control, key)


@router.post("/legs/{leg_id}/hang-up", summary="End the leg; in a conference also that of another party")
async def hang_up(leg_id: Id, who: CurrentPrincipal, control: Control, key: RequestId = "") -> LegView:
    return await do(Ask(Verb.HANG_UP, leg_id), who, control, key)


@router.post("/legs/{leg_id}/hold", summary="The party at this leg puts the other on hold, with music")
async def hold(leg_id: Id, who: CurrentPrincipal, control: Control, key: RequestId = "") -> LegView:
    return await do(Ask(Verb.HOLD, leg_id), who, control, key)


@router.post("/legs/{leg_id}/retrieve", summary="The party at this leg takes back who is on hold or waits for him")
async def retrieve(leg_id: Id, who: CurrentPrincipal, control: Control, key: RequestId = "") -> LegView:
    return await do(Ask(Verb.RETRIEVE, leg_id), who, control, key)


@router.post("/legs/{leg_id}/mute", summary="Nobody hears what he says")
async def mute(leg_id: Id, who: CurrentPrincipal, control: Control, key: RequestId = "") -> LegView:
    return await do(Ask(Verb.MUTE, leg_id), who, control, key)


@router.post("/legs/{leg_id}/unmute", summary="He is heard again")
async def unmute(leg_id: Id, who: CurrentPrincipal, control: Control, key: RequestId = "") -> LegView:
    return await do(Ask(Verb.UNMUTE, leg_id), who, control, key)


@router.post("/legs/{leg_id}/digits", summary="Key digits to the other party")
async def send_digits(
    leg_id: Id, body: DigitsBody, who: CurrentPrincipal, control: Control, key: RequestId = ""
) -> LegView:
    ask = Ask(Verb.SEND_DIGITS, leg_id, digits=body.digits.get_secret_value())
    return await do(ask, who, control, key)


@router.post("/legs/{leg_id}/transfer", summary="Send the other party on: to a number, an agent, a phone or a queue")
async def transfer(
    leg_id: Id, body: TargetBody, who: CurrentPrincipal, control: Control, key: RequestId = ""
) -> LegView:
    return await do(Ask(Verb.TRANSFER, leg_id, body.to), who, control, key)


@router.post("/legs/{leg_id}/consult", summary="Dial a third while the other party waits with music")
async def consult(
    leg_id: Id, body: TargetBody, who: CurrentPrincipal, control: Control, key: RequestId = ""
) -> LegView:
    return await do(Ask(Verb.CONSULT, leg_id, body.to), who, control, key)


@router.post("/legs/{leg_id}/alternate", summary="Talk to the one who waits; the other one waits")
async def alternate(leg_id: Id, who: CurrentPrincipal, control: Control, key: RequestId = "") -> LegView:
    return await do(Ask(Verb.ALTERNATE, leg_id), who, control, key)


@router.post("/legs/{leg_id}/complete", summary="Leave the two others to each other")
async def complete(leg_id: Id, who: CurrentPrincipal, control: Control, key: RequestId = "") -> LegView:
    return await do(Ask(Verb.COMPLETE, leg_id), who, control, key)


@router.post("/legs/{leg_id}/cancel", summary="Let the third go and talk to the one who waits")
async def cancel(leg_id: Id, who: CurrentPrincipal, control: Control, key: RequestId = "") -> LegView:
    return await do(Ask(Verb.CANCEL, leg_id), who, control, key)


@router.post("/legs/{leg_id}/conference", summary="Everybody he talks to or who waits for him, together")
async def confer(leg_id: Id, who: CurrentPrincipal, control: Control, key: RequestId = "") -> LegView:
    return await do(Ask(Verb.CONFERENCE, leg_id), who, control, key)


@router.post("/legs/{leg_id}/add", summary="Dial one more into the conference")
async def add(leg_id: Id, body: TargetBody, who: CurrentPrincipal, control: Control, key: RequestId = "") -> LegView:
    return await do(Ask(Verb.ADD, leg_id, body.to), who, control, key)


@router.post("/legs/{leg_id}/park", summary="The other party waits for whoever picks him up")
async def park(leg_id: Id, who: CurrentPrincipal, control: Control, key: RequestId = "") -> LegView:
    return await do(Ask(Verb.PARK, leg_id), who, control, key)


@router.post("/agents/{agent_id}/pick-up/{leg_id}", summary="Ring the agent and join him to somebody parked")
async def pick_up(agent_id: Id, leg_id: Id, who: CurrentPrincipal, control: Control, key: RequestId = "") -> LegView:
    check_self(who, agent_id)
    return LegView.of(await control.pick_up(agent_id, leg_id, asker_of(who, key)))


@router.post("/legs/{leg_id}/supervise", summary="Ring the supervisor and let him hear this agent's leg")
async def supervise(leg_id: Id, body: ModeBody, who: Supervisor, control: Control, key: RequestId = "") -> LegView:
    return LegView.of(await control.watch(who.subject, leg_id, body.mode, asker_of(who, key)))


@router.put("/legs/{leg_id}/supervision", summary="Listen, whisper or barge; the leg is the supervisor's")
async def change_mode(leg_id: Id, body: ModeBody, who: Supervisor, control: Control, key: RequestId = "") -> LegView:
    check_leg(who, control.leg(leg_id))
    return LegView.of(await control.change_mode(leg_id, body.mode, asker_of(who, key)))


@router.post("/legs/{leg_id}/intercept", summary="Take over the call of an agent's leg, or of the one listened to")
async def intercept(leg_id: Id, who: Supervisor, control: Control, key: RequestId = "") -> LegView:
    return LegView.of(await control.intercept(who.subject, leg_id, asker_of(who, key)))
