"""Deposits and what is lent on them: time, instalment, time-or-demand, notice; treasury bonds; pledge loans. Pure."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from bankcore.core.books import Books, Done
from bankcore.core.calendar import today
from bankcore.core.ledger import Account
from ipcc.errors import Invalid, NotAllowed, NotFound, NotNow

# yearly rates in hundredths of a percent by kind and term: months, for notice deposits days
RATES: dict[tuple[str, int], int] = {
    ("time", 3): 115, ("time", 6): 135, ("time", 12): 145, ("time", 24): 165, ("time", 36): 195, ("time", 60): 200,
    ("instalment", 12): 115, ("instalment", 36): 135, ("instalment", 60): 135, ("flexible", 0): 90,
    ("notice", 1): 45, ("notice", 7): 100, ("bond", 36): 238, ("bond", 60): 250,
}  # fmt: skip
DEMAND, LOAN, PENALTY = 20, 345, 10
LEAST: dict[str, int] = {"time": 5_000, "instalment": 500, "flexible": 5_000, "notice": 5_000_000, "bond": 10_000}
# what may not be left of one when part of it is taken
LEAST_LEFT = ("time", "flexible", "notice")
# of the deposit pledged, in percent
MOST_LENT = 90


@dataclass(frozen=True)
class Deposit:
    """Money put away; ``account_id`` holds it. ``notice_for`` is the day from which a notice deposit may be taken."""

    number: str
    customer_id: str
    kind: str
    term: int
    opened: date
    account_id: str
    notice_for: date | None = None
    pledged_for: str = ""

    @property
    def due(self) -> date:
        """The day it is due; of a deposit without a term the day it was opened."""
        is_months = self.kind in ("time", "instalment", "bond")
        return _months_later(self.opened, self.term) if is_months else self.opened


@dataclass(frozen=True)
class Issue:
    """Treasury bonds of one issue: sold from ``first`` to ``last`` day, due after ``term`` months."""

    code: str
    term: int
    first: date
    last: date


@dataclass(frozen=True)
class Taking:
    """What taking ``taken`` of a deposit brings: ``interest`` less ``cost`` beside it; ``is_early`` when it is not due yet."""

    taken: int
    interest: int
    cost: int
    due: date
    is_early: bool

    @property
    def paid(self) -> int:
        """What the customer gets."""
        return self.taken + self.interest - self.cost


@dataclass(frozen=True)
class Loan:
    """Money lent on a deposit; its account is in the red by what is owed. ``accrued``: interest of before ``since``, not yet paid."""

    number: str
    customer_id: str
    deposit: str
    opened: date
    account_id: str
    since: date
    accrued: int = 0


@dataclass
class Deposits:
    """All deposits, bonds and pledge loans of the bank."""

    books: Books
    held: dict[str, Deposit] = field(default_factory=dict)
    loans: dict[str, Loan] = field(default_factory=dict)
    issues: dict[str, Issue] = field(default_factory=dict)

    def open(self, customer_id: str, source: str, terms: tuple[str, int], units: int, now: datetime) -> Done:
        """Put money away. Raises Invalid ``term_unknown``, NotNow ``amount_too_small``."""
        kind, term = terms
        if (kind, term) not in RATES:
            raise Invalid("term_unknown", "there is no such term for this kind of deposit")
        if units < LEAST[kind]:
            raise NotNow("amount_too_small", "less than the least of this kind")
        number = self.books.serial()
        deposit = Deposit(number, customer_id, kind, term, today(now), f"dep-{number}")
        self.books.ledger.open(Account(deposit.account_id, customer_id, "CNY"))
        booking = self.books.move([(source, -units), (deposit.account_id, units)], f"{kind} deposit", now)
        self.held[number] = deposit
        return Done(source, units, number, booking)

    def buy(self, customer_id: str, source: str, code: str, units: int, now: datetime) -> Done:
        """Buy bonds of an issue. Raises Invalid ``term_unknown``, NotNow ``issue_closed``, ``closed_now``, ``amount_not_whole``."""
        issue = self.issues.get(code)
        if issue is None:
            raise Invalid("term_unknown", "there is no such issue")
        if issue not in self.on_sale(now):
            raise NotNow("issue_closed", f"this issue is sold from {issue.first} to {issue.last}")
        self.books.calendar.require_hours("bonds", now)
        if units % LEAST["bond"]:
            raise NotNow("amount_not_whole", "bonds are sold in whole hundreds")
        return self.open(customer_id, source, ("bond", issue.term), units, now)

    def on_sale(self, now: datetime) -> list[Issue]:
        """The issues that can be bought on this day."""
        return [issue for issue in self.issues.values() if issue.first <= today(now) <= issue.last]

    def pay_in(self, customer_id: str, source: str, number: str, units: int, now: datetime) -> Done:
        """The next instalment. Raises NotAllowed ``kind_differs`` for other deposits."""
        deposit = self._own(customer_id, number)
        if deposit.kind != "instalment":
            raise NotAllowed("kind_differs", "only instalment deposits grow")
        booking = self.books.move([(source, -units), (deposit.account_id, units)], "instalment", now)
        return Done(source, units, number, booking)

    def give_notice(self, customer_id: str, source: str, number: str, now: datetime) -> Done:
        """Say that a notice deposit will be taken after its days."""
        deposit = self._own(customer_id, number)
        if deposit.kind != "notice":
            raise NotAllowed("kind_differs", "only notice deposits need notice")
        day = today(now) + timedelta(days=deposit.term)
        self.held[number] = replace(deposit, notice_for=day)
        return Done(source, 0, number, self.books.number("n"), day)

    def withdraw(self, customer_id: str, target: str, number: str, units: int, now: datetime) -> Done:
        """Take ``units`` of it, all with 0, with the interest it has earned. Raises NotNow ``notice_missing``, ``pledged``."""
        found = self.taking(customer_id, number, units, now)
        deposit = self._own(customer_id, number)
        earned = found.paid - found.taken
        pairs = [(deposit.account_id, -found.taken), (target, found.paid), (self.books.own("interest"), -earned)]
        booking = self.books.move(pairs, f"{deposit.kind} withdrawal", now)
        if not self.books.ledger.balance(deposit.account_id):
            del self.held[number]
        return Done(target, found.paid, number, booking)

    def taking(self, customer_id: str, number: str, units: int, now: datetime) -> Taking:
        """What taking ``units`` now would bring, all with 0; refused as the withdrawal itself would be.

        Raises NotNow ``notice_missing``, ``pledged``, ``only_whole``, ``left_too_small``, ``insufficient_funds``.
        """
        deposit = self._own(customer_id, number)
        self._require_free(deposit, units, now)
        there = self.books.ledger.balance(deposit.account_id)
        taken = units or there
        if taken > there:
            raise NotNow("insufficient_funds", "there is not so much on the deposit")
        if deposit.kind in LEAST_LEFT and 0 < there - taken < LEAST[deposit.kind]:
            raise NotNow("left_too_small", "less than the least of this kind would be left: take all of it")
        days = (today(now) - deposit.opened).days
        is_early = today(now) < deposit.due
        # early: interest as of demand money, and a bond costs a tenth of a percent for going early
        rate = DEMAND if is_early else RATES[deposit.kind, deposit.term]
        cost = taken * PENALTY // 10_000 if is_early and deposit.kind == "bond" else 0
        return Taking(taken, _for_days(taken, rate, days), cost, deposit.due, is_early)

    def lend(self, customer_id: str, target: str, number: str, units: int, now: datetime) -> Done:
        """A loan on a deposit. Raises NotNow ``pledged``, ``amount_too_large``."""
        deposit = self._own(customer_id, number)
        if deposit.pledged_for:
            raise NotNow("pledged", "this deposit is pledged already")
        if units * 100 > self.books.ledger.balance(deposit.account_id) * MOST_LENT:
            raise NotNow("amount_too_large", f"at most {MOST_LENT} percent of the deposit are lent")
        serial = self.books.serial()
        loan = Loan(serial, customer_id, number, today(now), f"loan-{serial}", today(now))
        self.books.ledger.open(Account(loan.account_id, customer_id, "CNY", may_be_negative=True))
        booking = self.books.move([(loan.account_id, -units), (target, units)], "pledge loan", now)
        self.loans[loan.number] = loan
        self.held[number] = replace(deposit, pledged_for=loan.number)
        return Done(target, units, loan.number, booking)

    def repay(self, customer_id: str, source: str, number: str, units: int, now: datetime) -> Done:
        """Pay back ``units``, all with 0; interest is paid with the last of it, for each part as long as it was owed.

        Raises NotNow ``amount_too_large``.
        """
        loan = self._own_loan(customer_id, number)
        owed = self.owed(loan)
        paid = units or owed
        if paid > owed:
            raise NotNow("amount_too_large", "more than is owed")
        accrued = self.loan_interest(loan, now)
        interest = accrued if paid == owed else 0
        pairs = [(source, -paid - interest), (loan.account_id, paid), (self.books.own("interest"), interest)]
        booking = self.books.move(pairs, "loan repayment", now)
        if paid == owed:
            del self.loans[number]
            if loan.deposit in self.held:
                self.held[loan.deposit] = replace(self.held[loan.deposit], pledged_for="")
        else:
            self.loans[number] = replace(loan, accrued=accrued, since=today(now))
        return Done(source, paid + interest, number, booking)

    def owed(self, loan: Loan) -> int:
        """Minor units, without interest."""
        return -self.books.ledger.balance(loan.account_id)

    def loan_interest(self, loan: Loan, now: datetime) -> int:
        """Minor units owed for the days to this one."""
        return loan.accrued + _for_days(self.owed(loan), LOAN, (today(now) - loan.since).days)

    def of(self, customer_id: str, kinds: tuple[str, ...]) -> list[Deposit]:
        """The customer's deposits of these kinds, the oldest first."""
        return [d for d in self.held.values() if d.customer_id == customer_id and d.kind in kinds]

    def loans_of(self, customer_id: str) -> list[Loan]:
        """The customer's loans."""
        return [loan for loan in self.loans.values() if loan.customer_id == customer_id]

    def own_loan(self, customer_id: str, number: str) -> Loan:
        """Raises NotFound ``loan_not_found``."""
        return self._own_loan(customer_id, number)

    def _require_free(self, deposit: Deposit, units: int, now: datetime) -> None:
        if deposit.pledged_for:
            raise NotNow("pledged", "a loan stands on this deposit")
        if deposit.kind == "notice" and (deposit.notice_for is None or today(now) < deposit.notice_for):
            raise NotNow("notice_missing", "notice must be given first, and its days have passed")
        if deposit.kind == "bond":
            self.books.calendar.require_hours("bonds", now)
        if units and deposit.kind in ("instalment", "bond"):
            raise NotNow("only_whole", "this kind is only given back whole")

    def _own(self, customer_id: str, number: str) -> Deposit:
        deposit = self.held.get(number)
        if deposit is None or deposit.customer_id != customer_id:
            raise NotFound("deposit_not_found", "there is no such deposit")
        return deposit

    def _own_loan(self, customer_id: str, number: str) -> Loan:
        loan = self.loans.get(number)
        if loan is None or loan.customer_id != customer_id:
            raise NotFound("loan_not_found", "there is no such loan")
        return loan


def _months_later(day: date, months: int) -> date:
    """The same day so many months later; the last one of a month that is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _for_days(units: int, rate: int, days: int) -> int:
    return units * rate * max(days, 0) // (10_000 * 360)
