"""The demonstration customers. Cards are numbers of a range kept for tests, with a right check digit; names are invented."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bankcore.core.cards import Card, CardFile, Customer, hash_pin
from bankcore.core.ledger import Account, Ledger, Posting
from bankcore.core.luhn import check_digit

CASH = "bank-cash-cny"


@dataclass(frozen=True)
class DemoCustomer:
    """One customer with one card; ``movements`` in minor units, the oldest first."""

    id: str
    name: str
    segment: Literal["retail", "gold", "vip"]
    language: Literal["zh", "en"]
    card_no: str
    pin: str
    account_id: str
    movements: tuple[tuple[int, str], ...]
    status: Literal["active", "blocked", "lost"] = "active"


def demo_card(serial: int) -> str:
    """6222 0000 0000 and the serial number, completed by the check digit."""
    payload = f"622200000000{serial:03d}"
    return payload + check_digit(payload)


def demo_customers() -> list[DemoCustomer]:
    """Six customers: plain, English-speaking, wealthy, without money, with a blocked card, with many entries."""
    return [
        DemoCustomer(
            "c1001", "王小明", "retail", "zh", demo_card(1), "246810", "a1001",
            ((1_250_000, "工资"), (-35_050, "超市"), (-12_000, "水电费")),
        ),
        DemoCustomer(
            "c1002", "Alice Carter", "retail", "en", demo_card(2), "135790", "a1002",
            ((880_000, "salary"), (-4_550, "coffee")),
        ),
        DemoCustomer("c1003", "李文华", "vip", "zh", demo_card(3), "864209", "a1003", ((98_765_432, "转入"),)),
        DemoCustomer("c1004", "赵一", "retail", "zh", demo_card(4), "975310", "a1004", ()),
        DemoCustomer("c1005", "钱多多", "gold", "zh", demo_card(5), "112358", "a1005", ((500_000, "转入"),), "lost"),
        DemoCustomer(
            "c1006", "孙丽", "gold", "zh", demo_card(6), "314159", "a1006",
            ((3_000_000, "转入"), *((-1_000 * day, f"消费 {day}") for day in range(1, 16))),
        ),
    ]  # fmt: skip


def fill(cards: CardFile, ledger: Ledger, now: datetime) -> None:
    """Put the demonstration customers into an empty bank; the last movement was yesterday."""
    ledger.open(Account(CASH, "bank", "CNY", may_be_negative=True))
    for demo in demo_customers():
        cards.customers[demo.id] = Customer(demo.id, demo.name, demo.segment, demo.language)
        card = Card(demo.card_no, demo.id, demo.account_id, hash_pin(demo.card_no, demo.pin), demo.status)
        cards.add(card)
        ledger.open(Account(demo.account_id, demo.id, "CNY"))
        for number, (amount, text) in enumerate(demo.movements, start=1):
            at = now - timedelta(days=len(demo.movements) - number + 1)
            postings = [Posting(CASH, -amount), Posting(demo.account_id, amount)]
            ledger.book(f"demo-{demo.id}-{number}", postings, text, at)
