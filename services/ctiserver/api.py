"""HTTP and WebSocket in: parse, authorise, call a use case, answer."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.websockets import WebSocket

from ipcc.audit import Act, Audit
from ipcc.auth.guard import CurrentPrincipal, require
from ipcc.auth.principal import Principal, Role
from ipcc.call.model import Call
from ipcc.contracts.acd import AgentState
from ipcc.dialling import is_outside
from ipcc.errors import NotAllowed, Unavailable
from ipcc.http.pagination import Page, PageQuery, page_of
from ipcc.http.service import provided
from ipcc.ids import new_id
from services.ctiserver.consumers import DesktopFeed
from services.ctiserver.control_api import asker_of
from services.ctiserver.core.control import check_identity
from services.ctiserver.core.desktop import Desktops
from services.ctiserver.directory import Directory, does_serve
from services.ctiserver.presence import Attendance
from services.ctiserver.rights import OVER_ALL, Control, Id, check_call, check_leg, check_self
from services.ctiserver.schemas import (
    AgentView,
    Answer,
    CallView,
    DataBody,
    LegView,
    NotReadyBody,
    PhoneView,
    SignInBody,
    SignOutBody,
    WrapUpBody,
)
from services.ctiserver.stream import DesktopHub
from services.ctiserver.usecases import AgentDesk, CallControl

router = APIRouter(prefix="/v1", tags=["ctiserver"])

Desk = Annotated[AgentDesk, Depends(provided(AgentDesk))]
AuditHere = Annotated[Audit, Depends(provided(Audit))]
Known = Annotated[Directory, Depends(provided(Directory))]
Shown = Annotated[Desktops, Depends(provided(Desktops))]
Feed = Annotated[DesktopFeed, Depends(provided(DesktopFeed))]
Stream = Annotated[DesktopHub, Depends(provided(DesktopHub))]
Seats = Annotated[Attendance, Depends(provided(Attendance))]

Overseer = Annotated[Principal, Depends(require(Role.SUPERVISOR, Role.SYSTEM, Role.ADMINISTRATOR))]


def _told(
    audit: Audit, who: Principal, act: str, agent_id: str, **how: object
) -> AbstractAsyncContextManager[Act | None]:
    """Audited when somebody does it to another; of himself his state tells it."""
    if who.subject == agent_id:
        return nullcontext()
    return audit.act(who.subject, act, "agent", agent_id, **how)


def _view(call: Call, control: CallControl) -> CallView:
    legs = (control.ear.book.leg(leg_id) for leg_id in call.leg_ids)
    return CallView.of(call, [leg for leg in legs if leg])


@router.post(
    "/agents/{agent_id}/sign-in", summary="The agent is here, at a phone that is registered or a number outside"
)
async def sign_in(agent_id: Id, body: SignInBody, who: CurrentPrincipal, desk: Desk, audit: AuditHere) -> Answer:
    async with _told(audit, who, "sign_in", agent_id):
        check_self(who, agent_id)
        if body.number is not None:
            answer = await desk.sign_in_outside(agent_id, body.number, body.ready)
        else:
            answer = await desk.sign_in(agent_id, body.phone, body.ready)
    return Answer(agent_id=agent_id, answer=dict(answer))


@router.post("/agents/{agent_id}/sign-out", summary="The agent goes")
async def sign_out(
    agent_id: Id, who: CurrentPrincipal, desk: Desk, audit: AuditHere, body: SignOutBody | None = None
) -> Answer:
    force = body is not None and body.force
    async with _told(audit, who, "sign_out", agent_id, force=force):
        check_self(who, agent_id)
        if force and not who.has(*OVER_ALL):
            raise NotAllowed("agent.force", "only a supervisor signs an agent out by force")
        return Answer(agent_id=agent_id, answer=dict(await desk.sign_out(agent_id, force)))


@router.post("/agents/{agent_id}/ready", summary="The agent takes contacts")
async def set_ready(agent_id: Id, who: CurrentPrincipal, desk: Desk, audit: AuditHere) -> Answer:
    async with _told(audit, who, "set_ready", agent_id):
        check_self(who, agent_id)
        return Answer(agent_id=agent_id, answer=dict(await desk.set_ready(agent_id)))


@router.post("/agents/{agent_id}/not-ready", summary="The agent takes no contacts, for a reason")
async def set_not_ready(
    agent_id: Id, body: NotReadyBody, who: CurrentPrincipal, desk: Desk, audit: AuditHere
) -> Answer:
    by = "" if who.subject == agent_id else who.subject
    async with _told(audit, who, "set_not_ready", agent_id, reason=body.reason):
        check_self(who, agent_id)
        return Answer(agent_id=agent_id, answer=dict(await desk.set_not_ready(agent_id, body.reason, by)))


@router.post("/agents/{agent_id}/wrap-up/end", summary="The after-call work is done")
async def end_wrap_up(
    agent_id: Id, who: CurrentPrincipal, desk: Desk, audit: AuditHere, body: WrapUpBody | None = None
) -> Answer:
    code = body.code if body else ""
    async with _told(audit, who, "end_wrap_up", agent_id, code=code):
        check_self(who, agent_id)
        return Answer(agent_id=agent_id, answer=dict(await desk.end_wrap_up(agent_id, code)))


@router.get("/agents/{agent_id}", summary="The agent's last known state, his offers and legs")
async def get_agent(agent_id: Id, who: CurrentPrincipal, known: Known, shown: Shown, control: Control) -> AgentView:
    check_self(who, agent_id)
    user = known.agent(agent_id)
    now = shown.agents.get(agent_id)
    legs = [control.ear.book.leg(leg_id) for leg_id in shown.agent_legs(agent_id)]
    changed = now.changed if now else None
    phone_id = changed.phone_id if changed else ""
    phone = known.phone_state(phone_id)
    return AgentView(
        agent_id=agent_id,
        name=user.name,
        state=changed.state if changed else AgentState.OUT,
        reason=changed.reason if changed else "",
        since=now.since if now else None,
        until=changed.until if changed else None,
        phone_id=phone_id,
        phone_registered=is_outside(phone_id) or bool(phone and phone.registered),
        call_id=changed.call_id if changed else "",
        offer_id=changed.offer_id if changed else "",
        offers=shown.offers_to(agent_id),
        legs=[LegView.of(leg) for leg in legs if leg],
        voicemails=shown.voicemails.of(partial(does_serve, known, agent_id)),
    )


@router.get("/calls", summary="The live calls, oldest first")
async def list_calls(_who: Overseer, control: Control, page: PageQuery) -> Page[CallView]:
    position = page.position(2)
    live = sorted((c.arrived_at.timestamp(), c.call_id, c) for c in control.ear.book.live_calls())
    rows = [row for row in live if position is None or row[:2] > tuple(position)][: page.limit + 1]
    views = [_view(call, control) for _, _, call in rows]
    return page_of(views, page.limit, lambda view: (view.arrived_at.timestamp(), view.call_id))


@router.get("/calls/{call_id}", summary="One call with its legs, also for some minutes after its end")
async def get_call(call_id: Id, who: CurrentPrincipal, control: Control) -> CallView:
    call = control.call(call_id)
    check_call(who, call, control)
    return _view(call, control)


@router.post("/calls/{call_id}/hang-up", summary="Hang up every leg of the call")
async def hang_up_call(call_id: Id, who: CurrentPrincipal, control: Control) -> CallView:
    check_call(who, control.call(call_id), control)
    return _view(await control.hang_up_call(call_id, asker_of(who)), control)


@router.post("/calls/{call_id}/data", summary="Join business data to the call")
async def attach_data(call_id: Id, body: DataBody, who: CurrentPrincipal, control: Control) -> CallView:
    check_call(who, control.call(call_id), control)
    if not who.has(Role.SYSTEM):
        check_identity(body.data)
    return _view(control.attach(call_id, body.data), control)


@router.get("/legs", summary="The live legs, oldest first")
async def list_legs(_who: Overseer, control: Control, page: PageQuery) -> Page[LegView]:
    position = page.position(2)
    live = sorted((leg.started_at.timestamp(), leg.leg_id, leg.call_id) for leg in control.ear.book.live_legs())
    rows = [row for row in live if position is None or row[:2] > tuple(position)][: page.limit + 1]
    views = [LegView.of(control.leg(leg_id)) for _, leg_id, _ in rows]
    return page_of(views, page.limit, lambda view: (view.started_at.timestamp(), view.leg_id))


@router.get("/legs/{leg_id}", summary="One leg, also for some minutes after its end")
async def get_leg(leg_id: Id, who: CurrentPrincipal, control: Control) -> LegView:
    leg = control.leg(leg_id)
    check_leg(who, leg)
    return LegView.of(leg)


@router.get("/phones", summary="Every phone: configured, registered, and where")
async def list_phones(_who: CurrentPrincipal, known: Known) -> list[PhoneView]:
    return [
        PhoneView(
            phone_id=phone_id,
            name=name,
            registered=bool(state and state.registered),
            node_id=state.node_id if state else "",
            reason=state.reason if state else "",
        )
        for phone_id, name, state in known.phones()
    ]


After = Annotated[str | None, Query(max_length=512, description="id of the last event seen")]


DeskId = Annotated[str, Query(max_length=64, pattern=r"^[A-Za-z0-9_.-]*$", description="name of this desktop")]


class Screens:
    """What streams are made of."""

    def __init__(self, feed: Feed, stream: Stream, attendance: Seats, known: Known) -> None:
        self.feed, self.stream, self.attendance, self.known = feed, stream, attendance, known


Showing = Annotated[Screens, Depends(Screens)]


@router.websocket("/agents/{agent_id}/events")
async def agent_events(
    socket: WebSocket, agent_id: Id, who: CurrentPrincipal, shown: Showing, after: After = None, desktop: DeskId = ""
) -> None:
    """What happens to one agent: offers with their screen pop, ringing, calls, his state; voicemails of the queues he serves.

    The agent's own connection is his desktop, ``desktop`` its name: the same when it comes back after a broken connection.
    """
    check_self(who, agent_id)
    _check_ready(shown.feed)
    # whose notices are his is known from the configuration
    shown.known.units()
    if who.subject != agent_id:
        await shown.stream.show(socket, agent_id, after)
        return
    await shown.attendance.sit(
        socket, agent_id, desktop or new_id(), lambda: shown.stream.show(socket, agent_id, after)
    )


@router.websocket("/events")
async def all_events(socket: WebSocket, _who: Overseer, feed: Feed, stream: Stream, after: After = None) -> None:
    """What happens to all agents, for supervisors."""
    _check_ready(feed)
    await stream.show(socket, "", after)


def _check_ready(feed: DesktopFeed) -> None:
    if not feed.is_ready:
        raise Unavailable("desktop.not_ready", feed.problem() or "not ready")
