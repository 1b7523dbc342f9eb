"""Bodies of the contract. Amounts are text with two decimals; a card number is never sent back, only its tail."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

CardNo = Annotated[
    str, Field(pattern=r"^\d{12,19}$", description="the card number, digits only", examples=["6222000000000017"])
]
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
    segment: Literal["retail", "gold", "vip"]
    language: Literal["zh", "en"]
    card_tail: str = Field(min_length=4, max_length=4)


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


class TransferOrder(SealedPin):
    card_no: CardNo
    to_account: str = Field(min_length=1, max_length=40)
    amount: str = Field(pattern=r"^\d{1,13}(\.\d{1,2})?$", examples=["100.00"])
    text: str = Field("", max_length=80)


class TransferAnswer(BaseModel):
    booking_id: str
    booked_at: datetime
    amount: Amount
    balance: Amount
    currency: str
    repeated: bool = Field(description="true when the same idempotency key had booked it before")


class Fault(Body):
    """What the stand-in does wrong from now on, for tests; `times` requests, for ever when absent."""

    mode: Literal["none", "slow", "down", "refuse", "malformed"]
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
