"""An owner that stood still, or was cut off from the broker alone: what he may do on the switch and what not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from ipcc.bus.standstill import Standstill
from ipcc.contracts.acd import EntryEnded, EntryOutcome, OfferMade, OfferRinging
from ipcc.errors import BusDown, Unavailable
from ipcc.esl.commands import UuidBridge
from ipcc.metrics import Metrics
from ipcc.tasks import Tasks
from services.acd.originates import Dialling
from services.acd.owner import Owner
from services.acd.surroundings import Surroundings, Title
from tests.component.acd.stand import FakeNodes, Stand
from tests.support.until import until

RING_S = 5.0
JOINED_WITHIN = timedelta(seconds=3)


class Slumber(Standstill):
    """Stood still as often as it is told."""

    def __init__(self) -> None:
        super().__init__(60)
        self.naps = 0

    @property
    def count(self) -> int:
        return self.naps


@dataclass
class Seat:
    """One owner, whose domain may be another's without his knowing."""

    owner: Owner
    slumber: Slumber
    is_his: bool = True
    is_over: bool = False


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    made = Stand(tmp_path)
    await made.open("ann")
    made.phones_ring()
    yield made
    await made.close()


@asynccontextmanager
async def seated(stand: Stand) -> AsyncIterator[Seat]:
    slumber, tasks = Slumber(), Tasks()
    around = Surroundings(
        stand.bus,
        stand.publisher,
        FakeNodes(stand.node),
        stand.clock,
        Metrics("acd"),
        Dialling(Path("/rec"), "phones", 0.1),
        slumber,
        look_every_s=60,
    )
    seat: Seat

    async def confirm() -> bool:
        if not stand.broker.health.is_up:
            raise BusDown("bus.down", "unplugged")
        return seat.is_his

    seat = Seat(Owner("default", around, Title(slumber, confirm)), slumber)

    async def run() -> None:
        await seat.owner.run()
        seat.is_over = True

    tasks.once("own", run())
    try:
        await until(lambda: seat.owner.is_open, what="the domain is owned")
        yield seat
    finally:
        stand.broker.come_back()
        await tasks.stop()


async def ringing(stand: Stand) -> OfferMade:
    """Ann's phone rings for a caller."""
    await stand.sign_in("ann")
    await stand.arrive("x")
    made: OfferMade = await stand.hear(OfferMade)
    await stand.hear(OfferRinging)
    return made


async def test_who_stood_still_and_lost_the_domain_does_nothing_of_what_he_hears_on_waking(stand: Stand) -> None:
    async with seated(stand) as seat:
        made = await ringing(stand)
        seat.slumber.naps, seat.is_his = 1, False
        stand.lift(made.offer_id)
        await until(lambda: seat.is_over, what="he gives up")
    assert stand.node.told(UuidBridge) == []
    assert stand.kills() == []


async def test_who_stood_still_and_is_still_the_owner_goes_on(stand: Stand) -> None:
    async with seated(stand) as seat:
        made = await ringing(stand)
        seat.slumber.naps = 1
        stand.lift(made.offer_id)
        await stand.hear(EntryEnded, outcome=EntryOutcome.ANSWERED)
        assert seat.owner.is_open


async def test_who_stood_still_joins_nobody_before_the_broker_says_that_he_may(stand: Stand) -> None:
    async with seated(stand) as seat:
        made = await ringing(stand)
        stand.broker.go_down("unplugged")
        seat.slumber.naps = 1
        stand.lift(made.offer_id)
        # it is heard, and he would ask the group: the bus of this stand answers nobody
        with pytest.raises(Unavailable):
            await stand.ask(stand.order("y"))
        assert stand.node.told(UuidBridge) == []
        stand.broker.come_back()
        await stand.hear(EntryEnded, outcome=EntryOutcome.ANSWERED)


async def test_who_is_cut_off_from_the_broker_leaves_a_caller_with_whoever_talks_to_him(stand: Stand) -> None:
    async with seated(stand) as seat:
        made = await ringing(stand)
        stand.broker.go_down("unplugged")
        # another owner, of whom he cannot know, has joined the caller to somebody
        stand.bonds |= {"leg-x": "elsewhere", "elsewhere": "leg-x"}
        stand.lift(made.offer_id)
        lifted_at = stand.clock.now()
        await until(lambda: not seat.owner.is_open, what="the outage is noticed")
        await until(lambda: stand.clock.now() - lifted_at > JOINED_WITHIN, what="he would be joined by now")
        assert stand.node.told(UuidBridge) == []


async def test_who_is_cut_off_from_the_broker_ends_no_leg_that_talks(stand: Stand) -> None:
    async with seated(stand) as seat:
        made = await ringing(stand)
        stand.bonds |= {"leg-x": made.offer_id, made.offer_id: "leg-x"}
        stand.broker.go_down("unplugged")
        # by his books nobody answered: his time is up
        await until(lambda: not seat.owner.is_open, RING_S + 5, "the time to answer is over and cannot be stored")
        assert stand.kills() == []
