"""The contract: what a call centre asks of the bank's core systems."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute

from bankcore import queries, telling
from bankcore.core.ledger import Entry
from bankcore.core.money import decimal_text
from bankcore.faults import BankRoute, Faults
from bankcore.orders import BillQuestion, NumberQuestion
from bankcore.pin_cipher import ALGORITHM
from bankcore.schemas import (
    AmountAnswer,
    BalanceAnswer,
    CardQuestion,
    CarriedOut,
    EntriesAnswer,
    EntriesQuestion,
    EntryAnswer,
    Fault,
    IdentifiedCustomer,
    Listing,
    MarketRate,
    PinAnswer,
    PinQuestion,
    PointsAnswer,
    Proof,
    PublicKey,
    PublicKeys,
    RateAnswer,
    RateQuestion,
    TextAnswer,
    TextQuestion,
)
from bankcore.usecases import Bank
from ipcc.http.service import provided

BankOfService = Annotated[Bank, Depends(provided(Bank))]
FaultsOfService = Annotated[Faults, Depends(provided(Faults))]

DESCRIPTION = """
What a call centre asks of a bank's core systems. This stand-in implements it; a bank adapts its own systems to it.

**Card numbers** travel in request bodies over TLS, never in a path or query, and are never sent back: answers hold the last four digits.

**PINs** and card security codes never travel in clear. Fetch the key from `GET /v1/keys`, encrypt `pin|card_no|nonce` (nonce: 16
or more random characters; a code stands in the place of the PIN) with RSA-OAEP, SHA-256 for both digest and mask, and send
base64. Each encryption is accepted once. In Python:

    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding
    key = serialization.load_pem_public_key(pem.encode())
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
    sealed = key.encrypt(f"{pin}|{card_no}|{secrets.token_hex(16)}".encode(), oaep)
    body = {"card_no": card_no, "key_id": key_id, "encrypted_pin": base64.b64encode(sealed).decode()}

**Refusals** are problem documents; `code` says why: `card_invalid` 422, `card_not_found` 404, `card_blocked` 409,
`pin_wrong` and `pin_locked` 403 (both with `details.attempts_left`), `pin_unreadable` and `pin_replayed` 422,
`key_unknown` 409 (fetch the key again), `cvv_needed`, `cvv_wrong` and `cvv_locked` 403 (payments to merchants),
`insufficient_funds` 409, `account_not_found` 404, `amount_invalid` 422, `same_account` 422, `idempotency_key_reused` 422,
`not_contracted`, `not_for_companies` and `payee_not_contracted` 403, `daily_limit` 409, `closed_now` 409 (outside the hours of the
order), `rate_moved` 409, `amount_differs` 409; each operation has more of its own. 503 with `Retry-After` means nothing was done.

**Movements** carry an `Idempotency-Key`: a repetition books nothing and answers with the first booking. When the answer is lost,
`POST /v1/movements/settle` says what became of it: the booking, or that there is none and never will be.

