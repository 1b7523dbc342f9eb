"""The part of the contract that says what an order would come to, before the customer confirms it: nothing is booked here."""

from __future__ import annotations

from datetime import date, datetime

from fastapi import APIRouter

from bankcore.api import BankOfService, FaultsOfService, operation_id
from bankcore.core.books import DAILY_LIMITS
from bankcore.core.calendar import today
from bankcore.core.exchange import Swap
from bankcore.core.money import decimal_text, minor_units
from bankcore.faults import BankRoute
from bankcore.queries import payees as payees_of
from bankcore.schemas import (
    BothRates,
    CardQuestion,
    CurrencyQuestion,
    DayAnswer,
    DealQuestion,
    DealTerms,
    HoursAnswer,
    HoursQuestion,
    LimitAnswer,
    LimitQuestion,
    Listing,
    TakingQuestion,
    TakingTerms,
    TransferQuestion,
    TransferTerms,
)
from bankcore.usecases import units_or_all

router = APIRouter(prefix="/v1", tags=["terms"], route_class=BankRoute, generate_unique_id_function=operation_id)


@router.post("/limits", summary="What may be moved by telephone in a day, and what is left of it")
async def limits(question: LimitQuestion, bank: BankOfService, faults: FaultsOfService) -> LimitAnswer:
    card = bank.cards.usable(question.card_no)
    left = bank.books.limit_left(question.kind, card.customer_id, faults.clock.now())
    return LimitAnswer(limit=decimal_text(DAILY_LIMITS[question.kind]), left=decimal_text(left))


@router.post("/hours", summary="When orders of a business are taken")
async def hours(question: HoursQuestion, bank: BankOfService, faults: FaultsOfService) -> HoursAnswer:
    found = bank.books.calendar.opening(question.business, faults.clock.now())
    return HoursAnswer(
        is_open=found.is_open, day=found.day.isoformat(), opens=f"{found.opens:%H:%M}", closes=f"{found.closes:%H:%M}"
    )


@router.post("/payees", summary="Accounts of others that the customer signed to transfer to")
async def payees(question: CardQuestion, bank: BankOfService) -> Listing:
    return payees_of(bank, question.card_no)


@router.post("/transfers/terms", summary="To whom a transfer would go, and when it would reach him")
async def transfer_terms(question: TransferQuestion, bank: BankOfService, faults: FaultsOfService) -> TransferTerms:
    now = faults.clock.now()
    wanted = bank.transfer_of(question, bank.cards.usable(question.card_no))
    day = bank.paying.transfer_day(wanted, now)
    name = bank.cards.customers[bank.ledger.account(wanted.target).customer_id].name
    return TransferTerms(payee=name[0] + "*" * (len(name) - 1), day=day.isoformat(), is_today=day == today(now))


@router.post("/bills/day", summary="When a bill paid now reaches the biller")
async def bill_day(bank: BankOfService, faults: FaultsOfService) -> DayAnswer:
    now = faults.clock.now()
    return _day(bank.books.calendar.value_day("bills", now), now)


@router.post("/deposits/terms", summary="What a withdrawal, or a bond given back, would bring now")
async def withdrawal_terms(question: TakingQuestion, bank: BankOfService, faults: FaultsOfService) -> TakingTerms:
    card = bank.cards.usable(question.card_no)
    units = units_or_all(question.amount)
    found = bank.deposits.taking(card.customer_id, question.number, units, faults.clock.now())
    return TakingTerms(
        amount=decimal_text(found.taken),
        interest=decimal_text(found.interest),
        cost=decimal_text(found.cost),
        paid=decimal_text(found.paid),
        due=found.due.isoformat(),
        is_early=found.is_early,
    )


@router.post("/exchange/rate", summary="What the bank pays and asks for a currency")
async def exchange_rate(question: CurrencyQuestion, bank: BankOfService) -> BothRates:
    bid, ask = bank.exchange.yuan_for(question.currency)
    return BothRates(bid=f"{bid:f}", ask=f"{ask:f}")


@router.post("/exchange/terms", summary="What an exchange would come to now")
async def deal_terms(question: DealQuestion, bank: BankOfService, faults: FaultsOfService) -> DealTerms:
    bank.cards.usable(question.card_no)
    bank.books.calendar.require_hours("exchange", faults.clock.now())
    swap = Swap(question.sold, question.bought, minor_units(question.amount), question.amount_of)
    found = bank.exchange.quote(swap)
    return DealTerms(rate=f"{found.rate:f}", gives=decimal_text(found.gives), brings=decimal_text(found.brings))


def _day(day: date, now: datetime) -> DayAnswer:
    return DayAnswer(day=day.isoformat(), is_today=day == today(now))
