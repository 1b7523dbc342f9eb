"""HTTP in: contacts in writing, taken and declined at the desktop, ended by the service that owns the conversation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from ipcc.audit import Audit
from ipcc.auth.guard import CurrentPrincipal, require
from ipcc.auth.principal import Principal, Role
from ipcc.bus.rpc import Requester
from ipcc.bus.view import View
from ipcc.contracts.acd import EndWrapUp
from ipcc.contracts.config import ConfigChanged, User
from ipcc.contracts.digital import AcceptOffer, DeclineOffer, EndContact
from ipcc.errors import NotAllowed, NotFound
from ipcc.http.service import provided
from services.acd.core.rows import Contact
from services.acd.mirror import Mirror
from services.acd.schemas import ContactAnswer, ContactView, OfferDeclined, WrapUpDone

ASK_TIMEOUT_S = 3.0


@dataclass
class DigitalDesk:
    """Orders go to the owner by the command topic, whichever replica was asked."""

    mirrors: Mapping[str, Mirror]
    config: View
    requester: Requester

    def serving(self, agent_id: str | None) -> list[ContactView]:
        """The contacts agents have in hand, those of one agent or all, the longest first."""
        views = [
            _view(mirror.domain, contact)
            for mirror in self.mirrors.values()
            for contact in mirror.state.contacts.values()
            if agent_id in (None, contact.agent_id)
        ]
        return sorted(views, key=lambda view: (view.joined_at, view.id))

    async def accept(self, agent_id: str, offer_id: str) -> ContactAnswer:
        """He takes it. Raises what the owner raises."""
        command = AcceptOffer(domain=self._domain_of(agent_id), agent_id=agent_id, offer_id=offer_id)
        return ContactAnswer.model_validate(await self.requester.ask(command, ASK_TIMEOUT_S))

    async def decline(self, agent_id: str, offer_id: str) -> OfferDeclined:
        """He does not take it. Raises what the owner raises."""
        command = DeclineOffer(domain=self._domain_of(agent_id), agent_id=agent_id, offer_id=offer_id)
        return OfferDeclined.model_validate(await self.requester.ask(command, ASK_TIMEOUT_S))

    async def end_wrap_up(self, agent_id: str, entry_id: str, code: str) -> ContactAnswer:
        """His work on it is done. Raises what the owner raises."""
        domain = self._domain_of(agent_id)
        command = EndWrapUp(domain=domain, agent_id=agent_id, entry_id=entry_id, code=code)
        return ContactAnswer.model_validate(await self.requester.ask(command, ASK_TIMEOUT_S))

    async def end(self, entry_id: str, by: str) -> ContactAnswer:
        """The conversation is over. Raises what the owner raises."""
        command = EndContact(domain=self._domain_with(entry_id), entry_id=entry_id, by=by)
        return ContactAnswer.model_validate(await self.requester.ask(command, ASK_TIMEOUT_S))

    def _domain_of(self, agent_id: str) -> str:
        for event in self.config.values():
            found = event.data.object if isinstance(event.data, ConfigChanged) else None
            if isinstance(found, User) and found.id == agent_id:
                return found.domain
        raise NotFound("acd.unknown_agent", f"there is no agent {agent_id}", agent_id=agent_id)

    def _domain_with(self, entry_id: str) -> str:
        for mirror in self.mirrors.values():
            state = mirror.state
            if entry_id in state.contacts or entry_id in state.entries or entry_id in state.past:
                return mirror.domain
        raise NotFound("acd.unknown_contact", f"nobody serves {entry_id}", entry_id=entry_id)


AuditHere = Annotated[Audit, Depends(provided(Audit))]


def _view(domain: str, contact: Contact) -> ContactView:
    return ContactView(
        id=contact.id,
        call_id=contact.call_id,
        queue_id=contact.queue_id,
        domain=domain,
        medium=contact.medium,
        agent_id=contact.agent_id,
        joined_at=contact.joined_at,
        ended_at=contact.ended_at,
        until=contact.until,
    )


DeskHere = Annotated[DigitalDesk, Depends(provided(DigitalDesk))]
Id = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[0-9A-Za-z][0-9A-Za-z_.:-]*$")]
MAY_SEE = Depends(require(Role.AGENT, Role.SUPERVISOR, Role.ADMINISTRATOR, Role.SYSTEM))
MAY_ANSWER = Depends(require(Role.AGENT, Role.SUPERVISOR, Role.SYSTEM))
MAY_END = Depends(require(Role.SUPERVISOR, Role.SYSTEM))

router = APIRouter(prefix="/v1", tags=["contacts in writing"])


def _check_self(who: Principal, agent_id: str) -> None:
    if who.subject != agent_id and not who.has(Role.SUPERVISOR, Role.SYSTEM):
        raise NotAllowed("agent.other", f"{who.subject} may not act for {agent_id}")


@router.get("/contacts", dependencies=[MAY_SEE], summary="Every contact that agents have in hand")
async def list_contacts(
    desk: DeskHere, agent: Annotated[str | None, Query(max_length=64, description="only this agent's")] = None
) -> list[ContactView]:
    return desk.serving(agent)


@router.post(
    "/agents/{agent_id}/offers/{offer_id}/accept",
    dependencies=[MAY_ANSWER],
    summary="Take a contact in writing that is offered",
)
async def accept_offer(agent_id: Id, offer_id: Id, desk: DeskHere, principal: CurrentPrincipal) -> ContactAnswer:
    _check_self(principal, agent_id)
    return await desk.accept(agent_id, offer_id)


@router.post(
    "/agents/{agent_id}/offers/{offer_id}/decline",
    dependencies=[MAY_ANSWER],
    summary="Do not take a contact in writing that is offered",
)
async def decline_offer(agent_id: Id, offer_id: Id, desk: DeskHere, principal: CurrentPrincipal) -> OfferDeclined:
    _check_self(principal, agent_id)
    return await desk.decline(agent_id, offer_id)


@router.post(
    "/agents/{agent_id}/contacts/{entry_id}/wrap-up/end",
    dependencies=[MAY_ANSWER],
    summary="The work after a contact in writing is done",
)
async def end_wrap_up(
    agent_id: Id, entry_id: Id, desk: DeskHere, principal: CurrentPrincipal, done: WrapUpDone | None = None
) -> ContactAnswer:
    _check_self(principal, agent_id)
    return await desk.end_wrap_up(agent_id, entry_id, done.code if done is not None else "")


@router.post("/contacts/{entry_id}/end", dependencies=[MAY_END], summary="A conversation in writing is over")
async def end_contact(entry_id: Id, desk: DeskHere, audit: AuditHere, principal: CurrentPrincipal) -> ContactAnswer:
    async with audit.act(principal.subject, "end_contact", "contact", entry_id):
        return await desk.end(entry_id, principal.subject)
