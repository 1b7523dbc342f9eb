"""Foreign exchange: rates, immediate deals, and orders that wait for their rate. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import Literal

from bankcore.core.books import Books, Done
from bankcore.core.calendar import today
from bankcore.core.ledger import Account
from ipcc.errors import Invalid, NotFound, NotNow

CURRENCIES = ("CNY", "USD", "EUR", "HKD", "JPY")
# yuan for one unit: what the bank pays and what it asks
FIRST_RATES = {
    "USD": ("7.1012", "7.1298"),
    "EUR": ("7.7020", "7.7590"),
    "HKD": ("0.9081", "0.9117"),
    "JPY": ("0.048210", "0.048590"),
}
# money of these has no parts: it is exchanged in whole units only
WHOLE = frozenset({"JPY"})
# the least of what is sold or bought in minor units, by its currency
LEAST_DEAL: dict[str, int] = {"CNY": 5_000, "USD": 1_000, "EUR": 1_000, "HKD": 5_000, "JPY": 100_000}
LONGEST_ORDER = timedelta(days=7)


@dataclass(frozen=True)
class Order:
    """Sell ``units`` when one of what is sold brings ``rate`` or more; two-way: or when it falls to ``stop``."""

    number: str
    customer_id: str
    sold: str
    bought: str
    units: int
    rate: Decimal
    stop: Decimal | None
    until: datetime


@dataclass(frozen=True)
class Swap:
    """What somebody wants exchanged: ``units`` of what is sold, or so many of what is ``bought``."""

    sold: str
    bought: str
    units: int
    of: Literal["sold", "bought"] = "sold"


@dataclass(frozen=True)
class Quote:
    """What a swap comes to at ``rate``: minor units that go and that come."""

    rate: Decimal
    gives: int
    brings: int


@dataclass
class Exchange:
    """The dealing room. ``rates``: currency to what the bank pays and asks."""

    books: Books
    rates: dict[str, tuple[Decimal, Decimal]] = field(
        default_factory=lambda: {c: (Decimal(bid), Decimal(ask)) for c, (bid, ask) in FIRST_RATES.items()}
    )
    orders: dict[str, Order] = field(default_factory=dict)

    def rate(self, sold: str, bought: str) -> Decimal:
        """How much of ``bought`` one of ``sold`` brings now. Raises Invalid ``currency_unknown``."""
        if sold == bought or not {sold, bought} <= set(CURRENCIES):
            raise Invalid("currency_unknown", "there is no rate for these")
        pays = self.rates[sold][0] if sold != "CNY" else Decimal(1)
        asks = self.rates[bought][1] if bought != "CNY" else Decimal(1)
        # one yen is so little that it needs more places
        return (pays / asks).quantize(Decimal("0.000001" if sold in WHOLE else "0.0001"), ROUND_DOWN)

    def yuan_for(self, currency: str) -> tuple[Decimal, Decimal]:
        """What the bank pays and asks for one of ``currency``, for a hundred where one is too little to be said."""
        if currency not in self.rates:
            raise Invalid("currency_unknown", "there is no rate for this")
        pays, asks = self.rates[currency]
        times = 100 if currency in WHOLE else 1
        return (pays * times).normalize(), (asks * times).normalize()

    def quote(self, swap: Swap) -> Quote:
        """What it comes to now. Raises Invalid ``currency_unknown``, NotNow ``amount_too_small``, ``amount_not_whole``."""
        rate = self.rate(swap.sold, swap.bought)
        named = swap.sold if swap.of == "sold" else swap.bought
        if named in WHOLE and swap.units % 100:
            raise NotNow("amount_not_whole", "this currency has no parts")
        if swap.units < LEAST_DEAL[named]:
            raise NotNow("amount_too_small", "less than the least that is exchanged")
        if swap.of == "sold":
            return Quote(rate, swap.units, _in_units(swap.units * rate, swap.bought, ROUND_DOWN))
        return Quote(rate, _in_units(swap.units / rate, swap.sold, ROUND_UP), swap.units)

    def account(self, customer_id: str, currency: str, main: str) -> str:
        """Where the customer keeps ``currency``: yuan on ``main``, the rest on accounts opened when first used."""
        if currency == "CNY":
            return main
        account_id = f"fx-{customer_id}-{currency.lower()}"
        if account_id not in self.books.ledger.accounts:
            self.books.ledger.open(Account(account_id, customer_id, currency))
        return account_id

    def deal(self, customer_id: str, main: str, swap: Swap, now: datetime, least: str = "") -> Done:
        """Exchange now. Raises NotNow ``rate_moved`` when it brings less than ``least``, ``closed_now``."""
        self.books.calendar.require_hours("exchange", now)
        found = self.quote(swap)
        if least and found.rate < _rate(least):
            raise NotNow("rate_moved", "the rate is no longer what was said")
        return self._book(customer_id, main, (swap.sold, swap.bought), found, now)

    def place(self, customer_id: str, main: str, order: Order, now: datetime) -> Done:
        """Keep an order until its rate comes."""
        self.books.calendar.require_hours("exchange", now)
        self.quote(Swap(order.sold, order.bought, order.units))
        if order.stop is not None and order.stop >= order.rate:
            raise Invalid("rate_invalid", "stop: must be less than the rate")
        number = self.books.serial()
        until = now + LONGEST_ORDER
        self.orders[number] = replace(order, number=number, customer_id=customer_id, until=until)
        return Done(main, 0, number, self.books.number("o"), today(until))

    def cancel(self, customer_id: str, main: str, number: str) -> Done:
        """Forget an order. Raises NotFound ``order_not_found``."""
        del self.orders[self._own(customer_id, number).number]
        return Done(main, 0, number, self.books.number("o"))

    def renew(self, customer_id: str, main: str, number: str, now: datetime) -> Done:
        """Keep it for its time once more."""
        until = now + LONGEST_ORDER
        self.orders[number] = replace(self._own(customer_id, number), until=until)
        return Done(main, 0, number, self.books.number("o"), today(until))

    def expire(self, now: datetime) -> None:
        """Forget the orders whose time is over."""
        self.orders = {number: order for number, order in self.orders.items() if now < order.until}

    def merge(self, customer_id: str, main: str, number: str) -> Done:
        """Put every order of the same pair and rate into this one. Raises NotNow ``nothing_to_merge``."""
        kept = self._own(customer_id, number)
        same = [o for o in self.of(customer_id) if o.number != number and _terms(o) == _terms(kept)]
        if not same:
            raise NotNow("nothing_to_merge", "there is no other order of the same pair and rate")
        for order in same:
            del self.orders[order.number]
        self.orders[number] = replace(kept, units=kept.units + sum(o.units for o in same))
        return Done(main, 0, number, self.books.number("o"))

    def of(self, customer_id: str) -> list[Order]:
        """The customer's orders."""
        return [order for order in self.orders.values() if order.customer_id == customer_id]

    def set_rate(self, currency: str, bid: str, ask: str, now: datetime, mains: dict[str, str]) -> list[str]:
        """The market moved: numbers of the orders carried out or expired. ``mains``: customer to his yuan account."""
        self.rates[currency] = (_rate(bid), _rate(ask))
        gone = [o for o in self.orders.values() if now >= o.until or self._is_hit(o)]
        for order in gone:
            del self.orders[order.number]
            if now < order.until:
                self._carry_out(order, mains[order.customer_id], now)
        return [order.number for order in gone]

    def _is_hit(self, order: Order) -> bool:
        rate = self.rate(order.sold, order.bought)
        return rate >= order.rate or (order.stop is not None and rate <= order.stop)

    def _carry_out(self, order: Order, main: str, now: datetime) -> None:
        try:
            found = self.quote(Swap(order.sold, order.bought, order.units))
            self._book(order.customer_id, main, (order.sold, order.bought), found, now)
        except NotNow:
            # nothing is reserved for an order: when the money is gone, so is the order
            return

    def _book(self, customer_id: str, main: str, pair: tuple[str, str], found: Quote, now: datetime) -> Done:
        sold, bought = pair
        source, target = (self.account(customer_id, currency, main) for currency in pair)
        pairs = [(source, -found.gives), (self.books.own("fx", sold), found.gives)]
        pairs += [(self.books.own("fx", bought), -found.brings), (target, found.brings)]
        booking = self.books.move(pairs, f"exchange {sold} {bought}", now)
        return Done(target, found.brings, "", booking)

    def _own(self, customer_id: str, number: str) -> Order:
        order = self.orders.get(number)
        if order is None or order.customer_id != customer_id:
            raise NotFound("order_not_found", "there is no such order")
        return order


def _in_units(units: Decimal, currency: str, rounding: str) -> int:
    """Whole minor units, of a currency without parts whole units."""
    step = 100 if currency in WHOLE else 1
    return int((units / step).to_integral_value(rounding)) * step


def _terms(order: Order) -> tuple[object, ...]:
    return order.sold, order.bought, order.rate, order.stop


def _rate(text: str) -> Decimal:
    found = Decimal(text)
    if not found.is_finite() or found <= 0:
        raise Invalid("rate_invalid", "rate: must be more than 0")
    return found
