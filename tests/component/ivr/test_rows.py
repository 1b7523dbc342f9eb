"""Each row of self-service walked by keys through the published main flow, with the stand-in bank behind it and its books looked at.

Everything is real but the switch and the wire, as for the callers who walk at random; here each keys what he came for.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import pytest

import bankcore.core.cards
from services.ivr.core.actions import Collect, Heard, Keyed, KeyedKind
from services.ivr.core.session import begin
from services.ivr.ports import Surroundings
from services.ivr.rehearsing import open_folder
from services.ivr.runner import Runner
from services.ivr.synthesis import Speaker
from tests.component.ivr.machines import RandomFaxes
from tests.component.ivr.queue_at_hand import Ear, NoSystems, RandomQueues
from tests.component.ivr.strollers import SOURCE, Stroll, Stroller
from tests.support.fake_parts import LoopClock

pytestmark = pytest.mark.looptime

CARD, PIN, PASSBOOK = "6222000000000017", "246810", "70010001"
RICH, RICH_PIN = "6222000000000033", "864209"
SECOND, PUBLIC, PUBLIC_PIN = "6222000000000025", "6222000000000041", "975310"
COMPANY, COMPANY_PIN, CONTRACT = "9001000001", "220022", "80010001"
SATURDAY = datetime.fromisoformat("2026-01-10T10:00+08:00")
FRIDAY_EVENING = datetime.fromisoformat("2026-01-09T18:00+08:00")


@dataclass
class Walker(Stroller):
    """A caller who keys what he came for, one entry each time he is asked, and notes what he hears."""

    wanted: deque[str] = field(default_factory=deque)
    heard: list[str] = field(default_factory=list)

    async def play(self, prompt_ids: tuple[str, ...], language: str) -> str:
        self.heard += prompt_ids
        return await super().play(prompt_ids, language)

    async def collect(self, prompt_ids: tuple[str, ...], language: str, wanted: Collect) -> Keyed:
        self.heard += prompt_ids
        await self._hear_all(prompt_ids, language)
        digits = self.wanted.popleft() if self.wanted else ""
        return Keyed(KeyedKind.DIGITS if digits else KeyedKind.NOTHING, digits[: wanted.max_digits])


class Nobody:
    """No recogniser (ports.Utterances): everybody is asked for keys."""

    def is_ready(self) -> bool:
        return False

    @contextmanager
    def file(self) -> Iterator[Path]:
        yield Path("utterance.wav")

    async def recognise(self, path: Path, language: str, hints: Sequence[str]) -> Heard:
        raise AssertionError("nobody listens here")


@dataclass
class Hall:
    """The bank, and callers who come one after the other."""

    stroll: Stroll

    def __post_init__(self) -> None:
        self.bank = self.stroll.bank
        self.stroll.at_hand.is_well = True
        self.flow = next(flow for flow in self.stroll.flows if flow.id == "bank-main")

    async def call(self, *keys: str, language: str = "1") -> list[str]:
        """The prompts somebody hears who keys this."""
        clock, dice = self.stroll.clock, self.stroll.dice
        customer = self.stroll._free[0]
        ear = Ear(clock)
        speaker = Speaker(self.stroll.voice, (), Path("no-spool"))
        caller = Walker(clock, dice, customer, self.flow, ear, speaker, wanted=deque([language, *keys]))
        moved = begin(self.flow, self.stroll._session(self.flow, customer), clock.now())
        facts = list(moved.facts)
        around = Surroundings(
            caller,
            self.stroll.noted,
            RandomQueues(clock, dice, ear),
            NoSystems(),
            RandomFaxes(clock, dice, ear),
            Nobody(),
            clock,
            facts.extend,
        )
        caller.runner = runner = Runner(self.flow, moved, around)
        await runner.run()
        assert self.bank.ledger.is_balanced()
        assert ear.longest_s <= 3.0
        assert not caller.wanted, f"never keyed: {list(caller.wanted)}; heard {caller.heard[-20:]}"
        return caller.heard

    def balance(self, number: str = CARD) -> int:
        return self.bank.balance(number)[2]

    def booked(self) -> list[str]:
        return [movement.order[0] for movement in self.bank.movements.values()]


@pytest.fixture
async def hall(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Hall:
    monkeypatch.setattr(bankcore.core.cards, "_SCRYPT", {"n": 2, "r": 1, "p": 1, "dklen": 32})
    store = open_folder(Path("flows"), Path("freeswitch/sounds/prompts.yaml"))
    return Hall(Stroll(store.all(), LoopClock(getattr(request, "param", SOURCE)), random.Random(1)))


def follows(heard: list[str], *wanted: str) -> bool:
    """Whether ``wanted`` were heard one after the other, among others."""
    rest = iter(heard)
    return all(prompt in rest for prompt in wanted)


ME, RICH_MAN = (CARD, PIN), (RICH, RICH_PIN)
OVER = ("#",)


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
    heard = await hall.call(
        "4", *RICH_MAN, "3", *keys, "1", "1", RICH_PIN, "60000", "1", RICH_PIN, "2", "1", "1", *OVER
    )
    assert follows(
        heard, name, "yearly-rate-is", "confirm", "least-is", name, "number-of-it", "deposits-are", "number-is"
    )
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
    keys = ("2", "1", "3", "260136", "550", "1", RICH_PIN, "500", "1", RICH_PIN, "2", "1", "1")
    heard = await hall.call("4", *RICH_MAN, "5", *keys, *OVER)
    assert follows(heard, "issues-are", "sold-until", "bonds-whole", "number-of-it", "bonds-are", "due-on")
    [number] = hall.bank.deposits.held
    before = hall.balance(RICH)
    heard = await hall.call("4", *RICH_MAN, "5", "4", number, "1", RICH_PIN, "2", *OVER)
    assert follows(
        heard, "early-bond", "digits/5", "currency/jiao", "bond-principal", "you-get", "confirm", "request-done"
    )
    assert hall.balance(RICH) == before + 49_950


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
