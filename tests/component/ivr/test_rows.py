"""Rows B1, B2, B4 to B9 walked by keys against the bank, whose books are looked at after each call."""

from __future__ import annotations

from datetime import datetime

import pytest

import bankcore.core.cards
from tests.component.ivr.hall import (
    CARD,
    COMPANY,
    COMPANY_PIN,
    CONTRACT,
    ME,
    OVER,
    PASSBOOK,
    PIN,
    PUBLIC,
    PUBLIC_PIN,
    RICH,
    RICH_MAN,
    RICH_PIN,
    SECOND,
    Hall,
    follows,
    open_hall,
)
from tests.component.ivr.strollers import SOURCE

pytestmark = pytest.mark.looptime

SATURDAY = datetime.fromisoformat("2026-01-10T10:00+08:00")
FRIDAY_EVENING = datetime.fromisoformat("2026-01-09T18:00+08:00")


@pytest.fixture
async def hall(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Hall:
    # a PIN checked in no time: not what is tried here
    monkeypatch.setattr(bankcore.core.cards, "_SCRYPT", {"n": 2, "r": 1, "p": 1, "dklen": 32})
    return open_hall(getattr(request, "param", SOURCE))


@pytest.mark.parametrize("language", ["1", "2"])
async def test_b2_the_balance_is_heard_again_and_the_call_ended_by_keys(hall: Hall, language: str) -> None:
    heard = await hall.call("1", *ME, "1", "#", language=language)
    assert heard.count("balance-is") == 2
    assert heard[-1] == "goodbye"


@pytest.mark.parametrize("number", [PASSBOOK, CONTRACT])
async def test_b1_passbook_and_customer_number_identify_too(hall: Hall, number: str) -> None:
    assert "balance-is" in await hall.call("1", number, PIN, "#")


async def test_b1_a_card_number_with_a_wrong_digit_is_asked_again_and_three_wrong_passwords_lock(hall: Hall) -> None:
    heard = await hall.call("2", "6222000000000018", CARD, "111111", "222222", "333333")
    assert follows(heard, "card-not-found", "enter-pin", "wrong-pin", "wrong-pin", "pin-locked", "transfer-to-agent")
    assert hall.bank.cards.find(CARD).is_locked


async def test_b2_one_thing_of_the_card_after_the_other(hall: Hall) -> None:
    heard = await hall.call("2", *ME, "1", "1", "2", "1", "3", "1", "4", "1", "5", "1", "6", *OVER)
    said = (
        "balance-is",
        "no-entries-today",
        "recent-entries",
        "authorised-are",
        "savings-are",
        "points-are",
        "goodbye",
    )
    assert follows(heard, *said)


@pytest.mark.parametrize("number", [CARD, CONTRACT])
async def test_b2_a_lost_card_is_reported_and_serves_nobody(hall: Hall, number: str) -> None:
    assert "loss-done" in await hall.call("3", number, PIN, "1", PIN, *OVER)
    assert hall.bank.cards.find(CARD).status == "lost"
    assert follows(await hall.call("2", CARD, PIN), "card-blocked", "transfer-to-agent")


async def test_b2_the_password_is_changed_and_the_old_one_is_wrong_from_then_on(hall: Hall) -> None:
    heard = await hall.call("2", *ME, "8", PIN, "111111", "111111", PIN, "860213", "860214", "860213", "860213", *OVER)
    assert follows(heard, "pin-weak", "pins-differ", "pin-changed")
    assert follows(await hall.call("2", CARD, PIN, "860213", *OVER), "wrong-pin", "verified")


async def test_b4_a_company_hears_balance_statement_and_the_history_of_a_month(hall: Hall) -> None:
    heard = await hall.call(
        "7", COMPANY, COMPANY_PIN, "1", "1", "2", "1", "3", "202513", "202601", "1", "3", "202511", *OVER
    )
    assert follows(heard, "balance-is", "month-entries", "wrong-input", "history-entries", "no-entries", "goodbye")


@pytest.mark.parametrize("hall", [FRIDAY_EVENING], indirect=True)
async def test_b4_a_companys_transfer_on_friday_evening_is_said_to_arrive_on_monday_and_does(hall: Hall) -> None:
    before = hall.balance(RICH)
    heard = await hall.call("7", COMPANY, COMPANY_PIN, "4", RICH, "1000", "1", COMPANY_PIN, "2", *OVER)
    assert follows(
        heard, "reaches-on", "digits/1", "time/month", "digits/10", "digits/2", "time/day", "confirm", "transfer-done"
    )
    assert hall.balance(RICH) == before
    hall.bank.begin_day(datetime.fromisoformat("2026-01-12T09:00+08:00"))
    assert hall.balance(RICH) == before + 100_000


@pytest.mark.parametrize("key", ["2", "3", "4", "5", "8", "9"])
async def test_a_company_has_no_services_of_persons_and_a_person_none_of_companies(hall: Hall, key: str) -> None:
    assert "not-for-companies" in await hall.call(key, COMPANY, COMPANY_PIN, *OVER)
    assert "only-for-companies" in await hall.call("7", *ME, *OVER)


async def test_a_public_customer_asks_and_reports_and_is_told_at_once_what_needs_a_signature(hall: Hall) -> None:
    public = (PUBLIC, PUBLIC_PIN)
    orders = ("4", *public, "1", "1", "2", "1", "3", "2", "*", "4", "3", "*", "5", "3", "*", *OVER)
    heard = await hall.call(*orders)
    assert heard.count("not-contracted") == 5
    assert "enter-amount" not in heard
    assert "bill-amount-is" in await hall.call("5", *public, "3", "60000001", "2", *OVER)
    assert hall.booked() == []
    assert "loss-done" in await hall.call("3", *public, "1", PUBLIC_PIN, *OVER)


async def test_b5_both_balances_and_money_there_and_back(hall: Hall) -> None:
    heard = await hall.call(
        "8", *ME, "1", "1", "2", "30", "1", PIN, "2", "1", "3", "10", "1", PIN, "2", "1", "4", *OVER
    )
    assert follows(
        heard, "bank-balance-is", "securities-balance-is", "securities/in", "securities/out", "today-entries", "income"
    )
    assert hall.balance() == 1_202_950 - 2_000
    assert "no-securities" in await hall.call("8", *RICH_MAN, "1", *OVER)


@pytest.mark.parametrize("hall", [SATURDAY], indirect=True)
async def test_closed_businesses_say_day_and_hours_before_anything_is_keyed(hall: Hall) -> None:
    heard = await hall.call("8", *ME, "2", *OVER)
    assert follows(
        heard,
        "opens-on",
        "digits/1",
        "time/month",
        "digits/10",
        "digits/2",
        "time/day",
        "digits/9",
        "time/hour",
        "until",
    )
    heard = await hall.call("9", *ME, "4", "1", "5", "1", "6", *OVER)
    assert heard.count("opens-on") == 3
    assert "enter-amount" not in heard


async def test_b6_rates_are_what_the_bank_pays_and_asks(hall: Hall) -> None:
    assert (await hall.call("9", *ME, "1", "1", *OVER)).count("ask-is") == 1
    assert (await hall.call("6", "3", "5", *OVER)).count("ask-is") == 4


async def test_b6_dollars_are_bought_by_their_amount_and_sold_again_and_said_in_dollars(hall: Hall) -> None:
    heard = await hall.call("9", *ME, "4", "1", "2", "1", "2", "5", "100", "1", PIN, "2", "1", "2", "1", "3", *OVER)
    assert follows(
        heard, "least-is", "currency/dollar", "you-sell", "currency/yuan", "you-buy", "currency/dollar", "bought-done"
    )
    assert follows(
        heard,
        "balance-is",
        "digits/1",
        "digits/hundred",
        "currency/dollar",
        "today-entries",
        "income",
        "currency/dollar",
    )
    assert hall.balance() == 1_202_950 - 71_327
    await hall.call("9", *ME, "4", "2", "1", "2", "1", "100", "1", PIN, "2", *OVER)
    assert hall.balance() == 1_202_950 - 71_327 + 71_012


async def test_b6_orders_wait_are_told_with_their_terms_renewed_merged_and_cancelled(hall: Hall) -> None:
    place = ("1", "2", "0*15", "100", "1", PIN)
    await hall.call("9", *ME, "5", *place, "1", "5", *place, *OVER)
    heard = await hall.call("9", *ME, "6", "1", "2", "0*15", "0*16", "0*15", "0*13", "100", "1", PIN, "1", "7", *OVER)
    assert follows(
        heard,
        "stop-too-high",
        "stop-is",
        "order-placed",
        "valid-until",
        "orders-are",
        "you-sell",
        "for-currency",
        "at-rate",
        "stop-is",
    )
    first, *_ = hall.bank.exchange.orders
    heard = await hall.call(
        "9", *ME, "8", first, "2", "1", PIN, "1", "8", first, "3", "1", PIN, "1", "8", first, "1", "1", PIN, *OVER
    )
    assert follows(
        heard,
        "order/renew",
        "confirm",
        "order/merge",
        "confirm",
        "order/cancel",
        "confirm",
        "request-done",
        "order/cancel",
    )
    assert len(hall.bank.exchange.orders) == 1


@pytest.mark.parametrize(
    ("key", "kind"),
    [("1", "telephone"), ("2", "mobile"), ("3", "water"), ("4", "electricity"), ("5", "paging"), ("6", "internet")],
)
async def test_b7_a_bill_is_asked_paid_and_then_nothing_is_due(hall: Hall, key: str, kind: str) -> None:
    keys = (key, "99999999", "60000001", "1", "1", PIN, "2", "1", key, "60000001")
    heard = await hall.call("5", *ME, *keys, *OVER)
    assert follows(
        heard, "subscriber-not-found", "bill-amount-is", f"bill/{kind}", "confirm", "bill-paid", "nothing-due"
    )
    assert hall.booked() == ["BillPayment"]


async def test_b8_information_needs_no_password(hall: Hall) -> None:
    keys = ("1", "2", "3", "1", "1", "5", "7", "1", "2", "1", "1", "4", "1", "5", "2", "1", "6", "3")
    heard = await hall.call("6", *keys, *OVER)
    said = (
        "deposit/time-12",
        "yearly-rate-is",
        "deposit/notice-7",
        "loan/pledge",
        "fee-transfer",
        "fee-statement",
        "merchants",
        "product-telephone",
    )
    assert follows(heard, *said)


async def test_b9_a_merchant_is_paid_within_the_limit_which_can_be_asked_for(hall: Hall) -> None:
    keys = (
        "7",
        "100299",
        "10",
        "1",
        "552",
        RICH_PIN,
        "100200",
        "5000*01",
        "1",
        "552",
        RICH_PIN,
        "12*30",
        "1",
        "552",
        RICH_PIN,
        "1",
        "1",
        "1",
        "8",
    )
    heard = await hall.call("5", *RICH_MAN, *keys, *OVER)
    assert follows(
        heard,
        "merchant-not-found",
        "limit-of-day",
        "limit-left",
        "request-done",
        "receipt-sent-to",
        "payment-limit",
        "limit-left",
    )
    assert hall.bank.ledger.balance("merchant-100200") == 1_230


async def test_a_card_blocked_between_two_steps_is_told_and_books_nothing(hall: Hall) -> None:
    hall.bank.cards.block(SECOND)
    assert follows(await hall.call("1", SECOND, "135790"), "card-blocked", "transfer-to-agent")
    assert hall.booked() == []


async def test_b4_a_company_changes_its_password(hall: Hall) -> None:
    heard = await hall.call("7", COMPANY, COMPANY_PIN, "6", COMPANY_PIN, "860213", "860213", *OVER)
    assert follows(heard, "enter-old-pin", "enter-new-pin", "enter-new-pin-again", "pin-changed")
    assert follows(await hall.call("7", COMPANY, COMPANY_PIN, "860213", *OVER), "wrong-pin", "verified")
