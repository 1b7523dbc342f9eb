"""What the bank core offers to flows: the contract of docs/bankcore.openapi.yaml in the words of a flow. Pure.

A flow knows operations, inputs and outputs as text; here is which request that makes, what an answer must look like to be
believed, and what a refusal or a failure means.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from services.ivr.core.actions import BankAnswer

Money = Annotated[str, Field(pattern=r"^-?\d{1,13}\.\d{2}$")]
Text = Annotated[str, Field(max_length=120)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Tail = Annotated[str, Field(pattern=r"^\d{4}$")]
_CODE = re.compile(r"^[a-z][a-z_.]{0,39}$")

SEALED: Mapping[str, str] = {"pin": "encrypted_pin", "new_pin": "new_encrypted_pin", "cvv": "encrypted_cvv"}
"""Inputs that leave encrypted only, and the fields of a request that carry them; wiped as soon as the bank has answered."""

UNAVAILABLE = "unavailable"
UNKNOWN = "unknown"


class Kind(StrEnum):
    """What repeating an operation would do: nothing; nothing by the same key; count a wrong PIN twice; move money."""

    READ = "read"
    ORDER = "order"
    CHECK = "check"
    MOVEMENT = "movement"


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
    """Every movement: the booking. ``reference`` names the deposit, loan or order that came of it."""

    booking_id: Annotated[str, Field(min_length=1, max_length=64)]
    amount: Money
    balance: Money
    currency: Currency
    reference: Annotated[str, Field(pattern=r"^\d{0,12}$")] = ""
    repeated: bool


class Row(Answer):
    """One row of a list."""

    reference: Annotated[str, Field(pattern=r"^\d{0,12}$")] = ""
    date: Annotated[str, Field(pattern=r"^(\d{4}-\d{2}-\d{2})?$")] = ""
    amount: Money
    currency: Currency = "CNY"


class Listed(Answer):
    """A list; a flow gets rows to be said: ``dated``, ``numbered``, ``held``, ``amounts``, and ``count`` and the ``first`` number;
    ``stated`` has everything of each row, for a statement."""

    items: Annotated[tuple[Row, ...], Field(max_length=50, strict=False)]

    @classmethod
    def names(cls) -> frozenset[str]:
        return frozenset({"count", "first", "dated", "numbered", "held", "amounts", "stated"})

    def values(self) -> dict[str, str]:
        rows = self.items
        return {
            "count": str(len(rows)),
            "first": rows[0].reference if rows else "",
            "dated": ";".join(f"{row.date} {row.amount}" for row in rows if row.date),
            "numbered": ";".join(f"{row.reference} {row.amount}" for row in rows if row.reference),
            "held": ";".join(f"{row.amount} {row.currency}" for row in rows),
            "amounts": ";".join(row.amount for row in rows),
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


class Messaged(Answer):
    """``send_message``: handed over to be sent, to a number that ends so."""

    message_id: Annotated[str, Field(min_length=1, max_length=64)]
    number_tail: Tail
    repeated: bool


class Ordered(Answer):
    """The order was taken."""

    ordered: Annotated[bool, AfterValidator(_must_be_true)]


@dataclass(frozen=True)
class Operation:
    """One operation: ``inputs`` go into the body under their own names; those of SEALED are encrypted first."""

    path: str
    kind: Kind
    answer: type[Answer]
    needs: frozenset[str]
    may_have: frozenset[str] = frozenset()

    @property
    def has_secret(self) -> bool:
        """Whether something goes with it that must be encrypted."""
        return not SEALED.keys().isdisjoint(self.needs)


def _read(path: str, answer: type[Answer], *needs: str, may_have: tuple[str, ...] = ()) -> Operation:
    return Operation(path, Kind.READ, answer, frozenset({"card_no", *needs}), frozenset(may_have))


def _move(path: str, *needs: str, may_have: tuple[str, ...] = ()) -> Operation:
    return Operation(path, Kind.MOVEMENT, Moved, frozenset({"card_no", "pin", *needs}), frozenset(may_have))


SETTLE = "/v1/movements/settle"
OPERATIONS: Mapping[str, Operation] = {
    "identify": _read("/v1/cards/identify", Identified),
    "verify_pin": Operation("/v1/cards/verify-pin", Kind.CHECK, Verified, frozenset({"card_no", "pin"})),
    "balance": _read("/v1/accounts/balance", Balance),
    "entries": _read("/v1/accounts/entries", Entries, may_have=("limit", "period")),
    "savings": _read("/v1/accounts/savings", Listed),
    "authorisations": _read("/v1/cards/authorisations", Listed),
    "points": _read("/v1/cards/points", Points),
    "deposits": _read("/v1/deposits", Listed),
    "loans": _read("/v1/loans", Listed),
    "loan_interest": _read("/v1/loans/interest", Due, "number"),
    "bonds": _read("/v1/bonds", Listed),
    "bond_issues": _read("/v1/bonds/issues", Listed),
    "securities": _read("/v1/securities", Listed),
    "securities_entries": _read("/v1/securities/entries", Listed),
    "exchange_balances": _read("/v1/exchange/balances", Listed),
    "exchange_entries": _read("/v1/exchange/entries", Listed),
    "exchange_orders": _read("/v1/exchange/orders", Listed),
    "bill_due": Operation("/v1/bills/due", Kind.READ, Due, frozenset({"kind", "subscriber"})),
    "rate": Operation("/v1/information/rate", Kind.READ, Rate, frozenset({"topic", "item"})),
    "order_document": Operation("/v1/documents", Kind.CHECK, Ordered, frozenset({"card_no", "kind", "by", "number"})),
    "send_message": Operation(
        "/v1/messages",
        Kind.ORDER,
        Messaged,
        frozenset({"card_no", "template"}),
        frozenset({"number", "amount", "reference"}),
    ),
    "transfer": _move("/v1/transfers", "to_account", "amount", may_have=("text",)),
    "report_loss": _move("/v1/cards/loss"),
    "change_pin": _move("/v1/cards/pin", "new_pin"),
    "open_deposit": _move("/v1/deposits/open", "kind", "term", "amount"),
    "pay_in": _move("/v1/deposits/pay-in", "number", "amount"),
    "withdraw": _move("/v1/deposits/withdraw", "number", may_have=("amount",)),
    "give_notice": _move("/v1/deposits/notice", "number"),
    "open_loan": _move("/v1/loans/open", "number", "amount"),
    "repay_loan": _move("/v1/loans/repay", "number", may_have=("amount",)),
    "buy_bond": _move("/v1/bonds/buy", "issue", "amount"),
    "move_securities": _move("/v1/securities/transfers", "direction", "amount"),
    "exchange_deal": _move("/v1/exchange/deals", "sold", "bought", "amount", may_have=("rate",)),
    "place_exchange_order": _move("/v1/exchange/orders/place", "sold", "bought", "amount", "rate", may_have=("stop",)),
    "change_exchange_order": _move("/v1/exchange/orders/change", "number", "change"),
    "pay_bill": _move("/v1/bills/pay", "kind", "subscriber", "amount"),
    "pay_merchant": _move("/v1/payments", "merchant", "amount", may_have=("cvv",)),
}

# refusals of our own making: our token, our address, our speed; the customer did nothing wrong
_OUR_FAULT = frozenset({400, 401, 405, 406, 407, 408, 411, 413, 415, 421, 425, 426, 429, 431})
_NOT_FOUND_IS_A_REFUSAL = frozenset(
    {
        "card_not_found", "account_not_found", "deposit_not_found", "loan_not_found", "order_not_found", "rate_not_found",
        "subscriber_not_found", "merchant_not_found", "securities_not_found",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Reply:
    """An HTTP answer: its status and its body as read from JSON (None when it was none)."""

    status: int
    body: Any


def find_faults(operation: str, inputs: frozenset[str], outputs: frozenset[str]) -> list[str]:
    """Why a flow cannot use ``operation`` so; empty when it can."""
    known = OPERATIONS.get(operation)
    if known is None:
        return [f"the bank core has no operation {operation}; it has {', '.join(sorted(OPERATIONS))}"]
    faults = [f"{operation} needs {name}" for name in sorted(known.needs - inputs)]
    faults += [f"{operation} takes no {name}" for name in sorted(inputs - known.needs - known.may_have)]
    return faults + [f"{operation} answers no {name}" for name in sorted(outputs - known.answer.names())]


def read(operation: Operation, reply: Reply) -> BankAnswer:
    """What ``reply`` means for the caller. Nothing of its text is kept but a stable code."""
    if reply.status == 200:
        try:
            return BankAnswer("ok", values=operation.answer.model_validate(reply.body).values())
        except ValidationError:
            # it did something, but what it says of it cannot be believed
            return lost(operation, "malformed")
    if reply.status == 503:
        # by the contract nothing was done
        return BankAnswer(UNAVAILABLE, "closed")
    if 400 <= reply.status < 500:
        code = _refusal(reply)
        return BankAnswer("refused", code) if code else BankAnswer(UNAVAILABLE, f"status_{reply.status}")
    return lost(operation, f"status_{reply.status}")


def read_settled(operation: Operation, reply: Reply) -> BankAnswer | None:
    """What became of a movement whose answer was lost; None when this answer does not tell."""
    if reply.status != 200 or not isinstance(reply.body, dict):
        return None
    if reply.body.get("booked") is False:
        # by the contract it never will be either
        return BankAnswer(UNAVAILABLE, "not_booked")
    try:
        return BankAnswer("ok", values=operation.answer.model_validate(reply.body.get("movement")).values())
    except ValidationError:
        return None


def lost(operation: Operation, code: str) -> BankAnswer:
    """The question may have been heard, and no answer can be had: of a movement nobody knows whether it was booked."""
    return BankAnswer(UNKNOWN if operation.kind is Kind.MOVEMENT else UNAVAILABLE, code)


def _refusal(reply: Reply) -> str:
    """The code of a refusal by the contract; empty when the answer is something else, such as a wrong address."""
    code = reply.body.get("code") if isinstance(reply.body, dict) else None
    # it goes into events and reports: a code with digits in it might be somebody's number
    if reply.status in _OUR_FAULT or not isinstance(code, str) or not _CODE.match(code):
        return ""
    return code if reply.status != 404 or code in _NOT_FOUND_IS_A_REFUSAL else ""


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
