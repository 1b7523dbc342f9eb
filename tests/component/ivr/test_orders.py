"""An agent orders something for his caller: validated before a leg is touched, agreed to, proved, done once, told honestly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bankcore.demo import demo_customers
from ipcc.contracts.ivr import (
    BankOperationDone,
    CheckOrder,
    ConsentAnswered,
    FlowReturned,
    ListOrders,
    SessionEnded,
    SessionStarted,
)
from ipcc.contracts.order import OrderForm
from ipcc.errors import Invalid, NotAllowed, NotFound
from ipcc.ids import LegId, new_id
from ipcc.sealed import Sealer, order_of, results_of
from services.ivr.core.actions import BankAnswer
from tests.component.ivr.conftest import TOKEN, StandIn
from tests.component.ivr.test_lending import Desk
from tests.support.until import until

KEY = "0123456789abcdef0123456789abcdef"
CUSTOMER, OTHER = demo_customers()[0], demo_customers()[1]
TRANSFER = {"to_account": OTHER.card_no, "amount": "10050"}


class Counter(Desk):
    """A desktop that orders."""

    sealer = Sealer(KEY)

    async def order(self, inputs: Mapping[str, str], flow: str = "agent-transfer", **given: Any) -> tuple[str, str]:
        """Order it for a caller whose leg is parked; the call's id and the session's."""
        session = given.pop("session", "") or new_id()
        sealed = self.sealer.seal(inputs, order_of(session))
        known = {"flow_id": flow, "sealed": sealed, "roles": ("agent",), "by": "1001", **given}
        return await self.lend(session=session, **known)

    async def check(self, inputs: Mapping[str, str], flow: str = "agent-transfer", **given: Any) -> dict[str, Any]:
        session = new_id()
        known = {"call_id": new_id(), "session_id": session, "flow_id": flow, "roles": ("agent",), "by": "1001"}
        sealed = self.sealer.seal(inputs, order_of(session))
        return await self.requester.ask(CheckOrder.model_validate({**known, "sealed": sealed, **given}))

    async def prove(self, call: str) -> None:
        await self.key(call, CUSTOMER.card_no)
        await self.key(call, CUSTOMER.pin)

    def shown(self, returned: FlowReturned) -> dict[str, str]:
        return self.sealer.open(returned.sealed, results_of(returned.session_id)) if returned.sealed else {}


@pytest.fixture
async def counter(tmp_path: Path, bank: StandIn) -> AsyncIterator[Counter]:
    found = Counter(tmp_path, bank_url=bank.url, given={"bankcore_token": TOKEN, "order_key": KEY})
    found.node.finish_at_once("playback", "FILE PLAYED")
    await found.open()
    yield found
    await found.close()


async def test_a_transfer_is_agreed_to_proved_and_booked_once_and_the_agent_learns_what_came_of_it(
    counter: Counter, bank: StandIn
) -> None:
    async with counter.replica():
        before = await bank.proof()
        call, session = await counter.order(TRANSFER)
        await counter.prove(call)
        said = await counter.asked(call)
        assert [part in said for part in ("/order/agent.wav", "/order/transfer.wav", "/order/agree.wav")] == [True] * 3
        await counter.key(call, "1")
        await counter.key(call, CUSTOMER.pin)
        await counter.key(call, "2")
        found = await counter.returned(call)
        assert (found.outcome, found.movement, found.results["verified"]) == ("done", "ok", "yes")
        assert counter.shown(found)["moved"] == "100.50"
        facts = await counter.facts(call)
        (consent,) = [f for f in facts if isinstance(f, ConsentAnswered)]
        assert (consent.about, consent.outcome, consent.by) == ("transfer", "agreed", "1001")
        assert (consent.flow_id, consent.flow_version, consent.session_id) == ("agent-transfer", 1, session)
        assert "amount=amount" in consent.said
        after = await bank.proof()
        assert (after["balanced"], after["bookings"]) == (True, before["bookings"] + 1)
        told = (await counter.everything()).decode()
        # neither what he keyed, nor to whom or how much, is on a topic
        for number in (CUSTOMER.card_no, CUSTOMER.pin, OTHER.card_no, "100.50", "10050"):
            assert number not in told
        assert next(f for f in facts if isinstance(f, SessionStarted)).by == "1001"


async def test_a_customer_who_does_not_agree_is_asked_for_no_password_and_nothing_is_asked_of_the_bank(
    counter: Counter, bank: StandIn
) -> None:
    async with counter.replica():
        call, _ = await counter.order(TRANSFER)
        await counter.prove(call)
        await counter.key(call, "2")
        found = await counter.returned(call)
        assert (found.outcome, found.movement, found.sealed) == ("refused", "", "")
        assert not bank.asked("transfer")
        assert [f.outcome for f in await counter.facts(call) if isinstance(f, ConsentAnswered)] == ["refused"]


@pytest.mark.parametrize(
    ("inputs", "code", "field"),
    [
        ({"amount": "100"}, "order.missing_input", "to_account"),
        ({**TRANSFER, "amount": "0"}, "order.invalid_input", "amount"),
        ({**TRANSFER, "amount": "1.50"}, "order.invalid_input", "amount"),
        ({**TRANSFER, "amount": "-5"}, "order.invalid_input", "amount"),
        ({**TRANSFER, "to_account": "6222\n000000000025"}, "order.invalid_input", "to_account"),
        ({**TRANSFER, "pin": "246810"}, "order.unknown_input", "pin"),
        ({**TRANSFER, "card_no": CUSTOMER.card_no}, "order.unknown_input", "card_no"),
        ({**TRANSFER, "verified": "yes"}, "order.unknown_input", "verified"),
    ],
)
async def test_what_is_no_order_is_refused_naming_the_field_and_never_the_value(
    counter: Counter, inputs: dict[str, str], code: str, field: str
) -> None:
    async with counter.replica():
        for ask in (counter.check, counter.order):
            with pytest.raises(Invalid) as refused:
                await ask(inputs)
            assert (refused.value.code, refused.value.details["field"]) == (code, field)
            assert OTHER.card_no not in str(refused.value.details) + refused.value.message
        assert counter.node.executed == []


async def test_who_may_not_order_is_refused_and_a_flow_with_a_form_is_run_by_an_order_alone(counter: Counter) -> None:
    async with counter.replica():
        with pytest.raises(NotAllowed) as refused:
            await counter.check(TRANSFER, roles=("auditor",))
        assert refused.value.code == "order.role"
        with pytest.raises(Invalid) as needed:
            await counter.lend(flow_id="agent-transfer")
        assert needed.value.code == "order.needed"
        with pytest.raises(Invalid) as offered:
            await counter.check(TRANSFER, flow="verify")
        assert offered.value.code == "order.not_offered"
        with pytest.raises(NotFound):
            await counter.check(TRANSFER, flow="nonsense")
        with pytest.raises(Invalid) as sealed:
            await counter.check(TRANSFER, sealed=Sealer("another key of thirty-two characters").seal(TRANSFER, "x"))
        assert sealed.value.code == "sealed.unreadable"


async def test_an_order_is_sealed_for_its_own_session_and_opens_in_no_other(counter: Counter) -> None:
    async with counter.replica():
        mine = counter.sealer.seal(TRANSFER, order_of("another session"))
        with pytest.raises(Invalid) as refused:
            await counter.lend(flow_id="agent-transfer", sealed=mine, roles=("agent",), by="1001")
        assert refused.value.code == "sealed.unreadable"


async def test_every_form_is_listed_with_labels_in_both_languages_for_who_may_order_it(counter: Counter) -> None:
    async with counter.replica():
        asked = ListOrders(call_id=new_id(), roles=("agent",))
        found = (await counter.requester.ask(asked))["orders"]
        forms = {one["flow_id"]: OrderForm.model_validate(one["form"]) for one in found}
        assert {"agent-transfer", "agent-query", "agent-loss", "agent-bill"} <= forms.keys()
        assert "verify" not in forms
        transfer = forms["agent-transfer"]
        assert (transfer.title.zh, transfer.title.en) == ("转账", "Transfer")
        assert {name: field.type for name, field in transfer.inputs.items()} == {
            "to_account": "account",
            "amount": "amount",
        }
        asked = ListOrders(call_id=new_id(), roles=("auditor",))
        assert (await counter.requester.ask(asked))["orders"] == []


async def test_who_has_proved_it_in_this_call_is_not_asked_again_but_keys_his_password_for_every_movement(
    counter: Counter, bank: StandIn
) -> None:
    async with counter.replica():
        call, _ = await counter.lend()
        await counter.prove(call)
        await counter.returned(call)
        await counter.ended(call)
        counter.node.legs[LegId(call)] = {}
        session = new_id()
        await counter.order({"what": "balance"}, flow="agent-query", call=call, session=session)
        said = await counter.asked(call)
        assert ["/order/asks.wav" in said, "/order/balance.wav" in said, "enter" in said] == [True, True, False]
        await counter.key(call, "1")
        found = await _returned(counter, call, session)
        assert (found.outcome, set(counter.shown(found))) == ("done", {"balance"})
        assert "balance" not in found.results
        session = new_id()
        await counter.order(TRANSFER, call=call, session=session)
        await counter.key(call, "1")
        assert "/enter-pin.wav" in await counter.asked(call)
        await counter.key(call, CUSTOMER.pin)
        await counter.key(call, "2")
        assert (await _returned(counter, call, session)).outcome == "done"
        assert bank.asked("verify_pin") == 1


async def test_a_balance_is_shown_to_no_agent_whose_customer_does_not_agree(counter: Counter, bank: StandIn) -> None:
    async with counter.replica():
        call, _ = await counter.order({"what": "balance"}, flow="agent-query")
        await counter.prove(call)
        await counter.key(call, "2")
        found = await counter.returned(call)
        assert (found.outcome, found.sealed) == ("refused", "")
        assert not bank.asked("balance")


async def test_what_one_call_has_proved_holds_in_no_other_and_ends_with_the_leg(counter: Counter) -> None:
    async with counter.replica() as ivr:
        call, _ = await counter.lend()
        await counter.prove(call)
        await counter.returned(call)
        await counter.ended(call)
        assert ivr.sessions.proofs.of(call, call) is not None
        assert CUSTOMER.card_no not in repr(ivr.sessions.proofs.of(call, call))
        other, _ = await counter.order({"what": "balance"}, flow="agent-query")
        assert "/enter-any-number.wav" in await counter.asked(other)
        await counter.hang_up(call)
        await until(lambda: ivr.sessions.proofs.of(call, call) is None, what="it is forgotten")


async def test_a_caller_who_hangs_up_while_the_bank_is_asked_is_returned_so_with_what_became_of_his_money(
    counter: Counter, bank: StandIn
) -> None:
    async with counter.replica():
        call, _ = await counter.order(TRANSFER)
        await counter.prove(call)
        await counter.key(call, "1")
        await bank.go_wrong("slow", operation="transfer", delay_ms=700)
        await counter.key(call, CUSTOMER.pin)
        await counter.at(call, "do.order")
        await counter.hang_up(call)
        found = await counter.returned(call)
        assert (found.outcome, found.movement) == ("hung_up", "ok")
        assert (await bank.proof())["balanced"]


@pytest.mark.parametrize("where", ["who.ask", "consent", "do.pin"])
async def test_a_caller_who_hangs_up_before_the_bank_is_asked_has_moved_nothing(
    counter: Counter, bank: StandIn, where: str
) -> None:
    async with counter.replica():
        call, _ = await counter.order(TRANSFER)
        if where != "who.ask":
            await counter.prove(call)
        if where == "do.pin":
            await counter.key(call, "1")
        await counter.at(call, where)
        await counter.asked(call)
        await counter.hang_up(call)
        found = await counter.returned(call)
        assert (found.outcome, found.movement) == ("hung_up", "")
        assert not bank.asked("transfer")


async def test_an_agent_who_stops_it_before_the_bank_was_asked_has_moved_nothing_and_after_learns_what_was_moved(
    counter: Counter, bank: StandIn
) -> None:
    counter.break_when_told()
    async with counter.replica():
        call, session = await counter.order(TRANSFER)
        await counter.prove(call)
        await counter.at(call, "consent")
        await counter.asked(call)
        await counter.stop(call, session)
        found = await counter.returned(call)
        assert (found.outcome, found.movement) == ("stopped", "")
        assert not bank.asked("transfer")
        call, session = await counter.order(TRANSFER)
        await counter.prove(call)
        await counter.key(call, "1")
        await bank.go_wrong("slow", operation="transfer", delay_ms=700)
        await counter.key(call, CUSTOMER.pin)
        await counter.at(call, "do.order")
        await counter.stop(call, session)
        found = await counter.returned(call)
        assert (found.outcome, found.movement) == ("stopped", "ok")


async def test_a_replica_that_dies_while_the_bank_is_asked_leaves_one_booking_and_the_next_one_asks_what_became_of_it(
    counter: Counter, bank: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await bank.proof()
    async with counter.replica("ivr-0") as first:
        core = first.sessions.outside.bank
        ask = core.ask

        async def booked_and_never_heard(operation: str, inputs: Mapping[str, str], key: str) -> BankAnswer:
            answer = await ask(operation, inputs, key)
            if operation == "transfer":
                await asyncio.Event().wait()
            return answer

        monkeypatch.setattr(core, "ask", booked_and_never_heard)
        call, _ = await counter.order(TRANSFER)
        await counter.prove(call)
        await counter.key(call, "1")
        await counter.key(call, CUSTOMER.pin)
        await counter.at(call, "do.order")
        await until(lambda: _booked(bank, before), what="the bank has booked")
        await first.die()
    counter.node._running.clear()
    async with counter.replica("ivr-1"):
        # he hears what became of it, and is offered his receipt
        await counter.key(call, "2")
        found = await counter.returned(call)
        assert (found.outcome, found.movement) == ("done", "ok")
        after = await bank.proof()
        assert (after["balanced"], after["bookings"]) == (True, before["bookings"] + 1)
        assert bank.asked("transfer") == 1
        done = [f for f in await counter.facts(call) if isinstance(f, BankOperationDone) and f.operation == "transfer"]
        assert [f.outcome for f in done] == ["ok"]
        assert any("/transfer-done.wav" in said for said in counter.heard(call))


async def test_a_replica_that_dies_before_the_bank_was_asked_has_the_customer_prove_and_agree_anew(
    counter: Counter, bank: StandIn
) -> None:
    before = await bank.proof()
    async with counter.replica("ivr-0") as first:
        call, _ = await counter.order(TRANSFER)
        await counter.prove(call)
        await counter.key(call, "1")
        await counter.at(call, "do.pin")
        await counter.asked(call)
        await first.die()
    counter.node._running.clear()
    async with counter.replica("ivr-1"):
        assert "/interrupted.wav" in await counter.asked(call)
        # the card died with the replica: without it the password is of no use, and he begins again
        await counter.key(call, CUSTOMER.pin)
        await counter.prove(call)
        assert "/order/agree.wav" in await counter.asked(call)
        await counter.key(call, "1")
        await counter.key(call, CUSTOMER.pin)
        await counter.key(call, "2")
        found = await counter.returned(call)
        assert (found.outcome, counter.shown(found)["moved"]) == ("done", "100.50")
        assert (await bank.proof())["bookings"] == before["bookings"] + 1


async def test_a_replica_that_dies_after_the_booking_does_not_have_it_ordered_again(
    counter: Counter, bank: StandIn
) -> None:
    before = await bank.proof()
    async with counter.replica("ivr-0") as first:
        call, _ = await counter.order(TRANSFER)
        await counter.prove(call)
        await counter.key(call, "1")
        await counter.key(call, CUSTOMER.pin)
        await counter.at(call, "receipt.offer")
        await counter.asked(call)
        await first.die()
    counter.node._running.clear()
    async with counter.replica("ivr-1"):
        found = await counter.returned(call)
        assert (found.outcome, found.movement) == ("done", "ok")
        assert (await bank.proof())["bookings"] == before["bookings"] + 1
        assert await counter.ended(call) == "completed"


async def test_an_answer_that_is_lost_is_told_as_unknown_and_what_was_not_reached_as_not_done(
    counter: Counter, bank: StandIn
) -> None:
    async with counter.replica():
        call, _ = await counter.order(TRANSFER)
        await counter.prove(call)
        await counter.key(call, "1")
        await bank.go_wrong("malformed")
        await counter.key(call, CUSTOMER.pin)
        found = await counter.returned(call)
        assert (found.outcome, found.movement) == ("unknown", "unknown")
        assert any("/outcome-unknown.wav" in said for said in counter.heard(call))


async def _returned(counter: Counter, call: str, session: str) -> FlowReturned:
    async def found() -> list[FlowReturned]:
        return [f for f in await counter.facts(call) if isinstance(f, FlowReturned) and f.session_id == session]

    (one,) = await until(found, timeout=30, what="the flow returns")

    async def is_over() -> bool:
        return any(isinstance(f, SessionEnded) and f.session_id == session for f in await counter.facts(call))

    await until(is_over, what="its session is over")
    return one


async def _booked(bank: StandIn, before: Mapping[str, int]) -> bool:
    return (await bank.proof())["bookings"] > before["bookings"]
