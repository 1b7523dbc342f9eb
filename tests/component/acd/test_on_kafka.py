"""The same acd on a real Kafka: transactions, fencing, reading its log back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from ipcc.bus.kafka import KafkaBus
from ipcc.bus.kafka_link import KafkaSettings
from ipcc.clock import SystemClock
from ipcc.contracts.acd import AcdSnapshot, EntryEnded, EntryOutcome, OfferAnswered, OfferMade, OfferRinging
from ipcc.esl.commands import Originate
from ipcc.ids import new_id
from tests.component.acd.stand import Stand
from tests.support.kafka_broker import KafkaBroker

pytestmark = pytest.mark.kafka


@pytest.fixture
async def stand(tmp_path: Path, kafka: KafkaBroker) -> AsyncIterator[Stand]:
    settings = KafkaSettings(f"127.0.0.1:{kafka.clients}", prefix=f"{new_id()}.", session_timeout_s=1.0)
    made = Stand(tmp_path, lambda: KafkaBus(settings, SystemClock()))
    await made.open("ann", "bob")
    yield made
    await made.close()


async def test_an_offer_survives_its_owner(stand: Stand) -> None:
    stand.phones_ring()
    async with stand.acd():
        await stand.sign_in("ann")
        await stand.arrive("x")
        made = await stand.hear(OfferMade)
        await stand.hear(OfferRinging)
    stand.answered.add(made.offer_id)
    async with stand.acd():
        await stand.hear(OfferAnswered)
        ended = await stand.hear(EntryEnded)
    assert (ended.outcome, ended.offer_id) == (EntryOutcome.ANSWERED, made.offer_id)
    assert len(stand.node.told(Originate)) == 1
    # one from each owner, in as many parts as it takes
    assert len(await stand.told(AcdSnapshot)) >= 2


async def test_the_other_replica_goes_on_where_the_first_stopped(stand: Stand) -> None:
    stand.phones_ring()
    async with AsyncExitStack() as stack:
        first = AsyncExitStack()
        await first.enter_async_context(stand.acd("acd-0"))
        await stack.enter_async_context(stand.acd("acd-1"))
        # the domain stays with the first although the second joins
        await stand.sign_in("ann")
        await stand.arrive("x")
        made = await stand.hear(OfferMade)
        await stand.hear(OfferRinging)
        await first.aclose()
        stand.lift(made.offer_id)
        await stand.hear(EntryEnded, outcome=EntryOutcome.ANSWERED)
    assert len(await stand.told(OfferMade)) == 1
