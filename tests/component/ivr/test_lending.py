"""An agent sends his caller through a flow and gets him back: the orders RunFlow and StopFlow, with the stand-in bank."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bankcore.demo import demo_customers
from ipcc.bus import Requester
from ipcc.contracts.ivr import (
    BankOperationDone,
    FlowReturned,
    NodeEntered,
    NodeLeft,
    RunFlow,
    SessionEnded,
    SessionStarted,
    StopFlow,
)
from ipcc.errors import Invalid, NotFound, NotNow, SwitchRefused
from ipcc.esl.commands import Command, SchedTransfer, UuidBreak, UuidKill, UuidSetVar, UuidTransfer
from ipcc.ids import LegId, new_id
from tests.component.ivr.conftest import TOKEN, StandIn
from tests.component.ivr.world import World
from tests.support.until import until

CUSTOMER = demo_customers()[0]


class Desk(World):
    """The bench with an agent's desktop beside it."""

    async def open(self) -> None:
        await super().open()
        self.requester = Requester(self.bus, self.publisher, "desktop-1")
        self.tasks.spawn("replies", self.requester.run)
        await until(lambda: self.requester.is_listening, what="replies are heard")

    async def lend(self, call: str = "", session: str = "", **given: Any) -> tuple[str, str]:
        """Send a parked leg through ``verify``; the call's id and the session's."""
        if not call:
            call = new_id()
            self.node.legs[LegId(call)] = {}
        session = session or new_id()
        known = {"call_id": call, "leg_id": call, "session_id": session, "node_id": "fs1", "flow_id": "verify"}
        order = RunFlow.model_validate({**known, "language": "en", "by": "a1", **given})
        answer = await self.requester.ask(order)
        assert answer == {"session_id": session, "flow_id": order.flow_id, "flow_version": 1}
        return call, session

    async def stop(self, call: str, session: str) -> dict[str, Any]:
        return await self.requester.ask(StopFlow(call_id=call, session_id=session, by="a1"))

    async def returned(self, call: str) -> FlowReturned:
        async def found() -> list[FlowReturned]:
            return [f for f in await self.facts(call) if isinstance(f, FlowReturned)]

        return (await until(found, timeout=30, what="the flow returns"))[0]

    def break_when_told(self) -> None:
        """``uuid_break`` ends what runs on the leg, as on the switch."""

        def broken(command: Command) -> str:
            assert isinstance(command, UuidBreak)
            if any(r.leg_id == command.leg_id for r in self.node._running):
                self.node.finish(command.leg_id)
            return "+OK\n"

        self.node.answer("uuid_break", broken)


@pytest.fixture
async def desk(tmp_path: Path, bank: StandIn) -> AsyncIterator[Desk]:
    found = Desk(tmp_path, bank_url=bank.url, given={"bankcore_token": TOKEN})
    found.node.finish_at_once("playback", "FILE PLAYED")
    await found.open()
    yield found
    await found.close()


async def test_a_caller_proves_who_he_is_and_the_agent_gets_him_back_with_what_the_flow_names(desk: Desk) -> None:
    async with desk.replica() as ivr:
        call, session = await desk.lend()
        await desk.key(call, CUSTOMER.card_no)
        await desk.key(call, CUSTOMER.pin)
        found = await desk.returned(call)
        assert (found.session_id, found.leg_id, found.flow_id, found.outcome) == (session, call, "verify", "verified")
        assert found.results["verified"] == "yes"
        assert found.results["card_tail"] == CUSTOMER.card_no[-4:]
        assert await desk.ended(call) == "completed"
        # parked and silent: nothing plays, nobody has hung up or sent him anywhere, and no net was spread under him
        assert [r for r in desk.node._running if r.leg_id == call] == []
        assert [type(c) for c in desk.node.commands if isinstance(c, UuidKill | UuidTransfer | SchedTransfer)] == []
        await until(lambda: not desk.node.watched, what="the leg is let go of")
        assert ivr.sessions.running == {}
        assert "/en/verify-for-agent.wav" in desk.heard(call)[0]
        told = (await desk.everything()).decode()
        assert CUSTOMER.card_no not in told
        assert CUSTOMER.pin not in told


