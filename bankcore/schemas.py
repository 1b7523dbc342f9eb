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
    month: str = Field(
        "", pattern=r"^(\d{4}(0[1-9]|1[0-2]))?$", description="YYYYMM: the entries of that month instead"
    )


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
    bought: str = Field("", description="of an order: the currency wanted for it")
    rate: str = Field("", description="of an order: the rate it waits for; of a bond on sale: percent a year")
    stop: str = Field("", description="of a two-way order: the lower rate")
    term: int = Field(0, description="of a bond on sale: months")


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
    """``deposit``: item is demand, or kind-term such as time-12; ``loan``: pledge, consumer, mortgage, or pledge-share (percent of a
    deposit that are lent); ``fee``: transfer, loss, statement; ``exchange``: USD-CNY for what one brings; ``least``: time,
    instalment, flexible, notice, bond, or a currency: the least that is taken.
    """

    topic: Literal["deposit", "loan", "fee", "exchange", "least"]
    item: str = Field(pattern=r"^[A-Za-z0-9-]{1,20}$")


class RateAnswer(BaseModel):
    """A number as it is said: percent a year, yuan, or how much one unit brings."""

    value: str = Field(pattern=r"^\d{1,9}(\.\d{1,6})?$")


class CurrencyQuestion(Body):
    currency: str = Field(pattern=r"^[A-Z]{3}$", examples=["USD"])


class BothRates(BaseModel):
    """Yuan for one of the currency, for a hundred yen: what the bank pays, and what it asks."""

    bid: str = Field(pattern=r"^\d{1,9}(\.\d{1,6})?$")
    ask: str = Field(pattern=r"^\d{1,9}(\.\d{1,6})?$")


class LimitQuestion(CardQuestion):
    kind: Literal["transfer", "payment"]


class LimitAnswer(BaseModel):
    """What may be moved by telephone in a day, and what is left of it."""

    limit: Amount
    left: Amount


class HoursQuestion(Body):
    business: Literal["securities", "bonds", "exchange"]


class HoursAnswer(BaseModel):
    """When orders are taken: today while it is open, else the next time."""

    is_open: bool
    day: str = Field(description="YYYY-MM-DD")
    opens: str = Field(description="HH:MM")
    closes: str = Field(description="HH:MM")


class TransferQuestion(CardQuestion):
    to_account: str = Field(min_length=1, max_length=40)
    amount: str = Field(pattern=r"^\d{1,13}(\.\d{1,2})?$", examples=["100.00"])


class TransferTerms(BaseModel):
    """A transfer that would be carried out: to whom, and on which day it reaches him."""

    payee: str = Field(description="his name as it may be said: all but the first character as an asterisk")
    day: str = Field(description="YYYY-MM-DD")
    is_today: bool


class DayAnswer(BaseModel):
    """The day on which an order given now reaches its target."""

    day: str = Field(description="YYYY-MM-DD")
    is_today: bool


class TakingQuestion(CardQuestion):
    number: str = Field(pattern=r"^\d{6}$", description="number of a deposit or bond")
    amount: str = Field("0", pattern=r"^\d{1,13}(\.\d{1,2})?$", description="money; 0 for all of it")


class TakingTerms(BaseModel):
    """What a withdrawal, or a bond given back, would bring now."""

    amount: Amount = Field(description="what is taken")
    interest: Amount
    cost: Amount = Field(description="for giving a bond back early")
    paid: Amount = Field(description="what the customer gets")
    due: str = Field(description="YYYY-MM-DD")
    is_early: bool


class DealQuestion(CardQuestion):
    sold: str = Field(pattern=r"^[A-Z]{3}$", examples=["USD"])
    bought: str = Field(pattern=r"^[A-Z]{3}$", examples=["CNY"])
    amount: str = Field(pattern=r"^\d{1,13}(\.\d{1,2})?$")
    amount_of: Literal["sold", "bought"] = "sold"


class DealTerms(BaseModel):
    """What an exchange would come to now."""

    rate: str = Field(description="how much one of what is sold brings")
    gives: Amount
    brings: Amount


class MarketRate(Body):
    """The market moves, for tests: what the bank pays and asks for one of ``currency`` from now on."""

    currency: Literal["USD", "EUR", "HKD", "JPY"]
    bid: str = Field(pattern=r"^\d{1,6}(\.\d{1,6})?$")
    ask: str = Field(pattern=r"^\d{1,6}(\.\d{1,6})?$")


class CarriedOut(BaseModel):
    """Numbers of the orders that were carried out or ran out."""

    orders: list[str]


class TextQuestion(Body):
    """What the bank says in words: ``branch``, the one ``item`` names or describes; ``product``, the one offered now, or that
    ``item`` names; ``notice``, what every caller may hear today. An empty ``item`` asks for the first."""

    topic: Literal["branch", "product", "notice"]
    item: str = Field("", max_length=200)
    language: Literal["zh", "en"] = "zh"


class TextAnswer(BaseModel):
    """Words for a voice: a sentence or two, no marks a voice would stumble over."""

    text: str = Field(min_length=1, max_length=300)


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
