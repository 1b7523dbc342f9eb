"""A caller whom the safety net serves is out of the queue, by what ctiserver tells over the bus."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from ipcc.contracts.acd import EntryEnded, EntryOutcome, OfferMade
from ipcc.contracts.call import LegsBridged
from tests.component.acd.stand import NODE, Stand
from tests.support.until import until


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    made = Stand(tmp_path)
    await made.open("ann", "bob")
    yield made
    await made.close()


async def test_whoever_the_safety_net_serves_is_offered_to_nobody(stand: Stand) -> None:
    async with stand.acd():
        await stand.arrive("x")
        queued_at = stand.clock.now()
        await until(lambda: stand.clock.now() - queued_at > timedelta(seconds=1.1), what="more than clocks differ")
        met = LegsBridged(call_id="call-x", leg_id="leg-x", node_id=NODE, other_leg_id="leg-of-the-net")
        await stand.tell(met)
        ended = await stand.hear(EntryEnded)
        assert (ended.outcome, ended.target) == (EntryOutcome.TRANSFERRED, "safety")
        await stand.tell(met)
        await stand.sign_in("ann")
        await stand.arrive("y")
        assert (await stand.hear(OfferMade)).entry_id == "entry-y"