async def test_what_failed_is_said_by_the_outcome(desk: Desk) -> None:
    async with desk.replica():
        call, _ = await desk.lend(language="zh")
        await desk.key(call, "0")
        found = await desk.returned(call)
        assert (found.outcome, found.results) == ("cancelled", {"verified": "no"})


async def test_an_order_repeated_changes_nothing_and_gets_the_same_answer(desk: Desk) -> None:
    async with desk.replica():
        call, session = await desk.lend()
        await desk.asked(call)
        await desk.lend(call, session)
        await desk.key(call, "0")
        await desk.returned(call)
        await desk.ended(call)
        await desk.lend(call, session)
        assert [r.application for r in desk.node.executed].count("play_and_get_digits") == 1
        kinds = [type(f) for f in await desk.facts(call)]
        assert (kinds.count(SessionStarted), kinds.count(FlowReturned), kinds.count(SessionEnded)) == (1, 1, 1)


async def test_it_is_refused_for_an_unknown_flow_a_leg_that_is_gone_and_a_session_that_runs(desk: Desk) -> None:
    async with desk.replica():
        with pytest.raises(NotFound, match="no published flow nonsense"):
            await desk.lend(flow_id="nonsense")
        with pytest.raises(NotFound, match="is not on node fs1"):
            await desk.lend(new_id())
        with pytest.raises(NotFound):
            await desk.lend(node_id="fs9")
        with pytest.raises(Invalid, match="no return node"):
            await desk.lend(flow_id="bank-main")
        with pytest.raises(Invalid, match="only the caller may give it"):
            await desk.lend(data={"card_no": "1"})
        own = await desk.arrive()
        await desk.asked(own)
        with pytest.raises(NotNow, match="is in a flow already"):
            await desk.lend(own)
        with pytest.raises(NotFound, match="there is no session"):
            await desk.stop(own, new_id())
        call, _ = await desk.lend()
        with pytest.raises(NotNow):
            await desk.lend(call)


async def test_a_caller_who_hangs_up_in_the_flow_is_returned_so(desk: Desk) -> None:
    async with desk.replica():
        call, _ = await desk.lend()
        await desk.asked(call)
        await desk.hang_up(call)
        assert (await desk.returned(call)).outcome == "hung_up"
        assert await desk.ended(call) == "hung_up"


async def test_the_agent_takes_him_back_in_the_middle_and_what_was_keyed_is_wiped(desk: Desk) -> None:
    desk.break_when_told()
    async with desk.replica():
        call, session = await desk.lend()
        await desk.asked(call)
        assert await desk.stop(call, session) == {"session_id": session, "was_running": True}
        assert (await desk.returned(call)).outcome == "stopped"
        assert await desk.ended(call) == "stopped"
        assert [r for r in desk.node._running if r.leg_id == call] == []
        assert desk.node.commands[-1].render() == f"uuid_setvar {call} ipcc_digits"
        assert await desk.stop(call, session) == {"session_id": session, "was_running": False}


async def test_taken_back_while_the_bank_is_asked_its_answer_is_told_first(desk: Desk, bank: StandIn) -> None:
    desk.break_when_told()
    await bank.go_wrong("slow", delay_ms=700)
    async with desk.replica():
        call, session = await desk.lend()
        await desk.key(call, CUSTOMER.card_no)
        await until(lambda: bank.asked("identify"), what="the bank is asked")
        await desk.stop(call, session)
        assert (await desk.returned(call)).outcome == "stopped"
        kinds = [type(f) for f in await desk.facts(call)]
        assert kinds[-4:] == [BankOperationDone, NodeLeft, FlowReturned, SessionEnded]


async def test_a_switch_that_will_not_be_quiet_gives_the_leg_back_all_the_same_and_never_to_the_net(desk: Desk) -> None:
    desk.node.results.pop("playback")
    async with desk.replica():
        call, session = await desk.lend()
        await until(lambda: desk.node.executed and desk.node.executed[-1].application == "playback", what="it is said")
        desk.node.answer("uuid_break", SwitchRefused("-ERR nonsense"))
        await desk.stop(call, session)
        assert (await desk.returned(call)).outcome == "stopped"
        assert [c for c in desk.node.commands if isinstance(c, UuidTransfer | SchedTransfer)] == []


