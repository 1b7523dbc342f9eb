"""What every movement shares: a booking number, the bank's own accounts, hours and limits. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from bankcore.core.ledger import Account, Ledger, Posting
from ipcc.errors import NotNow

ZONE = ZoneInfo("Asia/Shanghai")
WORKDAYS, EVERY_DAY = range(1, 6), range(1, 8)
# days and hours in which orders are taken; what comes after the cut-off is refused, not kept
HOURS: dict[str, tuple[range, time, time]] = {
    "securities": (WORKDAYS, time(9, 0), time(15, 30)),
    "bonds": (EVERY_DAY, time(8, 30), time(16, 30)),
    "exchange": (WORKDAYS, time(8, 0), time(23, 0)),
}
# minor units a day and customer; the bank's own rules for orders by telephone
DAILY_LIMITS: dict[str, int] = {"transfer": 5_000_000, "payment": 500_000}


@dataclass(frozen=True)
class Done:
    """A movement as booked. ``amount`` and the balance of ``account_id`` are told; ``reference`` names what came of it."""

    account_id: str
    amount: int = 0
    reference: str = ""
    booking_id: str = ""


@dataclass
class Books:
    """The ledger with the bank's own accounts on the other side."""

    ledger: Ledger = field(default_factory=Ledger)
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

    def require_hours(self, what: str, now: datetime) -> None:
        """Raises NotNow ``closed_now`` outside the hours of ``what``."""
        days, begin, end = HOURS[what]
        local = now.astimezone(ZONE)
        if local.isoweekday() not in days or not begin <= local.time() < end:
            raise NotNow("closed_now", f"orders for {what} are taken from {begin:%H:%M} to {end:%H:%M}")

    def require_limit(self, what: str, customer_id: str, units: int, now: datetime) -> None:
        """Raises NotNow ``daily_limit`` when this would be more than the day's sum."""
        used = self._used.get((what, customer_id, now.astimezone(ZONE).date()), 0)
        if used + units > DAILY_LIMITS[what]:
            raise NotNow("daily_limit", "more than may be moved by telephone in a day")

    def use_limit(self, what: str, customer_id: str, units: int, now: datetime) -> None:
        """Count it: only what was booked counts."""
        place = (what, customer_id, now.astimezone(ZONE).date())
        self._used[place] = self._used.get(place, 0) + units
