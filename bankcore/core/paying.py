"""Money to others: transfers, bills, payments to merchants, money to and from a securities account. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from bankcore.core.books import Books, Done, OnItsWay
from bankcore.core.calendar import today
from bankcore.core.ledger import Account
from ipcc.errors import Invalid, NotAllowed, NotFound, NotNow

BILLS = ("telephone", "mobile", "water", "electricity", "paging", "internet")


@dataclass(frozen=True)
class Payment:
    """What somebody wants paid from ``source`` to ``target``; a company's has a cut-off time."""

    customer_id: str
    source: str
    target: str
    units: int
    is_company: bool = False
    text: str = ""


@dataclass
class Paying:
    """Bills by kind and subscriber in minor units; merchants by number; the accounts a customer signed to pay to by telephone."""

    books: Books
    bills: dict[tuple[str, str], int] = field(default_factory=dict)
    merchants: dict[str, str] = field(default_factory=dict)
    securities: dict[str, str] = field(default_factory=dict)
    payees: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def transfer(self, wanted: Payment, now: datetime) -> Done:
        """To an account of this bank; refused as ``transfer_day`` says."""
        day = self.transfer_day(wanted, now)
        sent = OnItsWay(day, wanted.target, wanted.units, wanted.text or "transfer")
        booking = self.books.move_on(wanted.source, sent, now)
        if not self._is_own(wanted):
            self.books.use_limit("transfer", wanted.customer_id, wanted.units, now)
        return Done(wanted.source, wanted.units, "", booking, day)

    def transfer_day(self, wanted: Payment, now: datetime) -> date:
        """The day on which a transfer would reach its target: to the customer's own accounts without limit, to accounts he signed
        for within the limit of a day.

        Raises Invalid ``same_account``, NotFound, NotAllowed ``payee_not_contracted``, NotNow ``insufficient_funds``, ``daily_limit``.
        """
        if wanted.target == wanted.source:
            raise Invalid("same_account", "to_account: is the account the money comes from")
        is_own = self._is_own(wanted)
        if wanted.target.startswith(("dep-", "loan-", "bank-", "sec-", "fx-", "merchant-")):
            raise NotFound("account_not_found", "there is no such account")
        if not is_own and wanted.target not in self.payees.get(wanted.customer_id, ()):
            raise NotAllowed("payee_not_contracted", "the customer has not signed for transfers to this account")
        if self.books.ledger.balance(wanted.source) < wanted.units:
            raise NotNow("insufficient_funds", "there is not enough on the account")
        if not is_own:
            self.books.require_limit("transfer", wanted.customer_id, wanted.units, now)
        return self.books.calendar.value_day("company", now) if wanted.is_company else today(now)

    def _is_own(self, wanted: Payment) -> bool:
        return self.books.ledger.account(wanted.target).customer_id == wanted.customer_id

    def due(self, kind: str, subscriber: str) -> int:
        """What is to be paid. Raises NotFound ``subscriber_not_found``."""
        try:
            return self.bills[kind, subscriber]
        except KeyError:
            raise NotFound("subscriber_not_found", "there is no such subscriber") from None

    def pay_bill(self, source: str, kind: str, subscriber: str, units: int, now: datetime) -> Done:
        """Pay all that is due. Raises NotNow ``amount_differs``, ``nothing_due``."""
        due = self.due(kind, subscriber)
        if due == 0:
            raise NotNow("nothing_due", "nothing is to be paid")
        if units != due:
            raise NotNow("amount_differs", "the amount due is another one")
        day = self.books.calendar.value_day("bills", now)
        sent = OnItsWay(day, self.books.own(f"bills-{kind}"), units, f"{kind} bill")
        booking = self.books.move_on(source, sent, now)
        self.bills[kind, subscriber] = 0
        return Done(source, units, "", booking, day)

    def pay(self, customer_id: str, source: str, merchant: str, units: int, now: datetime) -> Done:
        """To a merchant who takes payment by telephone. Raises NotFound ``merchant_not_found``, NotNow ``daily_limit``."""
        target = self.merchants.get(merchant)
        if target is None:
            raise NotFound("merchant_not_found", "there is no such merchant")
        self.books.require_limit("payment", customer_id, units, now)
        booking = self.books.move([(source, -units), (target, units)], f"payment {merchant}", now)
        self.books.use_limit("payment", customer_id, units, now)
        return Done(source, units, "", booking)

    def securities_account(self, customer_id: str) -> str:
        """Raises NotFound ``securities_not_found`` for a customer without one."""
        try:
            return self.securities[customer_id]
        except KeyError:
            raise NotFound("securities_not_found", "the customer has no securities account") from None

    def move_securities(self, customer_id: str, main: str, units: int, *, is_in: bool, now: datetime) -> Done:
        """Between the bank account and the securities account, in their hours."""
        self.books.calendar.require_hours("securities", now)
        there = self.securities_account(customer_id)
        source, target = (main, there) if is_in else (there, main)
        booking = self.books.move([(source, -units), (target, units)], "securities transfer", now)
        return Done(main, units, "", booking)

    def open_merchant(self, number: str) -> None:
        """A merchant with an account of his own."""
        self.merchants[number] = f"merchant-{number}"
        self.books.ledger.open(Account(self.merchants[number], number, "CNY"))

    def open_securities(self, customer_id: str) -> str:
        """A securities account for the customer."""
        self.securities[customer_id] = f"sec-{customer_id}"
        self.books.ledger.open(Account(self.securities[customer_id], customer_id, "CNY"))
        return self.securities[customer_id]