**Who may do what**: any customer may ask, report a loss and change his password; who signed for orders by telephone may order, and
transfer to his own accounts and to those he signed for; a company may ask, transfer and change its password.
"""


def operation_id(route: APIRoute) -> str:
    return route.name


router = APIRouter(prefix="/v1", tags=["bank"], route_class=BankRoute, generate_unique_id_function=operation_id)
stand_in = APIRouter(prefix="/v1/stand-in", tags=["stand-in only"], generate_unique_id_function=operation_id)


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
        access=card.access,
        contracted=customer.is_contracted,
    )


@router.post("/cards/verify-pin", summary="Is it the customer who calls")
async def verify_pin(question: PinQuestion, bank: BankOfService) -> PinAnswer:
    return PinAnswer(customer_id=bank.verify_pin(question.card_no, question.key_id, question.encrypted_pin).customer_id)


@router.post("/accounts/balance", summary="What is on the account of the card")
async def balance(question: CardQuestion, bank: BankOfService, faults: FaultsOfService) -> BalanceAnswer:
    card, currency, units = bank.balance(question.card_no)
    return BalanceAnswer(balance=decimal_text(units), currency=currency, card_tail=card.tail, at=faults.clock.now())


@router.post("/accounts/entries", summary="The last movements on the account of the card")
async def entries(question: EntriesQuestion, bank: BankOfService, faults: FaultsOfService) -> EntriesAnswer:
    now = faults.clock.now()
    card, currency, found = bank.entries(question, now)
    return EntriesAnswer(currency=currency, card_tail=card.tail, entries=[_shown(entry) for entry in found])


@router.post("/accounts/savings", summary="Passbooks and deposits under the card")
async def savings(question: CardQuestion, bank: BankOfService) -> Listing:
    return queries.savings(bank, question.card_no)


@router.post("/cards/authorisations", summary="Authorised and not yet cleared")
async def authorisations(question: CardQuestion, bank: BankOfService) -> Listing:
    return queries.authorisations(bank, question.card_no)


@router.post("/cards/points", summary="Points collected with the card")
async def points(question: CardQuestion, bank: BankOfService) -> PointsAnswer:
    card = bank.cards.usable(question.card_no)
    return PointsAnswer(points=card.points, card_tail=card.tail)


@router.post("/deposits", summary="Deposits the customer has")
async def deposits(question: CardQuestion, bank: BankOfService) -> Listing:
    return queries.deposits(bank, question.card_no, queries.SAVINGS)


@router.post("/loans", summary="Pledge loans and what is owed")
async def loans(question: CardQuestion, bank: BankOfService) -> Listing:
    return queries.loans(bank, question.card_no)


@router.post("/loans/interest", summary="Interest owed on a loan to this day")
async def loan_interest(question: NumberQuestion, bank: BankOfService, faults: FaultsOfService) -> AmountAnswer:
    return queries.loan_interest(bank, question.card_no, question.number, faults.clock.now())


@router.post("/bonds", summary="Treasury bonds the customer has")
async def bonds(question: CardQuestion, bank: BankOfService) -> Listing:
    return queries.deposits(bank, question.card_no, ("bond",))


@router.post("/bonds/issues", summary="Treasury bonds on sale")
async def bond_issues(question: CardQuestion, bank: BankOfService, faults: FaultsOfService) -> Listing:
    return queries.bond_issues(bank, question.card_no, faults.clock.now())


@router.post("/securities", summary="Balances of the bank account and the securities account")
async def securities(question: CardQuestion, bank: BankOfService) -> Listing:
    return queries.securities(bank, question.card_no)


@router.post("/securities/entries", summary="Today's transfers to and from the securities account")
async def securities_entries(question: CardQuestion, bank: BankOfService, faults: FaultsOfService) -> Listing:
    return queries.securities_entries(bank, question.card_no, faults.clock.now())


@router.post("/exchange/balances", summary="Foreign currency the customer has")
async def exchange_balances(question: CardQuestion, bank: BankOfService) -> Listing:
    return queries.exchange_balances(bank, question.card_no)


@router.post("/exchange/entries", summary="Today's deals")
async def exchange_entries(question: CardQuestion, bank: BankOfService, faults: FaultsOfService) -> Listing:
    return queries.exchange_entries(bank, question.card_no, faults.clock.now())


@router.post("/exchange/orders", summary="Orders that wait for their rate")
async def exchange_orders(question: CardQuestion, bank: BankOfService) -> Listing:
    return queries.exchange_orders(bank, question.card_no)


@router.post("/bills/due", summary="What a subscriber has to pay")
async def bill_due(question: BillQuestion, bank: BankOfService) -> AmountAnswer:
    return AmountAnswer(amount=decimal_text(bank.paying.due(question.kind, question.subscriber)))


@router.post("/information/rate", summary="A rate of deposits, loans or currencies, or a fee")
async def rate(question: RateQuestion, bank: BankOfService) -> RateAnswer:
    return RateAnswer(value=queries.rate(bank, question))


@router.post("/information/text", summary="What the bank says in words: a branch, a product, the notice of the day")
async def information_text(question: TextQuestion, bank: BankOfService) -> TextAnswer:
    return TextAnswer(text=telling.text(question))


@stand_in.put("/fault", summary="Go wrong from now on", status_code=204)
async def set_fault(fault: Fault, faults: FaultsOfService) -> None:
    faults.set(fault)


@stand_in.get("/fault", summary="What goes wrong now")
async def get_fault(faults: FaultsOfService) -> Fault:
    return faults.fault or Fault(mode="none")


@stand_in.post("/unlock", summary="Forget the wrong PINs of a card", status_code=204)
async def unlock(question: CardQuestion, bank: BankOfService) -> None:
    bank.cards.unlock(question.card_no)


@stand_in.post("/block", summary="Block a card, as a branch would", status_code=204)
async def block(question: CardQuestion, bank: BankOfService) -> None:
    bank.cards.block(question.card_no)


@stand_in.put("/rate", summary="Move the market; orders whose rate has come are carried out")
async def set_rate(market: MarketRate, bank: BankOfService, faults: FaultsOfService) -> CarriedOut:
    return CarriedOut(orders=queries.move_market(bank, market, faults.clock.now()))


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
