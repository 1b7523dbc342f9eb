"""Double-entry book-keeping: every booking consists of postings that add up to zero, and nothing is ever changed or removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ipcc.errors import Bug, NotFound, NotNow


@dataclass(frozen=True)
class Account:
    """``may_be_negative`` for the bank's own accounts, which are the other side of cash coming in and going out."""

    id: str
    customer_id: str
    currency: str
    may_be_negative: bool = False


@dataclass(frozen=True)
class Posting:
    """``amount`` minor units onto the account (from it when negative)."""

    account_id: str
    amount: int


@dataclass(frozen=True)
class Entry:
    """A posting as booked, with the balance it left."""

    booking_id: str
    account_id: str
    amount: int
    balance_after: int
    text: str
    booked_at: datetime


@dataclass
class Ledger:
    """Accounts and their entries. Not shared between threads: every method finishes before another starts."""

    accounts: dict[str, Account] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    _balances: dict[str, int] = field(default_factory=dict)

    def open(self, account: Account) -> None:
        """A new account with nothing on it."""
        if account.id in self.accounts:
            raise NotNow("account_exists", f"there is an account {account.id}")
        self.accounts[account.id] = account
        self._balances[account.id] = 0

    def account(self, account_id: str) -> Account:
        """Raises NotFound."""
        try:
            return self.accounts[account_id]
        except KeyError:
            raise NotFound("account_not_found", "there is no such account") from None

    def balance(self, account_id: str) -> int:
        """Minor units on the account now."""
        return self._balances[self.account(account_id).id]

    def book(self, booking_id: str, postings: Sequence[Posting], text: str, now: datetime) -> list[Entry]:
        """Book all ``postings`` or, when an account has too little, none (NotNow ``insufficient_funds``).

        They add up to zero in each currency: an exchange has the bank's own account on the other side of both.
        """
        accounts = [self.account(posting.account_id) for posting in postings]
        sums: dict[str, int] = {}
        for account, posting in zip(accounts, postings, strict=True):
            sums[account.currency] = sums.get(account.currency, 0) + posting.amount
        if any(sums.values()):
            if len(sums) > 1:
                raise NotNow("currency_differs", "the accounts are in different currencies")
            raise Bug("bug.unbalanced", f"booking {booking_id} does not add up to zero")
        after = {account.id: self._balances[account.id] for account in accounts}
        entries = []
        for account, posting in zip(accounts, postings, strict=True):
            after[account.id] += posting.amount
            entries.append(Entry(booking_id, account.id, posting.amount, after[account.id], text, now))
        if any(after[account.id] < 0 and not account.may_be_negative for account in accounts):
            raise NotNow("insufficient_funds", "there is not enough on the account")
        self._balances.update(after)
        self.entries += entries
        return entries

    def recent(self, account_id: str, limit: int) -> list[Entry]:
        """The last ``limit`` entries of the account, the newest first."""
        own = [entry for entry in self.entries if entry.account_id == self.account(account_id).id]
        return own[: -limit - 1 : -1]

    def is_balanced(self) -> bool:
        """Whether all balances add up to zero in each currency and agree with the entries: the proof an auditor asks for."""
        sums = dict.fromkeys(self.accounts, 0)
        for entry in self.entries:
            sums[entry.account_id] += entry.amount
        totals: dict[str, int] = {}
        for account_id, balance in sums.items():
            currency = self.accounts[account_id].currency
            totals[currency] = totals.get(currency, 0) + balance
        return sums == self._balances and not any(totals.values())
