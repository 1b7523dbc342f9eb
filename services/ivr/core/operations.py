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
Tail = Annotated[str, Field(pattern=r"^\d{4}$")]
_CODE = re.compile(r"^[a-z][a-z_.]{0,39}$")

UNAVAILABLE = "unavailable"
UNKNOWN = "unknown"


class Kind(StrEnum):
    """What repeating an operation would do: nothing, count a wrong PIN twice, or move money."""

    READ = "read"
    CHECK = "check"
    MOVEMENT = "movement"


class Answer(BaseModel):
    """An answer as the contract has it; what is more is ignored, newer banks say more."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    def values(self) -> dict[str, str]:
        """What a flow may store; yes and no for truth."""
        return {name: _as_text(value) for name, value in self.model_dump().items()}


class Identified(Answer):
    """``identify``: whose card it is."""

    customer_id: Annotated[str, Field(min_length=1, max_length=64)]
    name: Text
    segment: Text
    language: Literal["zh", "en"]
    card_tail: Tail


def _must_be_true(value: bool) -> bool:
    if not value:
        raise ValueError("a PIN that is not right is refused, not answered")
    return value


class Verified(Answer):
    """``verify_pin``: only ever true, a wrong PIN is refused."""

    verified: Annotated[bool, AfterValidator(_must_be_true)]
    customer_id: Annotated[str, Field(min_length=1, max_length=64)]


class Balance(Answer):
    """``balance``: decimal text with two places."""

    balance: Money
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    card_tail: Tail


class Transferred(Answer):
    """``transfer``: the booking."""

    booking_id: Annotated[str, Field(min_length=1, max_length=64)]
    amount: Money
    balance: Money
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    repeated: bool


@dataclass(frozen=True)
class Operation:
    """One operation: ``inputs`` go into the body under their own names; ``pin`` among ``needs`` is sealed first."""

    path: str
    kind: Kind
    answer: type[Answer]
    needs: frozenset[str]
    may_have: frozenset[str] = frozenset()

    @property
    def has_pin(self) -> bool:
        """Whether a PIN goes with it."""
        return "pin" in self.needs


OPERATIONS: Mapping[str, Operation] = {
    "identify": Operation("/v1/cards/identify", Kind.READ, Identified, frozenset({"card_no"})),
    "verify_pin": Operation("/v1/cards/verify-pin", Kind.CHECK, Verified, frozenset({"card_no", "pin"})),
    "balance": Operation("/v1/accounts/balance", Kind.READ, Balance, frozenset({"card_no"})),
    "transfer": Operation(
        "/v1/transfers",
        Kind.MOVEMENT,
        Transferred,
        frozenset({"card_no", "pin", "to_account", "amount"}),
        frozenset({"text"}),
    ),
}

# refusals of our own making: our token, our address, our speed; the customer did nothing wrong
_OUR_FAULT = frozenset({400, 401, 405, 406, 407, 408, 411, 413, 415, 421, 425, 426, 429, 431})
_NOT_FOUND_IS_A_REFUSAL = frozenset({"card_not_found", "account_not_found"})


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
    return faults + [f"{operation} answers no {name}" for name in sorted(outputs - known.answer.model_fields.keys())]


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
