"""The stand-in over HTTP, as a voice flow uses it, and its published contract."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bankcore.app import build, contract
from bankcore.demo import DemoCustomer, demo_customers
from bankcore.pin_cipher import seal
from bankcore.settings import BankSettings
from ipcc.clock import FakeClock
from ipcc.ids import new_id
from ipcc.metrics import BANKCORE_OPERATIONS
from tests.support.service import client_of, make_settings

FIRST, SECOND, *_ = demo_customers()
CONTRACT = Path(__file__).parents[3] / "docs" / "bankcore.openapi.yaml"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def bank(tmp_path: Path, clock: FakeClock) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(build(make_settings(BankSettings, tmp_path), clock)) as client:
        yield client


async def sealed(bank: httpx.AsyncClient, who: DemoCustomer, pin: str | None = None) -> dict[str, Any]:
    key = (await bank.get("/v1/keys")).json()["keys"][0]
    return {
        "card_no": who.card_no,
        "key_id": key["key_id"],
        "encrypted_pin": seal(key["pem"], pin or who.pin, who.card_no, new_id()),
    }


async def order(bank: httpx.AsyncClient, amount: str, to: str = SECOND.account_id) -> dict[str, Any]:
    return {**await sealed(bank, FIRST), "to_account": to, "amount": amount}


async def test_the_published_contract_is_what_is_served(tmp_path: Path) -> None:
    made = contract(make_settings(BankSettings, tmp_path))
    assert CONTRACT.read_text(encoding="utf-8") == made, "run: make docs"


async def test_a_customer_is_identified_verified_and_told_his_balance(bank: httpx.AsyncClient) -> None:
    card = {"card_no": FIRST.card_no}
    identified = await bank.post("/v1/cards/identify", json=card)
    assert identified.json() == {
        "customer_id": "c1001",
        "name": "王小明",
        "segment": "retail",
        "language": "zh",
        "card_tail": FIRST.card_no[-4:],
        "access": "card",
        "contracted": True,
    }
    verified = await bank.post("/v1/cards/verify-pin", json=await sealed(bank, FIRST))
    assert verified.json() == {"verified": True, "customer_id": "c1001"}
    balance = (await bank.post("/v1/accounts/balance", json=card)).json()
    assert (balance["balance"], balance["currency"]) == ("12029.50", "CNY")
    entries = (await bank.post("/v1/accounts/entries", json={**card, "limit": 2})).json()["entries"]
    assert [(entry["amount"], entry["balance_after"]) for entry in entries] == [
        ("-120.00", "12029.50"),
        ("-350.50", "12149.50"),
    ]


async def test_wrong_pins_count_down_and_lock(bank: httpx.AsyncClient) -> None:
    answers = [await bank.post("/v1/cards/verify-pin", json=await sealed(bank, FIRST, "000000")) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert [answer.json()["code"] for answer in answers] == ["pin_wrong", "pin_wrong", "pin_locked"]
    assert [answer.json()["details"]["attempts_left"] for answer in answers] == [2, 1, 0]


async def test_a_repeated_transfer_moves_the_money_once(bank: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": new_id()}
    first = await bank.post("/v1/transfers", json=await order(bank, "100.00"), headers=key)
    again = await bank.post("/v1/transfers", json=await order(bank, "100.00"), headers=key)
    assert first.json()["balance"] == "11929.50"
    assert again.json() == {**first.json(), "repeated": True}
    other = await bank.post("/v1/transfers", json=await order(bank, "200.00"), headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert (await bank.get("/v1/stand-in/proof")).json()["balanced"] is True


@pytest.mark.parametrize(
    ("amount", "to", "status", "code"),
    [
        ("999999.00", "a1002", 409, "insufficient_funds"),
        ("1.00", "nobody", 404, "account_not_found"),
        ("1.00", "a1001", 422, "same_account"),
        ("0.00", "a1002", 422, "amount_invalid"),
    ],
)
async def test_a_transfer_that_cannot_be_done_says_why(
    bank: httpx.AsyncClient, amount: str, to: str, status: int, code: str
) -> None:
    answer = await bank.post("/v1/transfers", json=await order(bank, amount, to), headers={"Idempotency-Key": new_id()})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_no_answer_repeats_a_card_number(bank: httpx.AsyncClient) -> None:
    for card in (FIRST.card_no, FIRST.card_no[:-1] + "0", "12345678901234567890", "6222000000009992"):
        for path in ("cards/identify", "accounts/balance", "accounts/entries"):
            assert card not in (await bank.post(f"/v1/{path}", json={"card_no": card})).text


async def test_a_fault_strikes_the_named_operation_as_often_as_told(bank: httpx.AsyncClient) -> None:
    card = {"card_no": FIRST.card_no}
    await bank.put("/v1/stand-in/fault", json={"mode": "down", "operation": "balance", "times": 2})
    assert (await bank.post("/v1/cards/identify", json=card)).status_code == 200
    statuses = [(await bank.post("/v1/accounts/balance", json=card)).status_code for _ in range(3)]
    assert statuses == [503, 503, 200]
    assert (await bank.get("/v1/stand-in/fault")).json()["mode"] == "none"


async def test_it_can_refuse_and_talk_nonsense(bank: httpx.AsyncClient) -> None:
    card = {"card_no": FIRST.card_no}
    await bank.put("/v1/stand-in/fault", json={"mode": "refuse", "code": "closed_today"})
    assert (await bank.post("/v1/accounts/balance", json=card)).json()["code"] == "closed_today"
    await bank.put("/v1/stand-in/fault", json={"mode": "malformed"})
    with pytest.raises(ValueError, match="Expecting"):
        (await bank.post("/v1/accounts/balance", json=card)).json()


async def test_it_can_be_slow(bank: httpx.AsyncClient, clock: FakeClock) -> None:
    await bank.put("/v1/stand-in/fault", json={"mode": "slow", "delay_ms": 5000})
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(bank.post("/v1/accounts/balance", json={"card_no": FIRST.card_no}))
        await clock.advance(4.9)
        assert not asked.done()
        await clock.advance(0.2)
    assert asked.result().status_code == 200


async def test_with_a_token_set_callers_must_send_it(tmp_path: Path) -> None:
    service = build(make_settings(BankSettings, tmp_path, bankcore_token="gateway"), FakeClock())
    async with client_of(service) as client:
        assert (await client.get("/v1/keys")).status_code == 401
        assert (await client.get("/v1/keys", headers={"Authorization": "Bearer gateway"})).status_code == 200


async def test_operations_are_counted_by_how_they_ended(tmp_path: Path) -> None:
    service = build(make_settings(BankSettings, tmp_path), FakeClock())
    async with client_of(service) as client:
        await client.post("/v1/accounts/balance", json={"card_no": FIRST.card_no})
        await client.post("/v1/accounts/balance", json={"card_no": FIRST.card_no[:-1] + "0"})
    for result in ("ok", "card_invalid"):
        assert service.metrics.value(BANKCORE_OPERATIONS, operation="balance", result=result) == 1.0
