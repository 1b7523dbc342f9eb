"""What is said, as prompt ids in the order of the language: amounts, digits, numbers in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ipcc.errors import Invalid


class Amount(BaseModel):
    """Say the variable as money."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    amount: str = Field(description="variable with a decimal amount in yuan, such as 1234.56")


class Digits(BaseModel):
    """Say the variable digit by digit."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    digits: str = Field(description="variable whose digits are said, such as the last four of a card")


PromptId = Annotated[str, Field(pattern=r"^([a-z]+/)?[a-z0-9][a-z0-9-]{0,63}$")]
Spoken = PromptId | Amount | Digits

# an amount of 10^12 yuan or more is a fault of the caller of this module, not a balance
_LIMIT = Decimal(10) ** 12


def prompts(spoken: tuple[Spoken, ...], variables: Mapping[str, str], language: str) -> tuple[str, ...]:
    """The prompt ids to play for ``spoken`` in ``language`` (``zh`` or ``en``)."""
    found: list[str] = []
    for item in spoken:
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, Digits):
            found += [f"digits/{d}" for d in variables.get(item.digits, "") if d.isdigit()]
        else:
            found += amount(variables.get(item.amount, ""), language)
    return tuple(found)


def amount(value: str, language: str) -> list[str]:
    """A decimal amount of yuan as prompt ids. Raises Invalid when it is none."""
    try:
        money = Decimal(value)
    except InvalidOperation:
        raise Invalid("speech.amount", "a variable that is to be said as an amount holds none") from None
    if not money.is_finite() or abs(money) >= _LIMIT:
        raise Invalid("speech.amount", "a variable that is to be said as an amount holds none")
    cents = int((abs(money) * 100).to_integral_value())
    yuan, fen = divmod(cents, 100)
    said = ["currency/negative"] if money < 0 else []
    if language == "zh":
        return said + _chinese_money(yuan, fen)
    said += [*english_number(yuan), "currency/yuan"]
    return said + ([*english_number(fen), "currency/fen"] if fen else [])


def _chinese_money(yuan: int, fen: int) -> list[str]:
    said = [*chinese_number(yuan), "currency/yuan"]
    jiao, rest = divmod(fen, 10)
    if jiao:
        said += [f"digits/{jiao}", "currency/jiao"]
    elif rest:
        said.append("digits/0")
    if rest:
        said += [f"digits/{rest}", "currency/fen"]
    return said


def chinese_number(number: int) -> list[str]:
    """A whole number from 0 below 10^12 as it is read: groups of four by wan and yi, one zero for a gap."""
    if number == 0:
        return ["digits/0"]
    said: list[str] = []
    gap = False
    for unit, name in ((10**8, "digits/100000000"), (10**4, "digits/10000"), (1, "")):
        group, number = divmod(number, unit)
        if group == 0:
            gap = bool(said)
            continue
        if said and (gap or group < 1000):
            said.append("digits/0")
        said += _chinese_group(group, leads=not said)
        gap = False
        if name:
            said.append(name)
    return said


def _chinese_group(group: int, *, leads: bool) -> list[str]:
    said: list[str] = []
    pending_zero = False
    for unit, name in ((1000, "digits/thousand"), (100, "digits/hundred"), (10, "digits/10"), (1, "")):
        digit, group = divmod(group, unit)
        if digit == 0:
            pending_zero = bool(said)
            continue
        if pending_zero:
            said.append("digits/0")
            pending_zero = False
        # ten to nineteen at the very start are read without the one
        if not (unit == 10 and digit == 1 and leads and not said):
            said.append(f"digits/{digit}")
        if name:
            said.append(name)
    return said


def english_number(number: int) -> list[str]:
    """A whole number from 0 below 10^12 as it is read."""
    if number <= 20:
        return [f"digits/{number}"]
    if number < 100:
        tens, rest = divmod(number, 10)
        return [f"digits/{tens}0", *([f"digits/{rest}"] if rest else [])]
    for unit, name in ((10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= unit:
            count, rest = divmod(number, unit)
            return [*english_number(count), f"digits/{name}", *(english_number(rest) if rest else [])]
    raise AssertionError(number)
