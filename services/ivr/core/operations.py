"""What the bank core offers to flows: the contract of docs/bankcore.openapi.yaml in the words of a flow. Pure.

A flow knows operations, inputs and outputs as text; here is which request that makes and what a refusal or a failure means; what
an answer must look like to be believed is in ``answers``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import ValidationError

from services.ivr.core.actions import BankAnswer
from services.ivr.core.answers import (
    Answer,
    Balance,
    BothRates,
    Due,
    Entries,
    Hours,
    Identified,
    Limit,
    Listed,
    Messaged,
    Moved,
    Ordered,
    Points,
    Rate,
    Swapping,
    Taking,
    ValueDay,
    Verified,
    Worded,
)

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
    "entries": _read("/v1/accounts/entries", Entries, may_have=("limit", "period", "month")),
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
    "bill_day": Operation("/v1/bills/day", Kind.READ, ValueDay, frozenset()),
    "hours": Operation("/v1/hours", Kind.READ, Hours, frozenset({"business"})),
    "limits": _read("/v1/limits", Limit, "kind"),
    "payees": _read("/v1/payees", Listed),
    "transfer_terms": _read("/v1/transfers/terms", ValueDay, "to_account", "amount"),
    "withdrawal_terms": _read("/v1/deposits/terms", Taking, "number", may_have=("amount",)),
    "deal_terms": _read("/v1/exchange/terms", Swapping, "sold", "bought", "amount", may_have=("amount_of",)),
    "exchange_rate": Operation("/v1/exchange/rate", Kind.READ, BothRates, frozenset({"currency"})),
    "rate": Operation("/v1/information/rate", Kind.READ, Rate, frozenset({"topic", "item"})),
    "information_text": Operation(
        "/v1/information/text", Kind.READ, Worded, frozenset({"topic"}), frozenset({"item", "language"})
    ),
    "order_document": Operation("/v1/documents", Kind.CHECK, Ordered, frozenset({"card_no", "kind", "by", "number"})),
    "send_message": Operation(
        "/v1/messages",
        Kind.ORDER,
        Messaged,
        frozenset({"card_no", "template"}),
        frozenset({"number", "amount", "currency", "reference"}),
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
    "exchange_deal": _move("/v1/exchange/deals", "sold", "bought", "amount", may_have=("rate", "amount_of")),
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
        "subscriber_not_found", "merchant_not_found", "securities_not_found", "business_not_found",
        "text_not_found",
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
