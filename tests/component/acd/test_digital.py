"""Contacts in writing over the bus and REST: offered to a desktop, taken, ended, and kept over a restart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ipcc.auth.principal import Role
from ipcc.auth.tokens import issue_development_token
from ipcc.contracts.acd import ContactHandled, Enqueue, EntryEnded, EntryOutcome, OfferEnded, OfferMade, OfferOutcome
from ipcc.contracts.config import Blending, Capacity, Queue, User
from ipcc.contracts.digital import AcceptOffer, AgentMediumChanged, ContactEnded, EndContact
from ipcc.errors import NotFound
from ipcc.esl.commands import Originate
from services.acd.journal import replay
from services.acd.settings import AcdSettings
from tests.component.acd.stand import Stand
from tests.support.service import make_settings
from tests.support.until import until

WEB = Queue(id="web", name="Web", medium="chat", skills={"service": 3}, ring_s=20, wrap_up_s=60)


def agent(name: str, **fields: Any) -> User:
    capacity, blending = Capacity(chat=2), Blending(call_beside={"chat": 1})
    known = {"skills": {"service": 5}, "phone": f"p-{name}", "capacity": capacity, "blending": blending}
    return User(id=name, name=name, organisation="bank", **{**known, **fields})


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    made = Stand(tmp_path)
    await made.open("ann", "bob")
    await made.give(WEB, agent("ann"), agent("bob", capacity=Capacity(chat=0)))
    yield made
    await made.close()


def written(stand: Stand, name: str) -> Enqueue:
    return Enqueue(entry_id=f"entry-{name}", call_id=f"talk-{name}", queue_id="web", entered_at=stand.clock.now())


def badge(stand: Stand, subject: str) -> dict[str, str]:
    """What an agent shows, who is nothing else."""
    token = issue_development_token(make_settings(AcdSettings, stand.folder), stand.clock, subject, (Role.AGENT,))
    return {"Authorization": f"Bearer {token}"}


async def media(client: httpx.AsyncClient, name: str) -> dict[str, dict[str, Any]]:
    agents = {view["id"]: view for view in (await client.get("/v1/agents")).json()}
    return {view.pop("medium"): view for view in agents[name]["media"]}


async def shows(client: httpx.AsyncClient, **counts: int) -> dict[str, dict[str, Any]] | None:
    """How ann stands, once the picture shows so many chats; the picture follows the log."""
    shown = await media(client, "ann")
    return shown if counts.items() <= shown["chat"].items() else None


async def test_a_chat_is_taken_beside_the_telephone_and_ended_by_its_service(stand: Stand) -> None:
    async with stand.acd() as client:
        await stand.sign_in("ann", "bob")
        await stand.ask(written(stand, "x"))
        made = await stand.hear(OfferMade)
        assert (made.agent_id, made.medium, made.phone_id, made.capacity) == ("ann", "chat", "", 2)
        where = f"/v1/agents/ann/offers/{made.offer_id}"
        assert (await client.post(f"{where}/accept", headers=badge(stand, "bob"))).status_code == 403
        assert (await client.post("/v1/agents/ann/offers/nothing/accept")).status_code == 404
        taken = await client.post(f"{where}/accept", headers=badge(stand, "ann"))
        assert (taken.status_code, taken.json()["is_over"]) == (200, False)
        assert (await stand.hear(EntryEnded)).outcome is EntryOutcome.ANSWERED
        await stand.hear(AgentMediumChanged, serving=1)
        await stand.ask(written(stand, "y"))
        second = await stand.hear(OfferMade, 2)
        await stand.ask(AcceptOffer(agent_id="ann", offer_id=second.offer_id))
        shown = await until(lambda: shows(client, serving=2), what="what she holds")
        chat = {"capacity": 2, "offered": 0, "serving": 2, "wrapping": 0, "obstacle": "holds 2 chat of 2"}
        assert shown["chat"] == chat
        assert shown["voice"]["obstacle"] == "holds 2 chat, takes calls up to 1"
        assert list(await media(client, "bob")) == ["voice"]
        assert (await stand.ask(EndContact(entry_id="entry-x", by="icc")))["is_over"] is True
        await stand.hear(ContactEnded)
        assert (await client.post("/v1/contacts/entry-y/end")).json()["agent_id"] == "ann"
        await until(lambda: shows(client, wrapping=2), what="two conversations over")
        views = (await client.get("/v1/contacts", params={"agent": "ann"})).json()
        in_hand = [(view["id"], view["medium"], view["ended_at"] is None) for view in views]
        assert in_hand == [("entry-x", "chat", False), ("entry-y", "chat", False)]
        assert (await client.get("/v1/contacts", params={"agent": "bob"})).json() == []
        done = await client.post("/v1/agents/ann/contacts/entry-x/wrap-up/end", json={"code": "sold"})
        assert done.status_code == 200, done.text
        handled = await stand.hear(ContactHandled)
        assert (handled.entry_id, handled.wrap_up_code, handled.medium) == ("entry-x", "sold", "chat")
        assert stand.node.told(Originate) == []


async def test_a_chat_that_is_declined_goes_back_to_its_place(stand: Stand) -> None:
    async with stand.acd() as client:
        await stand.sign_in("ann")
        await stand.ask(written(stand, "x"))
        made = await stand.hear(OfferMade)
        declined = await client.post(f"/v1/agents/ann/offers/{made.offer_id}/decline")
        assert declined.json() == {"offer_id": made.offer_id, "entry_id": "entry-x", "outcome": "declined"}
        assert (await stand.hear(OfferEnded)).outcome is OfferOutcome.DECLINED
        await until(lambda: shows(client, offered=0), what="nothing offered")
        views = (await client.get("/v1/entries")).json()
        assert [(view["id"], view["medium"], view["position"]) for view in views] == [("entry-x", "chat", 1)]


async def test_a_restart_keeps_chats_offers_and_what_everybody_holds_and_decides_the_same_again(stand: Stand) -> None:
    inputs = stand.folder / "inputs"
    async with stand.acd(inputs_dir=inputs):
        await stand.sign_in("ann")
        await stand.ask(written(stand, "x"))
        first = await stand.hear(OfferMade)
        await stand.ask(AcceptOffer(agent_id="ann", offer_id=first.offer_id))
        await stand.ask(written(stand, "y"))
        second = await stand.hear(OfferMade, 2)
    async with stand.acd("acd-1", inputs_dir=inputs) as client:
        await until(lambda: shows(client, offered=1, serving=1), what="what she held before")
        await stand.ask(AcceptOffer(agent_id="ann", offer_id=second.offer_id))
        assert (await stand.ask(EndContact(entry_id="entry-x")))["agent_id"] == "ann"
        with pytest.raises(NotFound):
            await stand.ask(EndContact(entry_id="entry-z"))
    assert len(await stand.told(OfferMade)) == 2
    assert [replay(path).difference for path in sorted(inputs.iterdir())] == [None, None]
