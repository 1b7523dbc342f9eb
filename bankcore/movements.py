"""The part of the contract that changes something: each order is carried out once by its idempotency key."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header

from bankcore import orders
from bankcore.api import BankOfService, FaultsOfService, operation_id
from bankcore.core.money import decimal_text
from bankcore.faults import BankRoute, Faults
from bankcore.usecases import Bank, Movement

IdempotencyKey = Annotated[
    str, Header(alias="Idempotency-Key", min_length=8, max_length=64, description="the same for every repetition")
]

router = APIRouter(prefix="/v1", tags=["movements"], route_class=BankRoute, generate_unique_id_function=operation_id)


@router.post("/transfers", summary="Move money from the account of the card")
async def transfer(
    order: orders.TransferOrder, idempotency_key: IdempotencyKey, bank: BankOfService, faults: FaultsOfService
) -> orders.MovementAnswer:
    return _carried_out(order, idempotency_key, bank, faults)


@router.post("/cards/loss", summary="Report the card lost")
async def report_loss(
    order: orders.LossReport, idempotency_key: IdempotencyKey, bank: BankOfService, faults: FaultsOfService
) -> orders.MovementAnswer:
    return _carried_out(order, idempotency_key, bank, faults)


@router.post("/cards/pin", summary="Change the PIN")
async def change_pin(
    order: orders.PinChange, idempotency_key: IdempotencyKey, bank: BankOfService, faults: FaultsOfService
) -> orders.MovementAnswer:
    return _carried_out(order, idempotency_key, bank, faults)


@router.post("/deposits/open", summary="Put money away")
async def open_deposit(
    order: orders.OpenDeposit, idempotency_key: IdempotencyKey, bank: BankOfService, faults: FaultsOfService
) -> orders.MovementAnswer:
    return _carried_out(order, idempotency_key, bank, faults)


@router.post("/deposits/pay-in", summary="Pay the next instalment")
async def pay_in(
    order: orders.PayIn, idempotency_key: IdempotencyKey, bank: BankOfService, faults: FaultsOfService
) -> orders.MovementAnswer:
    return _carried_out(order, idempotency_key, bank, faults)


@router.post("/deposits/withdraw", summary="Take money from a deposit, or give a bond back")
async def withdraw(
    order: orders.Withdraw, idempotency_key: IdempotencyKey, bank: BankOfService, faults: FaultsOfService
) -> orders.MovementAnswer:
    return _carried_out(order, idempotency_key, bank, faults)


@router.post("/deposits/notice", summary="Say that a notice deposit will be taken")
async def give_notice(
    order: orders.Notice, idempotency_key: IdempotencyKey, bank: BankOfService, faults: FaultsOfService
) -> orders.MovementAnswer:
    return _carried_out(order, idempotency_key, bank, faults)


@router.post("/loans/open", summary="Borrow on a deposit")
async def open_loan(
    order: orders.OpenLoan, idempotency_key: IdempotencyKey, bank: BankOfService, faults: FaultsOfService
) -> orders.MovementAnswer:
    return _carried_out(order, idempotency_key, bank, faults)


@router.post("/loans/repay", summary="Pay back part or all of a loan")
async def repay_loan(
    order: orders.Repay, idempotency_key: IdempotencyKey, bank: BankOfService, faults: FaultsOfService
) -> orders.MovementAnswer:
    return _carried_out(order, idempotency_key, bank, faults)


@router.post("/bonds/buy", summary="Buy a treasury bond")
async def buy_bond(
    order: orders.BuyBond, idempotency_key: IdempotencyKey, bank: BankOfService, faults: FaultsOfService
) -> orders.MovementAnswer:
    return _carried_out(order, idempotency_key, bank, faults)


@router.post("/securities/transfers", summary="Move money to or from the securities account")
async def move_securities(
    order: orders.SecuritiesTransfer, idempotency_key: IdempotencyKey, bank: BankOfService, faults: FaultsOfService
) -> orders.MovementAnswer:
    return _carried_out(order, idempotency_key, bank, faults)


@router.post("/exchange/deals", summary="Exchange now")
async def exchange_deal(
    order: orders.Deal, idempotency_key: IdempotencyKey, bank: BankOfService, faults: FaultsOfService
) -> orders.MovementAnswer:
    return _carried_out(order, idempotency_key, bank, faults)


@router.post("/exchange/orders/place", summary="Exchange when the rate comes")
async def place_exchange_order(
    order: orders.RateOrder, idempotency_key: IdempotencyKey, bank: BankOfService, faults: FaultsOfService
) -> orders.MovementAnswer:
    return _carried_out(order, idempotency_key, bank, faults)


@router.post("/exchange/orders/change", summary="Cancel, renew or merge orders")
async def change_exchange_order(
    order: orders.OrderChange, idempotency_key: IdempotencyKey, bank: BankOfService, faults: FaultsOfService
) -> orders.MovementAnswer:
    return _carried_out(order, idempotency_key, bank, faults)


@router.post("/bills/pay", summary="Pay a bill")
async def pay_bill(
    order: orders.BillPayment, idempotency_key: IdempotencyKey, bank: BankOfService, faults: FaultsOfService
) -> orders.MovementAnswer:
    return _carried_out(order, idempotency_key, bank, faults)


@router.post("/payments", summary="Pay a merchant by telephone")
async def pay_merchant(
    order: orders.MerchantPayment, idempotency_key: IdempotencyKey, bank: BankOfService, faults: FaultsOfService
) -> orders.MovementAnswer:
    return _carried_out(order, idempotency_key, bank, faults)


@router.post("/movements/settle", summary="What became of an order whose answer was lost")
async def settle(question: orders.SettleQuestion, bank: BankOfService) -> orders.SettleAnswer:
    found = bank.settle(question.key)
    return orders.SettleAnswer(booked=found is not None, movement=_answer(found, True) if found else None)


@router.post("/messages", summary="Send the customer a text message")
async def send_message(
    order: orders.MessageOrder, idempotency_key: IdempotencyKey, bank: BankOfService
) -> orders.MessageAnswer:
    sent, repeated = bank.send_message(order, idempotency_key)
    return orders.MessageAnswer(message_id=sent.message_id, number_tail=sent.number[-4:], repeated=repeated)


@router.post("/documents", summary="Send entries by fax")
async def order_document(order: orders.DocumentOrder, bank: BankOfService) -> orders.DocumentAnswer:
    card = bank.cards.usable(order.card_no)
    bank.documents.append((card.customer_id, order.kind, order.by))
    return orders.DocumentAnswer()


def _carried_out(order: orders.Order, key: str, bank: Bank, faults: Faults) -> orders.MovementAnswer:
    booked, repeated = bank.carry_out(order, key, faults.clock.now())
    return _answer(booked, repeated)


def _answer(booked: Movement, repeated: bool) -> orders.MovementAnswer:
    done = booked.done
    return orders.MovementAnswer(
        booking_id=done.booking_id,
        booked_at=booked.at.isoformat(),
        amount=decimal_text(done.amount),
        balance=decimal_text(booked.balance),
        currency=booked.currency,
        reference=done.reference,
        day=done.day.isoformat() if done.day else "",
        card_tail=booked.tail,
        repeated=repeated,
    )
