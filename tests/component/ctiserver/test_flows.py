"""A customer is sent through a flow and comes back, on the simulated switch, with an ivr that speaks the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ipcc.bus import Consumption, Handlers, Publisher, Received, Replier, Worker
from ipcc.contracts.call import PartyBackFromFlow, PartySentToFlow
from ipcc.contracts.ivr import FlowReturned, IvrCommand, RunFlow, StopFlow
from ipcc.contracts.topics import IVR_COMMAND
from ipcc.errors import NotFound
from ipcc.esl.commands import Words
from ipcc.ids import LegId
from ipcc.tasks import Tasks
from tests.component.ctiserver.floor import Floor
from tests.component.ctiserver.test_talks import Talk
from tests.support.until import until

PIN = {"to": {"kind": "flow", "value": "pin"}}


@dataclass
class Ivr:
    """Takes the parked leg, plays to it, and gives it back when told to; knows the flows ``pin`` and ``lost``."""

    floor: Floor
    asked: list[IvrCommand] = field(default_factory=list)
    stops: bool = True

    def __post_init__(self) -> None:
        self.publisher = Publisher(self.floor.parts.bus(self.floor.settings()), "ivr/test", self.floor.parts.clock)

    @property
    def last(self) -> RunFlow:
        return next(order for order in reversed(self.asked) if isinstance(order, RunFlow))

    async def run_flow(self, order: RunFlow, _received: Received) -> Mapping[str, Any]:
        self.asked.append(order)
        if order.flow_id != "pin":
            raise NotFound("flow.unknown", f"there is no flow {order.flow_id}")
        await self.floor.hand.watch(LegId(order.leg_id))
        return {"session_id": order.session_id}

    async def stop_flow(self, order: StopFlow, _received: Received) -> Mapping[str, Any]:
        self.asked.append(order)
        if self.stops:
            await self.give_back("stopped", {})
        return {}

    async def give_back(self, outcome: str, results: dict[str, str]) -> None:
        order = self.last
        about = {"call_id": order.call_id, "session_id": order.session_id, "leg_id": order.leg_id}
        await self.publisher.publish(FlowReturned(**about, flow_id=order.flow_id, outcome=outcome, results=results))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Ivr]:
        replier, handlers, tasks = Replier(self.publisher), Handlers(), Tasks()
        handlers.on(RunFlow, replier.answering(self.run_flow))
        handlers.on(StopFlow, replier.answering(self.stop_flow))
        bus = self.floor.parts.bus(self.floor.settings())
        worker = Worker(bus, Consumption("ivr", [IVR_COMMAND]), handlers, self.floor.parts.clock)
        tasks.spawn("ivr", worker.run)
        try:
            yield self
        finally:
            await tasks.stop()


@asynccontextmanager
async def talking(floor: Floor, **given: Any) -> AsyncIterator[tuple[Talk, Ivr]]:
    async with floor.ctiserver(**given) as client, Ivr(floor).running() as ivr:
        talk = Talk(floor, client)
        await talk.begin()
        yield talk, ivr


async def data_of(talk: Talk) -> dict[str, str]:
    found: dict[str, str] = (await talk.client.get(f"/v1/calls/{talk.customer}")).json()["data"]
    return found


async def is_entertained(talk: Talk) -> None:
    """The agent waits with music, his customer's leg has none of it: ivr will speak there."""

    async def is_so() -> bool:
        rows = {row.leg_id: row.application for row in await talk.floor.hand.channels()}
        return (rows[LegId(talk.agent)], rows[LegId(talk.customer)]) == ("playback", "park")

    await until(is_so, what="music for the agent alone")


async def is_at_the_net(talk: Talk) -> None:
    async def is_so() -> bool:
        rows = await talk.floor.hand.channels()
        return [row.dialled for row in rows if row.leg_id == talk.customer] == ["fallback"]

    await until(is_so, what="the net has the customer")


