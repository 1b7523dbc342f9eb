"""Lists and numbers a customer may hear, as the contract has them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from bankcore.core.calendar import today
from bankcore.core.cards import Card
from bankcore.core.deposits import DEMAND, LEAST, LOAN, MOST_LENT, RATES
from bankcore.core.exchange import CURRENCIES, LEAST_DEAL
from bankcore.core.money import decimal_text
from bankcore.schemas import AmountAnswer, Item, Listing, MarketRate, RateQuestion
from bankcore.usecases import Bank
from ipcc.errors import NotFound

FEES = {"transfer": "0.00", "loss": "10.00", "statement": "5.00"}
SAVINGS = ("time", "instalment", "flexible", "notice")
LONGEST = 20
_LEASTS = {**LEAST, **LEAST_DEAL}


def _percent(hundredths: int) -> str:
    return f"{Decimal(hundredths) / 100:.2f}"


# percent a year; of the pledge loan also how many percent of a deposit are lent
LOANS = {"pledge": _percent(LOAN), "pledge-share": str(MOST_LENT), "consumer": "3.00", "mortgage": "3.50"}


def deposits(bank: Bank, card_no: str, kinds: tuple[str, ...]) -> Listing:
    """Deposits or bonds the customer has."""
    card = bank.cards.usable(card_no)
    found = [
        Item(reference=d.number, kind=d.kind, date=d.due.isoformat(), amount=_balance(bank, d.account_id))
        for d in bank.deposits.of(card.customer_id, kinds)
    ]
    return _listing(card, found)


def savings(bank: Bank, card_no: str) -> Listing:
    """Savings accounts under the card: passbooks and deposits."""
    card = bank.cards.usable(card_no)
    books = [c for c in bank.cards.of(card.customer_id) if c.access == "passbook"]
    found = [Item(reference=c.tail, kind="passbook", amount=_balance(bank, c.account_id)) for c in books]
    return _listing(card, [*found, *deposits(bank, card_no, SAVINGS).items])


def payees(bank: Bank, card_no: str) -> Listing:
    """Accounts of others that he signed to transfer to, by the last four digits of the card or passbook they belong to."""
    card = bank.cards.usable(card_no)
    accounts = bank.paying.payees.get(card.customer_id, ())
    found = [next(one for one in bank.cards.all() if one.account_id == account) for account in accounts]
    return _listing(card, [Item(reference=one.tail, kind=one.access) for one in found])


def authorisations(bank: Bank, card_no: str) -> Listing:
    """Authorised at merchants and not yet cleared."""
    card = bank.cards.usable(card_no)
    held = bank.cards.authorised.get(card.number, [])
    return _listing(card, [Item(date=day, amount=decimal_text(units)) for day, units in held])


def loans(bank: Bank, card_no: str) -> Listing:
    """Pledge loans and what is owed on each."""
    card = bank.cards.usable(card_no)
    found = [
        Item(
            reference=loan.number,
            kind="loan",
            date=loan.opened.isoformat(),
            amount=decimal_text(bank.deposits.owed(loan)),
        )
        for loan in bank.deposits.loans_of(card.customer_id)
    ]
    return _listing(card, found)


def loan_interest(bank: Bank, card_no: str, number: str, now: datetime) -> AmountAnswer:
    """Interest owed to this day."""
    loan = bank.deposits.own_loan(bank.cards.usable(card_no).customer_id, number)
    return AmountAnswer(amount=decimal_text(bank.deposits.loan_interest(loan, now)))


def bond_issues(bank: Bank, card_no: str, now: datetime) -> Listing:
    """Treasury bonds on sale today: the number of each, its term and yearly rate, the last day, and the least that is sold."""
    card = bank.cards.usable(card_no)
    found = [
        Item(
            reference=issue.code,
            kind=f"bond-{issue.term}",
            date=issue.last.isoformat(),
            amount=decimal_text(LEAST["bond"]),
            rate=_percent(RATES["bond", issue.term]),
            term=issue.term,
        )
        for issue in bank.deposits.on_sale(now)
    ]
    return _listing(card, found)


def securities(bank: Bank, card_no: str) -> Listing:
    """Both balances: the bank account, then the securities account."""
    card = bank.cards.usable(card_no)
    there = bank.paying.securities_account(card.customer_id)
    accounts = (("bank", card.account_id), ("securities", there))
    return _listing(card, [Item(kind=kind, amount=_balance(bank, account)) for kind, account in accounts])


def securities_entries(bank: Bank, card_no: str, now: datetime) -> Listing:
    """Today's transfers to and from the securities account."""
    card = bank.cards.usable(card_no)
    return _entries(bank, card, [bank.paying.securities_account(card.customer_id)], now)


