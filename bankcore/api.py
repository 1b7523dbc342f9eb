"""The contract: what a call centre asks of the bank's core systems."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header
from fastapi.routing import APIRoute

from bankcore.core.ledger import Entry
from bankcore.core.money import decimal_text
from bankcore.faults import BankRoute, Faults
from bankcore.pin_cipher import ALGORITHM
from bankcore.schemas import (
    BalanceAnswer,
    CardQuestion,
    EntriesAnswer,
    EntriesQuestion,
    EntryAnswer,
    Fault,
    IdentifiedCustomer,
    PinAnswer,
    PinQuestion,
    Proof,
    PublicKey,
    PublicKeys,
    TransferAnswer,
    TransferOrder,
)
from bankcore.usecases import Bank
from ipcc.http.service import provided

BankOfService = Annotated[Bank, Depends(provided(Bank))]
FaultsOfService = Annotated[Faults, Depends(provided(Faults))]
IdempotencyKey = Annotated[
    str, Header(alias="Idempotency-Key", min_length=8, max_length=64, description="the same for every repetition")
]

DESCRIPTION = """
What a call centre asks of a bank's core systems. This stand-in implements it; a bank adapts its own systems to it.

**Card numbers** travel in request bodies over TLS, never in a path or query, and are never sent back: answers hold the last four digits.

**PINs** never travel in clear. Fetch the key from `GET /v1/keys`, encrypt `pin|card_no|nonce` (nonce: 16 or more random
characters) with RSA-OAEP, SHA-256 for both digest and mask, and send base64. Each encryption is accepted once. In Python:

    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding
    key = serialization.load_pem_public_key(pem.encode())
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
    sealed = key.encrypt(f"{pin}|{card_no}|{secrets.token_hex(16)}".encode(), oaep)
    body = {"card_no": card_no, "key_id": key_id, "encrypted_pin": base64.b64encode(sealed).decode()}

**Refusals** are problem documents; `code` says why: `card_invalid` 422, `card_not_found` 404, `card_blocked` 409,
`pin_wrong` and `pin_locked` 403 (both with `details.attempts_left`), `pin_unreadable` and `pin_replayed` 422,
`key_unknown` 409 (fetch the key again), `insufficient_funds` 409, `account_not_found` 404, `amount_invalid` 422,
`same_account` 422, `idempotency_key_reused` 422. 503 with `Retry-After` means nothing was done.

**Movements** carry an `Idempotency-Key`: a repetition books nothing and answers with the first booking.
"""


def _operation_id(route: APIRoute) -> str:
    return route.name


router = APIRouter(prefix="/v1", tags=["bank"], route_class=BankRoute, generate_unique_id_function=_operation_id)
stand_in = APIRouter(prefix="/v1/stand-in", tags=["stand-in only"], generate_unique_id_function=_operation_id)


@router.get("/keys", summary="Keys to encrypt PINs with")
async def keys(bank: BankOfService) -> PublicKeys:
    return PublicKeys(keys=[PublicKey(key_id=bank.pins.key_id, algorithm=ALGORITHM, pem=bank.pins.public_pem)])


@router.post("/cards/identify", summary="Whose card is it")
async def identify(question: CardQuestion, bank: BankOfService) -> IdentifiedCustomer:
    card, customer = bank.identify(question.card_no)
    return IdentifiedCustomer(
        customer_id=customer.id,
        name=customer.name,
        segment=customer.segment,
        language=customer.language,
        card_tail=card.tail,
    )


@router.post("/cards/verify-pin", summary="Is it the customer who calls")
async def verify_pin(question: PinQuestion, bank: BankOfService) -> PinAnswer:
    return PinAnswer(customer_id=bank.verify_pin(question.card_no, question.key_id, question.encrypted_pin).customer_id)


@router.post("/accounts/balance", summary="What is on the account of the card")
async def balance(question: CardQuestion, bank: BankOfService, faults: FaultsOfService) -> BalanceAnswer:
    card, currency, units = bank.balance(question.card_no)
    return BalanceAnswer(balance=decimal_text(units), currency=currency, card_tail=card.tail, at=faults.clock.now())


@router.post("/accounts/entries", summary="The last movements on the account of the card")
async def entries(question: EntriesQuestion, bank: BankOfService) -> EntriesAnswer:
    card, currency, found = bank.entries(question.card_no, question.limit)
    return EntriesAnswer(currency=currency, card_tail=card.tail, entries=[_shown(entry) for entry in found])


@router.post("/transfers", summary="Move money from the account of the card")
async def transfer(
    order: TransferOrder, idempotency_key: IdempotencyKey, bank: BankOfService, faults: FaultsOfService
) -> TransferAnswer:
    booked, repeated = bank.transfer(order, idempotency_key, faults.clock.now())
    entry = booked.entry
    return TransferAnswer(
        booking_id=entry.booking_id,
        booked_at=entry.booked_at,
        amount=decimal_text(entry.amount),
        balance=decimal_text(entry.balance_after),
        currency=bank.ledger.account(entry.account_id).currency,
        repeated=repeated,
    )


@stand_in.put("/fault", summary="Go wrong from now on", status_code=204)
async def set_fault(fault: Fault, faults: FaultsOfService) -> None:
    faults.set(fault)


@stand_in.get("/fault", summary="What goes wrong now")
async def get_fault(faults: FaultsOfService) -> Fault:
    return faults.fault or Fault(mode="none")


@stand_in.post("/unlock", summary="Forget the wrong PINs of a card", status_code=204)
async def unlock(question: CardQuestion, bank: BankOfService) -> None:
    bank.cards.unlock(question.card_no)


@stand_in.get("/proof", summary="Does the ledger balance")
async def proof(bank: BankOfService) -> Proof:
    bookings = len({entry.booking_id for entry in bank.ledger.entries})
    return Proof(balanced=bank.ledger.is_balanced(), bookings=bookings)


def _shown(entry: Entry) -> EntryAnswer:
    return EntryAnswer(
        booking_id=entry.booking_id,
        booked_at=entry.booked_at,
        amount=decimal_text(entry.amount),
        balance_after=decimal_text(entry.balance_after),
        text=entry.text,
    )