async def test_a_customer_walks_through_a_flow_apart_from_his_agent_and_comes_back_with_the_results(
    floor: Floor,
) -> None:
    async with talking(floor) as (talk, ivr):
        await talk.client.post(f"/v1/calls/{talk.customer}/data", json={"data": {"language": "en", "case": "7"}})
        began = await talk.done("send-to-flow", body=PIN)
        assert (began["leg_id"], began["bridged_to"]) == (talk.agent, None)
        customer = await talk.leg(talk.customer)
        assert (customer["in_flow"], customer["waits_for"], customer["bridged_to"]) == ("pin", talk.agent, None)
        await is_entertained(talk)
        assert (ivr.last.leg_id, ivr.last.node_id, ivr.last.language) == (talk.customer, "fs1", "en")
        assert ivr.last.data == {"language": "en", "case": "7"}
        for verb in ("retrieve", "hold", "park", "send-to-flow"):
            refused = await talk.do(verb, body=PIN if verb == "send-to-flow" else None)
            assert (refused.status_code, refused.json()["details"]["standing"]) == (409, "awaiting_flow")
        await ivr.give_back("verified", {"verified": "yes", "pin": "4711", "Bad Name": "x"})
        await talk.are_joined(talk.agent, talk.customer)
        assert await data_of(talk) == {"language": "en", "case": "7", "verified": "yes"}
        assert (await talk.leg(talk.customer))["in_flow"] == ""
        told = [item.payload for item in await floor.told()]
        back = next(payload for payload in told if isinstance(payload, PartyBackFromFlow))
        assert (back.by_leg_id, back.outcome, back.results) == (talk.agent, "verified", {"verified": "yes"})
        assert "4711" not in str(told)
        await talk.done("hang-up")
        await talk.has_ended(talk.customer)
        await talk.is_empty()


async def test_the_recording_is_silent_while_the_customer_is_in_the_flow_and_only_then(floor: Floor) -> None:
    async with talking(floor) as (talk, ivr):
        name = "recordings/flow/agent.wav"
        spool = floor.settings().recordings_root
        path = Path(spool) / name
        hand = floor.hand
        await hand.api(Words("uuid_setvar", talk.agent, "ipcc_recording", name))
        await hand.api(Words("uuid_record", talk.agent, "start", str(path)))
        channel = floor.switch.engine.kernel.find(talk.agent)
        assert channel
        (recording,) = channel.recordings
        assert recording.masked_since is None
        await talk.done("send-to-flow", body=PIN)
        assert recording.masked_since is not None
        await ivr.give_back("done", {})
        await talk.are_joined(talk.agent, talk.customer)
        await until(lambda: recording.masked_since is None, what="sound is recorded again")
        assert len(recording.masked) == 1


async def test_a_flow_that_ivr_refuses_or_does_not_begin_leaves_the_two_talking(floor: Floor) -> None:
    async with talking(floor) as (talk, ivr):
        refused = await talk.do("send-to-flow", body={"to": {"kind": "flow", "value": "lost"}})
        assert (refused.status_code, refused.json()["code"]) == (404, "flow.unknown")
        await talk.are_joined(talk.agent, talk.customer)
        for body, code in (
            ({"to": {"kind": "flow", "value": "a\nb"}}, "flow.invalid"),
            ({"to": {"kind": "phone", "value": "1002"}}, "target.flow"),
        ):
            wrong = await talk.do("send-to-flow", body=body)
            assert (wrong.status_code, wrong.json()["code"]) == (422, code)
        assert [type(order) for order in ivr.asked] == [RunFlow]
        assert not any(isinstance(item.payload, PartySentToFlow) for item in await floor.told())


async def test_an_ivr_that_does_not_answer_has_the_two_joined_again(floor: Floor) -> None:
    async with floor.ctiserver(ask_timeout_s=0.3) as client:
        talk = Talk(floor, client)
        await talk.begin()
        late = await talk.do("send-to-flow", body=PIN)
        assert (late.status_code, late.json()["code"]) == (503, "flow.no_answer")
        await talk.are_joined(talk.agent, talk.customer)
        await talk.done("hold")
        await talk.done("retrieve")