async def test_who_was_joined_to_his_agent_by_force_is_never_asked_by_the_next_replica(desk: Desk) -> None:
    async with desk.replica("ivr-0") as first:
        call, session = await desk.lend()
        await desk.key(call, CUSTOMER.card_no)
        await desk.asked(call)
        await first.die()
        desk.node._running.clear()
        # nobody answered the order to take him back: ctiserver joined them itself
        desk.node.legs[LegId(call)]["application"] = "uuid_bridge"
        ran, sent = len(desk.node.executed), len(desk.node.commands)
        async with desk.replica("ivr-1") as second:
            found = await desk.returned(call)
            assert (found.session_id, found.outcome, found.results) == (session, "stopped", {"verified": "no"})
            assert await desk.ended(call) == "stopped"
            assert second.sessions.running == {}
        assert desk.node.executed[ran:] == []
        assert not any(
            isinstance(c, UuidBreak | UuidSetVar | UuidKill | UuidTransfer) for c in desk.node.commands[sent:]
        )


async def test_what_a_flow_finds_out_itself_nobody_tells_it_and_what_fits_no_variable_is_left_out(desk: Desk) -> None:
    async with desk.replica():
        told = {"verified": "yes", "customer_id": "c1", "ticket-no": "7", "note": "x" * 500, "ticket": "t1"}
        call, _ = await desk.lend(data=told)
        await desk.asked(call)
        started = next(f for f in await desk.facts(call) if isinstance(f, SessionStarted))
        assert started.given == {"ticket": "t1"}
        await desk.key(call, "0")
        assert (await desk.returned(call)).results == {"verified": "no"}


async def test_another_replica_goes_on_where_one_died_and_gives_him_back(desk: Desk) -> None:
    async with desk.replica("ivr-0") as first:
        call, session = await desk.lend(data={"ticket": "t1"})
        await desk.key(call, CUSTOMER.card_no)
        await desk.asked(call)
        await first.die()
        desk.node._running.clear()
        async with desk.replica("ivr-1"):
            # the number was a secret: it is asked for again, with an apology
            assert "/en/interrupted.wav" in await desk.asked(call)
            await desk.lend(call, session)
            with pytest.raises(NotNow):
                await desk.lend(call)
            await desk.key(call, CUSTOMER.card_no)
            await desk.key(call, CUSTOMER.pin)
            assert (await desk.returned(call)).outcome == "verified"
            last = [f for f in await desk.facts(call) if isinstance(f, NodeEntered)][-1]
            assert last.place["ticket"] == "t1"
        assert [c for c in desk.node.commands if isinstance(c, UuidTransfer | SchedTransfer)] == []


async def test_a_leg_that_was_given_back_is_not_touched_by_the_next_replica(desk: Desk) -> None:
    async with desk.replica("ivr-0"):
        call, session = await desk.lend()
        await desk.key(call, "0")
        await desk.returned(call)
        await desk.ended(call)
    told = len(desk.node.executed)
    async with desk.replica("ivr-1"):
        await desk.lend(call, session)
        other = await desk.arrive()
        await desk.asked(other)
        assert [r for r in desk.node.executed[told:] if r.leg_id == call] == []
        await desk.hang_up(other)
        await desk.ended(other)


async def test_no_part_can_be_had_to_move_money_on_what_an_agent_has_attached(desk: Desk, bank: StandIn) -> None:
    async with desk.replica():
        call, _ = await desk.lend()
        await desk.key(call, CUSTOMER.card_no)
        await desk.key(call, CUSTOMER.pin)
        await desk.returned(call)
        await desk.ended(call)
        desk.node.legs[LegId(call)] = {}
        attached = {"to_account": demo_customers()[1].card_no, "amount": "100.50", "ordered_by": "1001"}
        # the part asks for the password alone: the customer would not hear for what
        _, session = await desk.lend(call, flow_id="do-transfer", data=attached)
        for _ in range(3):
            await desk.key(call, CUSTOMER.pin)
        await desk.key(call, "0")

        async def outcomes() -> list[str]:
            facts = await desk.facts(call)
            return [f.outcome for f in facts if isinstance(f, FlowReturned) and f.session_id == session]

        assert await until(outcomes, what="the flow returns") == ["cancelled"]
        assert not bank.asked("transfer")
