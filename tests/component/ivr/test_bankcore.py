"""The bank core's client against the real stand-in over real HTTP: well, slow, down, contrary, talking nonsense."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from bankcore.demo import demo_customers
from ipcc.clock import SystemClock
from ipcc.metrics import IVR_BANK_DURATION, Metrics
from services.ivr.bankcore import BankCore, BankSettings
from services.ivr.core.actions import BankAnswer
from tests.component.ivr.conftest import TOKEN, StandIn
from tests.support.until import until

FIRST, SECOND = demo_customers()[:2]
BLOCKED = demo_customers()[4]
CARD = {"card_no": FIRST.card_no}
CARD_AND_PIN = {**CARD, "pin": FIRST.pin}
ORDER = {**CARD_AND_PIN, "to_account": SECOND.account_id, "amount": "10.00"}


@asynccontextmanager
async def client(url: str, **given: Any) -> AsyncIterator[BankCore]:
    settings = BankSettings(url=url, **{"token": TOKEN, "timeout_s": 2.0, "pause_s": 0.2, **given})
    core = BankCore(settings, SystemClock(), Metrics("ivr"))
    try:
        yield core
    finally:
        await core.close()


@pytest.fixture
async def core(bank: StandIn) -> AsyncIterator[BankCore]:
    async with client(bank.url) as found:
        yield found


@asynccontextmanager
async def talking_nonsense(answer: bytes) -> AsyncIterator[str]:
    """A server that says ``answer`` to everything and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def short(answer: BankAnswer) -> tuple[str, str]:
    return answer.outcome, answer.code


async def test_a_customer_is_identified_verified_and_told_his_balance(core: BankCore) -> None:
    found = await core.ask("identify", CARD, "k")
    assert found.outcome == "ok"
    assert (found.values["customer_id"], found.values["card_tail"]) == (FIRST.id, FIRST.card_no[-4:])
    verified = await core.ask("verify_pin", CARD_AND_PIN, "k")
    assert (verified.outcome, verified.values["verified"]) == ("ok", "yes")
    balance = await core.ask("balance", CARD, "k")
    assert (balance.outcome, balance.values["balance"]) == ("ok", "12029.50")
    assert await core.problem() is None


async def test_refusals_keep_the_banks_code(core: BankCore) -> None:
    assert short(await core.ask("identify", {"card_no": "6222000000000018"}, "k")) == ("refused", "card_invalid")
    assert short(await core.ask("balance", {"card_no": BLOCKED.card_no}, "k")) == ("refused", "card_blocked")
    assert short(await core.ask("identify", {"card_no": "12"}, "k")) == ("refused", "request.invalid")


async def test_three_wrong_pins_lock_the_card_and_none_is_counted_twice(core: BankCore) -> None:
    wrong = {**CARD, "pin": "111111"}
    outcomes = [short(await core.ask("verify_pin", wrong, "k")) for _ in range(3)]
    assert outcomes == [("refused", "pin_wrong"), ("refused", "pin_wrong"), ("refused", "pin_locked")]
    assert short(await core.ask("verify_pin", CARD_AND_PIN, "k")) == ("refused", "pin_locked")


async def test_a_bank_that_was_started_anew_has_another_key_and_is_asked_again(core: BankCore, bank: StandIn) -> None:
    assert (await core.ask("verify_pin", CARD_AND_PIN, "k")).outcome == "ok"
    await bank.go_wrong("refuse", operation="verify_pin", code="key_unknown", times=1)
    assert (await core.ask("verify_pin", CARD_AND_PIN, "k")).outcome == "ok"
    assert bank.asked("keys") == 2


async def test_a_key_that_is_never_right_is_no_refusal_of_the_customer(core: BankCore, bank: StandIn) -> None:
    await bank.go_wrong("refuse", operation="verify_pin", code="key_unknown")
    assert short(await core.ask("verify_pin", CARD_AND_PIN, "k")) == ("unavailable", "no_key")
    assert bank.asked("verify_pin") == 2


async def test_a_movement_is_booked_once_whatever_the_key_looks_like(core: BankCore) -> None:
    key = "0192f000-0000-7000-8000-000000000001/transfer-money-to-another-account/17"
    booked = await core.ask("transfer", ORDER, key)
    again = await core.ask("transfer", ORDER, key)
    assert (booked.outcome, booked.values["repeated"], again.values["repeated"]) == ("ok", "no", "yes")
    assert booked.values["booking_id"] == again.values["booking_id"]
    balance = await core.ask("balance", CARD, "k")
    assert balance.values["balance"] == "12019.50"


