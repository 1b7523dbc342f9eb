"""HTTP in: the live picture, the reasons, and a state forced on an agent."""

from __future__ import annotations

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Query

from ipcc.auth.guard import CurrentPrincipal, require
from ipcc.auth.principal import Role
from ipcc.http.service import provided
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

log = structlog.get_logger(__name__)

DeskHere = Annotated[Desk, Depends(provided(Desk))]
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


@router.get("/contacts/{contact_id}/why", dependencies=[MAY_ASK_WHY], summary="Why it went to whom it went, in words")
async def explain(contact_id: str, desk: DeskHere) -> Why:
    return desk.why(contact_id)


@router.post("/agents/{agent_id}/state", dependencies=[MAY_FORCE], summary="Put an agent in a state")
async def force_state(agent_id: str, forced: ForcedState, desk: DeskHere, principal: CurrentPrincipal) -> AgentAnswer:
    answer = await desk.force(agent_id, forced)
    log.info("agent_forced", agent_id=agent_id, state=forced.state, reason=forced.reason, by=principal.subject)
    return answer


@router.patch("/entries/{entry_id}", dependencies=[MAY_FORCE], summary="Move a waiting contact, or change its priority")
async def change_entry(entry_id: str, to: ChangedEntry, desk: DeskHere, principal: CurrentPrincipal) -> EntryAnswer:
    answer = await desk.change(entry_id, to, principal.subject)
    log.info("entry_changed", entry_id=entry_id, queue_id=to.queue_id, priority=to.priority, by=principal.subject)
    return answer


@router.post(
    "/entries/{entry_id}/pull", dependencies=[MAY_FORCE], summary="Offer a waiting contact to one agent at once"
)
async def pull_entry(entry_id: str, to: PulledEntry, desk: DeskHere, principal: CurrentPrincipal) -> EntryAnswer:
    answer = await desk.pull(entry_id, to, principal.subject)
    log.info("entry_pulled", entry_id=entry_id, agent_id=to.agent_id, by=principal.subject)
    return answer


@router.delete("/entries/{entry_id}", dependencies=[MAY_FORCE], summary="Take a waiting contact out of its queue")
async def drop_entry(
    entry_id: str,
    desk: DeskHere,
    principal: CurrentPrincipal,
    target: Annotated[str, Query(max_length=80, description="where its flow goes on")] = "",
) -> EntryAnswer:
    answer = await desk.drop(entry_id, target)
    log.info("entry_dropped", entry_id=entry_id, target=target, by=principal.subject)
    return answer
