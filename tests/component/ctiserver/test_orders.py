"""An agent orders bank business for his customer: forms, the order, the audit, what came of it; with an ivr that speaks the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from ipcc.auth.principal import Role
from ipcc.auth.tokens import development_key, issue_development_token
from ipcc.bus import BEGINNING, Consumption, Handlers, Received, Replier, Worker
from ipcc.bus.events import received_from
from ipcc.contracts.audit import ActDone
from ipcc.contracts.ivr import (
    CheckOrder,
    ConsentAnswered,
    FlowReturned,
    ListOrders,
    RunFlow,
    SessionStarted,
    StopFlow,
)
from ipcc.contracts.topics import AUDIT, IVR_COMMAND, TOPICS
from ipcc.errors import Invalid, NotAllowed
from ipcc.sealed import Sealer, order_of, results_of
from ipcc.tasks import Tasks
from tests.component.ctiserver.floor import Floor
from tests.component.ctiserver.test_flows import Ivr
from tests.component.ctiserver.test_talks import Talk
from tests.support.until import until

KEY = "0123456789abcdef0123456789abcdef"
ACCOUNT = "6222000000000025"
FORM = {
    "title": {"zh": "转账", "en": "Transfer"},
    "inputs": {
        "to_account": {"type": "account", "label": {"zh": "转入账号", "en": "To account"}},
        "amount": {"type": "amount", "label": {"zh": "金额", "en": "Amount"}},
    },
    "results": {"moved": {"type": "amount", "label": {"zh": "成交金额", "en": "Moved"}}},
}
ORDER = {"flow": "agent-transfer", "inputs": {"to_account": ACCOUNT, "amount": 10050}}


class Teller(Ivr):
    """An ivr with one flow that can be ordered."""

    sealer = Sealer(KEY)
    refusal: Exception | None = None

    async def list_orders(self, order: ListOrders, _received: Received) -> Mapping[str, Any]:
        self.asked.append(order)
        return {"orders": [{"flow_id": "agent-transfer", "flow_version": 1, "form": FORM}]}

    async def check(self, order: CheckOrder, _received: Received) -> Mapping[str, Any]:
        self.asked.append(order)
        if self.refusal:
            raise self.refusal
        self.sealer.open(order.sealed, order_of(order.session_id))
        return {"flow_id": order.flow_id, "flow_version": 1, "form": FORM}

    async def run_flow(self, order: RunFlow, received: Received) -> Mapping[str, Any]:
        self.asked.append(order)
        about = {"call_id": order.call_id, "session_id": order.session_id, "leg_id": order.leg_id}
        started = SessionStarted(
            **about,
            node_id=order.node_id,
            flow_id=order.flow_id,
            flow_version=1,
            entry_point="",
            is_lent=True,
            by=order.by,
            sealed=order.sealed,
        )
        await self.publisher.publish(started)
        return {"session_id": order.session_id}

    async def agree(self) -> None:
        order = self.last
        about = {"call_id": order.call_id, "session_id": order.session_id}
        asked = {"flow_id": order.flow_id, "flow_version": 1, "flow_node": "consent", "language": "zh"}
        await self.publisher.publish(ConsentAnswered(**about, **asked, about="transfer", outcome="agreed", by=order.by))

    async def end(self, outcome: str, movement: str = "", shown: Mapping[str, str] | None = None) -> None:
        order = self.last
        about = {"call_id": order.call_id, "session_id": order.session_id, "leg_id": order.leg_id}
        sealed = self.sealer.seal(shown, results_of(order.session_id)) if shown else ""
        told = FlowReturned(
            **about, flow_id=order.flow_id, outcome=outcome, results={}, movement=movement, sealed=sealed
        )
        await self.publisher.publish(told)

    async def stop_flow(self, order: StopFlow, _received: Received) -> Mapping[str, Any]:
        # it waits for the bank, which has just booked
        await self.end("stopped", "ok")
        return {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Teller]:
        replier, handlers, tasks = Replier(self.publisher), Handlers(), Tasks()
        handlers.on(RunFlow, replier.answering(self.run_flow)).on(StopFlow, replier.answering(self.stop_flow))
        handlers.on(ListOrders, replier.answering(self.list_orders)).on(CheckOrder, replier.answering(self.check))
        bus = self.floor.parts.bus(self.floor.settings())
        worker = Worker(bus, Consumption("ivr", [IVR_COMMAND]), handlers, self.floor.parts.clock)
        tasks.spawn("ivr", worker.run)
        try:
            yield self
        finally:
            await tasks.stop()


@asynccontextmanager
async def serving(floor: Floor, **given: Any) -> AsyncIterator[tuple[Talk, Teller]]:
    async with floor.ctiserver(order_key=KEY, **given) as client, Teller(floor).running() as ivr:
        talk = Talk(floor, client)
        await talk.begin()
        yield talk, ivr


async def acts(floor: Floor) -> list[ActDone]:
    async with floor.parts.bus(floor.settings()).replay(AUDIT.name, BEGINNING) as reader:
        events = [received_from(record).event.data async for record in reader]
    return [data for data in events if isinstance(data, ActDone) and data.act == "order"]


async def everything(floor: Floor) -> str:
    found = ""
    for topic in TOPICS:
        async with floor.parts.bus(floor.settings()).replay(topic.name, BEGINNING) as reader:
            found += "".join([repr((record.key, record.value, dict(record.headers))) async for record in reader])
    return found


async def orders(talk: Talk, **headers: str) -> list[dict[str, Any]]:
    answer = await talk.client.get(f"/v1/legs/{talk.agent}/orders", headers=headers)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


async def test_an_order_goes_sealed_is_audited_with_numbers_masked_and_its_result_is_shown_to_who_ordered(
    floor: Floor,
) -> None:
    async with serving(floor) as (talk, ivr):
        (offered,) = (await talk.client.get(f"/v1/legs/{talk.agent}/order-forms")).json()
        assert (offered["flow_id"], offered["form"]["title"]["zh"]) == ("agent-transfer", "转账")
        answer = await talk.do("orders", body=ORDER)
        assert answer.status_code == 200, answer.text
        begun = answer.json()
        assert (await talk.leg(talk.customer))["in_flow"] == "agent-transfer"
        opened = ivr.sealer.open(ivr.last.sealed, order_of(begun["session_id"]))
        assert opened == {"to_account": ACCOUNT, "amount": "10050"}
        await ivr.agree()
        await ivr.end("done", "ok", {"moved": "100.50"})
        await talk.are_joined(talk.agent, talk.customer)

        async def is_over() -> bool:
            return bool((await orders(talk))[0]["ended_at"])

        await until(is_over, what="what came of it is known")
        (found,) = await orders(talk)
        assert (found["outcome"], found["movement"], found["consents"]) == ("done", "ok", {"transfer": "agreed"})
        assert found["results"] == {"moved": "100.50"}
        (act,) = await until(lambda: acts(floor), what="the order is audited")
        assert (act.outcome, act.kind, act.object_id) == ("done", "call", talk.customer)
        assert act.details["input_to_account"] == "…0025"
        assert (act.details["flow"], act.details["input_amount"]) == ("agent-transfer", "10050")
        told = await everything(floor)
        assert ACCOUNT not in told
        assert "100.50" not in told


async def test_what_the_customer_let_be_shown_is_for_nobody_but_who_ordered_it(floor: Floor) -> None:
    async with serving(floor, auth_mode="dev") as (talk, ivr):
        settings = floor.settings(auth_mode="dev")
        clock = floor.parts.clock
        boss = issue_development_token(settings, clock, "boss", [Role.SUPERVISOR])
        li = issue_development_token(settings, clock, "li", [Role.AGENT])
        other = issue_development_token(settings, clock, "wang", [Role.AGENT])
        mine = {"Authorization": f"Bearer {li}"}
        stranger = await talk.do("orders", body=ORDER, Authorization=f"Bearer {other}")
        assert (stranger.status_code, stranger.json()["code"]) == (403, "leg.other")
        begun = await talk.do("orders", body=ORDER, **mine)
        assert begun.status_code == 200, begun.text
        await ivr.end("done", "ok", {"balance": "1000.00"})

        async def seen(token: str) -> dict[str, Any]:
            (found,) = await orders(talk, Authorization=f"Bearer {token}")
            return found

        await until(lambda: _is_over(seen, li), what="what came of it is known")
        assert (await seen(li))["results"] == {"balance": "1000.00"}
        assert (await seen(boss))["results"] == {}


async def _is_over(seen: Any, token: str) -> bool:
    return bool((await seen(token))["ended_at"])


async def test_what_ivr_refuses_touches_no_leg_and_is_audited_so(floor: Floor) -> None:
    async with serving(floor) as (talk, ivr):
        for error in (
            Invalid("order.invalid_input", "amount is no amount: Amount", field="amount"),
            NotAllowed("order.skill", "flow agent-transfer needs the skill money", skill="money"),
        ):
            ivr.refusal = error
            refused = await talk.do("orders", body=ORDER)
            assert (refused.status_code, refused.json()["code"]) == (error.status, error.code)
            assert refused.json()["details"] == error.details
            assert (await talk.leg(talk.customer))["bridged_to"] == talk.agent
        assert not any(isinstance(order, RunFlow) for order in ivr.asked)
        await until(lambda: _counts(floor, 2), what="both are audited")
        assert [act.outcome for act in await acts(floor)] == ["order.invalid_input", "order.skill"]
        assert ACCOUNT not in await everything(floor)


async def _counts(floor: Floor, count: int) -> bool:
    return len(await acts(floor)) == count


async def test_a_body_that_is_no_order_is_refused_before_anybody_is_asked(floor: Floor) -> None:
    async with serving(floor) as (talk, ivr):
        bodies: tuple[dict[str, Any], ...] = (
            {"flow": "agent-transfer", "inputs": {"amount": True}},
            {"flow": "agent-transfer", "inputs": {"amount": 1.5}},
            {"flow": "agent-transfer", "inputs": {f"x{n}": "1" for n in range(21)}},
            {"flow": "agent-transfer", "inputs": {"amount": "9" * 41}},
            {"flow": "a\nb", "inputs": {}},
            {"inputs": {}},
            {"flow": "agent-transfer", "pin": "246810"},
        )
        for body in bodies:
            refused = await talk.do("orders", body=body)
            assert refused.status_code == 422, refused.text
            assert "246810" not in refused.text
        assert ivr.asked == []


async def test_the_same_order_again_by_its_key_is_one_order(floor: Floor) -> None:
    async with serving(floor) as (talk, ivr):
        key = {"Idempotency-Key": "order-1"}
        first = await talk.do("orders", body=ORDER, **key)
        again = await talk.do("orders", body=ORDER, **key)
        assert (first.status_code, again.status_code) == (200, 200), again.text
        assert first.json()["session_id"] == again.json()["session_id"]
        assert sum(isinstance(order, RunFlow) for order in ivr.asked) == 1
        other = {**ORDER, "inputs": {**ORDER["inputs"], "amount": 1}}  # type: ignore[dict-item]
        reused = await talk.do("orders", body=other, **key)
        assert reused.json()["code"] == "request.reused"


async def test_another_replica_knows_the_order_a_dead_one_gave_and_brings_the_customer_back(floor: Floor) -> None:
    async with Teller(floor).running() as ivr:
        async with floor.ctiserver(order_key=KEY) as client:
            talk = Talk(floor, client)
            await talk.begin()
            assert (await talk.do("orders", body=ORDER)).status_code == 200
        await ivr.agree()
        await ivr.end("done", "ok", {"moved": "100.50"})
        async with floor.ctiserver(order_key=KEY) as client:
            again = Talk(floor, client)
            again.customer, again.agent = talk.customer, talk.agent
            await again.are_joined(talk.agent, talk.customer)
            (found,) = await orders(again)
            assert (found["outcome"], found["movement"], found["consents"]) == ("done", "ok", {"transfer": "agreed"})
            assert found["results"] == {"moved": "100.50"}
        assert sum(isinstance(order, RunFlow) for order in ivr.asked) == 1


async def test_without_a_key_between_the_two_nothing_can_be_ordered(floor: Floor) -> None:
    jwt_key = development_key(floor.folder)
    async with floor.ctiserver(auth_mode="jwt", jwt_key=jwt_key) as client:
        talk = Talk(floor, client)
        await talk.begin()
        refused = await talk.do("orders", body=ORDER)
        assert (refused.status_code, refused.json()["code"]) == (503, "order.no_key")
        await talk.are_joined(talk.agent, talk.customer)


async def test_an_agent_who_takes_his_customer_back_learns_what_was_moved_meanwhile(floor: Floor) -> None:
    async with serving(floor) as (talk, _ivr):
        await talk.do("orders", body=ORDER)
        taken = await talk.do("take-back")
        assert taken.status_code == 200, taken.text

        async def is_over() -> bool:
            return bool((await orders(talk))[0]["ended_at"])

        await until(is_over, what="what came of it is known")
        (found,) = await orders(talk)
        assert (found["outcome"], found["movement"]) == ("stopped", "ok")
