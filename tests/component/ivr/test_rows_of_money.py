"""Row B3 walked by keys against the bank: transfers, deposits, loans and bonds, right and wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

import bankcore.core.cards
from tests.component.ivr.hall import (
    CARD,
    ME,
    OVER,
    PASSBOOK,
    PIN,
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


@pytest.fixture
async def hall(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Hall:
    # a PIN checked in no time: not what is tried here
    monkeypatch.setattr(bankcore.core.cards, "_SCRYPT", {"n": 2, "r": 1, "p": 1, "dklen": 32})
    return open_hall(getattr(request, "param", SOURCE))


async def test_b3_money_goes_to_whom_he_signed_for_and_the_receipt_is_ordered(hall: Hall) -> None:
    before = hall.balance(), hall.balance(SECOND)
    heard = await hall.call("4", *ME, "1", SECOND, "100*50", "1", PIN, "1", "1", *OVER)
    assert follows(heard, "to-account", "amount-said", "confirm", "transfer-done", "receipt-sent-to")
    assert (hall.balance(), hall.balance(SECOND)) == (before[0] - 10_050, before[1] + 10_050)
    assert [sent.order[1] for sent in hall.bank.messages.values()] == ["receipt"]


async def test_b3_every_wrong_transfer_says_why_and_asks_again(hall: Hall) -> None:
    wrong = [
        (RICH, "10"),
        (CARD, "10"),
        ("6222000000000018", "10"),
        (SECOND, "00"),
        ("123456789012",),
        ("999999",),
    ]
    keys = [key for pair in wrong for key in pair]
    heard = await hall.call("4", *ME, "1", *keys, "100", "1", PIN, "2", *OVER)
    whys = ("payee-not-contracted", "same-account", "account-not-found", *["wrong-input"] * 2)
    assert follows(heard, *whys, "not-enough-money", "confirm", "transfer-done")
    assert hall.booked() == ["TransferOrder"]


async def test_b3_over_the_limit_of_the_day_he_hears_what_is_left(hall: Hall) -> None:
    heard = await hall.call(
        "4",
        *RICH_MAN,
        "1",
        SECOND,
        "20000",
        "1",
        RICH_PIN,
        "2",
        "1",
        "1",
        SECOND,
        "30000*01",
        "30000",
        "1",
        RICH_PIN,
        "2",
        *OVER,
    )
    assert follows(
        heard,
        "transfer-done",
        "limit-of-day",
        "digits/5",
        "digits/10000",
        "limit-left",
        "digits/3",
        "digits/10000",
        "transfer-done",
    )
    assert hall.balance(SECOND) == 875_450 + 5_000_000


async def test_b3_passbook_to_card(hall: Hall) -> None:
    before = hall.balance()
    assert "transfer-done" in await hall.call("4", *ME, "2", PASSBOOK, "20", "1", PIN, "2", *OVER)
    assert hall.balance() == before + 2_000


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        (("2", "12"), "deposit/time-12"),
        (("3", "12"), "deposit/instalment-12"),
        (("4",), "deposit/flexible-0"),
        (("5", "7"), "deposit/notice-7"),
    ],
)
async def test_b3_each_kind_of_deposit_is_opened_and_its_least_amount_said(
    hall: Hall, keys: tuple[str, ...], name: str
) -> None:
    heard = await hall.call("4", *RICH_MAN, "3", *keys, "1", "60000", "1", RICH_PIN, "2", "1", "1", *OVER)
    assert follows(heard, "least-is", name, "yearly-rate-is", "confirm", "number-of-it", "deposits-are", "number-is")
    assert hall.booked() == ["OpenDeposit"]


async def test_b3_notice_is_given_and_the_deposit_taken_when_it_has_passed(hall: Hall) -> None:
    await hall.call("4", *RICH_MAN, "3", "5", "1", "60000", "1", RICH_PIN, "2", *OVER)
    [number] = hall.bank.deposits.held
    assert "notice-missing" in await hall.call("4", *RICH_MAN, "3", "7", number, "0", *OVER)
    heard = await hall.call("4", *RICH_MAN, "3", "8", number, "1", RICH_PIN, *OVER)
    assert follows(heard, "notice-from", "digits/6", "time/day")
    hall.bank.deposits.held[number] = replace(hall.bank.deposits.held[number], notice_for=SOURCE.date())
    heard = await hall.call("4", *RICH_MAN, "3", "7", number, "20000", "10000", "1", RICH_PIN, "2", *OVER)
    assert follows(heard, "left-too-small", "withdraw-said", "with-interest", "request-done")


async def test_b3_a_loan_is_opened_repaid_in_part_and_wholly(hall: Hall) -> None:
    await hall.call("4", *RICH_MAN, "3", "2", "12", "1000", "1", RICH_PIN, "2", *OVER)
    [deposit] = hall.bank.deposits.held
    heard = await hall.call("4", *RICH_MAN, "4", "3", deposit, "950", "1", RICH_PIN, "900", "1", RICH_PIN, "2", *OVER)
    assert follows(heard, "loan-at-most", "digits/9", "digits/10", "confirm", "number-of-it")
    [loan] = hall.bank.deposits.loans
    assert "pledged" in await hall.call("4", *RICH_MAN, "3", "7", deposit, "0", *OVER)
    keys = (
        "4",
        loan,
        "901",
        "1",
        RICH_PIN,
        "400",
        "1",
        RICH_PIN,
        "2",
        "1",
        "1",
        "1",
        "2",
        loan,
        "1",
        "4",
        loan,
        "0",
        "1",
        RICH_PIN,
        "2",
    )
    heard = await hall.call("4", *RICH_MAN, "4", *keys, *OVER)
    assert follows(
        heard, "more-than-owed", "repay-said", "loans-are", "owed", "interest-is", "repay-all", "request-done"
    )
    assert hall.bank.deposits.loans == {}


async def test_b3_bonds_are_offered_bought_and_given_back_early_at_the_cost_that_was_said(hall: Hall) -> None:
    keys = ("2", "1", "3", "260136", "550", "500", "1", RICH_PIN, "2", "1", "1")
    heard = await hall.call("4", *RICH_MAN, "5", *keys, *OVER)
    assert follows(heard, "issues-are", "sold-until", "bonds-whole", "number-of-it", "bonds-are", "due-on")
    [number] = hall.bank.deposits.held
    before = hall.balance(RICH)
    heard = await hall.call("4", *RICH_MAN, "5", "4", number, "1", RICH_PIN, "2", *OVER)
    assert follows(
        heard, "early-bond", "digits/5", "currency/jiao", "bond-principal", "you-get", "confirm", "request-done"
    )
    assert hall.balance(RICH) == before + 49_950
