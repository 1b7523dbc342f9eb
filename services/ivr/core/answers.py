"""What an answer of the bank core must look like to be believed, and what a flow may store of it. Pure."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Money = Annotated[str, Field(pattern=r"^-?\d{1,13}\.\d{2}$")]
Text = Annotated[str, Field(max_length=120)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Day = Annotated[str, Field(pattern=r"^(\d{4}-\d{2}-\d{2})?$")]
Hour = Annotated[str, Field(pattern=r"^\d{2}:\d{2}$")]
Number = Annotated[str, Field(pattern=r"^(\d{1,9}(\.\d{1,6})?)?$")]
Tail = Annotated[str, Field(pattern=r"^\d{4}$")]


class Answer(BaseModel):
    """An answer as the contract has it; what is more is ignored, newer banks say more."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    @classmethod
    def names(cls) -> frozenset[str]:
        """What a flow may store."""
        return frozenset(cls.model_fields)

    def values(self) -> dict[str, str]:
        """The same with its values; yes and no for truth."""
        return {name: _as_text(value) for name, value in self.model_dump().items()}


class Identified(Answer):
    """``identify``: whose card it is."""

    customer_id: Annotated[str, Field(min_length=1, max_length=64)]
    name: Text
    segment: Text
    language: Literal["zh", "en"]
    card_tail: Tail
    access: Literal["card", "passbook", "contract", "company"] = "card"
    contracted: bool = True


def _must_be_true(value: bool) -> bool:
    if not value:
        raise ValueError("what is not so is refused, not answered")
    return value


class Verified(Answer):
    """``verify_pin``: only ever true, a wrong PIN is refused."""

    verified: Annotated[bool, AfterValidator(_must_be_true)]
    customer_id: Annotated[str, Field(min_length=1, max_length=64)]


class Balance(Answer):
    """``balance``: decimal text with two places."""

    balance: Money
    currency: Currency
    card_tail: Tail


class Moved(Answer):
    """Every movement: the booking. ``reference`` names the deposit, loan or order that came of it; ``day``: when it reaches its
    target, or from when on what was given notice of may be taken."""

    booking_id: Annotated[str, Field(min_length=1, max_length=64)]
    amount: Money
    balance: Money
    currency: Currency
    reference: Annotated[str, Field(pattern=r"^\d{0,12}$")] = ""
    day: Day = ""
    repeated: bool


class Row(Answer):
    """One row of a list."""

    reference: Annotated[str, Field(pattern=r"^\d{0,12}$")] = ""
    date: Day = ""
    amount: Money
    currency: Currency = "CNY"
    bought: Annotated[str, Field(pattern=r"^([A-Z]{3})?$")] = ""
    rate: Number = ""
    stop: Number = ""
    term: Annotated[int, Field(ge=0, le=1200)] = 0

    @property
    def money(self) -> str:
        """The amount as a row of a flow has it: with its currency, unless that is yuan."""
        return self.amount if self.currency == "CNY" else f"{self.amount}:{self.currency}"


class Listed(Answer):
    """A list; a flow gets rows to be said: ``dated``, ``numbered``, ``held``, ``amounts``, ``due`` (number, amount, day), ``orders``
    (number, amount, currency wanted, rate, stop or 0), ``issued`` (number, term, rate, last day), and ``count``, the ``first``
    number and the ``first_amount`` and ``second_amount``; ``stated`` has everything of each row, for a statement."""

    items: Annotated[tuple[Row, ...], Field(max_length=50, strict=False)]

    @classmethod
    def names(cls) -> frozenset[str]:
        amounts = {"first_amount", "second_amount", "amounts"}
        return frozenset({"count", "first", "dated", "numbered", "held", "due", "orders", "issued", "stated", *amounts})

    def values(self) -> dict[str, str]:
        rows = self.items
        return {
            "count": str(len(rows)),
            "first": rows[0].reference if rows else "",
            "first_amount": rows[0].money if rows else "",
            "second_amount": rows[1].money if len(rows) > 1 else "",
            "dated": ";".join(f"{row.date} {row.money}" for row in rows if row.date),
            "numbered": ";".join(f"{row.reference} {row.money}" for row in rows if row.reference),
            "due": ";".join(f"{row.reference} {row.money} {row.date or '-'}" for row in rows if row.reference),
            "orders": ";".join(
                f"{row.reference} {row.money} {row.bought} {row.rate} {row.stop or '-'}" for row in rows if row.bought
            ),
            "issued": ";".join(f"{row.reference} {row.term} {row.rate} {row.date}" for row in rows if row.term),
            "held": ";".join(f"{row.amount} {row.currency}" for row in rows),
            "amounts": ";".join(row.money for row in rows),
            "stated": ";".join(f"{row.date or '-'} {row.reference or '-'} {row.amount} {row.currency}" for row in rows),
        }


class Entry(Answer):
    """One movement on an account."""

    booked_at: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T[0-9:.+Z-]{8,24}$")]
    amount: Money


class Entries(Answer):
    """The newest first; ``dated`` rows for a flow."""

    entries: Annotated[tuple[Entry, ...], Field(max_length=50, strict=False)]

    @classmethod
    def names(cls) -> frozenset[str]:
        return frozenset({"count", "dated"})

    def values(self) -> dict[str, str]:
        rows = ";".join(f"{entry.booked_at[:10]} {entry.amount}" for entry in self.entries)
        return {"count": str(len(self.entries)), "dated": rows}


class Points(Answer):
    """Points collected."""

    points: Annotated[int, Field(ge=0, le=10**11)]


class Due(Answer):
    """An amount due or owed."""

    amount: Money


class Rate(Answer):
    """A rate or fee as it is said."""

    value: Annotated[str, Field(pattern=r"^\d{1,9}(\.\d{1,6})?$")]


class Limit(Answer):
    """What may be moved in a day, and what is left of it."""

    limit: Money
    left: Money


class Hours(Answer):
    """When orders are taken, now or next."""

    is_open: bool
    day: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    opens: Hour
    closes: Hour


class ValueDay(Answer):
    """When an order given now reaches its target."""

    day: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    is_today: bool


class Taking(Answer):
    """What a withdrawal would bring now."""

    amount: Money
    interest: Money
    cost: Money
    paid: Money
    due: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    is_early: bool


class Swapping(Answer):
    """What an exchange would come to now."""

    rate: Annotated[str, Field(pattern=r"^\d{1,9}(\.\d{1,6})?$")]
    gives: Money
    brings: Money


class BothRates(Answer):
    """What the bank pays and asks in yuan for one of a currency, for a hundred yen."""

    bid: Annotated[str, Field(pattern=r"^\d{1,9}(\.\d{1,6})?$")]
    ask: Annotated[str, Field(pattern=r"^\d{1,9}(\.\d{1,6})?$")]


class Worded(Answer):
    """What is said in the bank's own words."""

    text: Annotated[str, Field(min_length=1, max_length=300)]


class Messaged(Answer):
    """``send_message``: handed over to be sent, to a number that ends so."""

    message_id: Annotated[str, Field(min_length=1, max_length=64)]
    number_tail: Tail
    repeated: bool


class Ordered(Answer):
    """The order was taken."""

    ordered: Annotated[bool, AfterValidator(_must_be_true)]


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
