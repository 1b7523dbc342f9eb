"""Money to others: transfers, bills, payments to merchants, money to and from a securities account. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from bankcore.core.books import Books, Done
from bankcore.core.ledger import Account
from ipcc.errors import Invalid, NotFound, NotNow

BILLS = ("telephone", "mobile", "water", "electricity", "paging", "internet")


@dataclass
class Paying:
    """Bills by kind and subscriber in minor units; merchants by number."""

    books: Books
    bills: dict[tuple[str, str], int] = field(default_factory=dict)
    merchants: dict[str, str] = field(default_factory=dict)
    securities: dict[str, str] = field(default_factory=dict)

    def transfer(self, customer_id: str, source: str, target: str, units: int, text: str, now: datetime) -> Done:
        """To any account of this bank; to the customer's own without limit. Raises Invalid ``same_account``, NotNow ``daily_limit``."""
        if target == source:
            raise Invalid("same_account", "to_account: is the account the money comes from")
        ledger = self.books.ledger
        is_own = ledger.account(target).customer_id == customer_id
        if target.startswith(("dep-", "loan-", "bank-")):
            raise NotFound("account_not_found", "there is no such account")
        if ledger.balance(source) < units:
            raise NotNow("insufficient_funds", "there is not enough on the account")
        if not is_own:
            self.books.require_limit("transfer", customer_id, units, now)
        booking = self.books.move([(source, -units), (target, units)], text or "transfer", now)
        if not is_own:
            self.books.use_limit("transfer", customer_id, units, now)
        return Done(source, units, "", booking)

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
        booking = self.books.move([(source, -units), (self.books.own(f"bills-{kind}"), units)], f"{kind} bill", now)
        self.bills[kind, subscriber] = 0
        return Done(source, units, "", booking)

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
        self.books.require_hours("securities", now)
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
