"""HTTP in: the live picture, the reasons, and a state forced on an agent."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, WebSocket

from ipcc.audit import Audit
from ipcc.auth.guard import CurrentPrincipal, require
from ipcc.auth.principal import Role
from ipcc.http.service import provided
from services.acd.live import Live
from services.acd.schemas import (
    AgentAnswer,
    AgentView,
    ChangedEntry,
    EntryAnswer,
    EntryView,
    ForcedState,
    PulledEntry,
    QueueView,
    Why,
)
from services.acd.usecases import Desk

DeskHere = Annotated[Desk, Depends(provided(Desk))]
LiveHere = Annotated[Live, Depends(provided(Live))]
AuditHere = Annotated[Audit, Depends(provided(Audit))]
Id = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[0-9A-Za-z][0-9A-Za-z_.:-]*$")]
MAY_SEE = Depends(require(Role.AGENT, Role.SUPERVISOR, Role.ADMINISTRATOR, Role.SYSTEM))
MAY_ASK_WHY = Depends(require(Role.SUPERVISOR, Role.QUALITY, Role.ADMINISTRATOR, Role.AUDITOR, Role.SYSTEM))
MAY_FORCE = Depends(require(Role.SUPERVISOR, Role.ADMINISTRATOR, Role.SYSTEM))

router = APIRouter(prefix="/v1", tags=["acd"])


@router.get("/queues", dependencies=[MAY_SEE], summary="Every queue now")
async def list_queues(desk: DeskHere) -> list[QueueView]:
    return desk.queues()


@router.get("/agents", dependencies=[MAY_SEE], summary="Every agent now")
async def list_agents(desk: DeskHere) -> list[AgentView]:
    return desk.agents()


@router.get("/entries", dependencies=[MAY_SEE], summary="Everybody who waits, each queue in its order")
async def list_entries(
    desk: DeskHere, queue: Annotated[str | None, Query(description="only this queue")] = None
) -> list[EntryView]:
    return desk.entries(queue)


@router.websocket("/live", dependencies=[MAY_SEE])
async def follow(
    socket: WebSocket, live: LiveHere, after: str | None = None, queue: Annotated[list[str] | None, Query()] = None
) -> None:
    """Every change of agents, entries and queues; ``after`` the last id seen, ``queue`` (several) for these queues alone."""
    await live.follow(socket, after, queue or ())


@router.get("/contacts/{contact_id}/why", dependencies=[MAY_ASK_WHY], summary="Why it went to whom it went, in words")
async def explain(contact_id: str, desk: DeskHere) -> Why:
    return desk.why(contact_id)


@router.post("/agents/{agent_id}/state", dependencies=[MAY_FORCE], summary="Put an agent in a state")
async def force_state(
    agent_id: Id, forced: ForcedState, desk: DeskHere, audit: AuditHere, principal: CurrentPrincipal
) -> AgentAnswer:
    how = {"state": forced.state, "reason": forced.reason if forced.state == "not_ready" else ""}
    async with audit.act(principal.subject, "force_state", "agent", agent_id, **how):
        return await desk.force(agent_id, forced, principal.subject)


@router.patch("/entries/{entry_id}", dependencies=[MAY_FORCE], summary="Move a waiting contact, or change its priority")
async def change_entry(
    entry_id: Id, to: ChangedEntry, desk: DeskHere, audit: AuditHere, principal: CurrentPrincipal
) -> EntryAnswer:
    act = "move" if to.queue_id is not None else "reprioritise"
    async with audit.act(principal.subject, act, "entry", entry_id, queue_id=to.queue_id, priority=to.priority):
        return await desk.change(entry_id, to, principal.subject)


@router.post(
    "/entries/{entry_id}/pull", dependencies=[MAY_FORCE], summary="Offer a waiting contact to one agent at once"
)
async def pull_entry(
    entry_id: Id, to: PulledEntry, desk: DeskHere, audit: AuditHere, principal: CurrentPrincipal
) -> EntryAnswer:
    async with audit.act(principal.subject, "pull", "entry", entry_id, agent_id=to.agent_id):
        return await desk.pull(entry_id, to, principal.subject)


@router.delete("/entries/{entry_id}", dependencies=[MAY_FORCE], summary="Take a waiting contact out of its queue")
async def drop_entry(
    entry_id: Id,
    desk: DeskHere,
    audit: AuditHere,
    principal: CurrentPrincipal,
    target: Annotated[str, Query(max_length=80, description="where its flow goes on")] = "",
) -> EntryAnswer:
    async with audit.act(principal.subject, "drop", "entry", entry_id, target=target):
        return await desk.drop(entry_id, target)
