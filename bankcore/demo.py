"""The demonstration customers. Cards are numbers of a range kept for tests, with a right check digit; names are invented."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bankcore.core.calendar import today
from bankcore.core.cards import Card, Customer, hash_pin
from bankcore.core.deposits import Issue
from bankcore.core.ledger import Account, Posting
from bankcore.core.luhn import check_digit
from bankcore.core.paying import BILLS
from bankcore.usecases import Bank

CASH = "bank-cash-cny"
# of the others the bank has none
MOBILES = {"c1001": "13800001001", "c1002": "13800001002", "c1003": "13800001003", "c2001": "13800002001"}


# accounts of others that a customer signed to transfer to by telephone
PAYEES = {
    "c1001": ("a1002", "a1006"),
    "c1002": ("a1001",),
    "c1003": ("a1001", "a1002"),
    "c1006": ("a1001",),
    "c2001": ("a1003",),
}


@dataclass(frozen=True)
class DemoCustomer:
    """One customer with one card; ``movements`` in minor units, the oldest first."""

    id: str
    name: str
    segment: Literal["retail", "gold", "vip", "company"]
    language: Literal["zh", "en"]
    card_no: str
    pin: str
    account_id: str
    movements: tuple[tuple[int, str], ...]
    status: Literal["active", "blocked", "lost"] = "active"
    access: Literal["card", "passbook", "contract", "company"] = "card"
    is_contracted: bool = True
    cvv: str = ""
    """The card's security code: asked where a merchant is paid."""


def demo_card(serial: int) -> str:
    """6222 0000 0000 and the serial number, completed by the check digit."""
    payload = f"622200000000{serial:03d}"
    return payload + check_digit(payload)


def demo_customers() -> list[DemoCustomer]:
    """Plain, English-speaking, wealthy, not contracted and without money, with a lost card, with many entries; a company; the
    first one's passbook and customer number.
    """
    return [
        DemoCustomer(
            "c1001", "王小明", "retail", "zh", demo_card(1), "246810", "a1001",
            ((1_250_000, "工资"), (-35_050, "超市"), (-12_000, "水电费")), cvv="9071",
        ),
        DemoCustomer(
            "c1002", "Alice Carter", "retail", "en", demo_card(2), "135790", "a1002",
            ((880_000, "salary"), (-4_550, "coffee")), cvv="418",
        ),
        DemoCustomer("c1003", "李文华", "vip", "zh", demo_card(3), "864209", "a1003", ((98_765_432, "转入"),), cvv="552"),
        DemoCustomer("c1004", "赵一", "retail", "zh", demo_card(4), "975310", "a1004", (), "active", "card", False),
        DemoCustomer("c1005", "钱多多", "gold", "zh", demo_card(5), "112358", "a1005", ((500_000, "转入"),), "lost"),
        DemoCustomer(
            "c1006", "孙丽", "gold", "zh", demo_card(6), "314159", "a1006",
            ((3_000_000, "转入"), *((-1_000 * day, f"消费 {day}") for day in range(1, 16))),
        ),
        DemoCustomer("c1001", "王小明", "retail", "zh", "70010001", "246810", "p1001", ((300_000, "转入"),), "active", "passbook"),
        DemoCustomer("c1001", "王小明", "retail", "zh", "80010001", "246810", "a1001", (), "active", "contract"),
        DemoCustomer(
            "c2001", "诚信贸易", "company", "zh", "9001000001", "220022", "a2001",
            ((50_000_000, "货款"), (-7_500_000, "进货")), "active", "company",
        ),
    ]  # fmt: skip


def fill(bank: Bank, now: datetime) -> None:
    """Put the demonstration customers into an empty bank; the last movement was yesterday."""
    cards, ledger = bank.cards, bank.ledger
    ledger.open(Account(CASH, "bank", "CNY", may_be_negative=True))
    for demo in demo_customers():
        cards.customers[demo.id] = Customer(
            demo.id, demo.name, demo.segment, demo.language, demo.is_contracted, mobile=MOBILES.get(demo.id, "")
        )
        pin = hash_pin(demo.card_no, demo.pin)
        cvv = hash_pin(demo.card_no, demo.cvv) if demo.cvv else b""
        card = Card(demo.card_no, demo.id, demo.account_id, pin, demo.status, 0, demo.access, 1280, cvv)
        cards.add(card)
        if demo.account_id not in ledger.accounts:
            ledger.open(Account(demo.account_id, demo.id, "CNY"))
        for number, (amount, text) in enumerate(demo.movements, start=1):
            at = now - timedelta(days=len(demo.movements) - number + 1)
            postings = [Posting(CASH, -amount), Posting(demo.account_id, amount)]
            ledger.book(f"demo-{demo.account_id}-{number}", postings, text, at)
    _fill_more(bank, now)


def _fill_more(bank: Bank, now: datetime) -> None:
    """Bills of subscriber 60000001 of every kind, a merchant, a securities account, a purchase not yet cleared, payees, bonds: two
    issues on sale for a hundred days, one that was.
    """
    bank.paying.payees = PAYEES
    day = today(now)
    for code, term, first in (("260136", 36, 10), ("260160", 60, 10), ("250160", 60, 400)):
        begin = day - timedelta(days=first)
        bank.deposits.issues[code] = Issue(code, term, begin, begin + timedelta(days=110))
    for number, kind in enumerate(BILLS, start=1):
        bank.paying.bills[kind, "60000001"] = 5_000 + 1_230 * number
    bank.paying.open_merchant("100200")
    there = bank.paying.open_securities("c1001")
    bank.ledger.book("demo-securities", [Posting(CASH, -2_000_000), Posting(there, 2_000_000)], "securities", now)
    bank.cards.authorised[demo_card(1)] = [(now.date().isoformat(), 23_800)]
