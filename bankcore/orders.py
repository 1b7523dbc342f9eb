"""Bodies of everything that changes something: each is proved by the PIN and carried out once by its idempotency key."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from bankcore.schemas import Amount, CardNo, SealedPin, Tail

Wanted = Annotated[str, Field(pattern=r"^\d{1,13}(\.\d{1,2})?$", description="money, positive", examples=["100.00"])]
AllOrPart = Annotated[
    str, Field(pattern=r"^\d{1,13}(\.\d{1,2})?$", description="money; 0 for all of it", examples=["0"])
]
Number = Annotated[str, Field(pattern=r"^\d{6}$", description="number of a deposit, bond, loan or order")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["USD"])]
Rate = Annotated[str, Field(pattern=r"^\d{1,6}(\.\d{1,6})?$", examples=["7.1012"])]
BillKind = Literal["telephone", "mobile", "water", "electricity", "paging", "internet"]
ToAccount = Annotated[str, Field(min_length=1, max_length=40)]
Subscriber = Annotated[str, Field(pattern=r"^\d{4,20}$")]


class Order(SealedPin):
    """What every order has: whose it is, and the PIN that proves it."""

    card_no: CardNo


class TransferOrder(Order):
    """From the account of ``card_no`` to an account, or to the account of a card, passbook, company or customer number."""

    to_account: ToAccount
    amount: Wanted
    text: str = Field("", max_length=80)


class LossReport(Order):
    """The card is lost: nobody can use it from now on."""


class PinChange(Order):
    """Another PIN: the new one sealed in the same way."""

    new_encrypted_pin: str = Field(max_length=1024)


class OpenDeposit(Order):
    """``term`` in months, of notice deposits in days (1, 7), of time-or-demand deposits 0."""

    kind: Literal["time", "instalment", "flexible", "notice"]
    term: int = Field(ge=0, le=60)
    amount: Wanted


class BuyBond(Order):
    """``issue`` as listed by the bond issues."""

    issue: str = Field(pattern=r"^\d{6}$")
    amount: Wanted


class PayIn(Order):
    """The next instalment."""

    number: Number
    amount: Wanted


class Withdraw(Order):
    """Take money from a deposit, or give a bond back, early or when due."""

    number: Number
    amount: AllOrPart = "0"


class Notice(Order):
    """A notice deposit will be taken."""

    number: Number


class OpenLoan(Order):
    """A loan on the deposit ``number``."""

    number: Number
    amount: Wanted


class Repay(Order):
    """Part of a loan, or all of it with its interest."""

    number: Number
    amount: AllOrPart = "0"


class SecuritiesTransfer(Order):
    """``in``: to the securities account; ``out``: back."""

    direction: Literal["in", "out"]
    amount: Wanted


class Deal(Order):
    """Exchange now; refused (``rate_moved``) when it would bring less than ``rate``, without one at the rate of the moment.

    ``amount_of``: whether the amount is of the currency sold or of the one bought.
    """

    sold: Currency
    bought: Currency
    amount: Wanted
    amount_of: Literal["sold", "bought"] = "sold"
    rate: Annotated[str, Field(pattern=r"^(\d{1,6}(\.\d{1,6})?)?$")] = ""


class RateOrder(Order):
    """Exchange when the rate is ``rate`` or better; two-way with ``stop``: or when it falls so far."""

    sold: Currency
    bought: Currency
    amount: Wanted
    rate: Rate
    stop: Annotated[str, Field(pattern=r"^(\d{1,6}(\.\d{1,6})?)?$")] = ""


class OrderChange(Order):
    """Cancel, renew, or merge with every order of the same terms."""

    number: Number
    change: Literal["cancel", "renew", "merge"]


class BillPayment(Order):
    """All that is due."""

    kind: BillKind
    subscriber: Subscriber
    amount: Wanted


class MerchantPayment(Order):
    """To a merchant who takes payment by telephone. With a card that bears a security code (CVV) the code is needed, too, sealed
    in the same way as the PIN."""

    merchant: str = Field(pattern=r"^\d{4,12}$")
    amount: Wanted
    encrypted_cvv: str = Field("", max_length=1024, description="base64 of RSA-OAEP-256 over `cvv|card_no|nonce`")


class NumberQuestion(BaseModel):
    """About one deposit, loan or order of the customer."""

    card_no: CardNo
    number: Number


class BillQuestion(BaseModel):
    """About a subscriber's bill."""

    kind: BillKind
    subscriber: Subscriber


class DocumentOrder(BaseModel):
    """Paper for the customer: entries by fax, sent by the bank's own systems."""

    card_no: CardNo
    kind: Literal["entries", "securities", "exchange"]
    by: Literal["fax"]
    number: str = Field(pattern=r"^\d{5,20}$", description="fax number")


class DocumentAnswer(BaseModel):
    """The order was taken."""

    ordered: Literal[True] = True


class MessageOrder(BaseModel):
    """A text message to the customer, worded by the bank from ``template``; to the mobile the bank has of him unless ``number``
    names another. Carried out once by its idempotency key."""

    card_no: CardNo
    template: Literal["receipt", "balance", "callback"]
    number: str = Field("", pattern=r"^(\d{5,20})?$", description="another mobile than the one the bank has")
    amount: str = Field("", pattern=r"^(-?\d{1,13}\.\d{2})?$", description="money that the message names")
    currency: str = Field("", pattern=r"^([A-Z]{3})?$", description="of the money; yuan when there is none")
    reference: str = Field("", pattern=r"^\d{0,12}$", description="deposit, loan or order that the message names")


class MessageAnswer(BaseModel):
    """The message was handed over to be sent."""

    message_id: str
    number_tail: Tail = Field(description="the last four digits of the mobile it goes to")
    repeated: bool = Field(description="true when the same idempotency key had ordered it before")


class MovementAnswer(BaseModel):
    """What was booked. ``reference`` names what came of it: the deposit, loan or order."""

    booking_id: str
    booked_at: str = Field(description="RFC 3339")
    amount: Amount
    balance: Amount
    currency: str
    reference: str
    card_tail: Tail
    day: str = Field(
        "", description="YYYY-MM-DD: when it reaches its target, or from when on what was given notice of may be taken"
    )
    repeated: bool = Field(description="true when the same idempotency key had booked it before")


class SettleQuestion(BaseModel):
    """What became of an order whose answer was lost."""

    key: str = Field(min_length=8, max_length=64, description="its idempotency key")


class SettleAnswer(BaseModel):
    """``booked`` with the movement; or not booked, and it never will be: the key is void from now on."""

    booked: bool
    movement: MovementAnswer | None = None