async def test_a_slow_bank_is_not_waited_for_longer_than_said(bank: StandIn) -> None:
    await bank.go_wrong("slow", delay_ms=1_000)
    async with client(bank.url, timeout_s=5, timeouts_s={"balance": 0.2}) as core:
        assert short(await core.ask("balance", CARD, "k")) == ("unavailable", "slow")
        assert (await core.ask("identify", CARD, "k")).outcome == "ok"


async def test_a_movement_that_came_too_late_is_asked_for_by_its_key_and_never_booked(bank: StandIn) -> None:
    async with client(bank.url, timeouts_s={"transfer": 0.3}) as core:
        assert (await core.ask("verify_pin", CARD_AND_PIN, "k")).outcome == "ok"
        await bank.go_wrong("slow", operation="transfer", delay_ms=500)
        assert short(await core.ask("transfer", ORDER, "k1")) == ("unavailable", "not_booked")
        await bank.go_wrong("none")
        assert short(await core.ask("transfer", ORDER, "k1")) == ("refused", "key_void")


async def test_of_a_movement_whose_answer_was_lost_the_bank_says_that_it_was_booked(
    core: BankCore, bank: StandIn
) -> None:
    await bank.go_wrong("lost", operation="transfer")
    answer = await core.ask("transfer", ORDER, "k3")
    assert (answer.outcome, answer.values["repeated"]) == ("ok", "yes")
    assert bank.asked("transfer") == 1


async def test_a_pin_is_changed_with_both_pins_sealed(core: BankCore) -> None:
    answer = await core.ask("change_pin", {**CARD_AND_PIN, "new_pin": "860213"}, "k4")
    assert answer.outcome == "ok"
    assert (await core.ask("verify_pin", {**CARD_AND_PIN, "pin": "860213"}, "k5")).outcome == "ok"


async def test_a_card_security_code_leaves_encrypted_and_where_none_was_asked_none_is_sent(core: BankCore) -> None:
    paying = {**CARD_AND_PIN, "merchant": "100200", "amount": "10.00"}
    assert short(await core.ask("pay_merchant", paying, "k6")) == ("refused", "cvv_needed")
    assert short(await core.ask("pay_merchant", {**paying, "cvv": "123"}, "k7")) == ("refused", "cvv_wrong")
    assert (await core.ask("pay_merchant", {**paying, "cvv": FIRST.cvv}, "k8")).outcome == "ok"


async def test_a_read_is_tried_again_a_pin_and_a_movement_are_not(core: BankCore, bank: StandIn) -> None:
    for operation, inputs, tries in (("balance", CARD, 2), ("verify_pin", CARD_AND_PIN, 1), ("transfer", ORDER, 1)):
        await bank.go_wrong("down", operation=operation)
        assert short(await core.ask(operation, inputs, "k2")) == ("unavailable", "closed")
        assert bank.asked(operation) == tries
    await bank.go_wrong("down", operation="balance", times=1)
    assert (await core.ask("balance", CARD, "k")).outcome == "ok"


async def test_a_text_message_is_ordered_again_when_its_answer_is_lost_and_goes_out_once(
    core: BankCore, bank: StandIn
) -> None:
    receipt = {**CARD, "template": "receipt", "amount": "100.50"}
    await bank.go_wrong("lost", operation="send_message", times=1)
    answer = await core.ask("send_message", receipt, "k9")
    assert (answer.outcome, answer.values["number_tail"], answer.values["repeated"]) == ("ok", "1001", "yes")
    assert bank.asked("send_message") == 2
    again = await core.ask("send_message", receipt, "k9")
    assert again.values["message_id"] == answer.values["message_id"]
    other = await core.ask("send_message", {**receipt, "number": "60000001"}, "k10")
    assert (other.values["number_tail"], other.values["repeated"]) == ("0001", "no")
    assert short(await core.ask("send_message", {**receipt, "amount": "1.00"}, "k9")) == (
        "refused",
        "idempotency_key_reused",
    )
    assert short(await core.ask("send_message", {**receipt, "number": "12"}, "k11")) == ("refused", "request.invalid")


async def test_nonsense_is_unavailable_and_of_a_movement_unknown(core: BankCore, bank: StandIn) -> None:
    await bank.go_wrong("malformed", operation="balance")
    assert short(await core.ask("balance", CARD, "k")) == ("unavailable", "malformed")
    assert (await core.ask("verify_pin", CARD_AND_PIN, "k")).outcome == "ok"
    await bank.go_wrong("malformed")
    assert short(await core.ask("transfer", ORDER, "k")) == ("unknown", "malformed")
    await bank.go_wrong("malformed", operation="keys")
    async with client(bank.url) as other:
        assert short(await other.ask("verify_pin", CARD_AND_PIN, "k")) == ("unavailable", "no_key")
        assert "no key" in str(await other.problem())


