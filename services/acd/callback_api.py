"""HTTP in: customers who are to be called back, asked for by the bank's web or an agent's desktop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AwareDatetime, BaseModel, Field

from ipcc.audit import Audit
from ipcc.auth.guard import CurrentPrincipal, require
from ipcc.auth.principal import Principal, Role
from ipcc.bus.rpc import Requester
from ipcc.bus.view import View
from ipcc.clock import Clock
from ipcc.contracts.call import IDENTITY
from ipcc.contracts.callback import CancelCallback, RequestCallback
from ipcc.contracts.config import ConfigChanged, Queue
from ipcc.errors import NotAllowed, NotFound
from ipcc.http.service import provided
from ipcc.ids import new_id
from services.acd.core.rows import Callback, Entry
from services.acd.mirror import Mirror
from services.acd.schemas import EntryAnswer

ASK_TIMEOUT_S = 3.0


class WantedCallback(BaseModel):
    """Whom to call back. With ``entry_id`` of a contact that waits it keeps that contact's place; else a new one is made."""

    entry_id: str = Field(default="", max_length=100)
    queue_id: str = Field(default="", max_length=64)
    phone_number: str = Field(default="", pattern=r"^(\+?[0-9]{3,20})?$")
    name: str = Field(default="", max_length=80)
    entered_at: AwareDatetime | None = Field(default=None, description="since when he waits; now unless told")
    priority: int = Field(default=5, ge=1, le=10, description="1 is served first")
    skills: dict[str, int] = Field(default_factory=dict)
    language: str = Field(default="", max_length=8)
    attributes: dict[str, str] = Field(default_factory=dict)
    requested_by: Literal["web", "agent"] = "web"


class CallbackView(BaseModel):
    """A customer who is to be called back. No number: who calls him learns it with the offer."""

    entry_id: str
    queue_id: str
    domain: str
    position: int
    entered_at: datetime
    closes_at: datetime
    paused_until: datetime | None
    tries: int
    is_on_the_line: bool
    offered_to: str


@dataclass
class CallbackDesk:
    """Lists from the mirrors; orders go to the owner by the command topic."""

    mirrors: Mapping[str, Mirror]
    config: View
    requester: Requester
    clock: Clock

    def waiting(self, queue_id: str | None = None) -> list[CallbackView]:
        """Every callback that is not over, each queue in its order."""
        views = [
            _view(mirror, entry, entry.callback)
            for mirror in self.mirrors.values()
            for entry in mirror.state.entries.values()
            if entry.callback is not None and queue_id in (None, entry.queue_id)
        ]
        return sorted(views, key=lambda view: (view.queue_id, view.position))

    async def request(self, wanted: WantedCallback) -> EntryAnswer:
        """Have somebody called back. Raises what the owner raises."""
        domain = self._domain_of(wanted.entry_id) if wanted.entry_id else self._domain_of_queue(wanted.queue_id)
        fields = wanted.model_dump(exclude={"name", "entry_id"})
        command = RequestCallback(
            domain=domain, entry_id=wanted.entry_id or str(new_id()), caller_name=wanted.name, **fields
        )
        return EntryAnswer.model_validate(await self.requester.ask(command, ASK_TIMEOUT_S))

    async def cancel(self, entry_id: str, by: str) -> EntryAnswer:
        """He is not called back. Raises what the owner raises."""
        command = CancelCallback(domain=self._domain_of(entry_id), entry_id=entry_id, by=by)
        return EntryAnswer.model_validate(await self.requester.ask(command, ASK_TIMEOUT_S))

    def _domain_of(self, entry_id: str) -> str:
        for mirror in self.mirrors.values():
            if entry_id in mirror.state.entries or entry_id in mirror.state.past:
                return mirror.domain
        raise NotFound("acd.unknown_entry", f"there is no entry {entry_id}", entry_id=entry_id)

    def _domain_of_queue(self, queue_id: str) -> str:
        for event in self.config.values():
            found = event.data.object if isinstance(event.data, ConfigChanged) else None
            if isinstance(found, Queue) and found.id == queue_id:
                return found.domain
        raise NotFound("acd.unknown_queue", f"there is no queue {queue_id}", queue_id=queue_id)


def _view(mirror: Mirror, entry: Entry, callback: Callback) -> CallbackView:
    offer = mirror.state.offers.get(entry.offer_id)
    return CallbackView(
        entry_id=entry.id,
        queue_id=entry.queue_id,
        domain=mirror.domain,
        position=mirror.state.position(entry),
        entered_at=entry.entered_at,
        closes_at=callback.closes_at,
        paused_until=callback.paused_until,
        tries=callback.tries,
        is_on_the_line=callback.is_reached,
        offered_to=offer.agent_id if offer is not None else "",
    )


AuditHere = Annotated[Audit, Depends(provided(Audit))]
Id = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[0-9A-Za-z][0-9A-Za-z_.:-]*$")]
CallbacksHere = Annotated[CallbackDesk, Depends(provided(CallbackDesk))]
MAY_SEE = Depends(require(Role.AGENT, Role.SUPERVISOR, Role.ADMINISTRATOR, Role.SYSTEM))
MAY_ASK = Depends(require(Role.AGENT, Role.SUPERVISOR, Role.SYSTEM))

router = APIRouter(prefix="/v1/callbacks", tags=["callbacks"])


@router.get("", dependencies=[MAY_SEE], summary="Every customer who is to be called back")
async def list_callbacks(
    desk: CallbacksHere, queue: Annotated[str | None, Query(description="only this queue")] = None
) -> list[CallbackView]:
    return desk.waiting(queue)


@router.post("", dependencies=[MAY_ASK], status_code=201, summary="Have a customer called back")
async def request_callback(
    wanted: WantedCallback, desk: CallbacksHere, audit: AuditHere, principal: CurrentPrincipal
) -> EntryAnswer:
    how = {"queue_id": wanted.queue_id, "requested_by": wanted.requested_by}
    async with audit.act(principal.subject, "request_callback", "callback", wanted.entry_id, **how) as act:
        _check_identity(wanted, principal)
        answer = await desk.request(wanted)
        act.object_id = answer.entry_id
    return answer


def _check_identity(wanted: WantedCallback, principal: Principal) -> None:
    if not principal.has(Role.SYSTEM):
        for key in sorted(IDENTITY & wanted.attributes.keys()):
            raise NotAllowed("acd.identity", f"{key} is found out by a flow or a system of the bank", key=key)


@router.delete("/{entry_id}", dependencies=[MAY_ASK], summary="Do not call this customer back")
async def cancel_callback(
    entry_id: Id, desk: CallbacksHere, audit: AuditHere, principal: CurrentPrincipal
) -> EntryAnswer:
    async with audit.act(principal.subject, "cancel_callback", "callback", entry_id):
        return await desk.cancel(entry_id, principal.subject)
