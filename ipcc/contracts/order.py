"""What agents may order of flows: the form a flow declares, drawn at desktops and held to by ivr. No event; a part of answers."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Words = Annotated[str, Field(min_length=1, max_length=80)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Value = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]

# characters of a customer's identifier that people who look later may see
TAIL = 4


class Part(BaseModel):
    """Base of the parts of a form."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Label(Part):
    """What people read, in both languages."""

    zh: Words
    en: Words


class OrderInput(Part):
    """One field. The value over REST is text, but of an ``amount`` a whole number of cents.

    ``account`` is a card, passbook or account number and ``phone`` a telephone number: of both only the end is kept in the audit.
    ``number`` is the number of a deposit, loan, order, issue or merchant; ``rate`` a decimal; ``date`` as 2026-03-02; ``choice`` one
    of ``choices``. Never a secret: those the customer keys himself.
    """

    type: Literal["account", "phone", "number", "amount", "rate", "currency", "date", "choice"]
    label: Label
    required: bool = True
    default: str = Field(default="", max_length=40, description="what the flow is told where it is left out")
    min_digits: int = Field(default=1, ge=1, le=20)
    max_digits: int = Field(default=20, ge=1, le=20)
    most_cents: int = Field(default=10**11 - 1, ge=1, le=10**11 - 1)
    may_be_zero: bool = False
    choices: dict[Value, Label] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_its_choices(self) -> Self:
        if (self.type == "choice") != bool(self.choices):
            raise ValueError("a choice has choices, nothing else has")
        return self

    def masked(self, value: str) -> str:
        """``value`` as it may be kept: an identifier of a customer is its last digits."""
        return f"…{value[-TAIL:]}" if self.type in ("account", "phone") else value


class OrderResult(Part):
    """One value the agent is shown when the customer has agreed to it; ``rows`` are separated by ``;``, their parts by a blank."""

    type: Literal["amount", "number", "text", "rows"]
    label: Label


class OrderForm(Part):
    """What an agent may order of a flow: ``role`` and, where it is named, ``skill`` are what he needs for it."""

    title: Label
    role: Literal["agent", "supervisor"] = "agent"
    skill: str = Field(default="", max_length=64)
    inputs: dict[Name, OrderInput] = Field(default_factory=dict, max_length=12)
    results: dict[Name, OrderResult] = Field(default_factory=dict, max_length=12)
