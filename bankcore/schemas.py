"""Bodies of the contract. Amounts are text with two decimals; a card number is never sent back, only its tail."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

CardNo = Annotated[
    str,
    Field(
        pattern=r"^\d{8,19}$",
        description="the number of a card (12 to 19 digits), a passbook, a company's account or a contracted customer",
        examples=["6222000000000017"],
    ),
]
Tail = Annotated[str, Field(min_length=4, max_length=4, description="the last four digits")]
Amount = Annotated[
    str, Field(pattern=r"^-?\d{1,13}\.\d{2}$", description="money with two decimals", examples=["12150.00"])
]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PublicKey(BaseModel):
    """A key to encrypt PINs with."""

    key_id: str
    algorithm: Literal["RSA-OAEP-256"]
    pem: str


class PublicKeys(BaseModel):
    """Valid keys; use the first."""

    keys: list[PublicKey]


class CardQuestion(Body):
    card_no: CardNo


class IdentifiedCustomer(BaseModel):
    """Who holds the card. Identified is not verified: that takes the PIN."""

    customer_id: str
    name: str
    segment: Literal["retail", "gold", "vip", "company"]
    language: Literal["zh", "en"]
    card_tail: Tail
    access: Literal["card", "passbook", "contract", "company"]
    contracted: bool = Field(description="whether he signed for orders by telephone")


class SealedPin(Body):
    key_id: str = Field(max_length=64, description="`key_id` of the key used")
    encrypted_pin: str = Field(max_length=1024, description="base64 of RSA-OAEP-256 over `pin|card_no|nonce`")


class PinQuestion(SealedPin):
    card_no: CardNo


class PinAnswer(BaseModel):
    """Only ever true: a wrong PIN is a refusal (`pin_wrong`, `pin_locked`) with `details.attempts_left`."""

    verified: Literal[True] = True
    customer_id: str


class BalanceAnswer(BaseModel):
    balance: Amount
    currency: str
    card_tail: str
    at: datetime


class EntriesQuestion(CardQuestion):
    limit: int = Field(5, ge=1, le=50)
    period: Literal["recent", "today", "month"] = "recent"


class EntryAnswer(BaseModel):
    booking_id: str
    booked_at: datetime
    amount: Amount
    balance_after: Amount
    text: str


class EntriesAnswer(BaseModel):
    """The newest first."""

    currency: str
    card_tail: str
    entries: list[EntryAnswer]


class Item(BaseModel):
    """One row of a list: a deposit, a loan, an order, a rate."""

    reference: str = ""
    kind: str = ""
    date: str = Field("", description="YYYY-MM-DD")
    amount: Amount = "0.00"
    currency: str = "CNY"


class Listing(BaseModel):
    """What there is, in the order the customer should hear it."""

    card_tail: Tail
    items: list[Item]


class PointsAnswer(BaseModel):
    points: int
    card_tail: Tail


class AmountAnswer(BaseModel):
    """An amount that is due or owed."""

    amount: Amount
    currency: str = "CNY"


class RateQuestion(Body):
    """``deposit`` and ``loan``: item is kind-term such as time-12; ``fee``: transfer, loss, statement; ``exchange``: USD-CNY."""

    topic: Literal["deposit", "loan", "fee", "exchange"]
    item: str = Field(pattern=r"^[A-Za-z0-9-]{1,20}$")


class RateAnswer(BaseModel):
    """A number as it is said: percent a year, yuan, or how much one unit brings."""

    value: str = Field(pattern=r"^\d{1,9}(\.\d{1,6})?$")


class Fault(Body):
    """What the stand-in does wrong from now on, for tests; `times` requests, for ever when absent."""

    mode: Literal["none", "slow", "down", "refuse", "malformed", "lost"] = Field(
        description="`lost`: it is done, and the answer is nonsense"
    )
    operation: str | None = Field(
        None, description="only this operation (`identify`, `verify_pin`, `balance`, …); all when absent"
    )
    delay_ms: int = Field(10_000, ge=0, le=120_000, description="of mode slow")
    code: str = Field("not_available", pattern=r"^[a-z_]{1,40}$", description="of mode refuse")
    times: int | None = Field(None, ge=1)


class Proof(BaseModel):
    """Whether every booking balances, and how many there are."""

    balanced: bool
    bookings: int
