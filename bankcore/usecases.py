"""What the bank does when it is asked; everything is decided in memory, so nothing here waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from bankcore import orders
from bankcore.core.books import Books, Done
from bankcore.core.calendar import ZONE
from bankcore.core.cards import CVV_DIGITS, Card, CardFile, Customer
from bankcore.core.deposits import Deposits
from bankcore.core.exchange import Exchange, Swap
from bankcore.core.exchange import Order as PendingOrder
from bankcore.core.ledger import Entry, Ledger
from bankcore.core.money import minor_units
from bankcore.core.paying import Paying, Payment
from bankcore.pin_cipher import PinCipher
from bankcore.schemas import EntriesQuestion, TransferQuestion
from ipcc.errors import Invalid, NotAllowed, NotNow

Handler = Callable[[Any, Card, datetime], Done]
# what is open to a customer who has not signed for orders by telephone, and to a company; to all others everything is
PUBLIC: tuple[type[orders.Order], ...] = (orders.LossReport, orders.PinChange)
COMPANY: tuple[type[orders.Order], ...] = (orders.TransferOrder, orders.PinChange)


@dataclass(frozen=True)
class Movement:
    """A movement as booked, and the order it came from (without the PIN) to recognise a repetition."""

    done: Done
    at: datetime
    balance: int
    currency: str
    tail: str
    order: tuple[str, ...]


@dataclass(frozen=True)
class Message:
    """A text message handed over, and the order it came from to recognise a repetition."""

    message_id: str
    number: str = field(repr=False)
    order: tuple[str, ...] = field(repr=False)


@dataclass
class Bank:
    """The bank: cards, ledger and everything on it; an order is carried out once per idempotency key."""

    cards: CardFile = field(default_factory=CardFile)
    books: Books = field(default_factory=Books)
    pins: PinCipher = field(default_factory=PinCipher)
    documents: list[tuple[str, str, str]] = field(default_factory=list)
    movements: dict[str, Movement] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    _void: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.deposits = Deposits(self.books)
        self.exchange = Exchange(self.books)
        self.paying = Paying(self.books)
        self._handlers: dict[type[orders.Order], Handler] = {
            orders.TransferOrder: self._transfer,
            orders.LossReport: self._report_loss,
            orders.PinChange: self._change_pin,
            orders.OpenDeposit: self._open_deposit,
            orders.BuyBond: self._buy_bond,
            orders.PayIn: self._pay_in,
            orders.Withdraw: self._withdraw,
            orders.Notice: self._give_notice,
            orders.OpenLoan: self._open_loan,
            orders.Repay: self._repay,
            orders.SecuritiesTransfer: self._move_securities,
            orders.Deal: self._deal,
            orders.RateOrder: self._place_order,
            orders.OrderChange: self._change_order,
            orders.BillPayment: self._pay_bill,
            orders.MerchantPayment: self._pay_merchant,
        }

    @property
    def ledger(self) -> Ledger:
        """The books' ledger."""
        return self.books.ledger

    def identify(self, card_no: str) -> tuple[Card, Customer]:
        """Whose card it is; blocked cards are found too, so that an agent can help."""
        card = self.cards.find(card_no)
        return card, self.cards.customers[card.customer_id]

    def verify_pin(self, card_no: str, key_id: str, encrypted_pin: str) -> Card:
        """The card when the PIN is right; see ``CardFile.check_pin`` for refusals."""
        self.cards.usable(card_no)
        return self.cards.check_pin(card_no, self.pins.open(key_id, encrypted_pin, card_no))

    def balance(self, card_no: str) -> tuple[Card, str, int]:
        """Card, currency and minor units."""
        card = self.cards.usable(card_no)
        return card, self.ledger.account(card.account_id).currency, self.ledger.balance(card.account_id)

    def entries(self, question: EntriesQuestion, now: datetime) -> tuple[Card, str, list[Entry]]:
        """Card, currency and the newest entries: any, of today, of this month or of the month asked for."""
        card = self.cards.usable(question.card_no)
        found = self.ledger.recent(card.account_id, len(self.ledger.entries))
        if question.month or question.period != "recent":
            month = f"{question.month[:4]}-{question.month[4:]}" if question.month else ""
            wanted = month or _local(now)[: 10 if question.period == "today" else 7]
            found = [e for e in found if _local(e.booked_at).startswith(wanted)]
        return card, self.ledger.account(card.account_id).currency, found[: question.limit]

    def carry_out(self, order: orders.Order, key: str, now: datetime) -> tuple[Movement, bool]:
        """The movement and whether it had been booked before. Raises Invalid when ``key`` was used for another order, NotNow
        ``key_void`` when its outcome was settled before it came.
        """
        told = (type(order).__name__, *_plain(order))
        if key in self._void:
            raise NotNow("key_void", "this order was settled as not carried out")
        known = self.movements.get(key)
        if known is not None:
            if known.order != told:
                raise Invalid("idempotency_key_reused", "this idempotency key belongs to another order")
            return known, True
        self.begin_day(now)
        card = self.verify_pin(order.card_no, order.key_id, order.encrypted_pin)
        self._require_right(card, order)
        done = self._handlers[type(order)](order, card, now)
        account = self.ledger.account(done.account_id)
        booked = Movement(done, now, self.ledger.balance(account.id), account.currency, card.tail, told)
        self.movements[key] = booked
        return booked, False

    def begin_day(self, now: datetime) -> None:
        """What the passing of time does: money on its way arrives, orders run out."""
        self.books.begin_day(now)
        self.exchange.expire(now)

    def transfer_of(self, order: orders.TransferOrder | TransferQuestion, card: Card) -> Payment:
        """The transfer that somebody wants."""
        target = self.cards.account_of(order.to_account) or order.to_account
        is_company = card.access == "company"
        return Payment(card.customer_id, card.account_id, target, minor_units(order.amount), is_company)

    def _require_right(self, card: Card, order: orders.Order) -> None:
        if card.access == "company" and not isinstance(order, COMPANY):
            raise NotAllowed("not_for_companies", "companies cannot order this by telephone")
        if not self.cards.customers[card.customer_id].is_contracted and not isinstance(order, PUBLIC):
            raise NotAllowed("not_contracted", "the customer has not signed for orders by telephone")

    def settle(self, key: str) -> Movement | None:
        """What ``key`` booked; None makes the key void, so that an order still on its way is never carried out."""
        known = self.movements.get(key)
        if known is None:
            self._void.add(key)
        return known

    def send_message(self, order: orders.MessageOrder, key: str) -> tuple[Message, bool]:
        """The message and whether it had been ordered before. Raises Invalid when ``key`` was used for another one, NotNow
        ``no_mobile`` when the bank has no mobile of the customer and none was given.
        """
        told = tuple(order.model_dump().values())
        known = self.messages.get(key)
        if known is not None:
            if known.order != told:
                raise Invalid("idempotency_key_reused", "this idempotency key belongs to another message")
            return known, True
        customer = self.cards.customers[self.cards.usable(order.card_no).customer_id]
        number = order.number or customer.mobile
        if not number:
            raise NotNow("no_mobile", "the bank has no mobile number of this customer")
        sent = Message(self.books.number("m"), number, told)
        self.messages[key] = sent
        return sent, False

    def _transfer(self, order: orders.TransferOrder, card: Card, now: datetime) -> Done:
        return self.paying.transfer(replace(self.transfer_of(order, card), text=order.text), now)

    def _report_loss(self, order: orders.LossReport, card: Card, now: datetime) -> Done:
        self.cards.report_lost(card)
        return Done(card.account_id, booking_id=self.books.number("l"))

    def _change_pin(self, order: orders.PinChange, card: Card, now: datetime) -> Done:
        self.cards.set_pin(card.number, self.pins.open(order.key_id, order.new_encrypted_pin, card.number))
        return Done(card.account_id, booking_id=self.books.number("p"))

    def _open_deposit(self, order: orders.OpenDeposit, card: Card, now: datetime) -> Done:
        terms = (order.kind, order.term)
        return self.deposits.open(card.customer_id, card.account_id, terms, minor_units(order.amount), now)

    def _buy_bond(self, order: orders.BuyBond, card: Card, now: datetime) -> Done:
        return self.deposits.buy(card.customer_id, card.account_id, order.issue, minor_units(order.amount), now)

    def _pay_in(self, order: orders.PayIn, card: Card, now: datetime) -> Done:
        units = minor_units(order.amount)
        return self.deposits.pay_in(card.customer_id, card.account_id, order.number, units, now)

    def _withdraw(self, order: orders.Withdraw, card: Card, now: datetime) -> Done:
        return self.deposits.withdraw(card.customer_id, card.account_id, order.number, units_or_all(order.amount), now)

    def _give_notice(self, order: orders.Notice, card: Card, now: datetime) -> Done:
        return self.deposits.give_notice(card.customer_id, card.account_id, order.number, now)

    def _open_loan(self, order: orders.OpenLoan, card: Card, now: datetime) -> Done:
        units = minor_units(order.amount)
        return self.deposits.lend(card.customer_id, card.account_id, order.number, units, now)

    def _repay(self, order: orders.Repay, card: Card, now: datetime) -> Done:
        return self.deposits.repay(card.customer_id, card.account_id, order.number, units_or_all(order.amount), now)

    def _move_securities(self, order: orders.SecuritiesTransfer, card: Card, now: datetime) -> Done:
        units, is_in = minor_units(order.amount), order.direction == "in"
        return self.paying.move_securities(card.customer_id, card.account_id, units, is_in=is_in, now=now)

    def _deal(self, order: orders.Deal, card: Card, now: datetime) -> Done:
        swap = Swap(order.sold, order.bought, minor_units(order.amount), order.amount_of)
        return self.exchange.deal(card.customer_id, card.account_id, swap, now, order.rate)

    def _place_order(self, order: orders.RateOrder, card: Card, now: datetime) -> Done:
        stop = Decimal(order.stop) if order.stop else None
        units, rate = minor_units(order.amount), Decimal(order.rate)
        pending = PendingOrder("", card.customer_id, order.sold, order.bought, units, rate, stop, now)
        return self.exchange.place(card.customer_id, card.account_id, pending, now)

    def _change_order(self, order: orders.OrderChange, card: Card, now: datetime) -> Done:
        who, main, number = card.customer_id, card.account_id, order.number
        if order.change == "renew":
            return self.exchange.renew(who, main, number, now)
        if order.change == "merge":
            return self.exchange.merge(who, main, number)
        return self.exchange.cancel(who, main, number)

    def _pay_bill(self, order: orders.BillPayment, card: Card, now: datetime) -> Done:
        units = minor_units(order.amount)
        return self.paying.pay_bill(card.account_id, order.kind, order.subscriber, units, now)

    def _pay_merchant(self, order: orders.MerchantPayment, card: Card, now: datetime) -> Done:
        units = minor_units(order.amount)
        cvv = order.encrypted_cvv and self.pins.open(order.key_id, order.encrypted_cvv, card.number, CVV_DIGITS)
        self.cards.check_cvv(card.number, cvv)
        return self.paying.pay(card.customer_id, card.account_id, order.merchant, units, now)


def _plain(order: orders.Order) -> tuple[str, ...]:
    hidden = {"key_id", "encrypted_pin", "new_encrypted_pin", "encrypted_cvv"}
    return tuple(f"{name}={value}" for name, value in order.model_dump(exclude=hidden).items())


def units_or_all(text: str) -> int:
    """Minor units, 0 for all of it."""
    return minor_units(text) if Decimal(text) else 0


def _local(moment: datetime) -> str:
    return moment.astimezone(ZONE).isoformat()
