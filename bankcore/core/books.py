"""What every movement shares: a booking number, the bank's own accounts, limits, and money that is on its way. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from bankcore.core.calendar import Calendar, today
from bankcore.core.ledger import Account, Ledger, Posting
from ipcc.errors import NotNow

# minor units a day and customer; the bank's own rules for orders by telephone
DAILY_LIMITS: dict[str, int] = {"transfer": 5_000_000, "payment": 500_000}


@dataclass(frozen=True)
class Done:
    """A movement as booked. ``amount`` and the balance of ``account_id`` are told; ``reference`` names what came of it.

    ``day``: when it reaches its target, or the day from which what was given notice of may be taken; None for at once.
    """

    account_id: str
    amount: int = 0
    reference: str = ""
    booking_id: str = ""
    day: date | None = None


@dataclass(frozen=True)
class OnItsWay:
    """Money that has left its account and reaches ``target`` on ``day``."""

    day: date
    target: str
    units: int
    text: str


@dataclass
class Books:
    """The ledger with the bank's own accounts on the other side."""

    ledger: Ledger = field(default_factory=Ledger)
    calendar: Calendar = field(default_factory=Calendar)
    on_its_way: list[OnItsWay] = field(default_factory=list)
    _serial: int = 0
    _used: dict[tuple[str, str, date], int] = field(default_factory=dict)

    def number(self, prefix: str = "b") -> str:
        """A number never given before."""
        self._serial += 1
        return f"{prefix}-{self._serial:08d}"

    def serial(self) -> str:
        """A number of six digits that a customer can key, never given before."""
        self._serial += 1
        return f"{100_000 + self._serial}"

    def own(self, name: str, currency: str = "CNY") -> str:
        """The bank's own account for ``name``; opened when first used."""
        account_id = f"bank-{name}-{currency.lower()}"
        if account_id not in self.ledger.accounts:
            self.ledger.open(Account(account_id, "bank", currency, may_be_negative=True))
        return account_id

    def move(self, pairs: Sequence[tuple[str, int]], text: str, now: datetime) -> str:
        """Book these; the booking's number. Raises NotNow ``insufficient_funds``."""
        booking_id = self.number()
        self.ledger.book(booking_id, [Posting(account, units) for account, units in pairs if units], text, now)
        return booking_id

    def move_on(self, source: str, sent: OnItsWay, now: datetime) -> str:
        """Take it from ``source`` now; it reaches its target on its day, at once when that is today."""
        if sent.day <= today(now):
            return self.move([(source, -sent.units), (sent.target, sent.units)], sent.text, now)
        booking = self.move([(source, -sent.units), (self.own("transit"), sent.units)], sent.text, now)
        self.on_its_way.append(sent)
        return booking

    def begin_day(self, now: datetime) -> int:
        """Let what is on its way and due arrive; how many did."""
        due = [sent for sent in self.on_its_way if sent.day <= today(now)]
        for sent in due:
            self.on_its_way.remove(sent)
            self.move([(self.own("transit"), -sent.units), (sent.target, sent.units)], sent.text, now)
        return len(due)

    def limit_left(self, what: str, customer_id: str, now: datetime) -> int:
        """What may still be moved today."""
        return DAILY_LIMITS[what] - self._used.get((what, customer_id, today(now)), 0)

    def require_limit(self, what: str, customer_id: str, units: int, now: datetime) -> None:
        """Raises NotNow ``daily_limit`` when this would be more than the day's sum."""
        if units > self.limit_left(what, customer_id, now):
            raise NotNow("daily_limit", "more than may be moved by telephone in a day")

    def use_limit(self, what: str, customer_id: str, units: int, now: datetime) -> None:
        """Count it: only what was booked counts."""
        place = (what, customer_id, today(now))
        self._used[place] = self._used.get(place, 0) + units
