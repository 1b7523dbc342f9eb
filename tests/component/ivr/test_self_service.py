"""A customer serves himself: answered, asked, verified by the bank, told his balance; and nothing of his is told to anybody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bankcore.demo import demo_customers
from ipcc.contracts.ivr import BankOperationDone, NodeEntered, NodeLeft, SessionEnded, SessionStarted
from ipcc.esl.commands import UuidKill, UuidSetVar
from tests.component.ivr.conftest import TOKEN, StandIn
from tests.component.ivr.world import SOUNDS, World
from tests.support.until import until

CUSTOMER = demo_customers()[0]


@pytest.fixture
async def world(tmp_path: Path, bank: StandIn) -> AsyncIterator[World]:
    found = World(tmp_path, bank_url=bank.url, given={"bankcore_token": TOKEN, "bank_timeout_s": 3.0})
    found.node.finish_at_once("playback", "FILE PLAYED")
    await found.open()
    yield found
    await found.close()


async def test_from_the_first_ring_to_the_balance_and_no_secret_is_left_anywhere(world: World) -> None:
    with capture_logs() as logs:
        async with world.replica() as ivr:
            call = await world.arrive()
            assert f"{SOUNDS}/zh/welcome.wav!{SOUNDS}/zh/choose-language.wav" in await world.asked(call)
            await world.key(call, "2")
            await world.key(call, "1")
            assert f"{SOUNDS}/en/enter-card.wav" in await world.asked(call)
            await world.key(call, CUSTOMER.card_no)
            await world.key(call, CUSTOMER.pin)
            assert "anything-else" in await world.asked(call)
            shown = (await ivr.http.get(f"/v1/sessions/{call}")).text
            held = repr(ivr.sessions.running)
            await world.key(call, "")
            assert await world.ended(call) == "completed"
    said = next(sound for sound in world.heard(call) if "balance-is" in sound)
    words = [
        part.removeprefix(f"{SOUNDS}/en/").removesuffix(".wav") for part in said[len("file_string://") :].split("!")
    ]
    assert " ".join(words) == (
        "balance-is digits/12 digits/thousand digits/20 digits/9 currency/yuan digits/50 currency/fen"
    )
    assert world.node.told(UuidKill)[0].leg_id == call
    assert world.node.watched == set()
    topics = (await world.everything()).decode()
    for secret in (CUSTOMER.card_no, CUSTOMER.pin):
        for place in (topics, repr(logs), shown, held, repr(ivr.sessions)):
            assert secret not in place
    done = [f for f in await world.facts(call) if isinstance(f, BankOperationDone)]
    assert [(f.operation, f.outcome) for f in done] == [("identify", "ok"), ("verify_pin", "ok"), ("balance", "ok")]


async def test_what_was_keyed_is_wiped_from_the_channel(world: World) -> None:
    async with world.replica():
        call = await world.arrive()
        for keys in ("1", "1", CUSTOMER.card_no, CUSTOMER.pin):
            await world.key(call, keys)
        await world.at(call, "after-balance")
        wiped = [c for c in world.node.told(UuidSetVar) if (c.variable, c.value) == ("ipcc_digits", "")]
        assert len(wiped) == 4
        await world.hang_up(call)


async def test_a_wrong_pin_is_said_and_a_locked_card_goes_to_an_agent(world: World) -> None:
    await world.start_acd()
    async with world.replica():
        call = await world.arrive()
        for keys in ("1", "1", CUSTOMER.card_no, "111111", "111111", "111111"):
            await world.key(call, keys)
        entry = await world.queued()
        assert entry.queue_id == "retail"
        assert entry.attributes["customer_id"] == CUSTOMER.id
        assert [p.rpartition("/")[2] for p in world.heard(call)].count("wrong-pin.wav") == 2
        assert any("pin-locked.wav" in played for played in world.heard(call))
        await world.hang_up(call)


async def test_a_bank_that_takes_long_gives_music_and_one_that_is_down_an_agent(world: World, bank: StandIn) -> None:
    await world.start_acd()
    async with world.replica():
        call = await world.arrive()
        await world.key(call, "1")
        await world.key(call, "1")
        await bank.go_wrong("slow", delay_ms=1_900)
        await world.key(call, CUSTOMER.card_no)
        await world.at(call, "pin")
        assert world.heard(call)[-1] == "local_stream://ipcc"
        await bank.go_wrong("down")
        await world.key(call, CUSTOMER.pin)
        await world.queued()
        assert any("not-answering.wav" in sound for sound in world.heard(call))
        await world.hang_up(call)


async def test_a_caller_who_hangs_up_while_the_bank_is_asked_ends_the_session(world: World, bank: StandIn) -> None:
    async with world.replica() as ivr:
        call = await world.arrive()
        await world.key(call, "1")
        await world.key(call, "1")
        await bank.go_wrong("slow", delay_ms=800)
        await world.key(call, CUSTOMER.card_no)
        await world.at(call, "identify")
        await world.hang_up(call)
        assert await world.ended(call) == "hung_up"
        assert ivr.sessions.running == {}
        # whatever the bank has done for him by then is told, and told before his end
        *_, done, left, ended = await world.facts(call)
        assert isinstance(done, BankOperationDone)
        assert (done.operation, done.outcome) == ("identify", "ok")
        assert isinstance(left, NodeLeft)
        assert (left.flow_node, left.outcome) == ("identify", "hung_up")
        assert isinstance(ended, SessionEnded)


async def test_a_caller_whose_replica_died_is_asked_for_his_secrets_again(world: World) -> None:
    async with world.replica("ivr-0") as first:
        call = await world.arrive()
        for keys in ("2", "1", CUSTOMER.card_no):
            await world.key(call, keys)
        await world.at(call, "pin")
        await world.asked(call)
        await first.die()
        world.node._running.clear()
        async with world.replica("ivr-1"):
            assert f"{SOUNDS}/en/enter-pin.wav" in await world.asked(call)
            await world.key(call, CUSTOMER.pin)
            # the card died with the first replica: the flow says sorry and begins again
            await world.at(call, "menu")
            for keys in ("1", CUSTOMER.card_no, CUSTOMER.pin):
                await world.key(call, keys)
            await world.at(call, "after-balance")
            await world.hang_up(call)
            assert await world.ended(call) == "hung_up"
    facts = await world.facts(call)
    assert len([f for f in facts if isinstance(f, SessionStarted)]) == 1
    assert len({f.session_id for f in facts if isinstance(f, NodeEntered)}) == 1


async def test_the_bank_being_absent_makes_health_red_and_its_return_green(world: World, bank: StandIn) -> None:
    await bank.go_wrong("down")
    async with world.replica() as ivr:
        red = await ivr.http.get("/health/ready")
        assert red.status_code == 503
        assert bank.url in red.text
        await bank.go_wrong("none")

        async def is_green() -> bool:
            return (await ivr.http.get("/health/ready")).status_code == 200

        await until(is_green, what="green again")
