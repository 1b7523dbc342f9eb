"""Call control over HTTP: parse, authorise, call a use case, answer when the switch has done it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Header

from ipcc.audit import Audit
from ipcc.auth.guard import CurrentPrincipal, require
from ipcc.auth.principal import Principal, Role
from ipcc.http.service import provided
from services.ctiserver.acts import About, told
from services.ctiserver.calling_back import CallingBack
from services.ctiserver.core.control import Verb
from services.ctiserver.dialling import Asker
from services.ctiserver.lines import Lines
from services.ctiserver.rights import OVER_ALL, Control, Id, check_drop, check_leg, check_self
from services.ctiserver.schemas import Answer, DigitsBody, LegView, LineBody, ModeBody, TargetBody
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
Calling = Annotated[CallingBack, Depends(provided(CallingBack))]
Told = Annotated[Audit, Depends(provided(Audit))]
Nailed = Annotated[Lines, Depends(provided(Lines))]
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


@router.post(
    "/agents/{agent_id}/line", summary="Ring the agent's phone once and leave it standing; he is signed in there"
)
async def nail_up(
    agent_id: Id, body: LineBody, who: CurrentPrincipal, lines: Nailed, audit: Told, key: RequestId = ""
) -> Answer:
    check_self(who, agent_id)
    async with told(audit, who.subject, "nail_up", About("agent", agent_id, agent_id)):
        return Answer(agent_id=agent_id, answer=dict(await lines.nail_up(agent_id, body.ready, asker_of(who, key))))


@router.delete("/agents/{agent_id}/line", summary="Hang up the agent's standing line", status_code=204)
async def end_line(agent_id: Id, who: CurrentPrincipal, lines: Nailed, audit: Told) -> None:
    check_self(who, agent_id)
    async with told(audit, who.subject, "end_line", About("agent", agent_id, agent_id)):
        await lines.end(agent_id)


@router.post(
    "/agents/{agent_id}/voicemails/{voicemail_id}/call-back",
    summary="Ring the agent's phone, then whoever left the voicemail he has taken",
)
async def call_back(
    agent_id: Id, voicemail_id: Id, who: CurrentPrincipal, calling: Calling, key: RequestId = ""
) -> LegView:
    check_self(who, agent_id)
    return LegView.of(await calling.call_back(agent_id, voicemail_id, asker_of(who, key)))


def _add(verb: Verb, path: str, summary: str, body: str = "") -> None:
    """One verb as one route; ``body`` says what it needs to know: "" (nothing), to (whom), digits."""

    async def bare(leg_id: Id, who: CurrentPrincipal, control: Control, key: RequestId = "") -> LegView:
        return await do(Ask(verb, leg_id), who, control, key)

    async def to(leg_id: Id, body: TargetBody, who: CurrentPrincipal, control: Control, key: RequestId = "") -> LegView:
        return await do(Ask(verb, leg_id, body.to), who, control, key)

    async def digits(
        leg_id: Id, body: DigitsBody, who: CurrentPrincipal, control: Control, key: RequestId = ""
    ) -> LegView:
        return await do(Ask(verb, leg_id, digits=body.digits.get_secret_value()), who, control, key)

    endpoints: dict[str, Callable[..., Awaitable[LegView]]] = {"": bare, "to": to, "digits": digits}
    router.add_api_route(
        f"/legs/{{leg_id}}/{path}", endpoints[body], methods=["POST"], summary=summary, name=verb.value
    )


_add(Verb.ANSWER, "answer", "The ringing phone answers by itself, if it can")
_add(Verb.HANG_UP, "hang-up", "End the leg; in a conference also that of another party")
_add(Verb.HOLD, "hold", "The party at this leg puts the other on hold, with music")
_add(Verb.RETRIEVE, "retrieve", "The party at this leg takes back who is on hold or waits for him")
_add(Verb.MUTE, "mute", "Nobody hears what he says")
_add(Verb.UNMUTE, "unmute", "He is heard again")
_add(Verb.SEND_DIGITS, "digits", "Key digits to the other party", "digits")
_add(Verb.TRANSFER, "transfer", "Send the other party on: to a number, an agent, a phone, a queue or a flow", "to")
_add(Verb.CONSULT, "consult", "Dial a third while the other party waits with music", "to")
_add(Verb.ALTERNATE, "alternate", "Talk to the one who waits; the other one waits")
_add(Verb.COMPLETE, "complete", "Leave the two others to each other")
_add(Verb.CANCEL, "cancel", "Let the third go and talk to the one who waits")
_add(Verb.CONFERENCE, "conference", "Everybody he talks to or who waits for him, together")
_add(Verb.ADD, "add", "Dial one more into the conference", "to")
_add(Verb.PARK, "park", "The other party waits for whoever picks him up")
_add(
    Verb.SEND_TO_FLOW,
    "send-to-flow",
    "The customer walks through a flow and comes back; answered when it has begun",
    "to",
)
_add(Verb.TAKE_BACK, "take-back", "Take the customer back before his flow is over")


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
