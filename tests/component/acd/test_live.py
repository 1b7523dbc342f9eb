"""What a supervisor does to live queues and agents is audited, and everybody who watches sees it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from websockets.asyncio.client import connect

from ipcc.auth.principal import Role
from ipcc.auth.tokens import issue_development_token
from ipcc.bus import received_from
from ipcc.bus.port import BEGINNING
from ipcc.contracts.acd import AgentChanged, SetNotReady
from ipcc.contracts.audit import ActDone
from ipcc.contracts.config import ConfigChanged, PauseReason
from ipcc.contracts.topics import AUDIT
from ipcc.errors import Unavailable
from ipcc.http.server import serving
from services.acd.app import build
from services.acd.settings import AcdSettings
from tests.component.acd.stand import FakeNodes, FakeParts, Stand
from tests.support.service import make_settings
from tests.support.until import until


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    made = Stand(tmp_path)
    await made.open("ann", "bob")
    yield made
    await made.close()


async def acts(stand: Stand) -> list[ActDone]:
    async with stand.bus.replay(AUDIT.name, BEGINNING) as reader:
        found = [received_from(record).event.data async for record in reader]
    # in the order of time: acts on different things lie in different partitions
    return [told for told in found if isinstance(told, ActDone)]


async def audited(stand: Stand, count: int) -> set[tuple[str, str, str, str]]:
    async def enough() -> list[ActDone]:
        found = await acts(stand)
        return found if len(found) >= count else []

    found = await until(enough, what=f"{count} acts")
    assert {told.actor for told in found} == {"tester"}
    return {(told.act, told.kind, told.object_id, told.outcome) for told in found}


async def test_every_act_on_a_live_agent_or_entry_is_told_with_its_outcome(stand: Stand) -> None:
    async with stand.acd() as client:
        await stand.sign_in("ann")
        await stand.ask(SetNotReady(agent_id="ann", reason="lunch"))
        await stand.arrive("x")
        await stand.arrive("y")
        await client.post("/v1/agents/bob/state", json={"state": "ready"})
        await client.post("/v1/agents/ann/state", json={"state": "not_ready", "reason": "meeting"})
        await client.patch("/v1/entries/entry-x", json={"priority": 2})
        await client.patch("/v1/entries/entry-x", json={"queue_id": "nowhere"})
        await client.post("/v1/entries/entry-y/pull", json={"agent_id": "ann"})
        await client.delete("/v1/entries/entry-y", params={"target": "flow:menu"})
        await client.post("/v1/callbacks", json={"queue_id": "service", "phone_number": "13800000009"})
        await client.delete("/v1/callbacks/none")
        assert await audited(stand, 8) == {
            ("force_state", "agent", "bob", "acd.not_signed_in"),
            ("force_state", "agent", "ann", "done"),
            ("reprioritise", "entry", "entry-x", "done"),
            ("move", "entry", "entry-x", "acd.unknown_queue"),
            ("pull", "entry", "entry-y", "acd.agent_not_ready"),
            ("drop", "entry", "entry-y", "done"),
            ("request_callback", "callback", "", "acd.no_callback"),
            ("cancel_callback", "callback", "none", "acd.unknown_entry"),
        }
        told = await acts(stand)
        assert {"state": "not_ready", "reason": "meeting"} in [act.details for act in told]
        assert "13800000009" not in repr(told)


async def test_an_act_while_the_broker_is_away_is_told_when_it_is_back(stand: Stand) -> None:
    async with stand.acd() as client:
        stand.broker.go_down("unplugged")
        answer = await client.post("/v1/agents/ann/state", json={"state": "out"})
        assert answer.status_code == Unavailable.status
        stand.broker.come_back()
        ((act, _, who, outcome),) = await audited(stand, 1)
        assert (act, who) == ("force_state", "ann")
        assert outcome != "done"


async def test_a_supervisor_sees_who_is_overdue_and_a_reason_nobody_administered_is_refused_by_name(
    stand: Stand,
) -> None:
    async with stand.acd() as client:
        await stand.sign_in("ann", "bob")
        meal = PauseReason(id="meal", name="用餐", limit_s=1)
        await stand.tell(ConfigChanged(kind="pause_reason", object_id="meal", version=1, object=meal))

        async def is_refused() -> str:
            body = {"state": "not_ready", "reason": "siesta"}
            answer = await client.post("/v1/agents/bob/state", json=body)
            return str(answer.json()["code"]) if answer.status_code == 422 else ""

        assert await until(is_refused, what="refused") == "acd.unknown_reason"
        await stand.ask(SetNotReady(agent_id="ann", reason="meal"))
        await stand.hear(AgentChanged, agent_id="ann", overdue=True)

        async def is_shown() -> bool:
            ann = next(one for one in (await client.get("/v1/agents")).json() if one["id"] == "ann")
            return bool(ann["overdue"]) and ann["state"] == "not_ready" and ann["limit_at"] is not None

        await until(is_shown, what="shown as overdue")


@asynccontextmanager
async def watched(stand: Stand, *roles: Role) -> AsyncIterator[tuple[str, str]]:
    settings = make_settings(AcdSettings, stand.folder, instance_id="acd-0", look_every_s=0.2)
    parts = FakeParts(stand.clock, stand.broker, fakes=FakeNodes(stand.node))
    async with serving([build(settings, parts)]) as running:
        url = running[0].url
        async with httpx.AsyncClient(base_url=url) as client:

            async def is_green() -> bool:
                return (await client.get("/health/ready")).status_code == 200

            await until(is_green, what="acd ready")
        yield url.replace("http", "ws"), issue_development_token(settings, stand.clock, "tester", roles)


async def test_who_watches_sees_agents_entries_and_queues_change(stand: Stand) -> None:
    stand.phones_ring()
    async with watched(stand, Role.SUPERVISOR) as (address, token):
        headers = {"Authorization": f"Bearer {token}"}
        async with connect(f"{address}/v1/live?queue=service", additional_headers=headers) as socket:
            assert orjson.loads(await socket.recv())["type"] == "hello"

            messages: list[dict[str, Any]] = []

            async def seen(kind: str, **fields: Any) -> dict[str, Any]:
                """The first message of this kind with these fields, received or still to come."""
                for number in range(500):
                    if number == len(messages):
                        async with asyncio.timeout(10):
                            messages.append(orjson.loads(await socket.recv()))
                    data: dict[str, Any] = messages[number].get("data", {})
                    if messages[number]["type"] == kind and all(data.get(name) == v for name, v in fields.items()):
                        return data
                raise AssertionError(f"no {kind} {fields}")

            await stand.arrive("x")
            assert (await seen("entry", id="entry-x"))["position"] == 1
            assert (await seen("queue", id="service", waiting=1))["order"] == ["entry-x"]
            await stand.sign_in("ann")
            # a look may come between the offer and the ring, or not
            assert (await seen("agent", id="ann", state="ringing"))["phone_id"] == "p-ann"
            await seen("entry", id="entry-x", offered_to="ann")
            await stand.hang_up("x")
            assert await seen("entry.left") == {"id": "entry-x", "queue_id": "service"}
            assert (await seen("queue", id="service", order=[]))["waiting"] == 0