async def test_after_failures_in_a_row_the_bank_is_left_alone_until_one_caller_gets_through(bank: StandIn) -> None:
    await bank.go_wrong("malformed", operation="balance")
    async with client(bank.url, failures=2, pause_s=0.3) as core:
        for _ in range(2):
            assert (await core.ask("balance", CARD, "k")).outcome == "unavailable"
        asked = bank.asked("balance")
        assert short(await core.ask("balance", CARD, "k")) == ("unavailable", "left_alone")
        assert bank.asked("balance") == asked
        assert "balance" in str(await core.problem())
        assert (await core.ask("identify", CARD, "k")).outcome == "ok"
        await bank.go_wrong("none")

        async def is_served() -> bool:
            return (await core.ask("balance", CARD, "k")).outcome == "ok"

        await until(is_served, what="the breaker lets a caller through")
        assert await core.problem() is None


async def test_a_caller_who_hangs_up_does_not_keep_the_breaker_half_open(bank: StandIn) -> None:
    async with client(bank.url, failures=1, pause_s=0.01) as core:
        await bank.go_wrong("malformed", operation="balance", times=2)
        assert (await core.ask("balance", CARD, "k")).outcome == "unavailable"
        await bank.go_wrong("slow", operation="balance", delay_ms=900)
        seen = bank.asked("balance")

        async def is_asked() -> bool:
            probe = asyncio.get_running_loop().create_task(core.ask("balance", CARD, "k"))
            await asyncio.wait({probe}, timeout=0.2)
            probe.cancel()
            await asyncio.wait({probe})
            return probe.cancelled()

        await until(is_asked, what="a probe that hangs")
        await bank.go_wrong("none")
        assert (await core.ask("balance", CARD, "k")).outcome == "ok"
        assert bank.asked("balance") > seen


async def test_an_absent_bank_is_unavailable_also_for_movements_and_named_by_the_health_check() -> None:
    async with talking_nonsense(b"") as url:
        pass
    async with client(url) as core:
        for operation, inputs in (("identify", CARD), ("verify_pin", CARD_AND_PIN), ("transfer", ORDER)):
            assert (await core.ask(operation, inputs, "k")).outcome == "unavailable"
        assert url in str(await core.problem())


async def test_a_connection_cut_in_the_middle_of_a_movement_leaves_it_unknown(bank: StandIn) -> None:
    async with client(bank.url) as core:
        assert (await core.ask("verify_pin", CARD_AND_PIN, "k")).outcome == "ok"
        async with talking_nonsense(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{") as url, client(url) as cut:
            cut._sealing = core._sealing
            assert short(await cut.ask("transfer", ORDER, "k")) == ("unknown", "cut_off")
            assert short(await cut.ask("balance", CARD, "k")) == ("unavailable", "cut_off")


async def test_an_endless_answer_is_not_read_to_its_end() -> None:
    body = b'{"balance": "' + b"9" * 1_000_000
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n"
    async with talking_nonsense(head + body) as url, client(url) as core:
        assert short(await core.ask("balance", CARD, "k")) == ("unavailable", "malformed")


async def test_a_wrong_token_is_our_fault_not_the_customers(bank: StandIn) -> None:
    async with client(bank.url, token="another") as core:
        assert short(await core.ask("identify", CARD, "k")) == ("unavailable", "status_401")
        assert "401" in str(await core.problem())


async def test_an_operation_the_contract_does_not_have_is_unavailable(core: BankCore) -> None:
    assert short(await core.ask("lend", CARD, "k")) == ("unavailable", "operation_unknown")


async def test_how_long_it_took_is_measured_and_no_secret_is_logged_or_shown(bank: StandIn) -> None:
    metrics = Metrics("ivr")
    core = BankCore(BankSettings(bank.url, TOKEN, timeout_s=1.0), SystemClock(), metrics)
    with capture_logs() as logs:
        await core.ask("verify_pin", CARD_AND_PIN, "k")
        for mode in ("slow", "down", "refuse", "malformed"):
            await bank.go_wrong(mode, delay_ms=1300)
            answer = await core.ask("verify_pin", CARD_AND_PIN, "k")
            assert answer.outcome != "ok"
    await core.close()
    assert metrics.value(IVR_BANK_DURATION, operation="verify_pin", outcome="ok") == 1
    assert metrics.value(IVR_BANK_DURATION, operation="verify_pin", outcome="refused") == 1
    shown = f"{logs} {core!r} {BankSettings(bank.url, TOKEN)!r} {metrics.render().decode()}"
    for secret in (FIRST.pin, FIRST.card_no, TOKEN):
        assert secret not in shown
    assert logs
