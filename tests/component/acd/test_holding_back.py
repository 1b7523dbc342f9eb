"""What nobody waits for is stored together with what comes next, and never later than a moment."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
import pytest

from ipcc.contracts.acd import AgentChanged, AgentState, SetNotReady
from services.acd import owner
from services.acd.log import Fact, LogWriter
from tests.component.acd.stand import Stand
from tests.support.until import until


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    made = Stand(tmp_path)
    await made.open("ann", "bob")
    made.phones_ring()
    yield made
    await made.close()


async def has_decided(client: httpx.AsyncClient, kind: str) -> bool:
    """Whether the owner has decided an input of that kind."""
    lines = (await client.get("/metrics")).text.splitlines()
    return any(line.startswith("ipcc_acd_inputs_total{") and f'"{kind}"' in line for line in lines)


async def test_what_nobody_waits_for_is_stored_with_what_somebody_waits_for(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    appended: list[list[str]] = []
    append = LogWriter.append

    async def noted(writer: LogWriter, facts: Sequence[Fact]) -> None:
        appended.append([fact.event.agent_id for fact in facts if isinstance(fact.event, AgentChanged)])
        await append(writer, facts)

    monkeypatch.setattr(owner, "HOLD_S", 60.0)
    monkeypatch.setattr(LogWriter, "append", noted)
    async with stand.acd() as client:
        await stand.sign_in("ann", "bob")
        appended.clear()
        await stand.tell(SetNotReady(agent_id="ann", reason="lunch"))
        await until(lambda: has_decided(client, "SetNotReady"))
        assert appended == []
        await stand.ask(SetNotReady(agent_id="bob", reason="lunch"))
        assert appended == [["ann", "bob"]]


async def test_it_is_stored_soon_when_nothing_else_comes(stand: Stand) -> None:
    async with stand.acd():
        await stand.sign_in("ann")
        await stand.tell(SetNotReady(agent_id="ann", reason="lunch"))
        await stand.hear(AgentChanged, agent_id="ann", state=AgentState.NOT_READY, reason="lunch")