async def test_an_agent_takes_the_customer_back_with_and_without_ivrs_help(floor: Floor) -> None:
    async with talking(floor, control_timeout_s=1) as (talk, ivr):
        for stops, outcome in ((True, "stopped"), (False, "overdue")):
            ivr.stops = stops
            await talk.done("send-to-flow", body=PIN)
            taken = await talk.done("take-back")
            assert taken["bridged_to"] == talk.customer
            backs = [item.payload for item in await floor.told() if isinstance(item.payload, PartyBackFromFlow)]
            assert backs[-1].outcome == outcome
        again = await talk.do("take-back")
        assert (again.status_code, again.json()["code"]) == (409, "leg.wrong_state")


async def test_a_customer_who_hangs_up_in_the_flow_frees_his_agent(floor: Floor) -> None:
    async with talking(floor) as (talk, ivr):
        await talk.done("send-to-flow", body=PIN)
        floor.switch.engine.phones.hang_up(talk.customer)
        await ivr.give_back("hung_up", {})
        await talk.has_ended(talk.agent)
        await talk.is_empty()
        (back,) = [
            item.payload
            for item in await floor.until_told(PartyBackFromFlow)
            if isinstance(item.payload, PartyBackFromFlow)
        ]
        assert back.outcome == "hung_up"


async def test_a_customer_whose_agent_hangs_up_finishes_his_flow_and_meets_a_human(floor: Floor) -> None:
    async with talking(floor, mind_every_s=0.05) as (talk, ivr):
        await talk.done("send-to-flow", body=PIN)
        floor.switch.engine.phones.hang_up(talk.agent)
        await talk.has_ended(talk.agent)
        # time enough to be found left behind, if he were
        await floor.parts.clock.sleep(0.3)
        assert (await talk.leg(talk.customer))["in_flow"] == "pin"
        assert [row.dialled for row in await floor.hand.channels()] != ["fallback"]
        await ivr.give_back("verified", {"verified": "yes"})
        await is_at_the_net(talk)
        assert (await data_of(talk))["verified"] == "yes"


async def test_a_flow_that_lasts_too_long_is_stopped_and_one_that_does_not_stop_is_left(floor: Floor) -> None:
    async with talking(floor, flow_limit_s=0.5, ask_timeout_s=0.5, control_timeout_s=0.5) as (talk, ivr):
        for stops in (True, False):
            ivr.stops = stops
            await talk.done("send-to-flow", body=PIN)
            await talk.are_joined(talk.agent, talk.customer)
        outcomes = [item.payload.outcome for item in await floor.told() if isinstance(item.payload, PartyBackFromFlow)]
        assert outcomes == ["stopped", "overdue"]
        assert sum(isinstance(order, StopFlow) for order in ivr.asked) == 2


async def test_a_customer_sent_to_a_flow_for_good_is_nobodys_to_pick_up_and_meets_a_human_at_its_end(
    floor: Floor,
) -> None:
    async with talking(floor) as (talk, ivr):
        sent = await talk.done("transfer", body=PIN)
        assert (sent["leg_id"], sent["in_flow"], sent["waits_for"]) == (talk.customer, "pin", None)
        await talk.has_ended(talk.agent)
        picked = await talk.client.post(f"/v1/agents/li/pick-up/{talk.customer}")
        assert picked.json()["code"] == "party.not_parked"
        await ivr.give_back("done", {})
        await is_at_the_net(talk)


async def test_a_caller_whom_the_flow_has_sent_elsewhere_is_not_fetched_back(floor: Floor) -> None:
    async with talking(floor) as (talk, ivr):
        await talk.done("send-to-flow", body=PIN)
        await ivr.give_back("transferred", {})
        await talk.has_ended(talk.agent)
        customer = await talk.leg(talk.customer)
        assert (customer["ended_at"], customer["in_flow"], customer["is_waiting"]) == (None, "", False)


async def test_another_replica_brings_back_whom_a_dead_one_sent(floor: Floor) -> None:
    async with Ivr(floor).running() as ivr:
        async with floor.ctiserver() as client:
            talk = Talk(floor, client)
            await talk.begin()
            await talk.done("send-to-flow", body=PIN)
        await ivr.give_back("verified", {"verified": "yes"})
        async with floor.ctiserver() as client:
            again = Talk(floor, client)
            again.customer, again.agent = talk.customer, talk.agent
            await again.are_joined(talk.agent, talk.customer)
            assert (await data_of(again))["verified"] == "yes"
