"""Foreign exchange: rates, immediate deals, and orders that wait for their rate. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal

from bankcore.core.books import Books, Done
from bankcore.core.ledger import Account
from ipcc.errors import Invalid, NotFound, NotNow

CURRENCIES = ("CNY", "USD", "EUR", "HKD")
# yuan for one unit: what the bank pays and what it asks
FIRST_RATES = {"USD": ("7.1012", "7.1298"), "EUR": ("7.7020", "7.7590"), "HKD": ("0.9081", "0.9117")}
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
        return (pays / asks).quantize(Decimal("0.0001"), ROUND_DOWN)

    def account(self, customer_id: str, currency: str, main: str) -> str:
        """Where the customer keeps ``currency``: yuan on ``main``, the rest on accounts opened when first used."""
        if currency == "CNY":
            return main
        account_id = f"fx-{customer_id}-{currency.lower()}"
        if account_id not in self.books.ledger.accounts:
            self.books.ledger.open(Account(account_id, customer_id, currency))
        return account_id

    def deal(
        self, customer_id: str, main: str, pair: tuple[str, str], units: int, now: datetime, least: str = ""
    ) -> Done:
        """Exchange now. Raises NotNow ``rate_moved`` when it brings less than ``least``, ``closed_now``."""
        self.books.require_hours("exchange", now)
        rate = self.rate(*pair)
        if least and rate < _rate(least):
            raise NotNow("rate_moved", "the rate is no longer what was said")
        return self._book(customer_id, main, pair, units, rate, now)

    def place(self, customer_id: str, main: str, order: Order, now: datetime) -> Done:
        """Keep an order until its rate comes."""
        self.books.require_hours("exchange", now)
        self.rate(order.sold, order.bought)
        number = self.books.serial()
        self.orders[number] = replace(order, number=number, customer_id=customer_id, until=now + LONGEST_ORDER)
        return Done(main, 0, number, self.books.number("o"))

    def cancel(self, customer_id: str, main: str, number: str) -> Done:
        """Forget an order. Raises NotFound ``order_not_found``."""
        del self.orders[self._own(customer_id, number).number]
        return Done(main, 0, number, self.books.number("o"))

    def renew(self, customer_id: str, main: str, number: str, now: datetime) -> Done:
        """Keep it for its time once more."""
        self.orders[number] = replace(self._own(customer_id, number), until=now + LONGEST_ORDER)
        return Done(main, 0, number, self.books.number("o"))

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
            pair = (order.sold, order.bought)
            self._book(order.customer_id, main, pair, order.units, self.rate(*pair), now)
        except NotNow:
            # nothing is reserved for an order: when the money is gone, so is the order
            return

    def _book(
        self, customer_id: str, main: str, pair: tuple[str, str], units: int, rate: Decimal, now: datetime
    ) -> Done:
        sold, bought = pair
        brings = int((Decimal(units) * rate).to_integral_value(ROUND_DOWN))
        source, target = (self.account(customer_id, currency, main) for currency in pair)
        pairs = [(source, -units), (self.books.own("fx", sold), units)]
        pairs += [(self.books.own("fx", bought), -brings), (target, brings)]
        booking = self.books.move(pairs, f"exchange {sold} {bought}", now)
        return Done(target, brings, "", booking)

    def _own(self, customer_id: str, number: str) -> Order:
        order = self.orders.get(number)
        if order is None or order.customer_id != customer_id:
            raise NotFound("order_not_found", "there is no such order")
        return order


def _terms(order: Order) -> tuple[object, ...]:
    return order.sold, order.bought, order.rate, order.stop


def _rate(text: str) -> Decimal:
    found = Decimal(text)
    if not found.is_finite() or found <= 0:
        raise Invalid("rate_invalid", "rate: must be more than 0")
    return found