def exchange_balances(bank: Bank, card_no: str) -> Listing:
    """What the customer has in each foreign currency."""
    card = bank.cards.usable(card_no)
    held = [(c, bank.exchange.account(card.customer_id, c, card.account_id)) for c in CURRENCIES if c != "CNY"]
    return _listing(card, [Item(currency=c, amount=_balance(bank, account)) for c, account in held])


def exchange_entries(bank: Bank, card_no: str, now: datetime) -> Listing:
    """Today's deals."""
    card = bank.cards.usable(card_no)
    accounts = [bank.exchange.account(card.customer_id, c, card.account_id) for c in CURRENCIES if c != "CNY"]
    return _entries(bank, card, accounts, now)


def exchange_orders(bank: Bank, card_no: str) -> Listing:
    """Orders that wait for their rate."""
    card = bank.cards.usable(card_no)
    found = [
        Item(
            reference=o.number,
            kind="two-way" if o.stop else "one-way",
            date=today(o.until).isoformat(),
            amount=decimal_text(o.units),
            currency=o.sold,
            bought=o.bought,
            rate=str(o.rate),
            stop=str(o.stop or ""),
        )
        for o in bank.exchange.of(card.customer_id)
    ]
    return _listing(card, found)


def rate(bank: Bank, question: RateQuestion) -> str:
    """A rate or fee. Raises NotFound ``rate_not_found``."""
    if question.topic == "fee" and question.item in FEES:
        return FEES[question.item]
    if question.topic == "loan" and question.item in LOANS:
        return LOANS[question.item]
    if question.topic == "least" and question.item in _LEASTS:
        return decimal_text(_LEASTS[question.item])
    kind, _, term = question.item.partition("-")
    if question.topic == "deposit" and question.item == "demand":
        return _percent(DEMAND)
    if question.topic == "deposit" and term.isdecimal() and (kind, int(term)) in RATES:
        return _percent(RATES[kind, int(term)])
    if question.topic == "exchange" and {kind, term} <= set(CURRENCIES) and kind != term:
        return str(bank.exchange.rate(kind, term))
    raise NotFound("rate_not_found", "there is no such rate or fee")


def _entries(bank: Bank, card: Card, accounts: list[str], now: datetime) -> Listing:
    day = today(now)
    found = [
        Item(date=day.isoformat(), amount=decimal_text(e.amount), currency=bank.ledger.account(e.account_id).currency)
        for account in accounts
        for e in bank.ledger.recent(account, LONGEST)
        if today(e.booked_at) == day
    ]
    return _listing(card, found)


def move_market(bank: Bank, market: MarketRate, now: datetime) -> list[str]:
    """Numbers of the orders that the new rate carries out, or whose time is over."""
    mains = {card.customer_id: card.account_id for card in bank.cards.all() if card.access == "card"}
    return bank.exchange.set_rate(market.currency, market.bid, market.ask, now, mains)


def _listing(card: Card, found: list[Item]) -> Listing:
    return Listing(card_tail=card.tail, items=found[:LONGEST])


def _balance(bank: Bank, account_id: str) -> str:
    return decimal_text(bank.ledger.balance(account_id))
